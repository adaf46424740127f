// Package gateway is the one address the outside talks to.
package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/registry"
	"github.com/waybill-log/waybill/instrument"
)

// Gateway is the service.
type Gateway struct {
	registry registry.Client
	client   *http.Client
	log      *slog.Logger
}

// New makes a gateway whose calls go through transport.
func New(registry registry.Client, transport http.RoundTripper, log *slog.Logger) *Gateway {
	return &Gateway{registry: registry, client: &http.Client{Transport: transport, Timeout: 10 * time.Second}, log: log}
}

// Routes adds the gateway's API.
func (g *Gateway) Routes(e *echo.Echo) { e.POST("/purchases", g.purchase) }

// Purchase is the answer to POST /purchases: what the bank says, and the number
// to track the purchase by.
type Purchase struct {
	CorrelationID string          `json:"correlation_id"`
	Order         json.RawMessage `json:"order"`
}

// purchase answers POST /purchases {user, points}.
func (g *Gateway) purchase(c echo.Context) error {
	ctx := c.Request().Context()
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	at, err := g.registry.Lookup(ctx, "bank")
	if err != nil {
		g.log.ErrorContext(ctx, "bank not found", "error", err)
		return echo.NewHTTPError(http.StatusBadGateway, "the bank cannot be found")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at+"/orders", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	res, err := g.client.Do(req)
	if err != nil {
		g.log.ErrorContext(ctx, "bank not reached", "error", err)
		return echo.NewHTTPError(http.StatusBadGateway, "the bank does not answer")
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadGateway, "the bank broke off")
	}
	if res.StatusCode != http.StatusAccepted {
		g.log.WarnContext(ctx, "purchase refused by the bank", "status", res.StatusCode)
		return c.JSONBlob(res.StatusCode, answer)
	}
	g.log.InfoContext(ctx, "purchase accepted")
	return c.JSON(http.StatusAccepted, Purchase{CorrelationID: instrument.CorrelationID(ctx), Order: answer})
}

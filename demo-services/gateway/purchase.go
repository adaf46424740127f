package gateway

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/instrument"
)

// wishV1 is the body of POST /v1/purchases. User may be left out; it has to be who asks.
type wishV1 struct {
	XMLName xml.Name `json:"-" xml:"purchase"`
	User    string   `json:"user" xml:"user"`
	Points  int64    `json:"points" xml:"points"`
}

// wishV2 is the body of POST /v2/purchases.
type wishV2 struct {
	XMLName  xml.Name `json:"-" xml:"purchase"`
	Item     string   `json:"item" xml:"item"` // points
	Quantity int64    `json:"quantity" xml:"quantity"`
}

// Purchase is the answer to POST /v1/purchases: what the bank says, and the
// number to track the purchase by.
type Purchase struct {
	XMLName       xml.Name `json:"-" xml:"purchase"`
	CorrelationID string   `json:"correlation_id" xml:"correlation_id"`
	Order         Order    `json:"order" xml:"order"`
}

// Order is the bank's.
type Order struct {
	ID      string `json:"id" xml:"id,attr"`
	User    string `json:"user" xml:"user"`
	Points  int64  `json:"points" xml:"points"`
	Dollars int64  `json:"dollars" xml:"dollars"`
	State   string `json:"state" xml:"state"`
}

// purchaseV2 is the answer to POST /v2/purchases.
type purchaseV2 struct {
	XMLName       xml.Name `json:"-" xml:"purchase"`
	CorrelationID string   `json:"correlation_id" xml:"correlation_id"`
	Track         string   `json:"track,omitempty" xml:"track,omitempty"`
	Order         struct {
		ID       string `json:"id" xml:"id,attr"`
		Item     string `json:"item" xml:"item"`
		Quantity int64  `json:"quantity" xml:"quantity"`
		Price    money  `json:"price" xml:"price"`
		State    string `json:"state" xml:"state"`
	} `json:"order" xml:"order"`
}

// purchaseV1 answers POST /v1/purchases.
func (g *Gateway) purchaseV1(c echo.Context) error {
	want, err := accepted(c.Request())
	if err != nil {
		return err
	}
	var w wishV1
	if err := decode(c.Request(), &w); err != nil {
		return err
	}
	if who, _ := credential.From(c.Request().Context()); w.User != "" && w.User != who.Subject {
		return refuse(http.StatusForbidden, "not-yours", "Nobody buys for somebody else.")
	}
	o, status, err := g.buy(c, w.Points)
	if err != nil {
		return err
	}
	return write(c, status, want, Purchase{CorrelationID: instrument.CorrelationID(c.Request().Context()), Order: o})
}

// purchaseV2 answers POST /v2/purchases.
func (g *Gateway) purchaseV2(c echo.Context) error {
	want, err := accepted(c.Request())
	if err != nil {
		return err
	}
	var w wishV2
	if err := decode(c.Request(), &w); err != nil {
		return err
	}
	if w.Item != "points" {
		return refuse(http.StatusUnprocessableEntity, "unknown-item", "Only points can be bought.")
	}
	o, status, err := g.buy(c, w.Quantity)
	if err != nil {
		return err
	}
	id := instrument.CorrelationID(c.Request().Context())
	p := purchaseV2{CorrelationID: id, Track: trackPath(id)}
	p.Order.ID, p.Order.Item, p.Order.Quantity, p.Order.Price, p.Order.State = o.ID, w.Item, o.Points, dollars(o.Dollars), o.State
	return write(c, status, want, p)
}

// buy asks the bank. It is asked once: an order is not idempotent. The status is
// 201 where it is decided already, 202 where it will be.
func (g *Gateway) buy(c echo.Context, points int64) (o Order, status int, err error) {
	if points < 1 {
		return o, 0, refuse(http.StatusUnprocessableEntity, "invalid-amount", "At least one point is needed.")
	}
	ctx := c.Request().Context()
	body, err := json.Marshal(map[string]int64{"points": points})
	if err != nil {
		return o, 0, fmt.Errorf("write order: %w", err)
	}
	a, err := g.call(ctx, http.MethodPost, "bank", "/orders", body)
	if err != nil {
		return o, 0, err
	}
	if a.status >= http.StatusBadRequest {
		return o, 0, a.refused()
	}
	o.Dollars = points // one dollar each, where the bank does not say
	if err := json.Unmarshal(a.body, &o); err != nil {
		return o, 0, fmt.Errorf("read order: %w", err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	g.log.InfoContext(ctx, "purchase accepted", "order_id", o.ID, "points", o.Points)
	return o, a.status, nil
}

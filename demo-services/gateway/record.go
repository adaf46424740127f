package gateway

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// record writes one line for each request, once its answer is made. Errors
// become answers here, so that the line knows them; the journey gets them too.
func (g *Gateway) record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began, broken := time.Now(), true
		var err error
		defer func() { g.line(c, began, broken, err) }()
		if err = next(c); err != nil {
			Problem(err, c)
		}
		broken = false
		return err
	}
}

func (g *Gateway) line(c echo.Context, began time.Time, broken bool, err error) {
	r, w := c.Request(), c.Response()
	who, _ := credential.From(r.Context())
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", w.Status), slog.Int64("bytes", w.Size),
		slog.Duration("took", time.Since(began)), slog.String("client", client(r).String()), slog.String("user", who.Subject),
	}
	if from := w.Header().Get(headerCache); from != "" {
		attrs = append(attrs, slog.String("cache", from))
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	if broken {
		attrs = append(attrs, slog.Bool("broken_off", true))
	}
	g.log.LogAttrs(r.Context(), levelOf(w.Status, broken), "request", attrs...)
}

func levelOf(status int, broken bool) slog.Level {
	switch {
	case broken || status >= http.StatusInternalServerError:
		return slog.LevelError
	case status >= http.StatusBadRequest:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

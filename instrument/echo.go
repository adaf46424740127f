package instrument

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/trace"
)

type echoKey struct{}

// echoCall hands one request through net/http and back.
type echoCall struct {
	c    echo.Context
	next echo.HandlerFunc
}

// Echo is middleware for echo v4: every request is a hop named by its route.
// Use it first, so that requests refused by later middleware are hops too.
func (in *Instrument) Echo() echo.MiddlewareFunc {
	handler := in.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := r.Context().Value(echoKey{}).(echoCall)
		call.c.SetRequest(r)
		call.c.Response().Writer = w
		if err := call.next(call.c); err != nil {
			call.c.Error(err) // now, so that the hop sees the status
			if call.c.Response().Status >= http.StatusInternalServerError {
				trace.SpanFromContext(r.Context()).RecordError(err)
			}
		}
	}))
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			writer := c.Response().Writer
			defer func() { c.Response().Writer = writer }()
			r := c.Request().WithContext(context.WithValue(c.Request().Context(), echoKey{}, echoCall{c, next}))
			if path := c.Path(); path != "" {
				r.Pattern = r.Method + " " + path
			}
			handler.ServeHTTP(writer, r)
			return nil
		}
	}
}

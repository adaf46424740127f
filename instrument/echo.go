package instrument

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/trace"
)

// Echo is middleware for echo v4: every request is a hop named by its route.
// Use it first, so that requests refused by later middleware are hops too.
func (in *Instrument) Echo(options ...EdgeOption) echo.MiddlewareFunc {
	traced := in.middleware(options)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			writer := c.Response().Writer
			defer func() { c.Response().Writer = writer }()
			r := c.Request()
			if path := c.Path(); path != "" {
				r.Pattern = r.Method + " " + path // as a http.ServeMux does
			}
			// A handler for each request takes less memory than to hand c through its context.
			traced(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.SetRequest(r)
				c.Response().Writer = w
				if err := next(c); err != nil {
					c.Error(err) // now, so that the hop sees the status
					if c.Response().Status >= http.StatusInternalServerError {
						noteError(trace.SpanFromContext(r.Context()), err)
					}
				}
			})).ServeHTTP(writer, r)
			return nil
		}
	}
}

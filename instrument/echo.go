package instrument

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Echo is middleware for echo v4: every request is a hop named by its route.
// Use it first, so that requests refused by later middleware are hops too.
func (in *Instrument) Echo(options ...EdgeOption) echo.MiddlewareFunc {
	g := in.gate(options)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			writer, r := c.Response().Writer, c.Request()
			defer func() { c.Response().Writer = writer }()
			if path := c.Path(); path != "" {
				r.Pattern = r.Method + " " + path // as a http.ServeMux does
			}
			v := g.arrive(writer, r)
			defer v.span.End() // last, and directly: it puts a panic on record and lets it go on
			defer v.leave()
			c.SetRequest(v.request)
			c.Response().Writer = v.writer
			if err := next(c); err != nil {
				c.Error(err) // now, so that the hop sees the status
				if c.Response().Status >= http.StatusInternalServerError {
					noteError(v.span, err)
				}
			}
			v.returned = true
			return nil
		}
	}
}

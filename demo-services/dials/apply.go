package dials

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// ErrDialled is an error that a dial has made.
var ErrDialled = errors.New("an error that was dialled")

// Fails reports whether this time is one of those that fail.
func (d Dial) Fails() bool { return d.Errors > 0 && rand.Float64() < d.Errors }

// Echo has a service answer as its dials stand.
func (d *Dials) Echo(service string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			dial := d.Of(service)
			if dial.Latency > 0 {
				t := time.NewTimer(dial.Latency)
				defer t.Stop()
				select {
				case <-t.C:
				case <-c.Request().Context().Done():
					return c.Request().Context().Err()
				}
			}
			if dial.Sick || dial.Fails() {
				return echo.NewHTTPError(http.StatusInternalServerError, "this service is out of order").SetInternal(ErrDialled)
			}
			return next(c)
		}
	}
}

// Transport has a service's calls go out as its dials stand.
func (d *Dials) Transport(service string, next http.RoundTripper) http.RoundTripper {
	return transport{d, service, next}
}

type transport struct {
	dials   *Dials
	service string
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.dials.Of(t.service).LoseHeader {
		r = r.Clone(r.Context())
		for _, name := range []string{"X-Correlation-Id", "Traceparent", "Tracestate", "Baggage"} {
			r.Header.Del(name)
		}
	}
	return t.next.RoundTrip(r)
}

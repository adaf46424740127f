package gateway

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

const (
	maxURI     = 8 << 10 // bytes
	maxHeaders = 100     // fields
)

// sound refuses requests whose framing two servers could read differently, that
// are too large, or that have been here before.
func (g *Gateway) sound(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		p := g.unsound(r)
		if p == nil {
			return next(c)
		}
		c.Response().Header().Set("Connection", "close") // the rest of such a connection is not to be read
		return p
	}
}

// unsound says what is wrong with a request; nil: nothing. Bodies need a
// Content-Length: net/http forgets one that came beside a Transfer-Encoding, so
// that all of the latter are refused.
func (g *Gateway) unsound(r *http.Request) *problem {
	switch refused, ok := refusedBefore(r.Context()); {
	case ok:
		return refuse(refused, "malformed-request", "The request is not sound HTTP, or too large.")
	case len(r.TransferEncoding) > 0 || r.ContentLength < 0:
		return refuse(http.StatusLengthRequired, "length-required", "A body needs a Content-Length and no Transfer-Encoding.")
	case r.ContentLength > g.cfg.Limits.Body:
		return refuse(http.StatusRequestEntityTooLarge, "body-too-large", "The body is too large.")
	case len(r.RequestURI) > maxURI:
		return refuse(http.StatusRequestURITooLong, "address-too-long", "The address is too long.")
	case tooLarge(r.Header, g.cfg.Limits.Headers):
		return refuse(http.StatusRequestHeaderFieldsTooLarge, "headers-too-large", "The headers are too large.")
	case g.passed(r.Header):
		return refuse(http.StatusLoopDetected, "cyclic-route", "The request has been here before.")
	}
	return nil
}

func tooLarge(h http.Header, limit int) bool {
	fields, bytes := 0, 0
	for name, values := range h {
		for _, v := range values {
			fields++
			bytes += len(name) + len(v)
		}
	}
	return fields > maxHeaders || bytes > limit
}

// passed reports whether a Via entry is ours (RFC 9110, 7.6.3).
func (g *Gateway) passed(h http.Header) bool {
	for _, via := range h["Via"] {
		for entry := range strings.SplitSeq(via, ",") {
			if by := strings.Fields(entry); len(by) > 1 && by[1] == g.cfg.Name {
				return true
			}
		}
	}
	return false
}

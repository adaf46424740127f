package gateway

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// strip drops the headers that only this system may set, and those meant for
// one connection, before anything reads them.
func (g *Gateway) strip(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		dropForged(c.Request().Header)
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		return next(c)
	}
}

func dropForged(h http.Header) {
	for _, named := range h["Connection"] {
		for name := range strings.SplitSeq(named, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for name := range h {
		if forged(name) {
			delete(h, name)
		}
	}
}

// forged reports whether a header is none that strangers may send. Some servers
// take X_Internal_ for X-Internal-, so it is none either.
func forged(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	switch name {
	case "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade", // RFC 9110, 7.6.1
		"forwarded", "x-real-ip", "x-original-url", "x-rewrite-url", "x-http-method-override":
		return true
	}
	return strings.HasPrefix(name, "x-internal-") || strings.HasPrefix(name, "x-forwarded-")
}

package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// entry is an answer that is kept. It is not changed.
type entry struct {
	rule   rule
	header http.Header // only what the answer says of itself
	body   []byte
	at     time.Time
	fresh  time.Duration
}

func (e *entry) size() (n int) {
	for name, values := range e.header {
		n += len(name) + len(strings.Join(values, ""))
	}
	return n + len(e.body) + 128 // and the entry itself
}

// reply answers with e, or says that the caller has it already.
func (e *entry) reply(c echo.Context, from string) error {
	h := c.Response().Header()
	for name, values := range e.header {
		h[name] = append([]string(nil), values...)
	}
	h.Set("Age", strconv.Itoa(int(time.Since(e.at).Seconds())))
	h.Set(headerCache, from)
	if matches(c.Request().Header, h.Get("ETag")) {
		h.Del("Content-Type")
		return c.NoContent(http.StatusNotModified)
	}
	h.Set("Content-Length", strconv.Itoa(len(e.body)))
	c.Response().WriteHeader(http.StatusOK)
	_, err := c.Response().Write(e.body)
	return err
}

// matches compares weakly (RFC 9110, 13.1.2).
func matches(h http.Header, etag string) bool {
	for _, text := range h["If-None-Match"] {
		for tag := range strings.SplitSeq(text, ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
				return true
			}
		}
	}
	return false
}

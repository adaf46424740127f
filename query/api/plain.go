package api

import (
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
)

// plain has operations see path parameters as the caller meant them, and answers 400 to all
// that cannot be read.
func plain(ctx huma.Context, next func(huma.Context)) { next(plainContext{ctx}) }

type inner = huma.Context // whose method Context an embedded field of that name would hide

type plainContext struct{ inner }

// Unwrap is how the adapter finds its own.
func (c plainContext) Unwrap() huma.Context { return c.inner }

// Param unescapes what was matched on the escaped path, as it is where that says more than the plain one.
func (c plainContext) Param(name string) string {
	value := c.inner.Param(name)
	if u := c.URL(); u.RawPath != "" {
		if plain, err := url.PathUnescape(value); err == nil {
			return plain
		}
	}
	return value
}

func (c plainContext) SetStatus(code int) {
	if code == http.StatusUnprocessableEntity {
		code = http.StatusBadRequest
	}
	c.inner.SetStatus(code)
}

package gateway

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/instrument"
)

// passage is a request that is passed on as it is.
type passage struct {
	service string
	path    string // as it came, escaped
	err     error  // why it has no answer
}

type passageKey struct{}

// known refuses names that are not on the list, and what services serve for
// this system only.
func (g *Gateway) known(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		name := c.Param("name")
		rest, ok := strings.CutPrefix(c.Request().URL.EscapedPath(), "/services/"+name+"/")
		if !ok || !slices.Contains(g.cfg.Expose, name) || !servable(rest) {
			return refuse(http.StatusNotFound, "unknown-service", "There is no such service.")
		}
		p := &passage{service: name, path: "/" + rest}
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), passageKey{}, p)))
		return next(c)
	}
}

// servable reports whether a path is for strangers: a clean one, of no
// operations' endpoint.
func servable(rest string) bool {
	plain, err := url.PathUnescape(rest)
	if err != nil || strings.ContainsAny(plain, "\\\x00") || path.Clean("/"+plain) != strings.TrimSuffix("/"+plain, "/") && plain != "" {
		return false
	}
	first, _, _ := strings.Cut(plain, "/")
	return !slices.Contains([]string{"healthz", "readyz", "diagnostics", "metrics", "debug"}, strings.ToLower(first))
}

// pass answers ANY /services/{name}/…
func (g *Gateway) pass(c echo.Context) error {
	r := c.Request()
	if !idempotent(r.Method) && r.Method != http.MethodPost && r.Method != http.MethodPatch {
		return echo.ErrMethodNotAllowed
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		ctx, cancel := context.WithTimeout(r.Context(), g.cfg.Limits.Call)
		defer cancel()
		r = r.WithContext(ctx)
	}
	g.proxy.ServeHTTP(c.Response(), r)
	return passageOf(r.Context()).err
}

func passageOf(ctx context.Context) *passage {
	if p, ok := ctx.Value(passageKey{}).(*passage); ok {
		return p
	}
	return &passage{}
}

// newProxy makes what passes requests on. Streams (text/event-stream, or of
// unknown length) are flushed at once, which ReverseProxy does by itself.
func (g *Gateway) newProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: g.transport, BufferPool: &buffers{}, Rewrite: rewrite, ModifyResponse: modify,
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			p := passageOf(r.Context())
			p.err = serviceFailed(p.service, err)
		},
		ErrorLog: log.New(io.Discard, "", 0), // the request's line says that it broke off
	}
}

func rewrite(r *httputil.ProxyRequest) {
	p := passageOf(r.In.Context())
	u := url.URL{Scheme: "http", Host: p.service, RawQuery: r.Out.URL.RawQuery, RawPath: p.path}
	u.Path, _ = url.PathUnescape(p.path) // it could be, when it was found servable
	r.Out.URL, r.Out.Host = &u, ""
}

// modify keeps from callers what is only for this system.
func modify(res *http.Response) error {
	service := passageOf(res.Request.Context()).service
	if res.StatusCode >= http.StatusInternalServerError {
		return &serviceError{service: service, status: res.StatusCode, header: res.Header}
	}
	if res.Header.Get("Set-Cookie") != "" { // it was for one caller
		res.Header.Set("Cache-Control", "no-store")
	}
	for _, name := range []string{"Server", "X-Powered-By", "Set-Cookie", "Via", "Www-Authenticate", instrument.HeaderCorrelationID, headerCache} {
		res.Header.Del(name)
	}
	dropForged(res.Header)
	return nil
}

// buffers are those of the proxy, used again.
type buffers struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

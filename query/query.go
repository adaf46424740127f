package query

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// Config says what the API reads and who may ask it.
type Config struct {
	Reader   store.Reader
	Ready    func(context.Context) error                    // nil: always ready
	Evidence Evidence                                       // nil: there is none
	Erase    func(ctx context.Context, keys []string) error // hides correlation keys from Reader for good; nil: nothing can be erased
	Pages    fs.FS                                          // the web page; nil: none
	Token    string                                         // demanded of every API call; empty: none
	Logger   *slog.Logger                                   // nil discards

	// Middleware goes first, such as instrument's own.
	Middleware []echo.MiddlewareFunc
}

// Evidence tells what verdicts may rest on besides the records; evidence.Gatherer does.
type Evidence interface {
	// AsOf is the horizon: all that was shipped before is stored. Zero: it is not known.
	AsOf() (time.Time, error)
	For(asOf time.Time, moments iter.Seq[*record.Record]) journey.Evidence
}

// maxRecords bounds the records read for one journey.
const maxRecords = 10_000

// policy lets the page load its own files and ask its own server, nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"

type server struct {
	cfg      Config
	log      *slog.Logger
	requests *prometheus.CounterVec
}

// New returns the API and the page as one handler.
func New(cfg Config) http.Handler {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &server{cfg: cfg, log: cfg.Logger, requests: prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "waybill_http_requests_total", Help: "Requests answered, by route and status."}, []string{"route", "status"})}
	reg := prometheus.NewRegistry()
	reg.MustRegister(s.requests)

	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = s.problem
	e.Use(cfg.Middleware...)
	e.Use(s.count, middleware.RequestID(), secure, middleware.Recover(), middleware.BodyLimit("64K"))

	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(reg, promhttp.HandlerOpts{})))
	api := e.Group("/api/v1", s.authorize)
	api.GET("/journeys/:id", s.journey)
	if cfg.Erase != nil {
		api.DELETE("/journeys/:id", s.erase)
	}
	if cfg.Pages != nil {
		files := http.FileServerFS(cfg.Pages)
		e.Match([]string{http.MethodGet, http.MethodHead}, "/*", echo.WrapHandler(cacheForever("/assets/", files)))
	}
	return e
}

func (s *server) ready(c echo.Context) error {
	if s.cfg.Ready != nil {
		ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
		defer cancel()
		if err := s.cfg.Ready(ctx); err != nil {
			return c.String(http.StatusServiceUnavailable, err.Error()+"\n")
		}
	}
	return c.String(http.StatusOK, "ok\n")
}

// authorize demands the token of an API call (RFC 6750).
func (s *server) authorize(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.cfg.Token == "" {
			return next(c)
		}
		scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(s.cfg.Token)) != 1 {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="waybill"`)
			return echo.NewHTTPError(http.StatusUnauthorized, "this server wants a token: send it as Authorization: Bearer …")
		}
		return next(c)
	}
}

func secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		return next(c)
	}
}

func (s *server) count(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := next(c); err != nil {
			c.Error(err)
		}
		s.requests.WithLabelValues(c.Path(), fmt.Sprint(c.Response().Status)).Inc()
		return nil
	}
}

// cacheForever marks files below prefix, whose names change with their content.
func cacheForever(prefix string, files http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		files.ServeHTTP(w, r)
	})
}

// problem writes every error as problem+json. What is not meant for the caller
// is logged and called an internal error.
func (s *server) problem(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := problem{Status: http.StatusInternalServerError, Detail: "internal error; the server's log says more"}
	var known *problem
	var http4 *echo.HTTPError
	switch {
	case errors.As(err, &known):
		p = *known
	case errors.As(err, &http4):
		p.Status, p.Detail = http4.Code, fmt.Sprint(http4.Message)
	case errors.Is(err, store.ErrUnavailable):
		p.Status, p.Detail = http.StatusServiceUnavailable, "the store does not answer now; try again"
	}
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	if p.Status >= http.StatusInternalServerError {
		s.log.ErrorContext(c.Request().Context(), "request failed", "route", c.Path(), "status", p.Status, "error", err)
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	if err := c.JSON(p.Status, p); err != nil {
		s.log.DebugContext(c.Request().Context(), "answer not sent", "error", err)
	}
}

// problem is an error for the caller (RFC 9457).
type problem struct {
	Type       string   `json:"type"`
	Title      string   `json:"title"`
	Status     int      `json:"status"`
	Detail     string   `json:"detail"`
	Candidates []string `json:"candidates,omitempty"` // journeys that the ID may mean
}

func (p *problem) Error() string { return p.Detail }

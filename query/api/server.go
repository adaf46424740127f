package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/access"
	"github.com/waybill-log/waybill/store/filter"
)

// Config says what is answered, and to whom.
type Config struct {
	Desk  *query.Desk
	Ready func(context.Context) error // nil: always ready

	// Tail writes records as they come, as server-sent events, until the client is gone; an
	// error is one before the first of them. nil: there is no tail.
	Tail func(w http.ResponseWriter, r *http.Request, search filter.Search) error

	Alerts Alerts // nil: nobody knows of alerts

	Guard  Guard        // nil: whoever asks on this machine may do everything
	Pages  fs.FS        // the web page; nil: none
	Logger *slog.Logger // nil discards

	// Middleware goes first, such as instrument's own.
	Middleware []echo.MiddlewareFunc
}

type server struct {
	cfg      Config
	desk     *query.Desk
	log      *slog.Logger
	api      huma.API
	requests *prometheus.CounterVec
}

// maxBody is more than any request has: silences are short.
const maxBody = "64K"

// New returns the API and the page as one handler.
func New(cfg Config) (http.Handler, error) {
	_, e, err := newServer(cfg)
	return e, err
}

func newServer(cfg Config) (*server, *echo.Echo, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Guard == nil {
		cfg.Guard = access.New(access.Config{})
	}
	s := &server{cfg: cfg, desk: cfg.Desk, log: cfg.Logger, requests: prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "waybill_http_requests_total", Help: "Requests answered, by route and status."}, []string{"route", "status"})}
	reg := prometheus.NewRegistry()
	reg.MustRegister(s.requests)

	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = s.problem
	e.Use(cfg.Middleware...)
	e.Use(s.count, requestID, secure, middleware.Recover(), middleware.BodyLimit(maxBody), s.protect)

	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(reg, promhttp.HandlerOpts{})))
	s.api = humaecho.New(e, described())
	s.api.UseMiddleware(plain)
	s.journeys()
	s.records()
	s.overview()
	s.operations()
	s.alerts()
	s.tail()
	if err := s.describe(e); err != nil {
		return nil, nil, fmt.Errorf("describe the API: %w", err)
	}
	if cfg.Pages != nil {
		e.Match([]string{http.MethodGet, http.MethodHead}, "/*", pages(cfg.Pages))
	}
	return s, e, nil
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

func (s *server) count(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := next(c); err != nil {
			c.Error(err)
		}
		s.requests.WithLabelValues(c.Path(), fmt.Sprint(c.Response().Status)).Inc()
		return nil
	}
}

// answer is a body with its horizon.
type answer[T any] struct {
	AsOf string `header:"X-Waybill-As-Of" doc:"Through when the answer knows of everything that was shipped"`
	Body T
}

func answered[T any](body T, asOf *time.Time, err error) (*answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &answer[T]{AsOf: header(asOf), Body: body}, nil
}

func header(asOf *time.Time) string {
	if asOf == nil || asOf.IsZero() {
		return ""
	}
	return asOf.UTC().Format(time.RFC3339Nano)
}

// add puts an operation where its path says, for those who have the role of its route.
func add[I, O any](s *server, op huma.Operation, ask func(context.Context, *I) (*O, error)) {
	op.Extensions = map[string]any{roleExtension: roles[op.Method+" "+op.Path].String()}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := ask(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, op.Path, err)
		}
		return out, nil
	})
}

// get is an operation that only reads.
func get(path, name, summary string) huma.Operation {
	return huma.Operation{Method: http.MethodGet, Path: base + path, OperationID: name, Summary: summary}
}

// content describes an answer that is streamed.
func content(description string, media map[string]*huma.MediaType) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: description, Content: media}}
}

func (s *server) schema(of any) *huma.Schema {
	return s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(of), true, "")
}

// streamed is an answer that is written as it is made.
type streamed struct {
	AsOf string `header:"X-Waybill-As-Of" doc:"Through when the answer knows of everything that was shipped"`
	Body func(huma.Context)
}

// cut ends an answer that has begun, so that whoever reads it does not take it for whole.
func (s *server) cut(ctx context.Context, err error) {
	if err == nil {
		return
	}
	if !errors.Is(err, context.Canceled) {
		s.log.ErrorContext(ctx, "an answer was cut", "error", err)
	}
	panic(http.ErrAbortHandler)
}

package instrument

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// direct serves a request in the goroutine that makes it: what is measured is
// what sides add, not the kernel.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	in := &http.Request{
		Method: r.Method, URL: r.URL, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: r.Header.Clone(), Body: http.NoBody,
		Host: r.URL.Host, RemoteAddr: "127.0.0.1:40000", RequestURI: r.URL.Path,
	}
	in = in.WithContext(context.Background())
	w := httptest.NewRecorder()
	d.ServeHTTP(page{w}, in)
	return w.Result(), nil
}

// page can do what net/http's own writer can.
type page struct{ *httptest.ResponseRecorder }

func (p page) FlushError() error                            { p.Flush(); return nil }
func (p page) CloseNotify() <-chan bool                     { return nil }
func (p page) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }
func (p page) ReadFrom(r io.Reader) (int64, error)          { return io.Copy(p.ResponseRecorder, r) }

// BenchmarkHTTP compares what Echo and Transport add to a request with what
// otelhttp alone adds, spans sampled at 1 %: without a network, and over
// loopback. "alternating" takes the three in turn and reports their medians.
func BenchmarkHTTP(b *testing.B) {
	b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	b.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.01")
	in, err := Start(context.Background(), Config{Service: "bank", Version: "1.2.3", Environment: "prod", Deliver: func(string, []byte, []byte) error { return nil }, Scoped: true, Console: slog.DiscardHandler})
	if err != nil {
		b.Fatal(err)
	}
	defer in.Shutdown(context.Background())
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01))))
	both := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	options := []otelhttp.Option{otelhttp.WithTracerProvider(provider), otelhttp.WithPropagators(both)}
	web := func(use ...echo.MiddlewareFunc) *echo.Echo {
		e := echo.New()
		e.Use(use...)
		e.GET("/accounts/:id", func(c echo.Context) error { return c.String(http.StatusOK, "100 EUR\n") })
		return e
	}
	none := func(base http.RoundTripper) http.RoundTripper { return base }
	peer := func(base http.RoundTripper) http.RoundTripper { return otelhttp.NewTransport(base, options...) }
	sides := []struct {
		name    string
		handler http.Handler
		wrap    func(http.RoundTripper) http.RoundTripper
	}{{"plain", web(), none}, {"ours", web(in.Echo()), in.Transport}, {"otelhttp", otelhttp.NewHandler(web(), "bank", options...), peer}}

	for _, way := range []string{"direct", "loopback"} {
		var calls []func()
		for _, s := range sides {
			url, base := "http://127.0.0.1:8080", http.RoundTripper(direct{s.handler})
			if way == "loopback" {
				server := httptest.NewServer(s.handler)
				defer server.Close()
				transport := http.DefaultTransport.(*http.Transport).Clone()
				defer transport.CloseIdleConnections()
				url, base = server.URL, transport
			}
			rt := s.wrap(base)
			calls = append(calls, func() {
				req, err := http.NewRequest(http.MethodGet, url+"/accounts/7", nil)
				if err != nil {
					b.Fatal(err)
				}
				res, err := rt.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				if _, err = io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
					b.Fatal(res.Status, err)
				}
				res.Body.Close()
			})
		}
		for i, s := range sides {
			b.Run(way+"/"+s.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					calls[i]()
				}
			})
		}
		b.Run(way+"/alternating", func(b *testing.B) {
			spent := make([][]time.Duration, len(sides))
			for b.Loop() {
				for i, call := range calls {
					began := time.Now()
					call()
					spent[i] = append(spent[i], time.Since(began))
				}
			}
			var median [3]float64
			for i, s := range sides {
				slices.Sort(spent[i])
				median[i] = float64(spent[i][len(spent[i])/2].Nanoseconds())
				b.ReportMetric(median[i], s.name+"-ns")
			}
			b.ReportMetric((median[1]-median[0])/(median[2]-median[0]), "ratio")
		})
	}
	if h := in.Health(); h.Refused+h.Dropped > 0 {
		b.Errorf("%+v", h)
	}
}

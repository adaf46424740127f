package instrument

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// watched is an instance with a span processor of which it does not know.
func watched(t *testing.T, sampler string, processors ...sdktrace.SpanProcessor) (*Instrument, *tracetest.SpanRecorder) {
	t.Helper()
	t.Setenv("OTEL_TRACES_SAMPLER", sampler)
	in, err := Start(context.Background(), Config{Service: "bank", Deliver: func(string, []byte, []byte) error { return nil }, Scoped: true, Console: slog.DiscardHandler, SpanProcessors: processors})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	seen := tracetest.NewSpanRecorder()
	in.own.RegisterSpanProcessor(seen)
	return in, seen
}

// attributesOf are those of the spans that ended, by kind.
func attributesOf(seen *tracetest.SpanRecorder) map[string]string {
	all := map[string]string{}
	for _, s := range seen.Ended() {
		attrs := map[attribute.Key]string{}
		for _, a := range s.Attributes() {
			attrs[a.Key] = a.Value.String()
		}
		delete(attrs, "network.peer.port") // another connection
		var lines []string
		for _, key := range slices.Sorted(maps.Keys(attrs)) {
			lines = append(lines, fmt.Sprintf("%s=%s", key, attrs[key]))
		}
		all[s.SpanKind().String()] = fmt.Sprintf("%s %v %s", s.Status().Code, s.Status().Description, strings.Join(lines, " "))
	}
	return all
}

// otelhttp is the measure of what a span of HTTP has to say.
func TestSpansHaveTheAttributesThatOtelhttpGives(t *testing.T) {
	full, fullSeen := watched(t, "always_on", tracetest.NewSpanRecorder())
	lean, leanSeen := watched(t, "always_on")
	none, noneSeen := watched(t, "always_off")
	peerSeen := tracetest.NewSpanRecorder()
	options := []otelhttp.Option{
		otelhttp.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithSpanProcessor(peerSeen))), otelhttp.WithPropagators(propagation.TraceContext{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(map[string]int{"7": 200, "8": 404, "9": 503}[r.PathValue("id")])
		io.WriteString(w, "answer")
	})
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	handlers := map[*tracetest.SpanRecorder]http.Handler{fullSeen: full.Handler(mux), leanSeen: lean.Handler(mux), noneSeen: none.Handler(mux), peerSeen: otelhttp.NewHandler(mux, "", options...)}
	transports := map[*tracetest.SpanRecorder]http.RoundTripper{
		fullSeen: full.Transport(base), leanSeen: lean.Transport(base), noneSeen: none.Transport(base), peerSeen: otelhttp.NewTransport(base, options...),
	}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	defer server.Close()
	f := func(method, path, body string, header ...string) {
		t.Helper()
		got := map[*tracetest.SpanRecorder]map[string]string{}
		for seen, h := range handlers {
			handler = h
			seen.Reset()
			req, err := http.NewRequest(method, strings.Replace(server.URL, "://", "://user:pass@", 1)+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(header); i += 2 {
				req.Header.Set(header[i], header[i+1])
			}
			res, err := transports[seen].RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			for deadline := time.Now().Add(5 * time.Second); len(seen.Ended()) < 2; time.Sleep(time.Millisecond) { // the server's span ends when the client has the answer
				if time.Now().After(deadline) {
					t.Fatalf("%s %s: of two spans %v", method, path, attributesOf(seen))
				}
			}
			got[seen] = attributesOf(seen)
		}
		for _, seen := range []*tracetest.SpanRecorder{fullSeen, leanSeen} {
			for _, kind := range []string{"server", "client"} {
				is := strings.Replace(got[seen][kind], " http.route=/orders/{id}", "", 1) // which otelhttp asks for too early
				routed := is != got[seen][kind]
				if is != got[peerSeen][kind] || routed != (kind == "server" && path != "/nowhere") {
					t.Errorf("%s %s, lean %v: %s span is\n%s\nwant\n%s", method, path, seen == leanSeen, kind, got[seen][kind], got[peerSeen][kind])
				}
			}
		}
		for kind, attrs := range got[noneSeen] {
			if strings.Contains(attrs, "=") && !strings.Contains(attrs, "original=") {
				t.Errorf("%s %s: an unsampled %s span has %s", method, path, kind, attrs)
			}
		}
	}
	f("GET", "/orders/7", "", "User-Agent", "curl", "X-Forwarded-For", "10.0.0.1, 10.0.0.2")
	f("POST", "/orders/8?a=b", "{}", "User-Agent", "curl")
	f("BREW", "/orders/9", "", "User-Agent", "curl")
	f("get", "/nowhere", "", "User-Agent", "curl")
}

type bareWriter struct{ http.ResponseWriter }

type http2Writer struct{ bareWriter }

func (http2Writer) Flush()                               {}
func (http2Writer) FlushError() error                    { return nil }
func (http2Writer) CloseNotify() <-chan bool             { return nil }
func (http2Writer) Push(string, *http.PushOptions) error { return nil }
func (w http2Writer) WriteString(s string) (int, error)  { return w.Write([]byte(s)) }
func (http2Writer) EnableFullDuplex() error              { return nil }

type hijackingHTTP2 struct{ http2Writer }

func (hijackingHTTP2) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

type pushingHTTP1 struct{ page }

func (pushingHTTP1) Push(string, *http.PushOptions) error { return nil }

// abilities are what a handler may find a writer can do.
func abilities(w http.ResponseWriter) (can []string) {
	for name, is := range map[string]func() bool{
		"flush": func() bool { _, ok := w.(http.Flusher); return ok }, "flush error": func() bool { _, ok := w.(interface{ FlushError() error }); return ok },
		"hijack": func() bool { _, ok := w.(http.Hijacker); return ok }, "read": func() bool { _, ok := w.(io.ReaderFrom); return ok },
		"push": func() bool { _, ok := w.(http.Pusher); return ok }, "string": func() bool { _, ok := w.(io.StringWriter); return ok },
		"notify": func() bool { _, ok := w.(notifier); return ok },
	} {
		if is() {
			can = append(can, name)
		}
	}
	slices.Sort(can)
	return can
}

func TestAHandlersWriterCanDoWhatTheServersCan(t *testing.T) {
	recorder := httptest.NewRecorder()
	for _, w := range []http.ResponseWriter{page{recorder}, recorder, bareWriter{recorder}, http2Writer{bareWriter{recorder}}, hijackingHTTP2{http2Writer{bareWriter{recorder}}}, pushingHTTP1{page{recorder}}} {
		var taps tap
		got := taps.wrap(w)
		if a, b := abilities(got), abilities(w); !slices.Equal(a, b) {
			t.Errorf("%T: can %v, want %v", w, a, b)
		}
		if u, ok := got.(interface{ Unwrap() http.ResponseWriter }); !ok || u.Unwrap() != w {
			t.Errorf("%T cannot be unwrapped from %T", w, got)
		}
	}
	in, _ := watched(t, "always_off")
	var there, here []string
	var deadline error
	look := func(can *[]string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			*can = abilities(w)
			deadline = errors.Join(deadline, http.NewResponseController(w).EnableFullDuplex())
		})
	}
	for can, h := range map[*[]string]http.Handler{&there: look(&there), &here: in.Handler(look(&here))} {
		server := httptest.NewServer(h)
		res, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		server.Close()
		if len(*can) != 6 || deadline != nil {
			t.Errorf("net/http's can %v, %v", *can, deadline)
		}
	}
	if !slices.Equal(there, here) {
		t.Errorf("can %v, want %v", here, there)
	}
}

func TestTheStatusIsNotedHoweverItIsWritten(t *testing.T) {
	f := func(name string, status, size int64, write func(http.ResponseWriter)) {
		t.Helper()
		for _, base := range []http.ResponseWriter{page{httptest.NewRecorder()}, http2Writer{bareWriter{httptest.NewRecorder()}}, httptest.NewRecorder(), bareWriter{httptest.NewRecorder()}} {
			var taps tap
			write(taps.wrap(base))
			if got := int64(taps.code()); got != status || taps.written.Load() != size {
				t.Errorf("%s on %T: status %d and %d bytes, want %d and %d", name, base, got, taps.written.Load(), status, size)
			}
		}
	}
	f("nothing", 200, 0, func(http.ResponseWriter) {})
	f("header", 404, 0, func(w http.ResponseWriter) { w.WriteHeader(404) })
	f("first header", 404, 0, func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(500) })
	f("information", 201, 0, func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(201) })
	f("upgrade", 101, 0, func(w http.ResponseWriter) { w.WriteHeader(101) })
	f("body", 200, 3, func(w http.ResponseWriter) { w.Write([]byte("abc")); w.WriteHeader(500) })
	f("string", 200, 3, func(w http.ResponseWriter) { io.WriteString(w, "abc"); w.WriteHeader(500) })
	f("reader", 200, 3, func(w http.ResponseWriter) {
		io.Copy(w, io.LimitReader(strings.NewReader("abc"), 3))
		w.WriteHeader(500)
	})
	f("both", 202, 3, func(w http.ResponseWriter) { w.WriteHeader(202); w.Write([]byte("abc")) })
	flushed := []http.ResponseWriter{page{httptest.NewRecorder()}, http2Writer{bareWriter{httptest.NewRecorder()}}, httptest.NewRecorder()}
	for _, base := range flushed {
		var taps tap
		w := taps.wrap(base)
		http.NewResponseController(w).Flush()
		w.WriteHeader(500)
		if taps.code() != 200 {
			t.Errorf("%T flushed, then %d", base, taps.code())
		}
	}
}

// roundTripper is one of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type upgraded struct{ bytes.Buffer }

func (*upgraded) Close() error { return nil }

func TestACallEndsWithItsResponse(t *testing.T) {
	in, seen := watched(t, "always_on")
	broken := errors.New("broken")
	f := func(name string, body io.ReadCloser, length int64, want codes.Code, use func(*http.Response)) {
		t.Helper()
		seen.Reset()
		var got *http.Request
		rt := in.Transport(roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r
			return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", Body: body, ContentLength: length}, nil
		}))
		req := httptest.NewRequest("GET", "http://bank/orders/7", nil)
		req.Header = http.Header{"Accept": {"*/*"}, "X-Correlation-Id": {"theirs"}}
		before := req.Header.Clone()
		res, err := rt.RoundTrip(req)
		if err == nil && len(seen.Ended()) != 0 {
			t.Errorf("%s: ended before the response was read", name)
		}
		if !maps.EqualFunc(req.Header, before, slices.Equal) || req.Body != http.NoBody {
			t.Errorf("%s: the request is now %v", name, req)
		}
		if got.Header.Get("Accept") != "*/*" || len(got.Header["X-Correlation-Id"]) != 1 || got.Header.Get("x-correlation-id") == "theirs" || got.Header.Get("traceparent") == "" {
			t.Errorf("%s: sent %v", name, got.Header)
		}
		if err == nil {
			use(res)
		}
		ended := seen.Ended()
		if len(ended) != 1 || ended[0].Status().Code != want {
			t.Errorf("%s: %d spans, %v", name, len(ended), err)
		}
	}
	read := func(res *http.Response) { io.ReadAll(res.Body) }
	closed := func(res *http.Response) { res.Body.Close() }
	f("read", io.NopCloser(strings.NewReader("abc")), 3, codes.Unset, read)
	f("closed", io.NopCloser(strings.NewReader("abc")), 3, codes.Unset, closed)
	f("both", io.NopCloser(strings.NewReader("abc")), 3, codes.Unset, func(res *http.Response) { read(res); closed(res); closed(res) })
	f("no body", nil, 0, codes.Unset, read)
	f("a body too few", nil, 3, codes.Error, read)
	f("broken", io.NopCloser(io.MultiReader(strings.NewReader("abc"), errorReader{broken})), 9, codes.Error, func(res *http.Response) { read(res); closed(res) })
	f("upgraded", &upgraded{}, -1, codes.Unset, func(res *http.Response) {
		if _, err := res.Body.(io.Writer).Write([]byte("abc")); err != nil {
			t.Error(err)
		}
		closed(res)
	})
	f("not upgraded", io.NopCloser(strings.NewReader("")), 0, codes.Unset, func(res *http.Response) {
		if _, ok := res.Body.(io.Writer); ok {
			t.Error("the body can be written to")
		}
		closed(res)
	})
}

type errorReader struct{ error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.error }

// net/http removes the files of the request it knows.
func TestTheFormOfARequestComesBack(t *testing.T) {
	in, _ := watched(t, "always_off")
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("name", "value")
	form.Close()
	for _, panics := range []bool{false, true} {
		req := httptest.NewRequest("POST", "/", bytes.NewReader(body.Bytes()))
		req.Header.Set("Content-Type", form.FormDataContentType())
		func() {
			defer func() { _ = recover() }()
			in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				r.ParseMultipartForm(1 << 20)
				if panics {
					panic("out of mind")
				}
			})).ServeHTTP(httptest.NewRecorder(), req)
		}()
		if req.MultipartForm == nil || req.MultipartForm.Value["name"][0] != "value" {
			t.Errorf("panics %v: %v", panics, req.MultipartForm)
		}
	}
}

// histogram keeps what it is told.
type histogram struct {
	noop.Float64Histogram
	mu   sync.Mutex
	told []string
}

func (*histogram) Enabled(context.Context) bool { return true }

func (h *histogram) Record(_ context.Context, seconds float64, options ...metric.RecordOption) {
	h.mu.Lock()
	defer h.mu.Unlock()
	set := metric.NewRecordConfig(options).Attributes()
	h.told = append(h.told, fmt.Sprintf("%v %s", seconds > 0, set.Encoded(attribute.DefaultEncoder())))
}

func TestDurationsAreMeasuredWhereThereIsAMeter(t *testing.T) {
	in, _ := watched(t, "always_off")
	h := &histogram{}
	g := in.gate(nil)
	g.duration = duration{h}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	g.handler(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://bank:8080/orders/7", nil))
	rt := in.Transport(roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/gone" {
			return nil, errors.New("gone")
		}
		return &http.Response{StatusCode: 404, Proto: "HTTP/2.0"}, nil
	})).(*transport)
	rt.duration = duration{h}
	rt.RoundTrip(httptest.NewRequest("GET", "https://bank/orders/7", nil))
	rt.RoundTrip(httptest.NewRequest("GET", "https://bank:443/gone", nil))
	want := []string{
		"true error.type=500,http.request.method=GET,http.response.status_code=500,http.route=/orders/{id},network.protocol.version=1.1,server.address=bank,server.port=8080,url.scheme=http",
		"true error.type=404,http.request.method=GET,http.response.status_code=404,network.protocol.version=2.0,server.address=bank,url.scheme=https",
		"true error.type=*errors.errorString,http.request.method=GET,server.address=bank,url.scheme=https",
	}
	if !slices.Equal(h.told, want) {
		t.Errorf("measured\n%s\nwant\n%s", strings.Join(h.told, "\n"), strings.Join(want, "\n"))
	}
}

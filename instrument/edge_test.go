package instrument_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/baggage"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

func TestAnEdgeTrustsItsCallersOrNot(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "gateway")
	bags := make(chan baggage.Baggage, 1)
	visited := func(r *http.Request) {
		in.Logger().InfoContext(r.Context(), "visited")
		bags <- baggage.FromContext(r.Context())
	}
	serving := func(options ...instrument.EdgeOption) map[string]http.Handler {
		e := echo.New()
		e.Use(in.Echo(options...))
		e.POST("/buy", func(c echo.Context) error {
			visited(c.Request())
			return nil
		})
		return map[string]http.Handler{"echo": e, "net/http": in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { visited(r) }), options...)}
	}
	f := func(handlers map[string]http.Handler, trusted bool, label1 string, linked bool, header ...string) {
		t.Helper()
		for name, h := range handlers {
			before := len(k.records(t, in))
			req := httptest.NewRequest(http.MethodPost, "/buy", nil)
			for i := 0; i < len(header); i += 2 {
				req.Header.Set(header[i], header[i+1])
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			bag := <-bags
			all := k.records(t, in)[before:]
			start, end := one(t, all, record.KindHopStart, "POST /buy"), one(t, all, record.KindHopEnd, "POST /buy")
			wholeHop(t, all, start.SpanID, 0)
			id := w.Header().Get(instrument.HeaderCorrelationID)
			for _, r := range []record.Record{start, logged(t, all, "visited"), end} {
				if r.CorrelationID != id || len(w.Header().Values(instrument.HeaderCorrelationID)) != 1 {
					t.Errorf("%s %q answers %q: %s", name, header, w.Header(), r.Raw)
				}
				if trusted {
					if id != "Order-7" || r.TraceID != callerTrace || label(r, "correlation.outside") != "" || bag.Len() != 2 {
						t.Errorf("%s %q: bag %s, %s", name, header, bag, r.Raw)
					}
					continue
				}
				if len(id) != 32 || r.TraceID != id || id == callerTrace || r.ParentID != "" || bag.Len() != 0 {
					t.Errorf("%s %q: bag %s, %s", name, header, bag, r.Raw)
				}
				if r.Kind == record.KindLog {
					continue
				}
				if got := label(r, "correlation.outside"); got != label1 {
					t.Errorf("%s %q: outside journey %q, want %q", name, header, got, label1)
				}
				if want := (record.Link{TraceID: callerTrace, SpanID: callerSpan}); linked != (len(r.Links) == 1) || linked && r.Links[0] != want {
					t.Errorf("%s %q: links %v", name, header, r.Links)
				}
			}
			for _, r := range all {
				if r.Message == "correlation ID refused" && r.CorrelationID != "" {
					t.Errorf("refused in a journey: %s", r.Raw)
				}
			}
		}
	}
	const header, bag = "x-correlation-id", "baggage"
	f(serving(), true, "", false, header, "Order-7", "traceparent", traceparent, bag, "user=1,correlation.id=b")
	u := serving(instrument.Untrusted())
	f(u, false, "Order-7", true, header, "Order-7", "traceparent", traceparent, bag, "user=1,correlation.id=b")
	f(u, false, "Order-7", false, header, "Order-7")
	f(u, false, "b", false, bag, "user=1,correlation.id=b")
	f(u, false, "", true, "traceparent", traceparent)
	f(u, false, "", true, "traceparent", unsampled)
	f(u, false, "", false)
	f(u, false, "", true, header, "two words", "traceparent", traceparent)
}

// The journey that begins at the edge is what goes on, and nothing else.
func TestBehindAnUntrustedCallerOnlyTheNewJourneyGoesOn(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	calls, seen := client(t, in), make(chan http.Header, 1)
	below := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	url := serve(t, in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, below, nil)
		do(t, calls, req)
	}), instrument.Untrusted()))
	res := post(t, client(t, nil), url, "x-correlation-id", "Order-7", "traceparent", traceparent, "tracestate", "them=1", "baggage", "user=1")
	id, header := res.Header.Get("x-correlation-id"), <-seen
	if len(id) != 32 || header.Get("x-correlation-id") != id || !strings.HasPrefix(header.Get("traceparent"), "00-"+id) || header.Get("baggage") != "correlation.id="+id || header.Get("tracestate") != "" {
		t.Errorf("answered %q, passed on %v", id, header)
	}
}

// Whatever a header holds: the request is served, in a journey that has a name.
func TestHostileHeadersDoNoHarm(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	var console buffer
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Console: slog.NewTextHandler(&console, nil)})
	trusting := in.Handler(http.NotFoundHandler())
	distrusting := in.Handler(http.NotFoundHandler(), instrument.Untrusted())
	for _, key := range []string{"X-Correlation-Id", "Traceparent", "Tracestate", "Baggage", "Messaging.message.conversation_id", "X-Other"} {
		for _, value := range hostile {
			for i, h := range []http.Handler{trusting, distrusting} {
				req := httptest.NewRequest(http.MethodGet, "/nowhere", nil)
				req.Header[key] = []string{value}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, req)
				names := key == "X-Correlation-Id" || key == "Messaging.message.conversation_id"
				adopted := i == 0 && names && record.ValidID(value)
				id := w.Header().Values("x-correlation-id")
				if w.Code != http.StatusNotFound || len(id) != 1 || adopted && id[0] != value || !adopted && len(id[0]) != 32 {
					t.Errorf("%s %.20q: answered %d in journey %q", key, value, w.Code, id)
				}
			}
		}
	}
	ends := pick(k.records(t, in), record.KindHopEnd, "GET /nowhere")
	if len(ends) != 6*len(hostile)*2 {
		t.Errorf("%d hops", len(ends))
	}
	if strings.Contains(console.String(), "evil") {
		t.Error("the console shows what was refused")
	}
}

// hostile are values that no header should have.
var hostile = []string{
	"evil\r\nx-injected: 1", "evil\x00", "\xff\xfe evil", strings.Repeat("evil ", 200_000), "", " ", "=;,=", "%zz",
	"visible-yet-strange;=%zz,",
	"00-" + strings.Repeat("0", 32) + "-" + strings.Repeat("0", 16) + "-00", "ff-" + strings.TrimPrefix(traceparent, "00-"),
}

package instrument_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

func TestAHopIsNamedByTheMuxPatternThatMatched(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	mux := http.NewServeMux()
	nothing := func(http.ResponseWriter, *http.Request) {}
	mux.HandleFunc("GET /orders/{id}", nothing)
	mux.HandleFunc("/any/", nothing)
	mux.HandleFunc("example.com/host/{x}", nothing)
	h := in.Handler(mux)

	f := func(method, url, name, route string, status int) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, url, nil))
		r := k.last(t, in)
		if r.Kind != record.KindHopEnd || r.SpanName != name || r.HTTP.Route != route || r.HTTP.Status != status {
			t.Errorf("%s %s: %s", method, url, r.Raw)
		}
		if w.Header().Get(instrument.HeaderCorrelationID) != r.CorrelationID || r.CorrelationID == "" {
			t.Errorf("%s %s: response of journey %q, want %q", method, url, w.Header().Get(instrument.HeaderCorrelationID), r.CorrelationID)
		}
	}
	f("GET", "/orders/7", "GET /orders/{id}", "/orders/{id}", 200)
	f("POST", "/any/thing", "POST /any/", "/any/", 200)
	f("GET", "http://example.com/host/1", "GET /host/{x}", "/host/{x}", 200)
	f("GET", "/nowhere", "GET /nowhere", "", 404)
	f("DELETE", "/orders/7", "DELETE /orders/7", "", 405)
}

func TestAHandlerThatPanicsIsAFailedHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	s := httptest.NewUnstartedServer(in.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("out of mind") })))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	defer s.Close()
	if _, err := client(t, nil).Get(s.URL); err == nil {
		t.Error("the panic did not abort the response")
	}
	r := k.last(t, in)
	if r.Kind != record.KindHopEnd || r.Outcome != record.Failure || r.Error != (record.Error{Type: "string", Message: "out of mind"}) {
		t.Errorf("got %s", r.Raw)
	}
}

func TestACallThatReachesNobodyIsAFailedSend(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "gateway")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+freeAddr(t)+"/orders", nil)
	if _, err := client(t, in).Do(req); err == nil {
		t.Fatal("somebody answered")
	}
	r := k.last(t, in)
	if r.SpanKind != "client" || r.Outcome != record.Failure || r.HTTP.Path != "/orders" || r.Error.Type != "*net.OpError" || !strings.Contains(r.Error.Message, "refused") || r.HopSends != 1 {
		t.Errorf("got %s", r.Raw)
	}
}

func TestTheErrorStatusOfAResponseIsNoErrorType(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "gateway")
	url := serve(t, http.NotFoundHandler())
	post(t, client(t, in), url)
	if r := k.last(t, in); r.HTTP.Status != 404 || r.Outcome != record.Failure || r.Error.Type != "" {
		t.Errorf("got %s", r.Raw)
	}
}

// Hops do not hang on what becomes of their spans.
func TestAHopIsTheSameWhetherItsSpanIsSampledOrNot(t *testing.T) {
	k := startKafka(t)
	var want []string
	for _, sampler := range []string{"always_on", "always_off", "watched"} {
		cfg := instrument.Config{Brokers: []string{k.Addr()}}
		if sampler == "watched" {
			cfg.SpanProcessors = []sdktrace.SpanProcessor{&ended{}}
		}
		environment(t, "OTEL_TRACES_SAMPLER", strings.Replace(sampler, "watched", "always_off", 1))
		in := service(t, cfg)
		mux := http.NewServeMux()
		mux.HandleFunc("/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
			trace.SpanFromContext(r.Context()).SetAttributes(attribute.String("customer", "7"))
			w.WriteHeader(503)
		})
		url := serve(t, in.Handler(mux))
		for _, method := range []string{"GET", "BREW"} {
			req, _ := http.NewRequestWithContext(t.Context(), method, url+"/orders/4111-1111-1111-1111?a=b", nil)
			do(t, client(t, in), req)
		}
		var got []string
		until(t, "all hops have ended", func() bool { return len(pick(k.records(t, in), record.KindHopEnd, "")) == 4 })
		for _, r := range k.records(t, in) {
			got = append(got, fmt.Sprint(r.Kind, r.SpanKind, r.SpanName, r.HTTP, r.Labels, r.Outcome, r.Level, r.Error, r.HopSends))
		}
		slices.Sort(got)
		if want == nil {
			want = got
		}
		if len(got) != 8 || !slices.Equal(got, want) || strings.Contains(fmt.Sprint(got), "4111") {
			t.Errorf("%s:\n%s\nwant\n%s", sampler, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if !strings.Contains(want[0], "server.address 127.0.0.1") || !strings.Contains(strings.Join(want, " "), "customer 7") {
		t.Errorf("labels are missing:\n%s", strings.Join(want, "\n"))
	}
}

// Baggage that says no more than the trace is not looked at, any other is.
func TestBaggageArrivesUnlessItOnlyRepeatsTheTrace(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	var bag baggage.Baggage
	h := in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { bag = baggage.FromContext(r.Context()) }))
	f := func(members int, id string, bags ...string) {
		t.Helper()
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("traceparent", traceparent)
		req.Header["Baggage"] = bags
		if id != "" {
			req.Header.Set("x-correlation-id", id)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if want := strings.TrimPrefix(bags[0], "correlation.id="); bag.Len() != members || w.Header().Get("x-correlation-id") != want {
			t.Errorf("%q %q: %s in journey %q", id, bags, bag, w.Header().Get("x-correlation-id"))
		}
	}
	const alone = "correlation.id=" + callerTrace
	f(0, callerTrace, alone)
	f(2, callerTrace, alone, "user=1")
	f(1, "", alone)
	f(1, "Order-7", "correlation.id=Order-7")
}

func TestACallCarriesBaggageOn(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	seen := make(chan string, 1)
	url := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("baggage") }))
	f := func(id, other, want string) {
		t.Helper()
		bag, err := baggage.Parse(other)
		if err != nil {
			t.Fatal(err)
		}
		ctx, _ := instrument.WithCorrelationID(baggage.ContextWithBaggage(context.Background(), bag), id)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		do(t, client(t, in), req)
		sent, err := baggage.Parse(<-seen)
		if err != nil || sent.Member("correlation.id").Value() != id || sent.Member("user").Value() != want {
			t.Errorf("%q with %q sent %q %v", id, other, sent, err)
		}
	}
	f("Order-7", "", "")
	f("Order-7", "user=1", "1")
	f("100%;,", "", "")
}

func TestTheLastOfEqualHeadersCounts(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	url := serve(t, in.Handler(http.NotFoundHandler()))
	res := post(t, client(t, nil), url, "X-CORRELATION-ID", "first", "x-correlation-id", "last")
	if got := res.Header.Get("x-correlation-id"); got != "last" {
		t.Errorf("answered %q", got)
	}
	if r := k.last(t, in); r.CorrelationID != "last" {
		t.Errorf("got %s", r.Raw)
	}
}

func TestANilTransportIsTheDefaultOne(t *testing.T) {
	in := unreached(t)
	seen := make(chan string, 1)
	url := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("x-correlation-id") }))
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	do(t, &http.Client{Transport: in.Transport(nil)}, req)
	if id := <-seen; id != "Order-7" {
		t.Errorf("x-correlation-id %q", id)
	}
}

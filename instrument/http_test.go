package instrument_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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

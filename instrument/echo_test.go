package instrument_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// newEcho is a router with in's middleware first.
func newEcho(in *instrument.Instrument) *echo.Echo {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(in.Echo())
	return e
}

func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// client is an HTTP client of in whose connections end with the test.
func client(t testing.TB, in *instrument.Instrument) *http.Client {
	t.Helper()
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	if in == nil {
		return &http.Client{Transport: base}
	}
	return &http.Client{Transport: in.Transport(base)}
}

func do(t testing.TB, c *http.Client, req *http.Request) *http.Response {
	t.Helper()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

func post(t testing.TB, c *http.Client, url string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return do(t, c, req)
}

func TestAJourneyGoesOverTwoServices(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	gateway, bank := k.service(t, "gateway"), k.service(t, "bank")

	e := newEcho(bank)
	e.POST("/orders/:id", func(c echo.Context) error {
		ctx, span := bank.TracerProvider().Tracer("bank").Start(c.Request().Context(), "check balance")
		bank.Logger().InfoContext(ctx, "balance checked")
		ctx, inner := bank.TracerProvider().Tracer("bank").Start(ctx, "read account")
		bank.Logger().InfoContext(ctx, "account read")
		inner.End()
		span.End()
		bank.Logger().InfoContext(c.Request().Context(), "debited", "order_id", c.Param("id"))
		return c.NoContent(http.StatusCreated)
	})
	bankURL := serve(t, e)
	calls := client(t, gateway)
	g := newEcho(gateway)
	g.POST("/buy", func(c echo.Context) error {
		for _, order := range []string{"7", "8"} {
			req, _ := http.NewRequestWithContext(c.Request().Context(), http.MethodPost, bankURL+"/orders/"+order, nil)
			do(t, calls, req)
		}
		return c.NoContent(http.StatusAccepted)
	})
	res := post(t, client(t, nil), serve(t, g)+"/buy")

	id := res.Header.Get("x-correlation-id")
	if len(id) != 32 {
		t.Fatalf("minted correlation ID %q", id)
	}
	above, below := k.records(t, gateway), k.records(t, bank)
	for _, r := range append(above, below...) {
		if r.CorrelationID != id || r.TraceID != id {
			t.Errorf("journey %s has a record of %s: %s", id, r.CorrelationID, r.Raw)
		}
	}

	buy := one(t, above, record.KindHopEnd, "POST /buy")
	wholeHop(t, above, buy.SpanID, 2)
	calling := pick(above, record.KindHopStart, "POST /orders/7")
	if len(calling) != 1 || calling[0].SpanKind != "client" || calling[0].HopID != buy.SpanID || calling[0].ParentID != buy.SpanID {
		t.Fatalf("client span of %s: %s", buy.SpanID, show(calling))
	}

	starts := pick(below, record.KindHopStart, "POST /orders/:id")
	if len(starts) != 2 {
		t.Fatalf("%d hops in bank:\n%s", len(starts), show(below))
	}
	for _, start := range starts {
		if start.SpanKind != "server" || start.HopID != "" {
			t.Errorf("opened by %s", start.Raw)
		}
		wholeHop(t, below, start.SpanID, 0)
	}
	if starts[0].ParentID != calling[0].SpanID {
		t.Errorf("parent of the hop in bank is %s, want the client span %s", starts[0].ParentID, calling[0].SpanID)
	}
	for _, message := range []string{"balance checked", "account read"} {
		r := logged(t, below, message)
		if r.HopID != starts[0].SpanID || r.SpanID == starts[0].SpanID {
			t.Errorf("hop.id %s and span.id %s, want hop %s: %s", r.HopID, r.SpanID, starts[0].SpanID, r.Raw)
		}
	}
	if r := logged(t, below, "debited"); r.HopID != "" || r.SpanID != starts[0].SpanID || label(r, "order_id") != "7" {
		t.Errorf("in the hop's own span: %s", r.Raw)
	}
	end := pick(below, record.KindHopEnd, "POST /orders/:id")[0]
	if want := (record.HTTP{Method: "POST", Route: "/orders/:id", Path: "/orders/7", Status: 201}); end.HTTP != want || end.Outcome != record.Success {
		t.Errorf("got %+v %s, want %+v", end.HTTP, end.Outcome, want)
	}
}

func TestEveryResponseNamesItsJourney(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	e := newEcho(in)
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}))
	e.GET("/ok", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	e.GET("/refused", func(c echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "short and stout") })
	e.GET("/error", func(c echo.Context) error { return errors.New("no money") })
	e.GET("/panic", func(c echo.Context) error { panic("out of mind") })
	url, c := serve(t, e), client(t, nil)

	f := func(method, path string, status int, name, outcome, message string) {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), method, url+path, nil)
		req.Header.Set("X-Correlation-ID", "Order-7")
		res := do(t, c, req)
		if res.StatusCode != status || res.Header.Get(instrument.HeaderCorrelationID) != "Order-7" {
			t.Errorf("%s: status %d, header %q", path, res.StatusCode, res.Header.Get(instrument.HeaderCorrelationID))
		}
		r := k.last(t, in)
		if r.Kind != record.KindHopEnd || r.SpanName != name || r.CorrelationID != "Order-7" || r.HTTP.Status != status || r.HTTP.Path != path || r.Outcome != outcome || r.Error.Message != message {
			t.Errorf("%s: %s", path, r.Raw)
		}
	}
	f("GET", "/ok", 200, "GET /ok", record.Success, "")
	f("GET", "/refused", 418, "GET /refused", record.Success, "")
	f("GET", "/error", 500, "GET /error", record.Failure, "no money")
	f("GET", "/panic", 500, "GET /panic", record.Failure, "")
	f("GET", "/nowhere", 404, "GET /nowhere", record.Success, "")
	f("PUT", "/ok", 405, "PUT /ok", record.Success, "")
}

package gateway_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/gateway"
)

func TestForgedHeadersDoNotReachServices(t *testing.T) {
	var got http.Header
	f := open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }})
	f.status(f.ask("GET", "/services/products/products", "",
		"X-Internal-Credential: forged", "x-internal-roles: staff", "X_Internal_User: root", "Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4",
		"X-Forwarded-Host: evil", "X-Real-Ip: 1.2.3.4", "Connection: X-Secret", "X-Secret: 1", "Te: trailers", "Cookie: a=b", "X-Kept: 1"), http.StatusOK)
	for name, values := range got {
		low := strings.ToLower(name)
		if strings.HasPrefix(low, "x-forwarded") || strings.HasPrefix(strings.ReplaceAll(low, "_", "-"), "x-internal-") && name != credential.Header ||
			low == "forwarded" || low == "x-real-ip" || low == "x-secret" || low == "te" || low == "cookie" {
			t.Errorf("service got %s: %v", name, values)
		}
	}
	if len(got.Values(credential.Header)) != 1 || got.Get(credential.Header) == "forged" {
		t.Errorf("credential is %v", got.Values(credential.Header))
	}
	if got.Get("X-Kept") != "1" {
		t.Error("a header of the caller's own is gone")
	}
}

func TestUnsoundRequestsAreRefusedWithATrackingNumber(t *testing.T) {
	var calls atomic.Int32
	f := open(t, map[string]http.HandlerFunc{"products": func(http.ResponseWriter, *http.Request) { calls.Add(1) }})
	smuggled := "0\r\n\r\nGET /services/products/products HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, c := range map[string]struct {
		text   string
		status int
		kind   string
	}{
		"CL and TE":           {"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled, 411, "length-required"},
		"TE and CL":           {"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n" + smuggled, 411, "length-required"},
		"two lengths":         {"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + smuggled, 400, "malformed-request"},
		"hidden TE":           {"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\nContent-Length: 6\r\n\r\n" + smuggled, 501, "malformed-request"},
		"two TE":              {"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + smuggled, 501, "malformed-request"},
		"space before colon":  {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\n", 400, "malformed-request"},
		"no HTTP":             {"hello\r\n\r\n", 400, "malformed-request"},
		"no host":             {"GET / HTTP/1.1\r\n\r\n", 400, "malformed-request"},
		"large headers":       {"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("a", 20<<10) + "\r\n\r\n", 431, "headers-too-large"},
		"huge headers":        {"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("a", 200<<10) + "\r\n\r\n", 431, "malformed-request"},
		"many headers":        {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: 1\r\n", 200) + "\r\n", 431, "headers-too-large"},
		"long address":        {"GET /" + strings.Repeat("a", 9<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address-too-long"},
		"large body":          {"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", 413, "body-too-large"},
		"been here before":    {"GET /services/products/products HTTP/1.1\r\nHost: x\r\nVia: 1.1 other, 1.1 gateway\r\n\r\n", 508, "cyclic-route"},
		"chunked large body":  {"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFF\r\n", 411, "length-required"},
		"negative length":     {"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "malformed-request"},
		"line feed in header": {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", 400, "malformed-request"},
	} {
		t.Run(name, func(t *testing.T) {
			r := f.raw(c.text)
			f.refused(r, c.status, c.kind)
			if !r.Close {
				t.Error("the connection is kept, with the rest on it")
			}
		})
	}
	if calls.Load() > 0 {
		t.Errorf("%d calls have reached a service", calls.Load())
	}
}

func TestServiceThatLeadsBackIsACycle(t *testing.T) {
	f := open(t, nil)
	f.servers["products"] = strings.TrimPrefix(f.url, "http://")
	f.refused(f.ask("GET", "/services/products/services/products/products", ""), http.StatusLoopDetected, "cyclic-route")
}

func TestOnlyNamedServicesAndCleanPathsArePassedOn(t *testing.T) {
	var paths []string
	h := func(_ http.ResponseWriter, r *http.Request) { paths = append(paths, r.URL.EscapedPath()) }
	f := open(t, map[string]http.HandlerFunc{"products": h, "identity": h})
	for _, path := range []string{
		"/services/identity/sessions", "/services/127.0.0.1:80/x", "/services/nobody/x", "/services/products/../identity/sessions", "/services/products/%2e%2e/x",
		"/services/products/a//b", "/services/products/diagnostics", "/services/products/%64iagnostics/", "/services/products/healthz", "/services/pr%6fducts/x",
		"/services/products/a%5cb",
	} {
		f.refused(f.ask("GET", path, "", "Authorization: Bearer "+f.session("USER1")), http.StatusNotFound, "unknown-service")
	}
	if len(paths) > 0 {
		t.Errorf("passed on: %v", paths)
	}
	f.status(f.ask("GET", "/services/products/products/a%2Fb?x=1", ""), http.StatusOK)
	f.status(f.ask("GET", "/services/products/", ""), http.StatusOK)
	if strings.Join(paths, " ") != "/products/a%2Fb /" {
		t.Errorf("passed on: %v", paths)
	}
	f.refused(f.ask("TRACE", "/services/products/products", "", "Authorization: Bearer "+f.session("USER1")), http.StatusMethodNotAllowed, "blank")
	f.refused(f.ask("GET", "/nothing", ""), http.StatusNotFound, "blank")
	f.refused(f.ask("POST", "/home", ""), http.StatusMethodNotAllowed, "blank")
}

func TestInternalsAreHidden(t *testing.T) {
	f := open(t, map[string]http.HandlerFunc{
		"products": fails(http.StatusInternalServerError),
		"reviews":  fails(http.StatusServiceUnavailable),
		"stock":    says("{}", "Server: db7", "X-Powered-By: Go", "X-Internal-Shard: 3", "Set-Cookie: shop_session=mine", "X-Correlation-Id: 1"),
	})
	for service, status := range map[string]int{"products": http.StatusBadGateway, "reviews": http.StatusServiceUnavailable, "cart": http.StatusBadGateway} {
		r := f.ask("GET", "/services/"+service+"/x", "", "Authorization: Bearer "+f.session("USER1"))
		f.refused(r, status, "")
		if strings.Contains(r.body, "10.0.0.7") || strings.Contains(r.body, "SELECT") {
			t.Errorf("%s tells %s", service, r.body)
		}
	}
	r := f.ask("GET", "/services/stock/stock", "")
	for _, name := range []string{"Server", "X-Powered-By", "X-Internal-Shard", "Set-Cookie"} {
		if r.Header.Get(name) != "" {
			t.Errorf("%s: %s has come out", name, r.Header.Get(name))
		}
	}
	if ids := r.Header.Values("X-Correlation-Id"); len(ids) != 1 || ids[0] == "1" {
		t.Errorf("tracking numbers are %v", ids)
	}
	if !strings.Contains(f.logged(), "10.0.0.7") {
		t.Error("the log does not say why")
	}
}

func TestClientsHaveARate(t *testing.T) {
	f := open(t, map[string]http.HandlerFunc{"products": says("{}")}, func(c *gateway.Config) { c.Limits.Rate, c.Limits.Burst = 0.001, 3 })
	for range 3 {
		f.status(f.ask("GET", "/services/products/products", "", "X-Forwarded-For: 1.1.1.1"), http.StatusOK)
	}
	r := f.ask("GET", "/services/products/products", "", "X-Forwarded-For: 2.2.2.2")
	f.refused(r, http.StatusTooManyRequests, "too-many-requests")
	if r.Header.Get("Retry-After") != "1000" {
		t.Errorf("Retry-After: %s", r.Header.Get("Retry-After"))
	}
}

func TestEveryRequestHasALine(t *testing.T) {
	f := open(t, map[string]http.HandlerFunc{"products": says("{}")})
	f.ask("GET", "/services/products/products?secret=1", "", "Authorization: Bearer "+f.session("USER1"))
	f.ask("GET", "/nothing", "")
	for _, want := range []string{`"msg":"request","method":"GET","path":"/services/products/products","status":200`, `"user":"USER1"`, `"path":"/nothing","status":404`} {
		if !strings.Contains(f.logged(), want) {
			t.Errorf("no %s in\n%s", want, f.logged())
		}
	}
	if strings.Contains(f.logged(), "secret") {
		t.Error("the query is in the log")
	}
}

func TestStreamsAreFlushedAtOnce(t *testing.T) {
	more := make(chan struct{})
	f := open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write([]byte("data: 1\n\n"))
		http.NewResponseController(w).Flush()
		select {
		case <-more:
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
	}})
	r, _ := http.NewRequestWithContext(t.Context(), "GET", f.url+"/services/products/feed", nil)
	r.Header.Set("Accept", "text/event-stream")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	began := time.Now()
	first := make([]byte, 9)
	if _, err := res.Body.Read(first); err != nil || string(first) != "data: 1\n\n" || time.Since(began) > 4*time.Second {
		t.Errorf("first event is %q after %v: %v", first, time.Since(began), err)
	}
	close(more)
}

func TestTrackingNumberLeadsToItsTimeline(t *testing.T) {
	f := open(t, nil)
	if r := f.ask("GET", "/track/abc", ""); r.StatusCode != http.StatusFound || r.Header.Get("Location") != "http://tracking/?id=abc" {
		t.Errorf("answer %d, %s", r.StatusCode, r.Header.Get("Location"))
	}
	f.refused(f.ask("GET", "/track/"+strings.Repeat("a", 200), ""), http.StatusNotFound, "no-timeline")
	f.refused(f.ask("GET", "/track/a%0d%0ab", ""), http.StatusNotFound, "no-timeline")
}

package gateway_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/gateway"
)

// six are the home page's services, all well.
func six() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"orders":          says(`{"orders":[{"id":"o1","points":100,"dollars":100,"state":"OPEN","correlation_id":"abc","at":"2026-01-02T03:04:05Z"}]}`),
		"reviews":         says(`{"reviews":[{"id":7,"product":"p1","user":"USER2","stars":5,"text":"<b>good</b> & cheap"}]}`),
		"products":        says(`{"products":[{"id":"p1","name":{"en":"Sword","zh-TW":"劍"},"price":12}]}`),
		"recommendations": says(`{"recommendations":[{"product":"p1","score":0.5}]}`),
		"stock":           says(`{"stock":[{"product":"p1","units":3}]}`),
		"cart":            says(`{"items":[]}`),
	}
}

// homeV2 is what a caller of /v2/home reads.
type homeV2 struct {
	User          string   `json:"user"`
	CorrelationID string   `json:"correlation_id"`
	Track         string   `json:"track"`
	Partial       bool     `json:"partial"`
	Missing       []string `json:"missing"`
	Products      []struct {
		Name  map[string]string
		Price struct{ Amount, Currency string }
	}
	Reviews []struct{ ID, Text string }
	Orders  []struct{ ID string }
	Cart    []struct{}
}

func (f *fixture) home(path string) (h homeV2, r reply) {
	f.t.Helper()
	r = f.ask("GET", path, "", "Authorization: Bearer "+f.session("USER1"))
	if err := json.Unmarshal([]byte(r.body), &h); err != nil {
		f.t.Fatalf("%v: %s", err, r.body)
	}
	return h, r
}

func TestHomeIsSixServicesInOneCall(t *testing.T) {
	f := open(t, six())
	h, r := f.home("/home")
	if h.User != "USER1" || h.Partial || h.Missing != nil || len(h.Products) != 1 || len(h.Reviews) != 1 || len(h.Orders) != 1 || h.Cart == nil {
		t.Errorf("home is %s", r.body)
	}
	if h.CorrelationID == "" || h.Track != "/track/"+h.CorrelationID || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("tracking number %q, %q, %v", h.CorrelationID, h.Track, r.Header)
	}
	f.refused(f.ask("GET", "/home", ""), http.StatusUnauthorized, "login-needed")
}

func TestHomeIsPartialWhereServicesFail(t *testing.T) {
	t.Parallel()
	services := six()
	services["reviews"] = fails(http.StatusInternalServerError)
	services["stock"] = func(_ http.ResponseWriter, r *http.Request) { wait(r, 10*time.Second) }
	services["cart"] = says(`not JSON`)
	delete(services, "orders")
	f := open(t, services, func(c *gateway.Config) { c.Limits.Branch = 300 * time.Millisecond })
	began := time.Now()
	h, r := f.home("/home")
	f.status(r, http.StatusOK)
	if !h.Partial || strings.Join(h.Missing, " ") != "orders reviews stock cart" || len(h.Products) != 1 || h.Cart != nil || h.Orders != nil {
		t.Errorf("home is %s", r.body)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("one slow service makes home take %v", took)
	}
	if !strings.Contains(f.logged(), `"msg":"home page lacks a service","service":"reviews"`) {
		t.Error("the log does not say what is missing")
	}
}

func TestHomeWithoutAnyServiceIsRefused(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	r := f.ask("GET", "/home", "", "Authorization: Bearer "+f.session("USER1"))
	f.refused(r, http.StatusServiceUnavailable, "service-unavailable")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// TestHomeAsksAllAtOnce has each service wait until all six are asked.
func TestHomeAsksAllAtOnce(t *testing.T) {
	var asked atomic.Int32
	all := make(chan struct{})
	services := six()
	for name, h := range services {
		services[name] = func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 6 {
				close(all)
			}
			select {
			case <-all:
				h(w, r)
			case <-r.Context().Done():
			}
		}
	}
	f := open(t, services, func(c *gateway.Config) { c.Limits.Branch, c.Limits.Hedge = 5*time.Second, 5*time.Second })
	if h, r := f.home("/home"); h.Partial {
		t.Errorf("home is %s", r.body)
	}
}

func TestSlowReadOfHomeIsAskedASecondTime(t *testing.T) {
	var asked atomic.Int32
	services := six()
	quick := services["reviews"]
	services["reviews"] = func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			wait(r, 10*time.Second)
			return
		}
		quick(w, r)
	}
	f := open(t, services, func(c *gateway.Config) {
		c.Limits.Branch, c.Limits.Hedge, c.Limits.Attempt = 5*time.Second, 20*time.Millisecond, 20*time.Second
	})
	if h, r := f.home("/home"); h.Partial || len(h.Reviews) != 1 {
		t.Errorf("home is %s", r.body)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// wait blocks until the caller has gone, or for so long.
func wait(r *http.Request, most time.Duration) {
	io.Copy(io.Discard, r.Body) // before that, net/http does not see the caller go
	select {
	case <-r.Context().Done():
	case <-time.After(most):
	}
}

func TestVersionsDiffer(t *testing.T) {
	f := open(t, six())
	own := "Authorization: Bearer " + f.session("USER1")
	v1 := f.ask("GET", "/v1/home", "", own)
	if !strings.Contains(v1.body, `"products":[{"id":"p1","name":"Sword","price":12}]`) {
		t.Errorf("v1 is %s", v1.body)
	}
	v2 := f.ask("GET", "/v2/home", "", own)
	if !strings.Contains(v2.body, `"products":[{"id":"p1","name":{"en":"Sword","zh-TW":"劍"},"price":{"amount":"12.00","currency":"USD"}}]`) {
		t.Errorf("v2 is %s", v2.body)
	}
}

func TestHomeAsXML(t *testing.T) {
	services := six()
	services["stock"] = fails(http.StatusInternalServerError)
	f := open(t, services)
	for path, want := range map[string]string{
		"/v1/home": `<product id="p1"><name>Sword</name><price>12</price></product>`,
		"/v2/home": `<product id="p1"><name xml:lang="en">Sword</name><name xml:lang="zh-TW">劍</name><price><amount>12.00</amount><currency>USD</currency></price></product>`,
	} {
		r := f.ask("GET", path, "", "Authorization: Bearer "+f.session("USER1"), "Accept: text/html, application/json;q=0.5, application/xml;q=0.9")
		if r.Header.Get("Content-Type") != "application/xml; charset=utf-8" || r.Header.Get("Vary") != "Accept" {
			t.Errorf("headers %v", r.Header)
		}
		if !strings.Contains(r.body, want) || !strings.Contains(r.body, `<text>&lt;b&gt;good&lt;/b&gt; &amp; cheap</text>`) {
			t.Errorf("%s: %s", path, r.body)
		}
		var read struct {
			XMLName xml.Name `xml:"home"`
			User    string   `xml:"user"`
			Partial bool     `xml:"partial"`
			Missing []string `xml:"missing>service"`
		}
		if err := xml.Unmarshal([]byte(r.body), &read); err != nil || read.User != "USER1" || !read.Partial || strings.Join(read.Missing, "") != "stock" {
			t.Errorf("%s: %v, %+v", path, err, read)
		}
	}
}

func TestFormatsAreAskedForByAccept(t *testing.T) {
	f := open(t, six())
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "application/*": "application/json", "text/xml": "application/xml; charset=utf-8",
		"application/xml, application/json": "application/xml; charset=utf-8", "application/xml;q=0.1, */*": "application/json",
		"text/html": "406", "application/json;q=0": "406", "application/json;q=x": "406", ";;": "406",
	} {
		r := f.ask("GET", "/home", "", "Authorization: Bearer "+f.session("USER1"), "Accept: "+accept)
		if want == "406" {
			f.refused(r, http.StatusNotAcceptable, "not-acceptable")
		} else if got := r.Header.Get("Content-Type"); got != want && accept != "" {
			t.Errorf("Accept %q: %s", accept, got)
		}
	}
}

func TestPurchases(t *testing.T) {
	var got []string
	f := open(t, map[string]http.HandlerFunc{"bank": func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.URL.Path+" "+string(body))
		if strings.Contains(string(body), "99999") {
			w.WriteHeader(http.StatusPaymentRequired)
			io.WriteString(w, `{"detail":"Not enough dollars."}`)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"id":"o1","user":"USER1","points":100,"dollars":100,"state":"NEW"}`)
	}})
	own := "Authorization: Bearer " + f.session("USER1")
	const js, ml = "Content-Type: application/json", "Content-Type: application/xml; charset=UTF-8"
	for _, c := range []struct {
		path, body, media, accept string
		status                    int
		want                      string
	}{
		{"/v1/purchases", `{"user":"USER1","points":100}`, js, "application/json", 202, `"order":{"id":"o1","user":"USER1","points":100,"dollars":100,"state":"NEW"}}`},
		{"/v1/purchases", `<purchase><points>100</points></purchase>`, ml, "application/xml", 202, `<order id="o1"><user>USER1</user><points>100</points>`},
		{"/v2/purchases", `{"item":"points","quantity":100}`, js, "application/json", 202, `"order":{"id":"o1","item":"points","quantity":100,"price":{"amount":"100.00","currency":"USD"},"state":"NEW"}}`},
		{"/v2/purchases", `<purchase><item>points</item><quantity>100</quantity></purchase>`, ml, "application/json", 202, `"quantity":100`},
		{"/v2/purchases", `{"item":"points","quantity":100}`, js, "text/xml", 202, `<quantity>100</quantity><price><amount>100.00</amount>`},
		{"/v2/purchases", `{"item":"points","quantity":99999}`, js, "*/*", 402, `"detail":"Not enough dollars."`},
	} {
		got = nil
		r := f.ask("POST", c.path, c.body, own, c.media, "Accept: "+c.accept)
		if r.StatusCode != c.status || !strings.Contains(r.body, c.want) || len(got) != 1 || c.status == 202 && got[0] != `/orders {"points":100}` {
			t.Errorf("%s %s: answer %d %s, bank got %q", c.path, c.body, r.StatusCode, r.body, got)
		}
		if c.status == 202 && !strings.Contains(r.body, r.Header.Get("X-Correlation-Id")) {
			t.Errorf("no tracking number in %s", r.body)
		}
	}
	got = nil
	for _, c := range []struct {
		path, body, media string
		status            int
		kind              string
	}{
		{"/v1/purchases", `{"user":"USER2","points":100}`, js, 403, "not-yours"},
		{"/v1/purchases", `{"points":-1}`, js, 422, "invalid-amount"},
		{"/v1/purchases", `{"points":0}`, js, 422, "invalid-amount"},
		{"/v1/purchases", `{"points":1.5}`, js, 400, "malformed-body"},
		{"/v1/purchases", `{"points":99999999999999999999}`, js, 400, "malformed-body"},
		{"/v1/purchases", `{"points":100,"dollars":1}`, js, 400, "malformed-body"},
		{"/v1/purchases", `{"points":100}{"points":1}`, js, 400, "malformed-body"},
		{"/v1/purchases", `<purchase><points>1.5</points></purchase>`, ml, 400, "malformed-body"},
		{"/v1/purchases", `<purchase><points>1</points></purchase><purchase/>`, ml, 400, "malformed-body"},
		{"/v1/purchases", `<order><points>1</points></order>`, ml, 400, "malformed-body"},
		{"/v1/purchases", `<!DOCTYPE p [<!ENTITY a "1">]><purchase><points>&a;</points></purchase>`, ml, 400, "malformed-body"},
		{"/v1/purchases", `<!DOCTYPE p SYSTEM "file:///etc/passwd"><purchase><points>1</points></purchase>`, ml, 400, "malformed-body"},
		{"/v1/purchases", `<purchase><points>&a;</points></purchase>`, ml, 400, "malformed-body"},
		{"/v1/purchases", strings.Repeat("<purchase>", 1000), ml, 400, "malformed-body"},
		{"/v1/purchases", `points=1`, "Content-Type: application/x-www-form-urlencoded", 415, "unsupported-media-type"},
		{"/v1/purchases", `{"points":100}`, "Content-Type: application/json; charset=utf-16", 415, "unsupported-media-type"},
		{"/v1/purchases", `{"points":100}`, "Content-Type: */*", 415, "unsupported-media-type"},
		{"/v1/purchases", `{"points":100}`, "X-None: 1", 415, "unsupported-media-type"},
		{"/v2/purchases", `{"item":"gold","quantity":1}`, js, 422, "unknown-item"},
	} {
		f.refused(f.ask("POST", c.path, c.body, own, c.media), c.status, c.kind)
	}
	f.refused(f.ask("POST", "/v1/purchases", `{"points":100}`, js), http.StatusUnauthorized, "login-needed")
	if len(got) > 0 {
		t.Errorf("the bank got %q", got)
	}
}

package registry

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestAnInstanceComesAndGoes(t *testing.T) {
	r := open(t, Config{})
	h := r.Handler()
	var made struct {
		ID       string
		TTL      int64 `json:"ttl_ms"`
		Settings struct{ Version int64 }
	}
	if w := ask(t, h, "POST", "/instances", `{"service":"bank","url":"http://10.0.0.1:7702","version":"1.0.0"}`, &made); w.Code != 201 || made.TTL != 5000 || made.ID == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var found struct {
		Name      string
		Instances []Instance
	}
	ask(t, h, "GET", "/services/bank", "", &found)
	if want := (Instance{ID: made.ID, Service: "bank", URL: "http://10.0.0.1:7702", Version: "1.0.0"}); found.Name != "bank" || !slices.Equal(found.Instances, []Instance{want}) {
		t.Errorf("found %+v", found)
	}
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{"PUT", "/instances/" + made.ID + "/heartbeat", 204},
		{"DELETE", "/instances/" + made.ID, 204},
		{"DELETE", "/instances/" + made.ID, 404},
		{"PUT", "/instances/" + made.ID + "/heartbeat", 404},
		{"GET", "/services/bank", 200}, // nobody, but known
		{"GET", "/services/other", 404},
		{"GET", "/healthz", 200},
	} {
		if w := ask(t, h, c.method, c.target, "", nil); w.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.target, w.Code, c.status)
		}
	}
	if w := ask(t, h, "GET", "/services/bank", "", nil); !strings.Contains(w.Body.String(), `"instances":[]`) {
		t.Errorf("nobody is %s", w.Body)
	}
}

func TestBadInputIsAProblemAndChangesNothing(t *testing.T) {
	r := open(t, Config{Own: "http://127.0.0.1:7701"})
	instance := func(service, url, version string) string {
		b, _ := json.Marshal(map[string]string{"service": service, "url": url, "version": version})
		return string(b)
	}
	bank := func(url string) string { return instance("bank", url, "") }
	for name, c := range map[string]struct {
		method, target, body string
		status               int
	}{
		"no name":            {"POST", "/instances", instance("", "http://10.0.0.1", ""), 400},
		"upper case":         {"POST", "/instances", instance("Bank", "http://10.0.0.1", ""), 400},
		"name with dot":      {"POST", "/instances", instance("a.b", "http://10.0.0.1", ""), 400},
		"name too long":      {"POST", "/instances", instance(strings.Repeat("a", 64), "http://10.0.0.1", ""), 400},
		"name with newline":  {"POST", "/instances", instance("bank\n", "http://10.0.0.1", ""), 400},
		"version too long":   {"POST", "/instances", instance("bank", "http://10.0.0.1", strings.Repeat("1", 65)), 400},
		"version unprinted":  {"POST", "/instances", instance("bank", "http://10.0.0.1", "1\n2"), 400},
		"no URL":             {"POST", "/instances", bank(""), 400},
		"no host":            {"POST", "/instances", bank("http://"), 400},
		"port only":          {"POST", "/instances", bank("http://:80"), 400},
		"no scheme":          {"POST", "/instances", bank("10.0.0.1:80"), 400},
		"other scheme":       {"POST", "/instances", bank("ftp://10.0.0.1"), 400},
		"file":               {"POST", "/instances", bank("file:///etc/passwd"), 400},
		"user":               {"POST", "/instances", bank("http://a:b@10.0.0.1"), 400},
		"query":              {"POST", "/instances", bank("http://10.0.0.1/?a=b"), 400},
		"empty query":        {"POST", "/instances", bank("http://10.0.0.1/?"), 400},
		"fragment":           {"POST", "/instances", bank("http://10.0.0.1/#"), 400},
		"port 0":             {"POST", "/instances", bank("http://10.0.0.1:0"), 400},
		"port too high":      {"POST", "/instances", bank("http://10.0.0.1:65536"), 400},
		"long URL":           {"POST", "/instances", bank("http://10.0.0.1/" + strings.Repeat("a", 240)), 400},
		"long when escaped":  {"POST", "/instances", bank("http://10.0.0.1/" + strings.Repeat("\"", 200)), 400},
		"host with space":    {"POST", "/instances", bank("http://a b/"), 400},
		"host half a number": {"POST", "/instances", bank("http://127.1:7701"), 400},
		"host in hex":        {"POST", "/instances", bank("http://0x7f000001:7701"), 400},
		"zone":               {"POST", "/instances", bank("http://[fe80::1%25eth0]:80"), 400},
		"itself":             {"POST", "/instances", bank("http://127.0.0.1:7701"), 400},
		"itself by name":     {"POST", "/instances", bank("http://LOCALHOST.:7701/x"), 400},
		"itself by other IP": {"POST", "/instances", bank("https://127.8.8.8:7701"), 400},
		"itself by IPv6":     {"POST", "/instances", bank("http://[::1]:7701"), 400},
		"itself mapped":      {"POST", "/instances", bank("http://[::ffff:127.0.0.1]:7701"), 400},
		"itself by any":      {"POST", "/instances", bank("http://0.0.0.0:7701"), 400},
		"not JSON":           {"POST", "/instances", `{"service":`, 400},
		"two values":         {"POST", "/instances", bank("http://10.0.0.1") + "{}", 400},
		"unknown key":        {"POST", "/instances", `{"service":"bank","url":"http://10.0.0.1","id":"mine"}`, 400},
		"wrong type":         {"POST", "/instances", `{"service":1}`, 400},
		"body too long":      {"POST", "/instances", bank(strings.Repeat("a", 5000)), 413},
		"settings no key":    {"PUT", "/settings", `{"values":{"":"1"}}`, 400},
		"settings bad key":   {"PUT", "/settings", `{"values":{"a b":"1"}}`, 400},
		"settings a number":  {"PUT", "/settings", `{"values":{"a":1}}`, 400},
		"settings too large": {"PUT", "/settings", `{"values":{"a":"` + strings.Repeat("x", 64<<10) + `"}}`, 503},
		"settings far too":   {"PUT", "/settings", `{"values":{"a":"` + strings.Repeat("x", 600<<10) + `"}}`, 413},
		"after no number":    {"GET", "/settings?after=x", "", 400},
		"no such path":       {"GET", "/secrets", "", 404},
		"no such method":     {"PATCH", "/instances/x", "", 404},
	} {
		w := ask(t, r.Handler(), c.method, c.target, c.body, nil)
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || p.Status != c.status || p.Title == "" || p.Detail == "" || p.Type == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.status)
		}
	}
	if o := r.Overview(); len(o) != 0 || r.Settings().Version != 0 {
		t.Errorf("something changed: %+v %+v", o, r.Settings())
	}
}

func TestAWebPageCannotRegister(t *testing.T) {
	r := open(t, Config{})
	req := httptest.NewRequest("POST", "/instances", strings.NewReader(`{"service":"bank","url":"http://10.0.0.1"}`))
	req.Header.Set("Content-Type", "text/plain") // what a form can send to another site
	w := httptest.NewRecorder()
	if r.Handler().ServeHTTP(w, req); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestGoodAddressesAreTaken(t *testing.T) {
	r := open(t, Config{Own: "http://127.0.0.1:7701"})
	for _, url := range []string{
		"http://10.0.0.1", "https://10.0.0.1:8443/base/", "http://[2001:db8::1]:80", "http://bank", "http://bank-1.shop.internal.:7702",
		"http://127.0.0.1:7702", "http://10.0.0.1:7701", "http://bank_1/a%2Fb",
	} {
		if _, err := r.Register(t.Context(), Instance{Service: "bank", URL: url}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestLimitsHold(t *testing.T) {
	r := open(t, Config{Limits: Limits{Instances: 3, PerService: 2}})
	h := r.Handler()
	post := func(service string) (int, string) {
		var made struct{ ID string }
		w := ask(t, h, "POST", "/instances", `{"service":"`+service+`","url":"http://10.0.0.1"}`, &made)
		return w.Code, made.ID
	}
	for i, c := range []struct {
		service string
		status  int
	}{{"a", 201}, {"a", 201}, {"a", 503}, {"b", 201}, {"c", 503}} {
		if status, _ := post(c.service); status != c.status {
			t.Errorf("registration %d of %s: %d", i+1, c.service, status)
		}
	}
	instances, _ := r.Lookup("b")
	r.Deregister(t.Context(), instances[0].ID)
	for _, name := range []string{"c", "d", "e", "f", "g"} { // names that nobody has make room for others
		status, id := post(name)
		if status != 201 {
			t.Fatalf("%s: %d", name, status)
		}
		r.Deregister(t.Context(), id)
	}
	if n := len(r.Overview()); n > 3 {
		t.Errorf("%d names are remembered", n)
	}
}

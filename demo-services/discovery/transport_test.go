package discovery_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/registry"
)

// reach registers urls as the bank's and returns an HTTP client that knows names.
func reach(t *testing.T, urls ...string) *http.Client {
	t.Helper()
	r, stop := start(t, registry.Config{})
	t.Cleanup(stop)
	for _, url := range urls {
		if _, err := r.Register(t.Context(), instance("bank", url)); err != nil {
			t.Fatal(err)
		}
	}
	next := &http.Transport{}
	t.Cleanup(next.CloseIdleConnections)
	return &http.Client{Transport: client(t, newNetwork(r.Handler())).Transport(next)}
}

func server(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestACallToANameReachesAnInstance(t *testing.T) {
	var got atomic.Value
	at := server(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got.Store(r.Method + " " + r.RequestURI + " " + r.Host + " " + string(b))
	})
	host := strings.TrimPrefix(at, "http://")
	for _, c := range []struct{ base, target, want string }{
		{"", "/orders?a=b", "/orders?a=b " + host},
		{"/", "/orders", "/orders " + host},
		{"/base", "/orders?a=b", "/base/orders?a=b " + host},
		{"/base/", "/a%2Fb", "/base/a%2Fb " + host},
		{"", "/a%2Fb", "/a%2Fb " + host},
	} {
		hc := reach(t, at+c.base)
		res, err := hc.Post("http://bank"+c.target, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if want := "POST " + c.want + " body"; got.Load() != want || res.Request.URL.Host != "bank" {
			t.Errorf("%q, want %q", got.Load(), want)
		}
	}
}

func TestACallThatReachesNobodySaysWhy(t *testing.T) {
	hc := reach(t, "http://127.0.0.1:1")
	for target, want := range map[string]error{
		"http://unknown/": discovery.ErrUnknown,
		"http://bank:80/": discovery.ErrUnknown, // a name has no port
	} {
		body := &closing{Reader: strings.NewReader("body")}
		if _, err := hc.Post(target, "text/plain", body); !errors.Is(err, want) || !body.closed.Load() {
			t.Errorf("%s: %v, body closed: %v", target, err, body.closed.Load())
		}
	}
	if _, err := hc.Get("http://bank/"); err == nil || !strings.Contains(err.Error(), "call bank") {
		t.Error(err)
	}
}

type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error { c.closed.Store(true); return nil }

func TestInstancesThatCannotServeAreAvoided(t *testing.T) {
	for status, avoided := range map[int]bool{502: true, 503: true, 504: true, 500: false, 404: false} {
		var ill, well atomic.Int64
		hc := reach(t,
			server(t, func(w http.ResponseWriter, _ *http.Request) { ill.Add(1); w.WriteHeader(status) }),
			server(t, func(http.ResponseWriter, *http.Request) { well.Add(1) }))
		for range 50 {
			res, err := hc.Get("http://bank/")
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		if n := ill.Load(); avoided && n > 3 || !avoided && n < 5 {
			t.Errorf("%d: %d calls went there, %d to the other", status, n, well.Load())
		}
	}
}

func TestACallIsUnderWayUntilItsBodyIsClosed(t *testing.T) {
	h := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<20)) }
	one, two := server(t, h), server(t, h)
	var seen atomic.Value
	r, stop := start(t, registry.Config{})
	defer stop()
	for _, url := range []string{one, two} {
		r.Register(t.Context(), instance("bank", url))
	}
	next := &http.Transport{}
	defer next.CloseIdleConnections()
	hc := &http.Client{Transport: client(t, newNetwork(r.Handler())).Transport(watch(func(req *http.Request) (*http.Response, error) {
		seen.Store(req.URL.Host)
		return next.RoundTrip(req)
	}))}
	get := func() (*http.Response, string) {
		res, err := hc.Get("http://bank/")
		if err != nil {
			t.Fatal(err)
		}
		return res, seen.Load().(string)
	}
	open, busy := get()
	for range 30 {
		res, at := get()
		if at == busy {
			t.Fatal("a call went to where another one is under way")
		}
		io.Copy(io.Discard, res.Body)
	}
	open.Body.Close()
	for range 100 {
		res, at := get()
		io.Copy(io.Discard, res.Body)
		if res.Body.Close(); at == busy {
			return
		}
	}
	t.Error("the call never ended")
}

type watch func(*http.Request) (*http.Response, error)

func (f watch) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestAConnectionMayChangeItsProtocol(t *testing.T) {
	hc := reach(t, server(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		rw.WriteString(line)
		rw.Flush()
	}))
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://bank/", nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	res, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	w, ok := res.Body.(io.Writer)
	if !ok {
		t.Fatal("nobody can write")
	}
	io.WriteString(w, "hello\n")
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "hello\n" {
		t.Error(line, err)
	}
}

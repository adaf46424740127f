package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/gateway"
)

func TestOnlyIdempotentCallsAreRepeated(t *testing.T) {
	var calls atomic.Int32
	f := open(t, map[string]http.HandlerFunc{"cart": func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}}, func(c *gateway.Config) { c.Limits.BreakerCalls = 1000 })
	own := "Authorization: Bearer " + f.session("USER1")
	for method, want := range map[string]int32{"GET": 3, "PUT": 3, "DELETE": 3, "POST": 1, "PATCH": 1} {
		calls.Store(0)
		r := f.ask(method, "/services/cart/cart/p1", "{}", own)
		f.refused(r, http.StatusServiceUnavailable, "service-unavailable")
		if calls.Load() != want || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d calls, want %d; %v", method, calls.Load(), want, r.Header)
		}
	}
}

func TestRepeatedCallSucceedsWithItsBody(t *testing.T) {
	var calls atomic.Int32
	f := open(t, map[string]http.HandlerFunc{"cart": func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 100)
		n, _ := r.Body.Read(body)
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Write(body[:n])
	}})
	if r := f.ask("PUT", "/services/cart/cart/p1", `{"quantity":1}`, "Authorization: Bearer "+f.session("USER1")); r.body != `{"quantity":1}` || calls.Load() != 3 {
		t.Errorf("answer %d %s after %d calls", r.StatusCode, r.body, calls.Load())
	}
}

// TestRetriesHaveABudget has repeated calls wait, so that they are under way together.
func TestRetriesHaveABudget(t *testing.T) {
	t.Parallel()
	const callers = 40
	var first, again atomic.Int32
	seen := sync.Map{}
	all, done := make(chan struct{}), make(chan struct{})
	f := open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) {
		if _, repeated := seen.LoadOrStore(r.URL.RawQuery, true); repeated {
			again.Add(1)
			wait2(r, done)
		} else if first.Add(1) == callers {
			close(all)
		}
		wait2(r, all)
		w.WriteHeader(http.StatusServiceUnavailable)
	}}, func(c *gateway.Config) {
		c.Limits.RetryRate, c.Limits.Retries, c.Limits.BreakerCalls, c.Limits.Attempt = 0.1, 1, 1000, 20*time.Second
	})
	answered := make(chan int, callers)
	for i := range callers {
		go func() { answered <- f.ask("GET", catalogue+"?i="+strings.Repeat("x", i), "").StatusCode }()
	}
	refused := 0
	for refused < callers-callers/2 { // most must be refused while the repeated ones still wait
		select {
		case status := <-answered:
			refused++
			if status != http.StatusServiceUnavailable {
				t.Errorf("answer %d", status)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%d of %d refused, %d calls are repeated", refused, callers, again.Load())
		}
	}
	close(done)
	for range callers - refused {
		<-answered
	}
	if n := again.Load(); n == 0 || n > 10 {
		t.Errorf("%d of %d calls were repeated", n, callers)
	}
}

func wait2(r *http.Request, until chan struct{}) {
	select {
	case <-until:
	case <-r.Context().Done():
	case <-time.After(15 * time.Second):
	}
}

func TestCircuitOpensAndCloses(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	var well atomic.Bool
	f := open(t, map[string]http.HandlerFunc{"bank": func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if !well.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}, "game": says("{}")}, func(c *gateway.Config) { c.Limits.BreakerCalls, c.Limits.BreakerPause = 5, 300*time.Millisecond })
	own := "Authorization: Bearer " + f.session("USER1")
	for range 5 {
		f.refused(f.ask("POST", "/services/bank/orders", "{}", own), http.StatusBadGateway, "service-failed")
	}
	r := f.ask("POST", "/services/bank/orders", "{}", own)
	f.refused(r, http.StatusServiceUnavailable, "service-unavailable")
	if calls.Load() != 5 || r.Header.Get("Retry-After") == "" {
		t.Errorf("%d calls, %v", calls.Load(), r.Header)
	}
	f.status(f.ask("GET", "/services/game/player", "", own), http.StatusOK) // others are not concerned
	well.Store(true)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if f.ask("POST", "/services/bank/orders", "{}", own).StatusCode == http.StatusOK {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("still open after 5 s")
		}
	}
	for _, want := range []string{`"to":"open"`, `"to":"half-open"`, `"to":"closed"`} {
		if !strings.Contains(f.logged(), want) {
			t.Errorf("no %s in the log", want)
		}
	}
}

func TestSlowServiceIsATimeout(t *testing.T) {
	t.Parallel()
	f := open(t, map[string]http.HandlerFunc{"bank": func(_ http.ResponseWriter, r *http.Request) { wait(r, 10*time.Second) }},
		func(c *gateway.Config) { c.Limits.Attempt = 50 * time.Millisecond })
	f.refused(f.ask("POST", "/services/bank/orders", "{}", "Authorization: Bearer "+f.session("USER1")), http.StatusGatewayTimeout, "service-timeout")
}

func TestCallerWhoGoesAwayDoesNotOpenACircuit(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	slow.Store(true)
	f := open(t, map[string]http.HandlerFunc{"bank": func(_ http.ResponseWriter, r *http.Request) {
		if slow.Load() {
			wait(r, 10*time.Second)
		}
	}}, func(c *gateway.Config) { c.Limits.BreakerCalls = 2 })
	token := f.session("USER1")
	for range 5 {
		client := http.Client{Timeout: 50 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
		r, _ := http.NewRequestWithContext(t.Context(), "POST", f.url+"/services/bank/orders", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if res, err := client.Do(r); err == nil {
			res.Body.Close()
			t.Error("answered")
		}
	}
	slow.Store(false)
	f.status(f.ask("POST", "/services/bank/orders", "", "Authorization: Bearer "+token), http.StatusOK)
}

// bodies counts the responses' bodies that nobody has closed.
type bodies struct {
	next http.RoundTripper
	open atomic.Int32
}

func (b *bodies) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		b.open.Add(1)
		res.Body = &body{ReadCloser: res.Body, of: b}
	}
	return res, err
}

type body struct {
	io.ReadCloser
	of   *bodies
	once sync.Once
}

func (b *body) Close() error {
	b.once.Do(func() { b.of.open.Add(-1) })
	return b.ReadCloser.Close()
}

func TestNoAnswerStaysOpen(t *testing.T) {
	t.Parallel()
	var count *bodies
	services := six()
	services["products"] = fails(http.StatusServiceUnavailable)
	services["reviews"] = func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond) // so that it is asked a second time
		says(`{"reviews":[]}`)(w, r)
	}
	f := open(t, services, func(c *gateway.Config) {
		count = &bodies{next: c.Services}
		c.Services, c.Limits.Hedge = count, 10*time.Millisecond
	})
	for range 10 {
		f.home("/home")
		f.ask("GET", catalogue, "")
		f.ask("GET", "/services/stock/stock", "")
	}
	for deadline := time.Now().Add(5 * time.Second); count.open.Load() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d answers are open", count.open.Load())
		}
	}
}

package registry

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a registry that is closed when the test ends.
func open(t *testing.T, cfg Config) *Registry {
	t.Helper()
	r, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// run runs a registry; the func ends it.
func run(t *testing.T, r *Registry) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func register(t *testing.T, r *Registry, service, url string) Instance {
	t.Helper()
	in, err := r.Register(t.Context(), Instance{Service: service, URL: url, Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// rotating is how many instances of a service are in rotation.
func rotating(r *Registry, service string) int {
	instances, _ := r.Lookup(service)
	return len(instances)
}

// ask calls the API and decodes the answer.
func ask(t *testing.T, h http.Handler, method, target, body string, into any) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s %s: %s: %v", method, target, w.Body, err)
		}
	}
	return w
}

// until polls for what must become true soon.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !true(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// roundTripper answers checks.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func answers(status int) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
	}
}

// journal collects what is logged: the instances by message.
type journal struct {
	slog.Handler
	mu   sync.Mutex
	seen map[string]map[string]int
}

func newJournal() *journal {
	return &journal{Handler: slog.DiscardHandler, seen: map[string]map[string]int{}}
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "instance" {
			if j.seen[r.Message] == nil {
				j.seen[r.Message] = map[string]int{}
			}
			j.seen[r.Message][a.Value.String()]++
		}
		return true
	})
	return nil
}

func (j *journal) count(message, instance string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen[message][instance]
}

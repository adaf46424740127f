package discovery_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network leads to a handler without sockets, so that time can be simulated.
type network struct {
	to atomic.Pointer[http.Handler]

	mu    sync.Mutex
	calls map[string]int // by method and path
	loss  loss
}

var errDown = errors.New("connection refused")

// loss says whether a request or its answer is lost; nil: neither.
type loss func() (request, answer bool)

func newNetwork(h http.Handler) *network {
	n := &network{calls: map[string]int{}}
	n.lead(h)
	return n
}

func (n *network) lose(l loss) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loss = l
}

// lead makes calls go to h; nil: to nobody.
func (n *network) lead(h http.Handler) { n.to.Store(&h) }

func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.calls[req.Method+" "+req.URL.Path]++
	var request, answer bool
	if n.loss != nil {
		request, answer = n.loss()
	}
	n.mu.Unlock()
	h := *n.to.Load()
	if h == nil {
		return nil, errDown
	}
	if request {
		<-req.Context().Done() // a lost packet is silence
		return nil, req.Context().Err()
	}
	in := req.Clone(req.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	if answer {
		<-req.Context().Done()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	res := w.Result()
	res.Request = req
	return res, nil
}

func (n *network) count(call string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[call]
}

// total is the calls whose method is m.
func (n *network) total(m string) (sum int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for call, count := range n.calls {
		if call[:len(m)] == m {
			sum += count
		}
	}
	return sum
}

// start runs a registry whose checks all succeed.
func start(t *testing.T, cfg registry.Config) (r *registry.Registry, stop func()) {
	t.Helper()
	cfg.Transport = fine{}
	r, err := registry.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return r, func() {
		cancel()
		if err := errors.Join(<-ended, r.Close()); err != nil {
			t.Error(err)
		}
	}
}

type fine struct{}

func (fine) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

func client(t *testing.T, n http.RoundTripper) *discovery.Client {
	c := discovery.New(discovery.Config{URL: "http://registry/", Transport: n})
	t.Cleanup(func() { c.Close() })
	return c
}

func instance(service, url string) discovery.Instance {
	return discovery.Instance{Service: service, URL: url, Version: "1.0.0"}
}

func there(r *registry.Registry, service string) int {
	in, _ := r.Lookup(service)
	return len(in)
}

const ttl = 5 * time.Second

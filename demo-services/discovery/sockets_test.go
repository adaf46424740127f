package discovery_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/registry"
)

// Everything at once over real sockets, with the transports that are used when
// none is given; what is left open fails in TestMain.
func TestAServiceIsFoundCalledTakenOutAndGone(t *testing.T) {
	r, err := registry.Open(registry.Config{TTL: 2 * time.Second, CheckEvery: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(running) }()
	front := httptest.NewServer(r.Handler())
	var broken atomic.Bool
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, "100")
	}))

	c := discovery.New(discovery.Config{URL: front.URL, CacheFor: 10 * time.Millisecond})
	lease, err := c.Register(t.Context(), instance("bank", back.URL))
	if err != nil {
		t.Fatal(err)
	}
	next := &http.Transport{}
	hc := &http.Client{Transport: c.Transport(next)}
	get := func() (string, error) {
		res, err := hc.Get("http://bank/account")
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		return string(b), err
	}
	if answer, err := get(); err != nil || answer != "100" {
		t.Fatal(answer, err)
	}
	watching, unwatch := context.WithCancel(t.Context())
	told := make(chan discovery.Settings, 10)
	unwatched := make(chan error, 1)
	go func() { unwatched <- c.Watch(watching, func(s discovery.Settings) { told <- s }) }()
	if s := <-told; s.Version != 0 {
		t.Error(s)
	}
	set(t, r, "1")
	if s := <-told; s.Values["a"] != "1" {
		t.Error(s)
	}
	broken.Store(true)
	poll(t, "it is out", func() bool { _, err := get(); return errors.Is(err, discovery.ErrNobody) })
	broken.Store(false)
	poll(t, "it is back", func() bool { answer, err := get(); return err == nil && answer == "100" })
	if err := lease.Close(t.Context()); err != nil {
		t.Error(err)
	}
	poll(t, "it is gone", func() bool { _, err := get(); return errors.Is(err, discovery.ErrNobody) })

	unwatch()
	next.CloseIdleConnections()
	cancel()
	if err := errors.Join(<-unwatched, c.Close(), <-ended, r.Close()); err != nil {
		t.Error(err)
	}
	front.Close()
	back.Close()
}

func poll(t *testing.T, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

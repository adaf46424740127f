package discovery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/registry"
)

// bank is a registry with instances of the bank from its static list.
func bank(t *testing.T, instances int) (*registry.Registry, func()) {
	var urls []string
	for i := range instances {
		urls = append(urls, fmt.Sprintf("http://10.0.0.%d", i+1))
	}
	return start(t, registry.Config{Static: []registry.Service{{Name: "bank", URLs: urls}}, CheckEvery: time.Hour})
}

func TestManyLookUpsAreOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := bank(t, 2)
		defer stop()
		n := newNetwork(r.Handler())
		c := client(t, n)
		for second := range 3 {
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if in, err := c.Instances(t.Context(), "bank"); err != nil || len(in) != 2 {
						t.Error(in, err)
					}
				})
			}
			all.Wait()
			if asked := n.count("GET /services/bank"); asked != second+1 {
				t.Errorf("asked %d times within %d s", asked, second+1)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestTheLastAnswerServesWhileTheRegistryIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := bank(t, 2)
		defer stop()
		n := newNetwork(r.Handler())
		c := client(t, n)
		if _, err := c.Instances(t.Context(), "bank"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Instances(t.Context(), "unknown"); !errors.Is(err, discovery.ErrUnknown) {
			t.Fatal(err)
		}
		n.lead(nil)
		for range 100 {
			time.Sleep(time.Minute)
			if in, err := c.Instances(t.Context(), "bank"); err != nil || len(in) != 2 {
				t.Fatal(in, err)
			}
			if _, err := c.Instances(t.Context(), "unknown"); !errors.Is(err, discovery.ErrUnknown) {
				t.Fatal(err)
			}
		}
		if _, err := c.Instances(t.Context(), "never-asked"); err == nil || errors.Is(err, discovery.ErrUnknown) {
			t.Errorf("the registry is away, and of what it never said there is %v", err)
		}
		in, err := r.Register(t.Context(), instance("bank", "http://10.0.0.9"))
		if err != nil {
			t.Fatal(err)
		}
		n.lead(r.Handler())
		time.Sleep(2 * time.Second)
		if got, err := c.Instances(t.Context(), "bank"); err != nil || len(got) != 3 {
			t.Errorf("%s is not found when the registry is back: %v, %v", in.ID, got, err)
		}
	})
}

func TestARegistryThatHangsCostsACallLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := bank(t, 2)
		defer stop()
		n := newNetwork(r.Handler())
		c := client(t, n)
		c.Instances(t.Context(), "bank")
		n.lose(func() (request, answer bool) { return true, false })
		time.Sleep(time.Minute)
		begin := time.Now()
		if in, err := c.Instances(t.Context(), "bank"); err != nil || len(in) != 2 || time.Since(begin) > 50*time.Millisecond {
			t.Errorf("%v, %v after %v", in, err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := c.Instances(ctx, "game"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 60*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		// The caller who gave up has not spoiled it for others.
		n.lose(nil)
		r.Register(t.Context(), instance("game", "http://10.0.0.7"))
		time.Sleep(5 * time.Second)
		if in, err := c.Instances(t.Context(), "game"); err != nil || len(in) != 1 {
			t.Error(in, err)
		}
	})
}

func TestTheLogSaysOnceThatTheRegistryIsAwayAndOnceThatItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := bank(t, 1)
		defer stop()
		n := newNetwork(r.Handler())
		var log bytes.Buffer
		c := discovery.New(discovery.Config{URL: "http://registry", Transport: n, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		defer c.Close()
		for _, h := range []http.Handler{r.Handler(), nil, r.Handler()} {
			n.lead(h)
			for range 10 {
				time.Sleep(2 * time.Second)
				c.Instances(t.Context(), "bank")
				c.Settings(t.Context())
			}
		}
		synctest.Wait()
		if away, back := strings.Count(log.String(), "registry is away"), strings.Count(log.String(), "registry is back"); away != 1 || back != 1 {
			t.Errorf("away %d times, back %d times:\n%s", away, back, log.String())
		}
	})
}

func TestNamesThatAreNoneAreNotAskedFor(t *testing.T) {
	n := newNetwork(nil)
	c := client(t, n)
	for _, name := range []string{"", "Bank", "bank:80", "../settings", "a.b", "bank?x=1"} {
		if _, err := c.Instances(t.Context(), name); !errors.Is(err, discovery.ErrUnknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if n.total("GET") != 0 {
		t.Error("the registry was asked")
	}
}

func TestNothingIsAskedAfterClose(t *testing.T) {
	n := newNetwork(nil)
	c := client(t, n)
	c.Close()
	if _, err := c.Instances(t.Context(), "bank"); !errors.Is(err, discovery.ErrClosed) {
		t.Error(err)
	}
	if err := c.Watch(t.Context(), nil); !errors.Is(err, discovery.ErrClosed) {
		t.Error(err)
	}
}

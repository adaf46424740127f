package discovery_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/registry"
)

func TestALeaseKeepsAnInstanceUntilItIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, registry.Config{})
		defer stop()
		n := newNetwork(r.Handler())
		c := client(t, n)
		lease, err := c.Register(t.Context(), instance("bank", "http://10.0.0.1"))
		if err != nil || lease.ID() == "" || there(r, "bank") != 1 {
			t.Fatal(err, lease.ID())
		}
		time.Sleep(20 * ttl)
		synctest.Wait()
		if there(r, "bank") != 1 || n.count("POST /instances") != 1 {
			t.Errorf("%d there after %d registrations", there(r, "bank"), n.count("POST /instances"))
		}
		if beats := n.total("PUT"); beats < 100 || beats > 112 {
			t.Errorf("%d heartbeats in 20 TTL", beats)
		}
		if err := lease.Close(t.Context()); err != nil || there(r, "bank") != 0 {
			t.Error(err, there(r, "bank"))
		}
		if err := lease.Close(t.Context()); err != nil || n.total("DELETE") != 1 {
			t.Error("the second Close is not nothing", err)
		}
	})
}

// One in five heartbeats is lost on its way; of others, the answer.
func TestLostHeartbeatsMakeNobodyFlap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		const leases = 300
		r, stop := start(t, registry.Config{CheckEvery: time.Hour})
		defer stop()
		n := newNetwork(r.Handler())
		c := client(t, n)
		for i := range leases {
			if _, err := c.Register(t.Context(), instance("bank", fmt.Sprintf("http://10.0.%d.%d", i/250, i%250))); err != nil {
				t.Fatal(err)
			}
		}
		chance := rand.New(rand.NewPCG(seed, seed))
		n.lose(func() (request, answer bool) {
			x := chance.Float64()
			return x < 0.2, x > 0.9
		})
		for range 200 {
			time.Sleep(ttl / 20)
			synctest.Wait()
			if there(r, "bank") != leases {
				t.Fatalf("%d are in rotation", there(r, "bank"))
			}
		}
		if n.count("POST /instances") != leases {
			t.Errorf("%d registrations of %d", n.count("POST /instances"), leases)
		}
	})
}

func TestARegistryThatIsAwayAtTheStartIsTriedUntilItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, registry.Config{})
		defer stop()
		n := newNetwork(nil)
		c := client(t, n)
		lease, err := c.Register(t.Context(), instance("bank", "http://10.0.0.1"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if calls := n.count("POST /instances"); calls < 50 || calls > 80 {
			t.Errorf("%d attempts in a minute", calls)
		}
		n.lead(r.Handler())
		time.Sleep(ttl / 4)
		synctest.Wait()
		if there(r, "bank") != 1 || lease.ID() == "" {
			t.Error("not registered")
		}
		n.lead(nil)
		if err := lease.Close(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("not deregistered, and %v", err)
		}
	})
}

func TestARegistryThatHasForgottenHearsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, stop := start(t, registry.Config{})
		n := newNetwork(first.Handler())
		c := client(t, n)
		lease, err := c.Register(t.Context(), instance("bank", "http://10.0.0.1"))
		if err != nil {
			t.Fatal(err)
		}
		id := lease.ID()
		stop()
		n.lead(nil)
		before := n.total("PUT")
		time.Sleep(time.Minute)
		if calls := n.total("PUT") - before; calls > 90 {
			t.Errorf("%d heartbeats stormed a registry that was away for a minute", calls)
		}
		second, stop := start(t, registry.Config{})
		defer stop()
		n.lead(second.Handler())
		time.Sleep(ttl / 4)
		synctest.Wait()
		if there(second, "bank") != 1 || lease.ID() == id || lease.ID() == "" {
			t.Errorf("%d there, as %q", there(second, "bank"), lease.ID())
		}
	})
}

func TestWhatTheRegistryRefusesIsAnErrorAtOnce(t *testing.T) {
	r, stop := start(t, registry.Config{Own: "http://127.0.0.1:7701"})
	defer stop()
	n := newNetwork(r.Handler())
	c := client(t, n)
	for _, in := range []discovery.Instance{instance("Bank", "http://10.0.0.1"), instance("bank", "ftp://10.0.0.1"), instance("bank", "http://localhost:7701")} {
		if _, err := c.Register(t.Context(), in); !errors.Is(err, discovery.ErrRefused) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	c.Close()
	if _, err := c.Register(t.Context(), instance("bank", "http://10.0.0.1")); !errors.Is(err, discovery.ErrClosed) {
		t.Error(err)
	}
}

func TestAFullRegistryIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, registry.Config{Limits: registry.Limits{Instances: 1}})
		defer stop()
		c := client(t, newNetwork(r.Handler()))
		first, err := c.Register(t.Context(), instance("bank", "http://10.0.0.1"))
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Register(t.Context(), instance("bank", "http://10.0.0.2"))
		if err != nil || second.ID() != "" {
			t.Fatal(err, second.ID())
		}
		first.Close(t.Context())
		time.Sleep(ttl / 4)
		synctest.Wait()
		if second.ID() == "" {
			t.Error("not registered when there was room")
		}
	})
}

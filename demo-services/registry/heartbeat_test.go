package registry

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

const ttl = 5 * time.Second

// sender is an instance that sends heartbeats as discovery.Lease does: each fifth
// of a TTL, a lost one again after a twentieth.
type sender struct {
	id, service string
	next        time.Duration
	dead        bool
}

func (s *sender) send(r *Registry, now time.Duration, chance *rand.Rand) (known bool) {
	if s.dead || now < s.next {
		return true
	}
	if chance.Float64() < 0.2 {
		s.next = now + ttl/20
		return true
	}
	s.next = now + ttl/5 - time.Duration(chance.Int64N(int64(ttl/50)))
	return r.Heartbeat(context.Background(), s.id)
}

func TestThreeThousandSilentAreGoneWithinTwoTTLAndNobodyElseFlaps(t *testing.T) {
	const services, each, dying = 20, 500, 3000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, seed))
	synctest.Test(t, func(t *testing.T) {
		log := newJournal()
		r := open(t, Config{Transport: answers(http.StatusOK), CheckEvery: time.Hour, Logger: slog.New(log)})
		h := r.Handler()
		var senders []*sender
		for i := range services * each {
			s := &sender{service: fmt.Sprintf("service-%d", i%services), next: time.Duration(chance.Int64N(int64(ttl / 5)))}
			var made struct{ ID string }
			ask(t, h, "POST", "/instances", fmt.Sprintf(`{"service":%q,"url":"http://10.0.%d.%d:80"}`, s.service, i/250, i%250), &made)
			s.id = made.ID
			senders = append(senders, s)
		}
		chance.Shuffle(len(senders), func(i, j int) { senders[i], senders[j] = senders[j], senders[i] })
		defer run(t, r)()
		start := time.Now()
		pass := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(ttl / 100) {
				now := time.Since(start)
				for _, s := range senders {
					if !s.send(r, now, chance) {
						t.Fatalf("%s was forgotten while it was heard", s.id)
					}
				}
			}
		}
		pass(ttl * 3 / 2)
		if n := all(r, services); n != services*each {
			t.Fatalf("%d in rotation, %d are registered", n, services*each)
		}
		for _, s := range senders[:dying] {
			s.dead = true
		}
		pass(2 * ttl)
		if n := all(r, services); n != services*each-dying {
			t.Errorf("%d in rotation two TTL after %d of %d fell silent", n, dying, services*each)
		}
		pass(ttl / 2)
		for _, s := range senders {
			want := 0
			if s.dead {
				want = 1
			}
			if out := log.count("instance out of rotation", s.id); out != want {
				t.Errorf("%s (dead: %v) left the rotation %d times", s.id, s.dead, out)
			}
			if s.dead && r.Heartbeat(t.Context(), s.id) {
				t.Errorf("%s is still known", s.id)
			}
		}
	})
}

func all(r *Registry, services int) (n int) {
	for i := range services {
		n += rotating(r, fmt.Sprintf("service-%d", i))
	}
	return n
}

func TestOneHeartbeatBringsASilentInstanceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Transport: answers(http.StatusOK)})
		in := register(t, r, "bank", "http://10.0.0.1")
		defer run(t, r)()
		time.Sleep(ttl - time.Millisecond)
		synctest.Wait()
		if rotating(r, "bank") != 1 {
			t.Fatal("out before its TTL")
		}
		time.Sleep(ttl * 2 / 5)
		synctest.Wait()
		if rotating(r, "bank") != 0 {
			t.Fatal("in rotation after its TTL")
		}
		if s := r.Overview()[0].Instances[0]; s.State != StateSilent || s.InRotation || s.Since == nil {
			t.Errorf("people see %+v", s)
		}
		if !r.Heartbeat(t.Context(), in.ID) || rotating(r, "bank") != 1 {
			t.Error("a heartbeat did not bring it back")
		}
		time.Sleep(2 * ttl)
		synctest.Wait()
		if r.Heartbeat(t.Context(), in.ID) || len(r.Overview()[0].Instances) != 0 {
			t.Error("known for ever")
		}
		if _, known := r.Lookup("bank"); !known {
			t.Error("the name is forgotten with its last instance")
		}
	})
}

func TestARegistryThatWasStoppedBlamesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		in := register(t, r, "bank", "http://10.0.0.1")
		r.sweep(t.Context())
		time.Sleep(10 * ttl) // nothing runs
		r.sweep(t.Context())
		if rotating(r, "bank") != 1 {
			t.Fatal("an instance pays for the registry's pause")
		}
		for range 9 {
			time.Sleep(ttl / 4)
			r.sweep(t.Context())
		}
		if r.Heartbeat(t.Context(), in.ID) {
			t.Error("an instance lives on from a pause")
		}
	})
}

func TestStaticEntriesNeverExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Transport: answers(http.StatusOK), CheckEvery: time.Second, Static: []Service{{Name: "game", URLs: []string{"http://10.0.0.1", "http://10.0.0.2"}}}})
		defer run(t, r)()
		time.Sleep(10 * ttl)
		synctest.Wait()
		instances, _ := r.Lookup("game")
		if len(instances) != 2 {
			t.Fatalf("%d static instances are left", len(instances))
		}
		if id := instances[0].ID; r.Heartbeat(t.Context(), id) || r.Deregister(t.Context(), id) {
			t.Error("others have a say in static entries")
		}
	})
}

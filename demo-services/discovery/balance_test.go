package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/registry"
)

var errCall = errors.New("connection reset")

// pick picks one of the bank's.
func pick(t *testing.T, c *discovery.Client) (url string, done func(error)) {
	t.Helper()
	in, done, err := c.Pick(t.Context(), "bank")
	if err != nil {
		t.Fatal(err)
	}
	return in.URL, done
}

func TestTheLessBusyOfTwoIsPicked(t *testing.T) {
	r, stop := bank(t, 10)
	defer stop()
	c := client(t, newNetwork(r.Handler()))
	busy := map[string]int{}
	var last func(error)
	for range 1000 {
		url, done := pick(t, c)
		busy[url]++
		last = done
	}
	var counts []int
	for _, n := range busy {
		counts = append(counts, n)
	}
	// One choice alone would spread 1000 over 10 by ± 10 each; two keep it within a few.
	if len(counts) != 10 || slices.Max(counts)-slices.Min(counts) > 8 {
		t.Errorf("calls under way: %v", busy)
	}
	last(nil)
	last(nil) // a call ends once
}

func TestOfTwoTheIdleOneIsPickedAlways(t *testing.T) {
	r, stop := bank(t, 2)
	defer stop()
	c := client(t, newNetwork(r.Handler()))
	busy, done := pick(t, c)
	for range 50 {
		url, end := pick(t, c)
		if url == busy {
			t.Fatal("the busy one is picked")
		}
		end(nil)
	}
	done(nil)
	seen := map[string]bool{}
	for range 50 {
		url, end := pick(t, c)
		seen[url] = true
		end(nil)
	}
	if len(seen) != 2 {
		t.Error("of two idle ones always the same is picked")
	}
}

func TestADeadInstanceIsAvoidedForSomeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := bank(t, 3)
		defer stop()
		c := client(t, newNetwork(r.Handler()))
		dead := "http://10.0.0.2"
		calls := func() (failed int) {
			for range 60 {
				url, done := pick(t, c)
				if url == dead {
					failed++
					done(errCall)
				} else {
					done(nil)
				}
			}
			return failed
		}
		if failed := calls(); failed != 1 {
			t.Errorf("%d calls went to the dead one at once", failed)
		}
		failed := 0
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			failed += calls()
		}
		if failed < 3 || failed > 10 { // tried after 0.5, 1, 2, 4, 8, 15, 15 … s
			t.Errorf("%d of 36,000 calls within a minute went to the dead one", failed)
		}
		dead = ""
		time.Sleep(16 * time.Second)
		seen := map[string]int{}
		for range 300 {
			url, done := pick(t, c)
			seen[url]++
			done(nil)
		}
		if seen["http://10.0.0.2"] < 30 {
			t.Errorf("back to life, it gets %v", seen)
		}
	})
}

func TestWhereAllFailOneIsTried(t *testing.T) {
	r, stop := bank(t, 3)
	defer stop()
	c := client(t, newNetwork(r.Handler()))
	seen := map[string]bool{}
	for range 100 {
		url, done := pick(t, c)
		seen[url] = true
		done(errCall)
	}
	if len(seen) != 3 {
		t.Errorf("tried %v", seen)
	}
	alive, done := pick(t, c)
	done(nil)
	for range 20 {
		url, done := pick(t, c)
		if done(nil); url != alive {
			t.Fatal("one works again, and another one is tried")
		}
	}
}

func TestACallThatItsCallerBreaksOffIsNoFailure(t *testing.T) {
	r, stop := bank(t, 2)
	defer stop()
	c := client(t, newNetwork(r.Handler()))
	left, done := pick(t, c)
	done(fmt.Errorf("call: %w", context.Canceled))
	for range 100 {
		if url, done := pick(t, c); url == left {
			return
		} else {
			done(nil)
		}
	}
	t.Error("it is avoided")
}

func TestNobodyToPick(t *testing.T) {
	r, stop := start(t, registry.Config{})
	defer stop()
	c := client(t, newNetwork(r.Handler()))
	in, err := r.Register(t.Context(), instance("bank", "http://10.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	r.Deregister(t.Context(), in.ID)
	if _, _, err := c.Pick(t.Context(), "bank"); !errors.Is(err, discovery.ErrNobody) {
		t.Error(err)
	}
	if _, _, err := c.Pick(t.Context(), "unknown"); !errors.Is(err, discovery.ErrUnknown) {
		t.Error(err)
	}
}

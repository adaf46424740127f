package registry

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Readers take no lock and never see half of a change.
func TestLookUpsWhileInstancesComeAndGo(t *testing.T) {
	r := open(t, Config{})
	const pairs = 50
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				instances, _ := r.Lookup("bank")
				if !slices.IsSortedFunc(instances, func(a, b Instance) int { return compare(a.ID, b.ID) }) || len(instances) > pairs {
					t.Errorf("%d instances, or out of order", len(instances))
					return
				}
			}
		})
	}
	var writers sync.WaitGroup
	for i := range pairs {
		writers.Go(func() {
			for range 20 {
				in, err := r.Register(t.Context(), Instance{Service: "bank", URL: fmt.Sprintf("http://10.0.0.%d", i)})
				if err != nil || !r.Heartbeat(t.Context(), in.ID) || !r.Deregister(t.Context(), in.ID) {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if n := rotating(r, "bank"); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

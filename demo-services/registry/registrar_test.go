package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnInstanceThatAnswers500IsOutWithinTwoChecksThoughItsHeartbeatsGoOn(t *testing.T) {
	const sockets = 100
	r := open(t, Config{CheckEvery: 20 * time.Millisecond})
	var broken atomic.Bool
	var failed, healed atomic.Int64
	var ill Instance
	for i := range sockets {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			switch {
			case req.URL.Path != "/base/diagnostics":
				http.NotFound(w, req)
			case i == 0 && broken.Load():
				if n := failed.Add(1); n > 2 && rotating(r, "bank") == sockets {
					t.Errorf("check %d finds the instance in rotation", n)
				}
				w.WriteHeader(http.StatusInternalServerError)
			case i == 0:
				if failed.Load() > 0 {
					healed.Add(1)
				}
			}
		}))
		defer server.Close()
		in := register(t, r, "bank", server.URL+"/base/")
		if i == 0 {
			ill = in
		}
	}
	stop := run(t, r)
	defer stop()
	broken.Store(true)
	until(t, "the broken instance is out", func() bool {
		return r.Heartbeat(t.Context(), ill.ID) && rotating(r, "bank") == sockets-1
	})
	if n := failed.Load(); n < 2 {
		t.Errorf("it was out after %d failed checks", n)
	}
	for _, s := range r.Overview()[0].Instances {
		if bad := s.ID == ill.ID; bad == s.InRotation || bad && (s.State != StateFailing || s.Reason != "diagnostics answered 500") {
			t.Errorf("people see %+v", s)
		}
	}
	broken.Store(false)
	until(t, "the instance is back", func() bool { return rotating(r, "bank") == sockets })
	if n := healed.Load(); n > 2 { // the one that counted, and one that may have begun since
		t.Errorf("it was back after %d good checks", n)
	}
}

func TestWhatCountsAsAFailedCheck(t *testing.T) {
	for name, c := range map[string]struct {
		transport roundTripper
		in        bool
	}{
		"204":       {answers(http.StatusNoContent), true},
		"404":       {answers(http.StatusNotFound), false},
		"redirect":  {answers(http.StatusFound), false},
		"no answer": {func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("refused") }, false},
		"answers late": {func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := open(t, Config{Transport: c.transport, TTL: time.Hour})
				register(t, r, "bank", "http://10.0.0.1")
				defer run(t, r)()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if in := rotating(r, "bank") == 1; in != c.in {
					t.Errorf("in rotation: %v", in)
				}
			})
		})
	}
}

func TestOneFailedCheckAloneChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0 // checks follow each other
		r := open(t, Config{TTL: time.Hour, Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if n++; n%2 == 0 {
				return answers(http.StatusInternalServerError)(req)
			}
			return answers(http.StatusOK)(req)
		})})
		register(t, r, "bank", "http://10.0.0.1")
		defer run(t, r)()
		for range 100 {
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			if rotating(r, "bank") != 1 {
				t.Fatal("out of rotation after one failure")
			}
		}
	})
}

func TestChecksAreBoundedAndEndWithTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		r := open(t, Config{Checks: 3, CheckTimeout: time.Minute, Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			<-req.Context().Done()
			return nil, req.Context().Err()
		})})
		for i := range 10 {
			register(t, r, "bank", fmt.Sprintf("http://10.0.0.%d", i))
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		time.Sleep(10 * time.Second) // more than a round takes that is not held up
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil || most.Load() != 3 {
			t.Errorf("%d checks at once, %v", most.Load(), err)
		}
		for _, s := range r.Overview()[0].Instances {
			if s.State != StateUp {
				t.Errorf("a check that was broken off counts: %+v", s)
			}
		}
	})
}

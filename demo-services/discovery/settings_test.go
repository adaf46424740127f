package discovery_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/registry"
)

// set changes one setting.
func set(t *testing.T, r *registry.Registry, value string) {
	t.Helper()
	if _, err := r.Change(t.Context(), map[string]*string{"a": &value}); err != nil {
		t.Fatal(err)
	}
}

func TestWatchTellsWhatThereIsAndEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, registry.Config{})
		defer stop()
		set(t, r, "1")
		n := newNetwork(r.Handler())
		c := client(t, n)
		ctx, cancel := context.WithCancel(t.Context())
		var told []string
		ended := make(chan error)
		go func() { ended <- c.Watch(ctx, func(s discovery.Settings) { told = append(told, s.Values["a"]) }) }()
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(told, want) {
				t.Errorf("told %v, want %v", told, want)
			}
		}
		expect("1")
		time.Sleep(10 * time.Minute) // of nothing new
		expect("1")
		if asked := n.count("GET /settings"); asked > 30 {
			t.Errorf("asked %d times", asked)
		}
		set(t, r, "2")
		expect("1", "2") // at once
		n.lead(nil)
		set(t, r, "3")
		time.Sleep(time.Minute)
		expect("1", "2", "3") // the question that was held is answered; later ones find nobody
		set(t, r, "4")
		time.Sleep(time.Minute)
		expect("1", "2", "3")
		if asked := n.count("GET /settings"); asked > 200 {
			t.Errorf("asked %d times, two minutes of them nobody", asked)
		}
		n.lead(r.Handler())
		time.Sleep(2 * time.Second)
		expect("1", "2", "3", "4")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestSettingsComeWithTheRegistrationAndServeWhileTheRegistryIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, registry.Config{})
		defer stop()
		set(t, r, "1")
		n := newNetwork(r.Handler())
		c := client(t, n)
		if _, err := c.Register(t.Context(), instance("bank", "http://10.0.0.1")); err != nil {
			t.Fatal(err)
		}
		n.lead(nil)
		if s, err := c.Settings(t.Context()); err != nil || s.Version != 1 || s.Values["a"] != "1" {
			t.Error(s, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan discovery.Settings, 1)
		ended := make(chan error)
		go func() { ended <- c.Watch(ctx, func(s discovery.Settings) { told <- s }) }()
		if s := <-told; s.Version != 1 {
			t.Error(s)
		}
		cancel()
		<-ended
		other := client(t, n)
		if s, err := other.Settings(t.Context()); err == nil {
			t.Errorf("nobody ever said %v", s)
		}
	})
}

func TestChangeSetsAndDeletes(t *testing.T) {
	r, stop := start(t, registry.Config{})
	defer stop()
	c := client(t, newNetwork(r.Handler()))
	one := "1"
	if s, err := c.Change(t.Context(), map[string]*string{"a": &one, "b": &one}); err != nil || s.Version != 1 || len(s.Values) != 2 {
		t.Error(s, err)
	}
	if s, err := c.Change(t.Context(), map[string]*string{"a": nil}); err != nil || s.Version != 2 || len(s.Values) != 1 {
		t.Error(s, err)
	}
	if s, err := c.Settings(t.Context()); err != nil || s.Version != 2 {
		t.Error(s, err)
	}
}

func TestAnAnswerThatIsNoneIsNotStormed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
		c := client(t, n)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Watch(ctx, func(discovery.Settings) { t.Error("told of nothing") }); err != nil {
			t.Error(err)
		}
		if asked := n.count("GET /settings"); asked > 60*21 {
			t.Errorf("asked %d times in a minute", asked)
		}
	})
}

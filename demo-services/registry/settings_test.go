package registry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
)

func TestSettingsMergeAndCountVersions(t *testing.T) {
	h := open(t, Config{}).Handler()
	for i, c := range []struct {
		body    string
		version int64
		values  string
	}{
		{`{"values":{"a":"1","b":"2"}}`, 1, "a=1 b=2"},
		{`{"values":{"b":"3"}}`, 2, "a=1 b=3"},
		{`{"values":{"b":"3"}}`, 2, "a=1 b=3"}, // no change, no version
		{`{"values":{"a":null,"c":""}}`, 3, "b=3 c="},
		{`{"values":{"nobody":null}}`, 3, "b=3 c="},
		{`{}`, 3, "b=3 c="},
	} {
		var s, read discovery.Settings
		ask(t, h, "PUT", "/settings", c.body, &s)
		ask(t, h, "GET", "/settings", "", &read)
		if s.Version != c.version || read.Version != c.version || text(s) != c.values || text(read) != c.values {
			t.Errorf("change %d: %+v, then %+v", i+1, s, read)
		}
	}
}

func text(s discovery.Settings) string {
	var parts []string
	for _, k := range []string{"a", "b", "c"} {
		if v, ok := s.Values[k]; ok {
			parts = append(parts, k+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

func TestAQuestionForNewSettingsIsHeldUntilThereAreSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		h := r.Handler()
		start := time.Now()
		if w := ask(t, h, "GET", "/settings?after=0", "", nil); w.Code != 204 || time.Since(start) != holdFor {
			t.Errorf("nothing new: %d after %v", w.Code, time.Since(start))
		}
		answered := make(chan discovery.Settings)
		for range 10 {
			go func() {
				var s discovery.Settings
				ask(t, h, "GET", "/settings?after=0", "", &s)
				answered <- s
			}()
		}
		time.Sleep(10 * time.Second)
		ask(t, h, "PUT", "/settings", `{"values":{"a":"1"}}`, nil)
		for range 10 {
			if s := <-answered; s.Version != 1 || s.Values["a"] != "1" {
				t.Errorf("answered %+v", s)
			}
		}
		start = time.Now()
		for _, after := range []string{"0", "7", "-1"} { // 7: the registry has lost its file
			if w := ask(t, h, "GET", "/settings?after="+after, "", nil); w.Code != 200 || time.Since(start) != 0 {
				t.Errorf("after=%s: %d after %v", after, w.Code, time.Since(start))
			}
		}
	})
}

func TestWhoWaitsForSettingsIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Limits: Limits{Waiting: 2}})
		h := r.Handler()
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan int, 2)
		for _, ctx := range []context.Context{t.Context(), ctx} {
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/settings?after=0", nil))
				left <- w.Code
			}()
		}
		synctest.Wait()
		if w := ask(t, h, "GET", "/settings?after=0", "", nil); w.Code != 503 {
			t.Errorf("one too many waits: %d", w.Code)
		}
		start := time.Now()
		cancel() // the caller is gone
		<-left
		r.Close()
		if status := <-left; status != 204 || time.Since(start) != 0 {
			t.Errorf("at the registry's end: %d, after %v", status, time.Since(start))
		}
	})
}

func TestSettingsThatCannotBeSavedAreNotSet(t *testing.T) {
	r, err := Open(Config{File: filepath.Join(t.TempDir(), "missing", "registry.json")})
	if err != nil {
		t.Fatal(err)
	}
	w := ask(t, r.Handler(), "PUT", "/settings", `{"values":{"a":"1"}}`, nil)
	if w.Code != 500 || strings.Contains(w.Body.String(), "missing") || r.Settings().Version != 0 {
		t.Errorf("%d %s, then version %d", w.Code, w.Body, r.Settings().Version)
	}
	if _, err := r.Change(t.Context(), map[string]*string{" ": nil}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if r.Close() == nil {
		t.Error("closed without a word on what is lost")
	}
}

package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/gateway"
)

const catalogue = "/services/products/products"

// counted counts calls, and says their number in the answer.
func counted(calls *atomic.Int32, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		says(fmt.Sprintf(`{"call":%d}`, calls.Add(1)), headers...)(w, r)
	}
}

func (f *fixture) cached(want string, headers ...string) reply {
	f.t.Helper()
	r := f.ask("GET", catalogue, "", headers...)
	if got := r.Header.Get("X-Cache"); got != want || r.StatusCode >= 400 {
		f.t.Errorf("X-Cache: %s, want %s; answer %d %s", got, want, r.StatusCode, r.body)
	}
	return r
}

func TestTenColdRequestsReachTheServiceOnce(t *testing.T) {
	for name, headers := range map[string][]string{"for all": {"Cache-Control: public, max-age=60"}, "by language": {"Cache-Control: s-maxage=60", "Vary: Accept-Language"}} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			arrived := make(chan struct{})
			h := counted(&calls, headers...)
			f := open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) {
				select { // until all ten are inside, or as good as
				case <-arrived:
				case <-time.After(5 * time.Second):
				}
				h(w, r)
			}}, func(c *gateway.Config) { c.Limits.Attempt = 10 * time.Second })
			from := map[string]int{}
			var mu sync.Mutex
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					r := f.ask("GET", catalogue, "")
					mu.Lock()
					defer mu.Unlock()
					from[r.Header.Get("X-Cache")+" "+r.body]++
				})
			}
			time.Sleep(200 * time.Millisecond) // later ones would find the answer, which proves less but fails nothing
			close(arrived)
			all.Wait()
			if calls.Load() != 1 || from[`miss {"call":1}`] != 1 || from[`hit {"call":1}`] != 9 {
				t.Errorf("%d calls, answers %v", calls.Load(), from)
			}
		})
	}
}

func TestAnswersAreNotForAnotherIdentity(t *testing.T) {
	for control, shared := range map[string]bool{"public, max-age=60": true, "s-maxage=60": true, "max-age=60": false, "private, max-age=60": false} {
		t.Run(control, func(t *testing.T) {
			var f *fixture
			f = open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) {
				who, _ := f.verify("products").Verify(r.Header.Get(credential.Header))
				says("for "+who.Subject+strings.Join(who.Roles, ""), "Cache-Control: "+control)(w, r)
			}})
			tokens := map[string][]string{
				"for ":       nil,
				"for A":      {"Authorization: Bearer " + f.session("A")},
				"for B":      {"Cookie: shop_session=" + f.session("B")},
				"for Astaff": {"Authorization: Bearer " + f.session("A", "staff")},
			}
			for range 3 {
				for want, headers := range tokens {
					r := f.ask("GET", catalogue, "", headers...)
					if !shared && r.body != want {
						t.Errorf("%s got %q", want, r.body)
					}
				}
			}
			r := f.ask("GET", catalogue, "", tokens["for A"]...)
			if r.Header.Get("X-Cache") != "hit" {
				t.Errorf("X-Cache: %s for the same one again", r.Header.Get("X-Cache"))
			}
		})
	}
}

func TestColdRequestsOfManyAreAnsweredEachTheirOwn(t *testing.T) {
	var f *fixture
	f = open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) {
		who, _ := f.verify("products").Verify(r.Header.Get(credential.Header))
		time.Sleep(20 * time.Millisecond) // so that others wait for this one
		says(who.Subject, "Cache-Control: private, max-age=60")(w, r)
	}})
	var all sync.WaitGroup
	for i := range 20 {
		user := fmt.Sprintf("U%d", i%5)
		token := f.session(user)
		all.Go(func() {
			if r := f.ask("GET", catalogue, "", "Authorization: Bearer "+token); r.body != user {
				t.Errorf("%s got %q", user, r.body)
			}
		})
	}
	all.Wait()
}

func TestWhatMayNotBeKeptIsNot(t *testing.T) {
	for name, headers := range map[string][]string{
		"no-store": {"Cache-Control: no-store, max-age=60"}, "no-cache": {"Cache-Control: no-cache, max-age=60"}, "nothing said": nil,
		"max-age=0": {"Cache-Control: max-age=0"}, "s-maxage=0": {"Cache-Control: max-age=60, s-maxage=0"}, "private of nobody": {"Cache-Control: private, max-age=60"},
		"vary by all": {"Cache-Control: public, max-age=60", "Vary: *"}, "cookie": {"Cache-Control: public, max-age=60", "Set-Cookie: a=b"},
		"old": {"Cache-Control: public, max-age=60", "Age: 60"}, "stream": {"Cache-Control: public, max-age=60", "Content-Type: text/event-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			f := open(t, map[string]http.HandlerFunc{"products": counted(&calls, headers...)})
			f.cached("bypass")
			f.cached("bypass")
			if calls.Load() != 2 {
				t.Errorf("%d calls", calls.Load())
			}
		})
	}
}

func TestFailuresAreNotKept(t *testing.T) {
	var calls atomic.Int32
	f := open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, calls.Add(1))
	}})
	if a, b := f.ask("GET", catalogue, ""), f.ask("GET", catalogue, ""); a.body != "1" || b.body != "2" || a.StatusCode != http.StatusNotFound {
		t.Errorf("answers %d %s, %s", a.StatusCode, a.body, b.body)
	}
}

func TestKeptAnswersSayWhatTheyAre(t *testing.T) {
	var calls atomic.Int32
	f := open(t, map[string]http.HandlerFunc{"products": counted(&calls, "Cache-Control: public, max-age=60", "X-Other: 1")})
	miss, hit := f.cached("miss"), f.cached("hit")
	tag := miss.Header.Get("ETag")
	if tag == "" || hit.Header.Get("ETag") != tag || hit.body != miss.body || hit.Header.Get("Content-Type") != "application/json" || hit.Header.Get("Age") == "" {
		t.Errorf("miss %v %s, hit %v %s", miss.Header, miss.body, hit.Header, hit.body)
	}
	if a, b := miss.Header.Values("X-Correlation-Id"), hit.Header.Values("X-Correlation-Id"); len(a) != 1 || len(b) != 1 || a[0] == b[0] {
		t.Errorf("tracking numbers %v and %v", a, b)
	}
	for _, known := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if r := f.cached("hit", "If-None-Match: "+known); r.StatusCode != http.StatusNotModified || r.body != "" || r.Header.Get("ETag") != tag {
			t.Errorf("If-None-Match %s: %d %s", known, r.StatusCode, r.body)
		}
	}
	f.status(f.cached("hit", `If-None-Match: "other"`), http.StatusOK)
	f.cached("bypass", "Cache-Control: no-cache")
	f.cached("bypass", "Range: bytes=0-1")
	if r := f.ask("HEAD", catalogue, ""); r.Header.Get("X-Cache") != "bypass" || r.StatusCode != http.StatusOK {
		t.Errorf("HEAD: %d %v", r.StatusCode, r.Header)
	}
}

func TestFirstCallerMayKnowTheAnswerAlready(t *testing.T) {
	var condition atomic.Value
	f := open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) {
		condition.Store(r.Header.Get("If-None-Match"))
		says("{}", "Cache-Control: public, max-age=60", `ETag: "v1"`)(w, r)
	}})
	f.status(f.cached("miss", `If-None-Match: "v1"`), http.StatusNotModified)
	if condition.Load() != "" {
		t.Error("the service was asked with one caller's condition")
	}
	if r := f.cached("hit"); r.body != "{}" || r.Header.Get("ETag") != `"v1"` {
		t.Errorf("%v %s", r.Header, r.body)
	}
}

func TestKeptAnswersVary(t *testing.T) {
	f := open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) {
		says(r.Header.Get("Accept-Language"), "Cache-Control: public, max-age=60", "Vary: accept-language")(w, r)
	}})
	for _, want := range []string{"miss", "hit"} {
		for _, lang := range []string{"en", "zh-TW"} {
			if r := f.cached(want, "Accept-Language: "+lang); r.body != lang || r.Header.Get("Vary") != "accept-language" {
				t.Errorf("%s: %s %v", lang, r.body, r.Header)
			}
		}
	}
	if r := f.ask("GET", catalogue+"?page=2", "", "Accept-Language: en"); r.Header.Get("X-Cache") != "miss" {
		t.Error("another address has been answered with this one's")
	}
}

func TestKeptAnswersExpireAndAreForgottenByWrites(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	f := open(t, map[string]http.HandlerFunc{"products": counted(&calls, "Cache-Control: public, max-age=1")})
	f.cached("miss")
	f.status(f.ask("PUT", catalogue, "{}", "Authorization: Bearer "+f.session("STAFF", "staff")), http.StatusOK)
	if r := f.cached("miss"); r.body != `{"call":3}` {
		t.Errorf("after a write: %s", r.body)
	}
	f.cached("hit")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if r := f.ask("GET", catalogue, ""); r.Header.Get("X-Cache") == "miss" {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("still kept after 5 s")
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	var calls atomic.Int32
	f := open(t, map[string]http.HandlerFunc{"products": func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Header().Set("Cache-Control", "public, max-age=60")
		io.WriteString(w, strings.Repeat("a", 6000))
		if r.URL.Query().Get("large") != "" {
			http.NewResponseController(w).Flush() // so that its length is not known before
			io.WriteString(w, strings.Repeat("b", 60_000))
		}
	}}, func(c *gateway.Config) { c.Limits.Entry, c.Limits.Cache = 10_000, 30_000 })
	for range 2 {
		if r := f.ask("GET", catalogue+"?large=1", ""); len(r.body) != 66_000 || r.Header.Get("X-Cache") != "bypass" {
			t.Errorf("%d bytes, %v", len(r.body), r.Header)
		}
	}
	for i := range 20 {
		f.ask("GET", fmt.Sprintf("%s?i=%d", catalogue, i), "")
	}
	kept := 0
	for i := range 20 {
		if r := f.ask("GET", fmt.Sprintf("%s?i=%d", catalogue, i), ""); r.Header.Get("X-Cache") == "hit" {
			kept++
		}
	}
	if kept > 12 {
		t.Errorf("%d of 20 answers of 6 kB are in 30 kB", kept)
	}
}

package access_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/query/access"
	"github.com/waybill-log/waybill/store/filter"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func mint(t *testing.T, name string, role access.Role) access.Minted {
	t.Helper()
	m, err := access.Mint(name, role)
	if err != nil || !strings.HasPrefix(m.Token, "wb_") || len(m.Token) != 3+43 || len(m.Hash) != 64 {
		t.Fatalf("%+v, %v", m, err)
	}
	return m
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask makes one request to a handler that wants a role, and tells who it let in.
func ask(p *access.Policy, role access.Role, change func(*http.Request)) (*httptest.ResponseRecorder, access.Holder) {
	var holder access.Holder
	h := p.Protect(role, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { holder = access.From(r.Context()) }))
	r := httptest.NewRequest("GET", "http://localhost:7600/api/v1/journeys", nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w, holder
}

func bearing(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func TestWhoMayDoWhat(t *testing.T) {
	reader, writer, admin, old := mint(t, "reader", access.Read), mint(t, "writer", access.Write), mint(t, "boss", access.Admin), mint(t, "old", access.Admin)
	var text strings.Builder
	text.WriteString("tokens:\n")
	fmt.Fprintf(&text, "  - {name: reader, hash: %s, role: read, services: [bank, game]}\n", reader.Hash)
	fmt.Fprintf(&text, "  - {name: writer, hash: %s, role: write}\n", writer.Hash)
	fmt.Fprintf(&text, "  - {name: boss, hash: %s, role: admin, expires: 2026-11-23T12:00:01Z}\n", strings.ToUpper(admin.Hash))
	fmt.Fprintf(&text, "  - {name: old, hash: %s, role: admin, expires: 2026-11-23T12:00:00Z}\n", old.Hash)
	tokens, err := access.Load(file(t, text.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := access.New(access.Config{Tokens: tokens, Now: func() time.Time { return noon }, Refused: 1000})
	f := func(token string, want error, read, write, all int) {
		t.Helper()
		r := httptest.NewRequest("GET", "/", nil)
		if token != "" {
			bearing(token)(r)
		}
		if _, err := p.Who(r); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", token, err, want)
		}
		for role, status := range map[access.Role]int{access.Read: read, access.Write: write, access.Admin: all} {
			w, holder := ask(p, role, func(r *http.Request) { r.Header = http.Header{"Authorization": {"bearer  " + token}} })
			if w.Code != status || (holder.Name != "") != (status == 200) {
				t.Errorf("%q as %s: %d, %+v; want %d", token, role, w.Code, holder, status)
			}
			if status == 401 && w.Header().Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			if w.Code != 200 && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s is no problem", w.Body)
			}
		}
	}
	f(reader.Token, nil, 200, 403, 403)
	f(writer.Token, nil, 200, 200, 403)
	f(admin.Token, nil, 200, 200, 200)
	f(old.Token, access.ErrExpired, 401, 401, 401)
	f("", access.ErrNoToken, 401, 401, 401)
	f(reader.Hash, access.ErrBadToken, 401, 401, 401)
	f(reader.Token+"x", access.ErrBadToken, 401, 401, 401)
	f(strings.Repeat("x", 10_000), access.ErrBadToken, 401, 401, 401)

	_, h := ask(p, access.Read, bearing(reader.Token))
	in, ok := h.Filter().(filter.In)
	if !ok || in.Field != "service.name" || strings.Join(in.Values, " ") != "bank game" || !h.Sees("bank") || h.Sees("shop") {
		t.Errorf("%+v sees %+v", h, in)
	}
	if _, h = ask(p, access.Read, bearing(writer.Token)); h.Filter() != nil || !h.Sees("shop") {
		t.Errorf("%+v", h)
	}
}

func TestASingleTokenIsAdmin(t *testing.T) {
	p := access.New(access.Config{Tokens: access.Single("secret")})
	if w, h := ask(p, access.Admin, bearing("secret")); w.Code != 200 || h.Role != access.Admin {
		t.Errorf("%d, %+v", w.Code, h)
	}
	if w, _ := ask(p, access.Read, func(r *http.Request) { r.Host = "waybill.example"; bearing("secret")(r) }); w.Code != 200 {
		t.Errorf("by its own name: %d", w.Code)
	}
	if w, _ := ask(p, access.Read, func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer secret", "Bearer secret"} }); w.Code != 401 {
		t.Errorf("two headers: %d", w.Code)
	}
}

func TestWithoutTokensThisMachineIsLetIn(t *testing.T) {
	p := access.New(access.Config{})
	for host, want := range map[string]int{
		"localhost": 200, "LocalHost:7600": 200, "127.0.0.1:1": 200, "127.0.0.1": 200, "[::1]:7600": 200, "[::1]": 200,
		"evil.example": 421, "evil.example:7600": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "": 421, "0.0.0.0:7600": 421, "[::2]": 421,
	} {
		w, h := ask(p, access.Admin, func(r *http.Request) { r.Host = host })
		if w.Code != want || (h.Name == "local") != (want == 200) {
			t.Errorf("%q: %d, %+v; want %d", host, w.Code, h, want)
		}
	}
}

func TestAnotherSitesPageMayNotAsk(t *testing.T) {
	p := access.New(access.Config{})
	f := func(method, site, origin string, want int) {
		t.Helper()
		w, _ := ask(p, access.Admin, func(r *http.Request) {
			r.Method = method
			r.Header.Set("Sec-Fetch-Site", site)
			r.Header.Set("Origin", origin)
		})
		if w.Code != want {
			t.Errorf("%s %s %s: %d, want %d", method, site, origin, w.Code, want)
		}
	}
	f("DELETE", "same-origin", "http://localhost:7600", 200)
	f("DELETE", "cross-site", "http://evil.example", 403)
	f("POST", "", "http://evil.example", 403)
	f("GET", "cross-site", "http://evil.example", 200)
}

func TestWhoAsksTooOftenWaits(t *testing.T) {
	now := noon
	p := access.New(access.Config{Tokens: access.Single("secret"), Now: func() time.Time { return now }, Rate: 1, Burst: 3, Failures: 6, Refused: 2})
	f := func(token, address string, want int, wait string) {
		t.Helper()
		w, _ := ask(p, access.Read, func(r *http.Request) {
			r.RemoteAddr = address
			r.Header.Set("X-Forwarded-For", fmt.Sprint(time.Now().UnixNano()))
			bearing(token)(r)
		})
		if w.Code != want || w.Header().Get("Retry-After") != wait {
			t.Errorf("%s from %s: %d, wait %q; want %d, %q", token, address, w.Code, w.Header().Get("Retry-After"), want, wait)
		}
	}
	f("wrong", "10.0.0.1:1", 401, "")
	f("wrong", "10.0.0.1:2", 401, "")
	f("secret", "10.0.0.1:3", 429, "10") // whoever guesses is not told when it is right
	f("secret", "10.0.0.2:1", 200, "")
	f("secret", "10.0.0.3:1", 200, "")
	f("secret", "[fe80::1]:1", 200, "")
	f("secret", "10.0.0.4:1", 429, "1") // one holder from many addresses
	now = now.Add(10 * time.Second)
	f("secret", "10.0.0.1:3", 200, "")
}

func TestTokensAreReadAgainWhenTheirFileChanges(t *testing.T) {
	one, two := mint(t, "one", access.Read), mint(t, "two", access.Read)
	text := func(hash string) string { return "tokens:\n  - {name: one, hash: " + hash + ", role: read}\n" }
	path := file(t, text(one.Hash))
	var log bytes.Buffer
	tokens, err := access.Load(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	p := access.New(access.Config{Tokens: tokens, Now: func() time.Time { return now }})
	f := func(token string, want int) {
		t.Helper()
		if w, _ := ask(p, access.Read, bearing(token)); w.Code != want {
			t.Errorf("%d, want %d; log: %s", w.Code, want, log.String())
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f(one.Token, 200)
	write(text(two.Hash) + "# changed\n")
	f(one.Token, 200) // it is not looked at so soon
	now = now.Add(6 * time.Second)
	f(one.Token, 401)
	f(two.Token, 200)
	write("tokens: 7\n")
	now = now.Add(6 * time.Second)
	f(two.Token, 200)
	if !strings.Contains(log.String(), "tokens are as they were") || strings.Contains(log.String(), two.Hash) {
		t.Errorf("log: %s", log.String())
	}
	write(text(one.Hash))
	now = now.Add(6 * time.Second)
	f(one.Token, 200)
}

func TestAFileThatMeansNothingIsRefused(t *testing.T) {
	hash := strings.Repeat("a", 64)
	f := func(text, want string) {
		t.Helper()
		if _, err := access.Load(file(t, text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	f("", "0 tokens")
	f("tokens: []", "0 tokens")
	f("tokens:\n  - {name: a, hash: "+hash+", role: read}\n  - {name: a, hash: "+hash+", role: read}", `line 3: name "a" stands here twice`)
	f("tokens:\n  - name: a\n    hash: "+hash+"\n    role: read\n    scope: all", "line 5: field scope")
	f("extra: 1", "line 1: field extra")
	f("tokens:\n  - {name: a, hash: "+hash+", role: owner}", "want read, write or admin")
	f("tokens:\n  - {name: a, hash: abc, role: read}", "64 hexadecimal digits")
	f("tokens:\n  - {name: a b, hash: "+hash+", role: read}", "leave it out")
	f("tokens:\n  - {name: '', hash: "+hash+", role: read}", "want 1 to 64")
	f("tokens:\n  - {name: a, hash: "+hash+", role: read, services: []}", "leave it out for all")
	f("tokens:\n  - {name: a, hash: "+hash+", role: read, services: ['']}", "without a name")
	f("tokens: {", "yaml")
	f(strings.Repeat("#", 1<<20+1), "larger than")
	if _, err := access.Load(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotBeMintedIsRefused(t *testing.T) {
	for name, role := range map[string]access.Role{"": access.Read, "a b": access.Read, "é": access.Read, "a": 0, "b": 9} {
		if m, err := access.Mint(name, role); err == nil {
			t.Errorf("%q %v: %+v", name, role, m)
		}
	}
	if a, b := mint(t, "a", access.Read), mint(t, "a", access.Read); a == b {
		t.Error("two tokens are the same")
	}
}

func TestWhoLookedAtWhatIsNoted(t *testing.T) {
	var log bytes.Buffer
	audit := access.Audit(slog.New(slog.NewJSONHandler(&log, nil)))
	p := access.New(access.Config{Tokens: access.Single("secret")})
	h := p.Protect(access.Read, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		audit.Note(r.Context(), "journey", "GET /api/v1/journeys/{id}", "a-1", 200)
	}))
	r := httptest.NewRequest("GET", "/", nil)
	bearing("secret")(r)
	h.ServeHTTP(httptest.NewRecorder(), r)
	for _, part := range []string{`"msg":"journey accessed"`, `"holder":"token"`, `"route":"GET /api/v1/journeys/{id}"`, `"id":"a-1"`, `"status":200`} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("%s is not in %s", part, log.String())
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the token is in %s", log.String())
	}
	access.Audit(nil).Note(t.Context(), "", "", "", 0)
}

func FuzzAuthorization(f *testing.F) {
	p := access.New(access.Config{Tokens: access.Single("secret")})
	for _, text := range []string{"", "Bearer secret", "bearer  secret ", "Basic secret", "Bearer", "Bearer\tsecret", "secret"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		scheme, token, _ := strings.Cut(header, " ")
		h, err := p.Who(r)
		if right := strings.EqualFold(scheme, "Bearer") && strings.Trim(token, " ") == "secret"; right != (err == nil) || right != h.May(access.Admin) {
			t.Errorf("%q: %+v, %v", header, h, err)
		}
	})
}

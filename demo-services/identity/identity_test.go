package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/credential/credentialtest"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/identity"
)

type service struct {
	*identity.Identity
	db   *sql.DB
	api  *credentialtest.API
	keys []ed25519.PublicKey
	log  bytes.Buffer // read it when all requests have been answered
}

func open(t *testing.T, file string) *service {
	t.Helper()
	db, err := database.Open(file, identity.Schema, identity.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	key, err := identity.Key(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	minter, s := credential.NewMinter(key, identity.Issuer), &service{db: db}
	s.Identity, s.keys = identity.New(db, slog.New(slog.NewJSONHandler(&s.log, nil)), minter), []ed25519.PublicKey{minter.Key()}
	s.api = credentialtest.Serve(t, s.Routes)
	return s
}

func fresh(t *testing.T) *service { return open(t, filepath.Join(t.TempDir(), "identity.db")) }

func (s *service) login(t *testing.T, user, password string) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"user": user, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	return s.api.Ask(t, "", http.MethodPost, "/sessions", string(body))
}

func (s *service) exec(t *testing.T, query string) {
	t.Helper()
	if _, err := s.db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

// quick compares without the work, and counts.
func (s *service) quick() *atomic.Int64 {
	var compared atomic.Int64
	s.Compare(func(hash, password []byte) error {
		if compared.Add(1); string(password) == "good" {
			return nil
		}
		return errors.New("wrong")
	})
	return &compared
}

func TestUsersOfTheDemoLogIn(t *testing.T) {
	s := fresh(t)
	gateway := credential.NewVerifier(identity.Issuer, identity.Audience, func() []ed25519.PublicKey { return s.keys })
	var token string
	for _, tt := range []struct {
		user, password string
		staff          bool
	}{{"USER1", "demo1", false}, {"USER2", "demo2", false}, {"STAFF", "demo3", true}} {
		status, body := s.login(t, tt.user, tt.password)
		var session identity.Session
		if err := json.Unmarshal([]byte(body), &session); status != http.StatusOK || err != nil || session.User != tt.user {
			t.Fatal(status, body, err)
		}
		if left := time.Until(session.ExpiresAt); left < 59*time.Minute || left > time.Hour {
			t.Error(left)
		}
		token = session.Token
		who, err := gateway.Verify(token)
		if err != nil || who.Subject != tt.user || who.Has("staff") != tt.staff {
			t.Error(who, err)
		}
	}
	other := credential.NewVerifier(identity.Issuer, "orders", func() []ed25519.PublicKey { return s.keys })
	if who, err := other.Verify(token); err == nil {
		t.Error("a service takes the token of a log-in: ", who)
	}
}

func TestWhoIsLoggedInStaysSoWhenTheServiceStartsAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "identity.db")
	before, after := open(t, file), open(t, file)
	if !before.keys[0].Equal(after.keys[0]) {
		t.Error("another key")
	}
	if fresh(t).keys[0].Equal(before.keys[0]) {
		t.Error("the same key everywhere")
	}
}

func TestAnUnknownUserIsRefusedAsAKnownOneIs(t *testing.T) {
	s := fresh(t)
	compared := s.quick()
	known, knownBody := s.login(t, "USER1", "bad")
	unknown, unknownBody := s.login(t, "NOBODY", "bad")
	if known != http.StatusUnauthorized || unknown != known || knownBody != unknownBody {
		t.Error(known, knownBody, unknown, unknownBody)
	}
	if compared.Load() != 2 {
		t.Error("an unknown user costs no comparison")
	}
	if status, body := s.login(t, "NOBODY", "good"); status != http.StatusUnauthorized {
		t.Error("nobody has logged in", status, body)
	}
}

func TestAnUnknownUserCostsWhatAKnownOneDoes(t *testing.T) {
	want, err := bcrypt.Cost([]byte(identity.Nobody))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := fresh(t).db.Query("SELECT hash FROM users")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			t.Fatal(err)
		}
		if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != want {
			t.Error(cost, want, err)
		}
	}
}

func TestANameHasFiveTriesInAMinute(t *testing.T) {
	for _, user := range []string{"USER1", "NOBODY"} {
		s := fresh(t)
		compared := s.quick()
		for range 5 {
			if status, body := s.login(t, user, "bad"); status != http.StatusUnauthorized {
				t.Fatal(status, body)
			}
		}
		if status, body := s.login(t, user, "good"); status != http.StatusTooManyRequests || compared.Load() != 5 {
			t.Error(user, status, body, compared.Load())
		}
		if status, _ := s.login(t, "USER2", "good"); status != http.StatusOK {
			t.Error("another user has to wait, too")
		}
		s.exec(t, "UPDATE tries SET since = since - 61")
		if status, _ := s.login(t, user, "bad"); status != http.StatusUnauthorized {
			t.Error("after a minute still", status)
		}
	}
}

func TestTriesOfManyAtOnceAreCounted(t *testing.T) {
	s := fresh(t)
	compared := s.quick()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { s.login(t, "USER1", "bad") })
	}
	all.Wait()
	if n := compared.Load(); n != 5 {
		t.Error(n, "passwords were compared")
	}
}

func TestALoginForgetsTriesBeforeIt(t *testing.T) {
	s := fresh(t)
	s.quick()
	for range 3 {
		for range 4 {
			s.login(t, "USER1", "bad")
		}
		if status, body := s.login(t, "USER1", "good"); status != http.StatusOK {
			t.Fatal(status, body)
		}
	}
}

func TestTriesThatAreOverAreForgotten(t *testing.T) {
	s := fresh(t)
	s.exec(t, "INSERT INTO tries VALUES ('A', 9, 0), ('B', 9, 0)")
	s.quick()
	s.login(t, "USER1", "bad")
	var names int
	if err := s.db.QueryRow("SELECT count(*) FROM tries").Scan(&names); err != nil || names != 1 {
		t.Error(names, err)
	}
}

func TestFewPasswordsAreComparedAtATime(t *testing.T) {
	s := fresh(t)
	var now, most atomic.Int64
	s.Compare(func(_, _ []byte) error {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(10 * time.Millisecond)
		now.Add(-1)
		return nil
	})
	var all sync.WaitGroup
	for _, user := range strings.Split("ABCDEFGHIJKLMNOP", "") {
		all.Go(func() { s.login(t, user, "x") })
	}
	all.Wait()
	if most.Load() > 2 {
		t.Error(most.Load(), "at a time")
	}
}

func TestWhoWaitsTooLongIsToldToTryAgain(t *testing.T) {
	s := fresh(t)
	s.Patience(50 * time.Millisecond)
	held, comparing := make(chan struct{}), make(chan struct{}, 3)
	s.Compare(func(_, _ []byte) error {
		comparing <- struct{}{}
		select {
		case <-held:
		case <-time.After(10 * time.Second): // for a test that fails
		}
		return nil
	})
	var all sync.WaitGroup
	for _, user := range []string{"USER1", "USER2"} {
		all.Go(func() { s.login(t, user, "x") })
	}
	<-comparing
	<-comparing
	if status, body := s.login(t, "STAFF", "x"); status != http.StatusServiceUnavailable {
		t.Error(status, body)
	}
	close(held)
	all.Wait()
}

func TestWhatIsNoLoginIsRefused(t *testing.T) {
	s := fresh(t)
	compared := s.quick()
	for _, body := range []string{
		"", "{", "[]", "null", `{"user":1,"password":"x"}`, `{"user":"USER1"}`, `{"password":"x"}`, `{"user":["USER1"],"password":"x"}`,
		`{"user":"` + strings.Repeat("x", 65) + `","password":"x"}`, `{"user":"USER1","password":"` + strings.Repeat("x", 73) + `"}`,
	} {
		if status, answer := s.api.Ask(t, "", http.MethodPost, "/sessions", body); status != http.StatusBadRequest {
			t.Errorf("%.30s: %d %s", body, status, answer)
		}
	}
	if status, body := s.login(t, "' OR 1=1 --", "bad"); status != http.StatusUnauthorized {
		t.Error(status, body)
	}
	if compared.Load() != 1 {
		t.Error(compared.Load(), "passwords were compared")
	}
}

func TestPasswordsAndTokensAreNotLogged(t *testing.T) {
	s := fresh(t)
	s.quick()
	_, good := s.login(t, "USER1", "good")
	s.login(t, "USER1", "good, not quite")
	s.api.Ask(t, "", http.MethodPost, "/sessions", `{"user":1,"password":"good"}`)
	var session identity.Session
	if err := json.Unmarshal([]byte(good), &session); err != nil {
		t.Fatal(err)
	}
	log := s.log.String()
	if strings.Contains(log, "good") || strings.Contains(log, session.Token) || !strings.Contains(log, "log-in refused") || !strings.Contains(log, "logged in") {
		t.Error(log)
	}
}

func TestABrokenStoreIsDiagnosedAndHiddenFromCallers(t *testing.T) {
	for _, breakage := range []string{
		"CREATE TRIGGER full BEFORE INSERT ON tries BEGIN SELECT raise(ABORT, 'disk secrets'); END", "DROP TABLE tries", "DROP TABLE users",
	} {
		s := fresh(t)
		if err := s.Diagnose(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := s.db.QueryRow("SELECT count(*) FROM tries").Scan(&left); err != nil || left != 0 {
			t.Error("a diagnosis leaves", left, err)
		}
		s.exec(t, breakage)
		if err := s.Diagnose(t.Context()); err == nil {
			t.Error("well in spite of ", breakage)
		}
		if status, body := s.login(t, "USER1", "demo1"); status != http.StatusInternalServerError || strings.Contains(body, "table") || strings.Contains(body, "secrets") {
			t.Error(status, body)
		}
	}
	s := fresh(t)
	s.exec(t, "DELETE FROM users")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("well without users")
	}
	s.exec(t, "UPDATE key SET seed = x'00'")
	if _, err := identity.Key(t.Context(), s.db); err == nil {
		t.Error("a key of one byte")
	}
	if err := identity.New(s.db, nil, credential.NewMinter(nil, "")).Diagnose(t.Context()); err == nil {
		t.Error("well without a key")
	}
}

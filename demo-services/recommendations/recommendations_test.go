package recommendations_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/demo-services/credential/credentialtest"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/recommendations"
)

func open(t *testing.T) (*recommendations.Recommendations, *credentialtest.API, func(sql string)) {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "recommendations.db"), recommendations.Schema, recommendations.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := recommendations.New(db, nil)
	return s, credentialtest.Serve(t, s.Routes), func(sql string) {
		t.Helper()
		if _, err := db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
}

// recommends asserts on what a user gets, product:score.
func recommends(t *testing.T, api *credentialtest.API, user string, want ...string) {
	t.Helper()
	for i, w := range want {
		product, score, _ := strings.Cut(w, ":")
		want[i] = `{"product":"` + product + `","score":` + score + `}`
	}
	body := `{"recommendations":[` + strings.Join(want, ",") + `]}`
	if status, got := api.Ask(t, user, http.MethodGet, "/recommendations", ""); status != http.StatusOK || got != body {
		t.Errorf("%q: %d %s, want %s", user, status, got, body)
	}
}

func view(t *testing.T, api *credentialtest.API, user, product string) {
	t.Helper()
	if status, body := api.Ask(t, user, http.MethodPost, "/recommendations/views", `{"product":"`+product+`"}`); status != http.StatusNoContent {
		t.Fatal(status, body)
	}
}

// USER1 shares points-100 and sword with USER2, and shield with STAFF.
func TestAUserGetsWhatUsersAlikeLookedAt(t *testing.T) {
	_, api, _ := open(t)
	recommends(t, api, "USER1", "horse:14", "potion:8", "points-1000:6", "cape:4", "points-500:4")
	view(t, api, "USER1", "horse") // now seen, and shared
	recommends(t, api, "USER1", "potion:8", "cape:6", "points-1000:6", "points-500:4")
	view(t, api, "USER2", "cape") // three times now
	recommends(t, api, "USER1", "cape:9", "potion:8", "points-1000:6", "points-500:4")
}

func TestWhoHasLookedAtNothingGetsWhatMostLookedAt(t *testing.T) {
	_, api, _ := open(t)
	for _, user := range []string{"", "USER3"} {
		recommends(t, api, user, "points-100:12", "sword:9", "potion:8", "horse:7", "points-1000:6")
	}
	view(t, api, "USER3", "cape")
	recommends(t, api, "USER3", "horse:7", "sword:5", "points-100:3")
}

func TestWithoutViewsNothingIsRecommended(t *testing.T) {
	_, api, exec := open(t)
	exec("DELETE FROM views")
	recommends(t, api, "USER1")
}

func TestOneUsersViewsCountOnlySoMuch(t *testing.T) {
	_, api, exec := open(t)
	exec("DELETE FROM views")
	exec("INSERT INTO views VALUES ('USER2', 'sword', 99)")
	for range 3 {
		view(t, api, "USER2", "sword")
	}
	recommends(t, api, "USER1", "sword:100")
	exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) INSERT INTO views SELECT 'USER2', 'p-' || i, 1 FROM n")
	view(t, api, "USER2", "the-101st")
	exec("DELETE FROM views WHERE product LIKE 'p-%'")
	recommends(t, api, "USER1", "sword:100")
}

func TestWhatIsNoViewIsRefused(t *testing.T) {
	_, api, _ := open(t)
	for _, tt := range []struct {
		user, body string
		status     int
	}{
		{"", `{"product":"sword"}`, 403},
		{"USER1", ``, 400},
		{"USER1", `{`, 400},
		{"USER1", `{"product":1}`, 400},
		{"USER1", `{"product":"Sword"}`, 400},
		{"USER1", `{"product":"` + strings.Repeat("a", 41) + `"}`, 400},
	} {
		if status, body := api.Ask(t, tt.user, http.MethodPost, "/recommendations/views", tt.body); status != tt.status {
			t.Error(tt, status, body)
		}
	}
}

func TestABrokenStoreIsDiagnosedAndHiddenFromCallers(t *testing.T) {
	s, api, exec := open(t)
	for range 2 { // the first leaves nothing in the way of the second
		if err := s.Diagnose(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TRIGGER lost AFTER INSERT ON views BEGIN DELETE FROM views; END")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that loses views is said to be well")
	}
	exec("DROP TABLE views")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that is gone is said to be well")
	}
	for method, path := range map[string]string{http.MethodGet: "/recommendations", http.MethodPost: "/recommendations/views"} {
		if status, body := api.Ask(t, "USER1", method, path, `{"product":"sword"}`); status != http.StatusInternalServerError || strings.Contains(body, "table") {
			t.Error(method, status, body)
		}
	}
}

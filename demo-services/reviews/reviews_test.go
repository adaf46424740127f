package reviews_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/demo-services/credential/credentialtest"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/reviews"
)

func open(t *testing.T) (*reviews.Reviews, *credentialtest.API, func(sql string)) {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "reviews.db"), reviews.Schema, reviews.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := reviews.New(db, nil)
	return s, credentialtest.Serve(t, s.Routes), func(sql string) {
		t.Helper()
		if _, err := db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReviewsAreReadByProductOrAll(t *testing.T) {
	_, api, _ := open(t)
	for query, want := range map[string]int{"": 7, "?product=": 7, "?product=sword": 1, "?product=nothing": 0} {
		status, body := api.Ask(t, "", http.MethodGet, "/reviews"+query, "")
		if status != http.StatusOK || strings.Count(body, `"stars"`) != want || !strings.HasPrefix(body, `{"reviews":[`) {
			t.Error(query, status, body)
		}
	}
	for _, query := range []string{"?product=Sword", "?product=%27", "?product=" + strings.Repeat("a", 41)} {
		if status, body := api.Ask(t, "", http.MethodGet, "/reviews"+query, ""); status != http.StatusBadRequest {
			t.Error(query, status, body)
		}
	}
}

func TestTheNewestReviewComesFirst(t *testing.T) {
	_, api, _ := open(t)
	want := `{"id":8,"product":"sword","user":"USER1","stars":1,"text":"斷了。"}`
	if status, body := api.Ask(t, "USER1", http.MethodPost, "/reviews", `{"product":"sword","stars":1,"text":"斷了。","user":"USER2","id":1}`); status != http.StatusCreated || body != want {
		t.Fatal(status, body)
	}
	for _, query := range []string{"", "?product=sword"} {
		if _, body := api.Ask(t, "", http.MethodGet, "/reviews"+query, ""); !strings.HasPrefix(body, `{"reviews":[`+want+`,{`) {
			t.Error(body)
		}
	}
}

func TestAnAnswerHoldsFiftyReviews(t *testing.T) {
	_, api, exec := open(t)
	exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO reviews (product, user, stars, text) SELECT 'sword', 'U' || i, 3, 'x' FROM n")
	for _, query := range []string{"", "?product=sword"} {
		if _, body := api.Ask(t, "", http.MethodGet, "/reviews"+query, ""); strings.Count(body, `"stars"`) != 50 {
			t.Error(query, strings.Count(body, `"stars"`))
		}
	}
}

func TestAUserReviewsAProductOnce(t *testing.T) {
	_, api, exec := open(t)
	const again = `{"product":"sword","stars":5,"text":"changed my mind"}`
	if status, body := api.Ask(t, "USER2", http.MethodPost, "/reviews", again); status != http.StatusConflict {
		t.Error(status, body)
	}
	if _, body := api.Ask(t, "", http.MethodGet, "/reviews?product=sword", ""); !strings.Contains(body, "Rusts") || strings.Contains(body, "mind") {
		t.Error(body)
	}
	exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO reviews (product, user, stars, text) SELECT 'p-' || i, 'USER1', 3, 'x' FROM n")
	if status, body := api.Ask(t, "USER1", http.MethodPost, "/reviews", again); status != http.StatusConflict {
		t.Error("a 101st review: ", status, body)
	}
}

func TestWhatIsNoReviewIsRefused(t *testing.T) {
	_, api, _ := open(t)
	for _, tt := range []struct {
		user, body string
		status     int
	}{
		{"", `{"product":"sword","stars":1,"text":"x"}`, 403},
		{"USER1", ``, 400},
		{"USER1", `{`, 400},
		{"USER1", `{"stars":1,"text":"x"}`, 400},
		{"USER1", `{"product":"Sword","stars":1,"text":"x"}`, 400},
		{"USER1", `{"product":"sword","text":"x"}`, 400},
		{"USER1", `{"product":"sword","stars":0,"text":"x"}`, 400},
		{"USER1", `{"product":"sword","stars":6,"text":"x"}`, 400},
		{"USER1", `{"product":"sword","stars":4.5,"text":"x"}`, 400},
		{"USER1", `{"product":"sword","stars":1}`, 400},
		{"USER1", `{"product":"sword","stars":1,"text":" \n"}`, 400},
		{"USER1", `{"product":"sword","stars":1,"text":"` + strings.Repeat("劍", 1001) + `"}`, 400},
		{"USER1", `{"product":"sword","stars":1,"text":"` + strings.Repeat("劍", 1000) + `"}`, 201},
	} {
		if status, body := api.Ask(t, tt.user, http.MethodPost, "/reviews", tt.body); status != tt.status {
			t.Errorf("%s %.60s: %d %s", tt.user, tt.body, status, body)
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
	exec("CREATE TRIGGER lost AFTER INSERT ON reviews BEGIN DELETE FROM reviews; END")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that loses reviews is said to be well")
	}
	exec("DROP TABLE reviews")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that is gone is said to be well")
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		status, body := api.Ask(t, "USER1", method, "/reviews", `{"product":"sword","stars":1,"text":"x"}`)
		if status != http.StatusInternalServerError || strings.Contains(body, "table") {
			t.Error(method, status, body)
		}
	}
}

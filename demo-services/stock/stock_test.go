package stock_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/demo-services/credential/credentialtest"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/stock"
)

// open returns the service, what it logs, and a way into its database.
func open(t *testing.T) (*stock.Stock, *credentialtest.API, *bytes.Buffer, func(sql string)) {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "stock.db"), stock.Schema, stock.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	log := &bytes.Buffer{}
	s := stock.New(db, slog.New(slog.NewTextHandler(log, nil)))
	return s, credentialtest.Serve(t, s.Routes), log, func(sql string) {
		t.Helper()
		if _, err := db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryProductIsCounted(t *testing.T) {
	_, api, _, _ := open(t)
	status, body := api.Ask(t, "", http.MethodGet, "/stock", "")
	if status != http.StatusOK || strings.Count(body, `"product"`) != 8 || !strings.Contains(body, `{"product":"horse","units":0}`) {
		t.Error(status, body)
	}
}

func TestStaffCounts(t *testing.T) {
	s, api, log, _ := open(t)
	for _, tt := range []struct{ product, units, level string }{{"horse", "4", "INFO"}, {"horse", "0", "WARN"}, {"rope", "1000000", "INFO"}} {
		log.Reset()
		want := `{"product":"` + tt.product + `","units":` + tt.units + `}`
		if status, body := api.Ask(t, credentialtest.Staff, http.MethodPut, "/stock/"+tt.product, `{"units":`+tt.units+`}`); status != http.StatusOK || body != want {
			t.Error(status, body)
		}
		if _, body := api.Ask(t, "", http.MethodGet, "/stock", ""); !strings.Contains(body, want) {
			t.Error(want, body)
		}
		if !strings.Contains(log.String(), "level="+tt.level) {
			t.Error(tt, log)
		}
	}
	if err := s.Diagnose(t.Context()); err != nil {
		t.Error(err)
	}
	if _, body := api.Ask(t, "", http.MethodGet, "/stock", ""); !strings.Contains(body, `{"product":"horse","units":0}`) {
		t.Error("a diagnosis changes ", body)
	}
}

func TestWhatIsNoCountChangesNothing(t *testing.T) {
	_, api, _, _ := open(t)
	_, before := api.Ask(t, "", http.MethodGet, "/stock", "")
	for _, tt := range []struct {
		user, product, body string
		status              int
	}{
		{"", "sword", `{"units":1}`, 403},
		{"USER1", "sword", `{"units":1}`, 403},
		{"STAFF", "sword", ``, 400},
		{"STAFF", "sword", `{}`, 400},
		{"STAFF", "sword", `{"units":null}`, 400},
		{"STAFF", "sword", `{"units":-1}`, 400},
		{"STAFF", "sword", `{"units":1.5}`, 400},
		{"STAFF", "sword", `{"units":"1"}`, 400},
		{"STAFF", "sword", `{"units":1000001}`, 400},
		{"STAFF", "sword", `{"units":99999999999999999999}`, 400},
		{"STAFF", "Sword", `{"units":1}`, 400},
		{"STAFF", strings.Repeat("a", 41), `{"units":1}`, 400},
		{"STAFF", "%20", `{"units":1}`, 400},
	} {
		if status, body := api.Ask(t, tt.user, http.MethodPut, "/stock/"+tt.product, tt.body); status != tt.status {
			t.Errorf("%s counts %s %s: %d %s", tt.user, tt.product, tt.body, status, body)
		}
	}
	if _, after := api.Ask(t, "", http.MethodGet, "/stock", ""); after != before {
		t.Error(after)
	}
}

func TestAFullStoreTakesNoOtherProduct(t *testing.T) {
	_, api, _, exec := open(t)
	exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 992) INSERT INTO stock SELECT 'p-' || i, 1 FROM n")
	for product, want := range map[string]int{"rope": http.StatusConflict, "sword": http.StatusOK} {
		if status, body := api.Ask(t, credentialtest.Staff, http.MethodPut, "/stock/"+product, `{"units":1}`); status != want {
			t.Error(product, status, body)
		}
	}
}

func TestABrokenStoreIsDiagnosedAndHiddenFromCallers(t *testing.T) {
	s, api, _, exec := open(t)
	exec("CREATE TRIGGER stuck BEFORE UPDATE ON stock BEGIN SELECT raise(IGNORE); END")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that does not count is said to be well")
	}
	exec("DROP TABLE stock")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that is gone is said to be well")
	}
	for method, path := range map[string]string{http.MethodGet: "/stock", http.MethodPut: "/stock/sword"} {
		if status, body := api.Ask(t, credentialtest.Staff, method, path, `{"units":1}`); status != http.StatusInternalServerError || strings.Contains(body, "table") {
			t.Error(method, status, body)
		}
	}
}

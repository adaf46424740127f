package products_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/demo-services/credential/credentialtest"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/products"
)

// open returns the service and its database, which outlives it.
func open(t *testing.T) (*products.Products, *credentialtest.API, func(sql string)) {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "products.db"), products.Schema, products.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	p := products.New(db, nil)
	return p, credentialtest.Serve(t, p.Routes), func(sql string) {
		t.Helper()
		if _, err := db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
}

const rope = `{"name":{"en":"Rope","zh-TW":"繩索"},"price":7}`

func TestTheCatalogueHasEightProductsInTwoLanguages(t *testing.T) {
	_, api, _ := open(t)
	status, body := api.Ask(t, "", http.MethodGet, "/products", "")
	if status != http.StatusOK || strings.Count(body, `"id"`) != 8 || strings.Count(body, `"zh-TW"`) != 8 {
		t.Error(status, body)
	}
	status, body = api.Ask(t, "USER1", http.MethodGet, "/products/cape", "")
	if want := `{"id":"cape","name":{"en":"Traveller's cape","zh-TW":"旅人斗篷"},"price":40}`; status != http.StatusOK || body != want {
		t.Error(status, body)
	}
}

func TestStaffChangesAndAddsProducts(t *testing.T) {
	p, api, _ := open(t)
	for _, id := range []string{"sword", "rope"} {
		if status, body := api.Ask(t, credentialtest.Staff, http.MethodPut, "/products/"+id, rope); status != http.StatusOK {
			t.Error(status, body)
		}
		want := `{"id":"` + id + `",` + rope[1:]
		if status, body := api.Ask(t, "", http.MethodGet, "/products/"+id, ""); status != http.StatusOK || body != want {
			t.Error(status, body)
		}
	}
	if err := p.Diagnose(t.Context()); err != nil {
		t.Error(err)
	}
	if _, body := api.Ask(t, "", http.MethodGet, "/products", ""); strings.Count(body, `"id"`) != 9 {
		t.Error(body)
	}
}

func TestAChangeThatIsNotAllowedChangesNothing(t *testing.T) {
	_, api, _ := open(t)
	_, before := api.Ask(t, "", http.MethodGet, "/products", "")
	long := strings.Repeat("劍", 81)
	for _, tt := range []struct {
		user, id, body string
		status         int
	}{
		{"", "sword", rope, 403},
		{"USER1", "sword", rope, 403},
		{"STAFF", "sword", "", 400},
		{"STAFF", "sword", "{", 400},
		{"STAFF", "sword", "[]", 400},
		{"STAFF", "sword", `{"name":{"en":"Rope","zh-TW":"繩索"},"price":0}`, 400},
		{"STAFF", "sword", `{"name":{"en":"Rope","zh-TW":"繩索"},"price":-7}`, 400},
		{"STAFF", "sword", `{"name":{"en":"Rope","zh-TW":"繩索"},"price":0.5}`, 400},
		{"STAFF", "sword", `{"name":{"en":"Rope","zh-TW":"繩索"},"price":1e30}`, 400},
		{"STAFF", "sword", `{"name":{"en":"Rope","zh-TW":"繩索"},"price":100001}`, 400},
		{"STAFF", "sword", `{"name":{"en":"Rope"},"price":7}`, 400},
		{"STAFF", "sword", `{"name":{"en":" ","zh-TW":"繩索"},"price":7}`, 400},
		{"STAFF", "sword", `{"name":{"en":"Rope","zh-TW":"` + long + `"},"price":7}`, 400},
		{"STAFF", "Sword", rope, 400},
		{"STAFF", "sword%27--%00", rope, 400},
		{"STAFF", strings.Repeat("a", 41), rope, 400},
	} {
		if status, body := api.Ask(t, tt.user, http.MethodPut, "/products/"+tt.id, tt.body); status != tt.status {
			t.Errorf("%s puts %s %.40s: %d %s", tt.user, tt.id, tt.body, status, body)
		}
	}
	if _, after := api.Ask(t, "", http.MethodGet, "/products", ""); after != before {
		t.Error(after)
	}
}

func TestWhatIsNotInTheCatalogueIsNotFound(t *testing.T) {
	_, api, _ := open(t)
	for _, id := range []string{"", "nothing", "SWORD", "%00", strings.Repeat("a", 4000)} {
		if status, body := api.Ask(t, "USER1", http.MethodGet, "/products/"+id, ""); status != http.StatusNotFound {
			t.Errorf("%.20s: %d %s", id, status, body)
		}
	}
}

func TestACatalogueUnchangedIsNotSentAgain(t *testing.T) {
	_, api, _ := open(t)
	_, headers, _ := api.AskWith(t, "", http.MethodGet, "/products", "", nil)
	if headers.Get("Cache-Control") != "public, max-age=5" {
		t.Error(headers)
	}
	known := http.Header{"If-None-Match": headers["Etag"]}
	if status, _, body := api.AskWith(t, "", http.MethodGet, "/products", "", known); status != http.StatusNotModified || body != "" {
		t.Error(status, body)
	}
	api.Ask(t, credentialtest.Staff, http.MethodPut, "/products/sword", rope)
	if status, _, body := api.AskWith(t, "", http.MethodGet, "/products", "", known); status != http.StatusOK || !strings.Contains(body, "Rope") {
		t.Error(status, body)
	}
}

func TestAFullCatalogueTakesChangesOnly(t *testing.T) {
	p, api, exec := open(t)
	exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 992) INSERT INTO products SELECT 'p-' || i, 'P', 'P', 1 FROM n")
	for id, want := range map[string]int{"one-more": http.StatusConflict, "sword": http.StatusOK} {
		if status, body := api.Ask(t, credentialtest.Staff, http.MethodPut, "/products/"+id, rope); status != want {
			t.Error(id, status, body)
		}
	}
	if err := p.Diagnose(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestABrokenStoreIsDiagnosedAndHiddenFromCallers(t *testing.T) {
	p, api, exec := open(t)
	if err := p.Diagnose(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec("CREATE TRIGGER full BEFORE INSERT ON products BEGIN SELECT raise(ABORT, 'disk secrets'); END")
	if err := p.Diagnose(t.Context()); err == nil {
		t.Error("a store that takes nothing is said to be well")
	}
	exec("DROP TABLE products")
	if err := p.Diagnose(t.Context()); err == nil {
		t.Error("a store that is gone is said to be well")
	}
	for method, path := range map[string]string{http.MethodGet: "/products", http.MethodPut: "/products/sword"} {
		status, body := api.Ask(t, credentialtest.Staff, method, path, rope)
		if status != http.StatusInternalServerError || strings.Contains(body, "table") {
			t.Error(fmt.Sprint(method, path), status, body)
		}
	}
}

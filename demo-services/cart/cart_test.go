package cart_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/demo-services/cart"
	"github.com/waybill-log/waybill/demo-services/credential/credentialtest"
	"github.com/waybill-log/waybill/demo-services/database"
)

func open(t *testing.T) (*cart.Cart, *credentialtest.API, func(sql string)) {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "cart.db"), cart.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := cart.New(db, nil)
	return s, credentialtest.Serve(t, s.Routes), func(sql string) {
		t.Helper()
		if _, err := db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
}

// holds asserts on what is in a user's cart.
func holds(t *testing.T, api *credentialtest.API, user, want string) {
	t.Helper()
	if status, body := api.Ask(t, user, http.MethodGet, "/cart", ""); status != http.StatusOK || body != `{"items":[`+want+`]}` {
		t.Errorf("%s's cart: %d %s, want %s", user, status, body, want)
	}
}

func TestAUserFillsAndEmptiesACart(t *testing.T) {
	_, api, _ := open(t)
	holds(t, api, "USER3", ``)
	for _, tt := range []struct {
		method, product, body string
		status                int
		holds                 string
	}{
		{http.MethodPut, "sword", `{"quantity":1}`, 200, `{"product":"sword","quantity":1}`},
		{http.MethodPut, "cape", `{"quantity":99}`, 200, `{"product":"cape","quantity":99},{"product":"sword","quantity":1}`},
		{http.MethodPut, "sword", `{"quantity":2}`, 200, `{"product":"cape","quantity":99},{"product":"sword","quantity":2}`},
		{http.MethodDelete, "cape", ``, 204, `{"product":"sword","quantity":2}`},
		{http.MethodDelete, "cape", ``, 204, `{"product":"sword","quantity":2}`},
		{http.MethodDelete, "sword", ``, 204, ``},
	} {
		if status, body := api.Ask(t, "USER3", tt.method, "/cart/"+tt.product, tt.body); status != tt.status {
			t.Error(tt, status, body)
		}
		holds(t, api, "USER3", tt.holds)
	}
}

func TestACartIsItsOwnersOnly(t *testing.T) {
	_, api, _ := open(t)
	first, second := `{"product":"potion","quantity":3},{"product":"shield","quantity":1}`, `{"product":"cape","quantity":1}`
	holds(t, api, "USER1", first)
	holds(t, api, "USER2", second)
	api.Ask(t, "USER2", http.MethodDelete, "/cart/potion?user=USER1", `{"user":"USER1"}`)
	api.Ask(t, "USER2", http.MethodPut, "/cart/cape", `{"quantity":2,"user":"USER1"}`)
	holds(t, api, "USER1", first)
	for method, path := range map[string]string{http.MethodGet: "/cart", http.MethodPut: "/cart/cape", http.MethodDelete: "/cart/cape"} {
		if status, body := api.Ask(t, "", method, path, `{"quantity":1}`); status != http.StatusForbidden {
			t.Error(method, status, body)
		}
	}
	if _, headers, _ := api.AskWith(t, "USER1", http.MethodGet, "/cart", "", nil); headers.Get("Cache-Control") != "no-store" {
		t.Error("a cache may keep a cart: ", headers)
	}
}

func TestACartEmptiedStaysEmptyWhenTheServiceStartsAgain(t *testing.T) {
	_, api, exec := open(t)
	api.Ask(t, "USER2", http.MethodDelete, "/cart/cape", "")
	exec(cart.Schema)
	holds(t, api, "USER2", ``)
}

func TestWhatCannotBeBoughtIsRefused(t *testing.T) {
	_, api, _ := open(t)
	for _, tt := range []struct{ product, body string }{
		{"sword", ``}, {"sword", `{}`}, {"sword", `{`}, {"sword", `{"quantity":0}`}, {"sword", `{"quantity":-1}`}, {"sword", `{"quantity":100}`},
		{"sword", `{"quantity":1.5}`}, {"sword", `{"quantity":"1"}`}, {"sword", `{"quantity":9223372036854775808}`},
		{"Sword", `{"quantity":1}`}, {"%27", `{"quantity":1}`}, {strings.Repeat("a", 41), `{"quantity":1}`},
	} {
		if status, body := api.Ask(t, "USER3", http.MethodPut, "/cart/"+tt.product, tt.body); status != http.StatusBadRequest {
			t.Error(tt, status, body)
		}
	}
	if status, body := api.Ask(t, "USER3", http.MethodDelete, "/cart/%27", ""); status != http.StatusBadRequest {
		t.Error(status, body)
	}
	holds(t, api, "USER3", ``)
}

func TestACartHoldsTwentyProducts(t *testing.T) {
	_, api, _ := open(t)
	for n := range 21 {
		status, body := api.Ask(t, "USER3", http.MethodPut, fmt.Sprint("/cart/p-", n), `{"quantity":1}`)
		if want := map[bool]int{true: http.StatusOK, false: http.StatusConflict}[n < 20]; status != want {
			t.Fatal(n, status, body)
		}
	}
	if status, body := api.Ask(t, "USER3", http.MethodPut, "/cart/p-0", `{"quantity":5}`); status != http.StatusOK {
		t.Error("what is in a full cart cannot be changed: ", status, body)
	}
}

func TestABrokenStoreIsDiagnosedAndHiddenFromCallers(t *testing.T) {
	s, api, exec := open(t)
	for range 2 { // the first leaves nothing in the way of the second
		if err := s.Diagnose(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TRIGGER lost AFTER INSERT ON items BEGIN DELETE FROM items; END")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that loses items is said to be well")
	}
	exec("DROP TABLE items")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that is gone is said to be well")
	}
	for method, path := range map[string]string{http.MethodGet: "/cart", http.MethodPut: "/cart/cape", http.MethodDelete: "/cart/cape"} {
		if status, body := api.Ask(t, "USER1", method, path, `{"quantity":1}`); status != http.StatusInternalServerError || strings.Contains(body, "table") {
			t.Error(method, status, body)
		}
	}
}

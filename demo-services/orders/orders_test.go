package orders_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/credential/credentialtest"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/orders"
	"github.com/waybill-log/waybill/instrument"
)

type service struct {
	*orders.Orders
	db  *sql.DB
	api *credentialtest.API
	log bytes.Buffer
}

func open(t *testing.T) *service {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "orders.db"), orders.Schema, orders.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := &service{db: db}
	s.Orders = orders.New(db, slog.New(slog.NewTextHandler(&s.log, nil)))
	s.api = credentialtest.Serve(t, s.Routes)
	return s
}

// record is what a receiver of an event does.
func (s *service) record(ctx context.Context, t *testing.T, o orders.Order) error {
	t.Helper()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := s.Record(ctx, tx, o); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *service) list(t *testing.T, user string) []orders.Order {
	t.Helper()
	status, body := s.api.Ask(t, user, http.MethodGet, "/orders", "")
	var answer struct{ Orders []orders.Order }
	if err := json.Unmarshal([]byte(body), &answer); status != http.StatusOK || err != nil || answer.Orders == nil {
		t.Fatal(status, body, err)
	}
	return answer.Orders
}

func (s *service) exec(t *testing.T, query string) {
	t.Helper()
	if _, err := s.db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

// bought is a good event.
func bought(state string) orders.Order {
	return orders.Order{ID: "O1", User: "USER1", Points: 100, Dollars: 90, State: state, CorrelationID: "C1", At: time.Date(2026, 11, 26, 12, 0, 0, 1e6, time.UTC)}
}

func TestAUserSeesOwnOrdersNewestFirst(t *testing.T) {
	s := open(t)
	if err := s.record(t.Context(), t, bought(orders.StateNew)); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"USER1": "O1 SEED-2 SEED-1", "USER2": "SEED-3", "USER3": ""} {
		var ids []string
		for _, o := range s.list(t, user) {
			ids = append(ids, o.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s, want %s", user, got, want)
		}
	}
	if got := s.list(t, "USER1")[0]; got != bought(orders.StateNew) {
		t.Error(got)
	}
	if status, body := s.api.Ask(t, "", http.MethodGet, "/orders", ""); status != http.StatusForbidden {
		t.Error(status, body)
	}
	if _, headers, _ := s.api.AskWith(t, "USER1", http.MethodGet, "/orders", "", nil); headers.Get("Cache-Control") != "no-store" {
		t.Error("a cache may keep orders: ", headers)
	}
}

func TestEventsMayComeTwiceAndInAnyOrder(t *testing.T) {
	for events, want := range map[string]string{
		"NEW": "NEW", "NEW NEW": "NEW", "NEW OPEN": "OPEN", "NEW CANCEL": "CANCEL", "OPEN NEW": "OPEN", "CANCEL NEW": "CANCEL",
		"NEW OPEN OPEN NEW": "OPEN", "OPEN CANCEL": "OPEN", "CANCEL OPEN NEW": "CANCEL",
	} {
		s := open(t)
		for state := range strings.FieldsSeq(events) {
			if err := s.record(t.Context(), t, bought(state)); err != nil {
				t.Error(events, err)
			}
		}
		if got := s.list(t, "USER1"); len(got) != 3 || got[0].State != want {
			t.Errorf("%s: %v", events, got)
		}
		contradicts := strings.Contains(events, "OPEN") && strings.Contains(events, "CANCEL")
		if strings.Contains(s.log.String(), "level=ERROR") != contradicts {
			t.Errorf("%s: %s", events, &s.log)
		}
	}
}

func TestAnEventMayNotTurnAnOrderIntoAnother(t *testing.T) {
	s := open(t)
	other := bought(orders.StateOpen)
	other.User, other.Points = "USER2", 999
	for _, o := range []orders.Order{bought(orders.StateNew), other} {
		if err := s.record(t.Context(), t, o); err != nil {
			t.Error(err)
		}
	}
	if got := s.list(t, "USER1")[0]; got != bought(orders.StateOpen) {
		t.Error(got)
	}
}

func TestAnOrderBelongsToTheJourneyInWhichItIsRecorded(t *testing.T) {
	s, o := open(t), bought(orders.StateNew)
	o.CorrelationID, o.At = "", time.Time{}
	ctx, _ := instrument.WithCorrelationID(t.Context(), "J1")
	if err := s.record(ctx, t, o); err != nil {
		t.Fatal(err)
	}
	if got := s.list(t, "USER1")[0]; got.CorrelationID != "J1" || time.Since(got.At) > time.Minute {
		t.Error(got)
	}
}

func TestWhatIsNoOrderIsNotRecorded(t *testing.T) {
	s := open(t)
	for name, change := range map[string]func(*orders.Order){
		"no ID":            func(o *orders.Order) { o.ID = "" },
		"a long ID":        func(o *orders.Order) { o.ID = strings.Repeat("x", 129) },
		"nobody":           func(o *orders.Order) { o.User = "" },
		"no points":        func(o *orders.Order) { o.Points = 0 },
		"points back":      func(o *orders.Order) { o.Points = -1 },
		"no dollars":       func(o *orders.Order) { o.Dollars = 0 },
		"no state":         func(o *orders.Order) { o.State = "" },
		"another state":    func(o *orders.Order) { o.State = "open" },
		"a long journey":   func(o *orders.Order) { o.CorrelationID = strings.Repeat("x", 129) },
		"a long user name": func(o *orders.Order) { o.User = strings.Repeat("x", 129) },
	} {
		o := bought(orders.StateNew)
		change(&o)
		if err := s.record(t.Context(), t, o); !errors.Is(err, orders.ErrOrder) {
			t.Error(name, err)
		}
	}
	if got := s.list(t, "USER1"); len(got) != 2 {
		t.Error(got)
	}
}

func TestAnOrderOfATransactionThatFailsIsNotRecorded(t *testing.T) {
	s := open(t)
	tx, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), tx, bought(orders.StateNew)); err != nil {
		t.Fatal(err)
	}
	tx.Rollback()
	if got := s.list(t, "USER1"); len(got) != 2 {
		t.Error(got)
	}
}

func TestAnAnswerHoldsFiftyOrders(t *testing.T) {
	s := open(t)
	s.exec(t, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO history SELECT 'O-' || i, 'USER3', 1, 1, 'OPEN', '', i FROM n")
	if got := s.list(t, "USER3"); len(got) != 50 || got[0].ID != "O-60" {
		t.Error(len(got), got[0])
	}
}

func TestABrokenStoreIsDiagnosedAndHiddenFromCallers(t *testing.T) {
	s := open(t)
	for range 2 { // the first leaves nothing in the way of the second
		if err := s.Diagnose(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.exec(t, "CREATE TRIGGER lost AFTER INSERT ON history BEGIN DELETE FROM history; END")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that loses orders is said to be well")
	}
	s.exec(t, "DROP TABLE history")
	if err := s.Diagnose(t.Context()); err == nil {
		t.Error("a store that is gone is said to be well")
	}
	if status, body := s.api.Ask(t, "USER1", http.MethodGet, "/orders", ""); status != http.StatusInternalServerError || strings.Contains(body, "table") {
		t.Error(status, body)
	}
	if err := s.record(t.Context(), t, bought(orders.StateNew)); err == nil {
		t.Error("recorded nowhere")
	}
}

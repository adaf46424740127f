package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/demo-services/shop"
	"github.com/waybill-log/waybill/journey"
)

// purchaseKills is how often bank or game is killed.
func purchaseKills() int {
	if os.Getenv("TORTURE") != "" {
		return 30
	}
	return 4
}

// Bank and game are processes that are killed with SIGKILL while people buy. Every order ends on
// both sides alike, no dollar and no point is lost or made, and each journey says what the
// databases say.
func TestKilledServicesCarryOutEveryPurchaseOrNone(t *testing.T) {
	up := waybill(t, append([]string{"up"}, loopback(t)...)...)
	server := up.says(t, `query is running.* url=(\S+)`)
	broker := up.says(t, `collector is running.* brokers=\[(\S+)\]`)
	data, registry, gateway := t.TempDir(), freeAddr(t), freeAddr(t)
	services := func(names string) *process {
		p := waybill(t, "demo", "--demo-services", names, "--registry-url", "http://"+registry, "--server", server, "--kafka-brokers", broker, "--data", data,
			"--registry-addr", registry, "--gateway-addr", gateway, "--bank-addr", "127.0.0.1:0", "--game-addr", "127.0.0.1:0")
		p.says(t, "demo services are running")
		return p
	}
	services("registry,identity,products,reviews,recommendations,stock,cart,orders,gateway")
	victims := map[string]*process{"bank": services("bank"), "game": services("game")}
	customer := shop.NewVisitor("http://" + gateway)
	eventually(t, time.Minute, func() string {
		if err := customer.LogIn(t.Context(), "USER1"); err != nil {
			return err.Error()
		}
		return ""
	})

	stop, bought := make(chan struct{}), make(chan map[string]error)
	go func() {
		all := map[string]error{}
		for {
			select {
			case <-stop:
				bought <- all
				return
			case <-time.After(30 * time.Millisecond):
				id, err := customer.Buy(t.Context(), 1+rand.Int64N(50))
				all[id] = err
			}
		}
	}()
	for kill := range purchaseKills() {
		time.Sleep(time.Duration(1500+rand.IntN(1500)) * time.Millisecond)
		name := []string{"bank", "game"}[kill%2]
		victims[name].kill(t)
		time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
		victims[name] = services(name)
	}
	close(stop)
	all := <-bought

	bank, game := openDatabase(t, data, "bank"), openDatabase(t, data, "game")
	eventually(t, 2*time.Minute, func() string {
		if n := count(t, bank, "SELECT count(*) FROM orders WHERE state = 'NEW' OR state = 'CANCEL' AND NOT acknowledged"); n > 0 {
			return fmt.Sprintf("%d orders are under way", n)
		}
		if n := count(t, game, "SELECT count(*) FROM credits WHERE state = 'RESERVED'"); n > 0 {
			return fmt.Sprintf("%d orders are reserved", n)
		}
		return ""
	})
	if n := count(t, bank, "SELECT (SELECT sum(dollars) FROM accounts) + (SELECT coalesce(sum(dollars), 0) FROM orders WHERE state = 'OPEN')"); n != 2_000_000 {
		t.Errorf("%d dollars, want 2,000,000", n)
	}
	if have, want := count(t, game, "SELECT coalesce(sum(points), 0) FROM players"), count(t, bank, "SELECT coalesce(sum(points), 0) FROM orders WHERE state = 'OPEN'"); have != want {
		t.Errorf("%d points, want %d", have, want)
	}
	verdicts := map[string]journey.Verdict{purchase.BankOpen: journey.Delivered, purchase.BankCancel: journey.Returned}
	states := map[string]int{}
	for id, err := range all {
		var order, state string
		if known := bank.QueryRow("SELECT id, state FROM orders WHERE correlation_id = ?", id).Scan(&order, &state); known != nil {
			if states["none"]++; err == nil {
				t.Errorf("%s was accepted, and the bank has no order of it: %v", id, known)
			}
			continue
		}
		states[state]++
		var there string
		if err := game.QueryRow("SELECT state FROM credits WHERE order_id = ?", order).Scan(&there); err != nil || (state == purchase.BankOpen) != (there == purchase.GameOpen) {
			t.Errorf("order %s is %s at the bank and %s at the game: %v", order, state, there, err)
		}
		eventually(t, time.Minute, func() string {
			j := ask(t, server, id)
			if j == nil {
				return id + " has no journey"
			}
			// Where the bank died before it had answered, the customer was told that it failed, and the
			// journey does not say otherwise; of the order its saga speaks.
			told := err != nil && j.Verdict != journey.Delivered && j.Verdict != journey.Returned
			if j.Verdict != verdicts[state] && !told || len(j.Sagas) != 1 || j.Sagas[0].Verdict != verdicts[state] {
				return fmt.Sprintf("order %s is %s, and its journey %s is %s: %s; sagas %+v", order, state, id, j.Verdict, j.Reason, j.Sagas)
			}
			return ""
		})
	}
	t.Logf("%d kills, %d purchases: %v", purchaseKills(), len(all), states)
	if states[purchase.BankOpen] == 0 {
		t.Error("nothing was bought")
	}
}

func openDatabase(t *testing.T, data, service string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "demo", service+".db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func count(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

package purchase_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/demo-services/bank"
	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/journey"
)

var update = flag.Bool("update", false, "rewrite together.txt with what was reached; review the difference")

// reached gathers the states that orders were in.
type reached map[string]bool

func (r reached) see(t *testing.T, w *world, order string) {
	t.Helper()
	now := w.together(order)
	r[now.String()] = true
	if !*update && !purchase.Reachable(now) {
		t.Errorf("%s: %v must not be reached", order, now)
	}
}

func (r reached) write(t *testing.T) {
	t.Helper()
	if !*update {
		return
	}
	old, err := os.ReadFile("together.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(old)) {
		r[strings.TrimSpace(line)] = true
	}
	if err := os.WriteFile("together.txt", []byte(strings.Join(slices.Sorted(maps.Keys(r)), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ended checks that an order is OPEN or CANCEL on both sides, and that its journey says so too.
func ended(t *testing.T, js map[string]*journey.Journey, order string, final purchase.Together) {
	t.Helper()
	j := js["journey-of-"+order]
	if j == nil {
		t.Errorf("%s has no journey", order)
		return
	}
	want, compensated := journey.Delivered, false
	switch final.Bank + " " + final.Game {
	case "OPEN OPEN":
	case "CANCEL! CANCELLED":
		want, compensated = journey.Returned, true
	default:
		t.Errorf("%s ends as %v", order, final)
		return
	}
	if final.BankOut+final.GameOut != "" {
		t.Errorf("%s: something waits: %v", order, final)
	}
	if j.Verdict != want {
		t.Errorf("%s is %v, and its journey %s: %s", order, final, j.Verdict, j.Reason)
	}
	if len(j.Sagas) != 1 || j.Sagas[0].ID != order || j.Sagas[0].Verdict != want {
		t.Errorf("%s: the ledger has %+v", order, j.Sagas)
		return
	}
	for _, step := range j.Sagas[0].Steps {
		if step.Name == "dollars" && (step.Forward == nil || (step.Compensated != nil) != compensated) {
			t.Errorf("%s is %v, and its ledger says %+v", order, final, step)
		}
	}
}

func seeds() int {
	if os.Getenv("TORTURE") != "" {
		return 10_000
	}
	return 500
}

const total = 2_000_000 // dollars that there are

// play lets a random part of a world's life pass, and then everything settle. It returns how its
// orders have ended.
func play(t *testing.T, w *world, seen reached, seed int) map[string]purchase.Together {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	var orders []string
	for range 10 + random.IntN(40) {
		switch random.IntN(12) {
		case 0:
			if len(orders) < 3 {
				order := fmt.Sprintf("%d-%d", seed, len(orders))
				w.buy(order, 1+random.IntN(100))
				orders = append(orders, order)
			}
		case 1, 2, 3:
			w.clearFails = random.IntN(4) == 0
			w.relay(w.sides()[random.IntN(2)])
			w.clearFails = false
		case 4, 5, 6, 7:
			if n := w.pick(random); n >= 0 {
				w.deliver(n, random.IntN(4) == 0)
			}
		case 8:
			w.now = w.now.Add(time.Duration(random.IntN(20)) * time.Second)
			w.sweep()
		case 9:
			w.restart(w.sides()[random.IntN(2)])
			continue
		case 10:
			w.withdrawn = random.IntN(3) == 0
			continue
		default:
			w.now = w.now.Add(time.Second)
			continue
		}
		for _, order := range orders {
			seen.see(t, w, order)
		}
		if err := w.money(total); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	w.settle()
	if err := w.money(total); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	final := map[string]purchase.Together{}
	for _, order := range orders {
		seen.see(t, w, order)
		final[order] = w.together(order)
	}
	return final
}

// Whatever is late, doubled or out of order, and whoever dies when: every order ends on both
// sides alike, and nothing is lost or made in between.
func TestEveryOrderEndsOneWayOrTheOther(t *testing.T) {
	seen, verdicts := reached{}, map[journey.Verdict]int{}
	const perCast = 250
	for from := 0; from < seeds(); from += perCast {
		c := newCast(t)
		final := map[string]purchase.Together{}
		for seed := from; seed < min(from+perCast, seeds()); seed++ {
			w := c.world(bank.Saga)
			maps.Copy(final, play(t, w, seen, seed))
			w.close()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		js := c.journeys()
		for order, as := range final {
			ended(t, js, order, as)
			verdicts[js["journey-of-"+order].Verdict]++
		}
	}
	seen.write(t)
	t.Logf("%d seeds: %v; %d states", seeds(), verdicts, len(seen))
	if verdicts[journey.Delivered] < seeds()/10 || verdicts[journey.Returned] < seeds()/10 {
		t.Errorf("one of the two ends is rare: %v", verdicts)
	}
}

// accident is what goes wrong in one case.
type accident struct {
	dies      int    // after which of the steps both services begin anew, and what was sent or handled last is so again
	doubled   string // a type of messages that come twice
	late      string // a type that comes only when nothing else does any more
	withdrawn bool
	hurried   bool // the deadline passes before the game has heard of the order
}

// suffer leads one order through an accident.
func suffer(t *testing.T, w *world, seen reached, order string, a accident) purchase.Together {
	t.Helper()
	w.withdrawn = a.withdrawn
	w.buy(order, 100)
	seen.see(t, w, order)
	step := func() (dies bool) {
		seen.see(t, w, order)
		if err := w.money(total); err != nil {
			t.Fatalf("%+v: %v", a, err)
		}
		a.dies--
		return a.dies == 0
	}
	if a.hurried {
		w.now = w.now.Add(deadline)
		w.sweep()
		step()
	}
	for moved := true; moved; {
		moved = false
		for _, s := range w.sides() {
			w.clearFails = a.dies == 1 // it is sent, and its sender dies
			if w.relay(s) {
				moved = true
				if step() {
					w.restart(w.bank)
					w.restart(w.game)
				}
			}
			w.clearFails = false
		}
		n := slices.IndexFunc(w.waiting, func(m *sarama.ConsumerMessage) bool { return typeOf(m) != a.late })
		if n < 0 && !moved && len(w.waiting) > 0 {
			n = 0
		}
		if n >= 0 {
			moved = true
			again := typeOf(w.waiting[n]) == a.doubled || a.dies == 1
			if again && typeOf(w.waiting[n]) == a.doubled {
				a.doubled = ""
			}
			w.deliver(n, again)
			if step() {
				w.restart(w.bank)
				w.restart(w.game)
			}
		}
	}
	w.settle()
	seen.see(t, w, order)
	return w.together(order)
}

// Every place at which somebody may die, with each type of messages doubled, or late, with the
// cancel before the order, and with the game withdrawn.
func TestEveryAccidentEndsOneWayOrTheOther(t *testing.T) {
	types := []string{"", purchase.Place, purchase.Open, purchase.Drop, purchase.Credited, purchase.Refused, purchase.Cancelled}
	seen, final := reached{}, map[string]purchase.Together{}
	c := newCast(t)
	for dies := range 13 {
		for n, typ := range types {
			for m, late := range types {
				if (n > 0 || dies%3 > 0) && m > 0 && os.Getenv("TORTURE") == "" { // one thing at a time
					continue
				}
				for flags := range 4 {
					a := accident{dies: dies, doubled: typ, late: late, withdrawn: flags&1 > 0, hurried: flags&2 > 0}
					order := fmt.Sprintf("a-%d-%d-%d-%d", dies, n, m, flags)
					w := c.world(bank.Saga)
					final[order] = suffer(t, w, seen, order, a)
					w.close()
					if t.Failed() {
						t.Fatalf("%+v", a)
					}
				}
			}
		}
	}
	js := c.journeys()
	verdicts := map[journey.Verdict]int{}
	for order, as := range final {
		ended(t, js, order, as)
		verdicts[js["journey-of-"+order].Verdict]++
	}
	seen.write(t)
	t.Logf("%d accidents: %v; %d states", len(final), verdicts, len(seen))
}

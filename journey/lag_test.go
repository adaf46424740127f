package journey_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// maxLag is how far collectors are behind, and maxOutage how long a service ships
// nothing: less than after which one is called silent, as far as clocks may be apart.
const (
	maxLag     = 10 * time.Minute
	maxOutage  = 3 * time.Minute
	maxSkew    = 30 * time.Second
	ledgerEach = 10 * time.Second
	keptEach   = 3 // ledgers of an instance that are known at a time
)

// pipeline is the way of a world's records into the store: services ship late now and
// then, and collectors lag.
type pipeline struct {
	skew    map[string]time.Duration // by instance
	outages map[string][]outage      // by instance
	numbers map[string][]shipped     // by instance, by number
	clocks  map[string]time.Duration // of some instances, as their ledgers show it
	begins  time.Time
	ends    time.Time
}

type outage struct{ from, to time.Time }

// shipped is a record of an instance: written at a time and in Kafka at a later one.
type shipped struct{ written, arrived time.Time }

func newPipeline(random *rand.Rand, all map[string][]record.Record) *pipeline {
	p := &pipeline{skew: map[string]time.Duration{}, outages: map[string][]outage{}, numbers: map[string][]shipped{}, clocks: map[string]time.Duration{}}
	for _, records := range all {
		for _, r := range records {
			if p.begins.IsZero() || r.Time.Before(p.begins) {
				p.begins = r.Time
			}
			if r.Time.After(p.ends) {
				p.ends = r.Time
			}
		}
	}
	for _, records := range all {
		for _, r := range records {
			if _, known := p.skew[r.Node]; !known {
				p.skew[r.Node] = time.Duration(random.Int64N(int64(2*maxSkew))) - maxSkew
				if random.IntN(4) > 0 {
					p.clocks[r.Node] = p.skew[r.Node] - time.Duration(random.Int64N(int64(time.Second)))
				}
				for at := p.begins; at.Before(p.ends); at = at.Add(time.Duration(random.Int64N(int64(30 * time.Minute)))) {
					p.outages[r.Node] = append(p.outages[r.Node], outage{at, at.Add(time.Duration(random.Int64N(int64(maxOutage))))})
				}
			}
			for uint64(len(p.numbers[r.Node])) < r.Sequence {
				p.numbers[r.Node] = append(p.numbers[r.Node], shipped{})
			}
			p.numbers[r.Node][r.Sequence-1] = shipped{r.Time, p.arrival(r.Node, r.Time)}
		}
	}
	return p
}

// arrival is when Kafka has what an instance ships at a time.
func (p *pipeline) arrival(node string, at time.Time) time.Time {
	for _, o := range p.outages[node] {
		if !at.Before(o.from) && at.Before(o.to) {
			at = o.to
		}
	}
	return at
}

// ledgers are those in Kafka before a time: the latest of each instance.
func (p *pipeline) ledgers(services map[string]string, before time.Time) (out []record.Ledger) {
	for node, numbers := range p.numbers {
		var known []record.Ledger
		for at := before.Truncate(ledgerEach); len(known) < keptEach && at.After(p.begins.Add(-time.Minute)); at = at.Add(-ledgerEach) {
			if !p.arrival(node, at).Before(before) {
				continue
			}
			l := record.Ledger{Time: at.Add(p.skew[node]), Service: services[node], Node: node}
			for n, s := range numbers {
				if s.written.After(at) {
					break
				}
				l.Last = uint64(n + 1)
				if l.Unsettled == 0 && s.arrived.After(at) {
					l.Unsettled = uint64(n + 1)
				}
			}
			if l.Unsettled == 0 {
				l.Unsettled = l.Last + 1
			}
			known = append(known, l)
		}
		out = append(out, known...)
	}
	return out
}

// Journeys branch at random, and otherwise since a new version was deployed on the way;
// services ship late and collectors lag. Nothing is called stalled that went on in time, and
// what a paused group holds up is.
func TestLagStallsNothing(t *testing.T) {
	random := seeded(t)
	const batch = 250
	judged, times, wrong, paused, named := 0, 0, 0, 0, 0
	for judged < size(1000) {
		clock := newSimClock(random)
		w := newWorld(t, random, clock, "gateway", "bank", "game", "mail", "audit")
		held := map[string]bool{} // of these the game picks nothing up
		for k := range batch {
			clock.pass(time.Duration(random.Int64N(int64(20 * time.Second))))
			id := fmt.Sprint("j-", k)
			held[id] = random.IntN(20) == 0
			w.request(w.services[0], id, w.purchase(k >= batch/2))
			w.deliverBut(func(m *member, id string) bool { return m.name == "game" && held[id] })
		}
		all := w.records()
		p := newPipeline(random, all)
		services := map[string]string{}
		for _, m := range w.services {
			services[m.Node()] = m.name
		}
		for id, records := range all {
			judged++
			began := slices.MinFunc(records, func(a, b record.Record) int { return a.Time.Compare(b.Time) }).Time
			offset, sent := sentToGame(records)
			for range 3 {
				now := began.Add(time.Duration(random.Int64N(int64(40 * time.Minute))))
				asOf := now.Add(-time.Duration(random.Int64N(int64(maxLag))))
				ahead := asOf.Add(time.Duration(random.Int64N(int64(now.Sub(asOf)) + 1))) // its own partition is stored further
				ev := journey.Evidence{AsOf: asOf, Ledgers: p.ledgers(services, asOf), Clocks: p.clocks}
				if offset >= 0 {
					g := journey.Group{Name: "game", Topic: "game", Committed: offset, Members: true, AsOf: now, Ends: []journey.End{{Time: sent, Offset: offset + 1}}}
					if !held[id] {
						g.Committed++
					}
					ev.Groups = append(ev.Groups, g)
				}
				var stored []record.Record
				for _, r := range records {
					if !p.arrival(r.Node, r.Time).After(ahead) {
						r.Time = r.Time.Add(p.skew[r.Node])
						stored = append(stored, r)
					}
				}
				j := journey.Build(stored, ev)
				times++
				switch {
				case held[id] && offset >= 0:
					paused++
					if j.Verdict == journey.Stalled && strings.Contains(j.Reason, "game") {
						named++
					}
				case j.Verdict == journey.Stalled:
					wrong++
					t.Errorf("%s, judged %v after it began with a lag of %v: %s", id, now.Sub(began), now.Sub(asOf), j.Reason)
				}
			}
		}
	}
	t.Logf("%d journeys judged %d times: %d false stalls; %d judgements of journeys whose group is paused, %d called stalled", judged, times, wrong, paused, named)
	if named < paused/3 {
		t.Error("hardly any paused group is called so")
	}
}

// purchase plans a journey: the gateway calls the bank, which expects the game to go on,
// or the mail service. The old version has everything audited; the new one asks mail instead.
func (w *world) purchase(newer bool) *plan {
	to := func(name string) *member {
		return w.services[slices.IndexFunc(w.services, func(m *member) bool { return m.name == name })]
	}
	leaf := func() *plan {
		p := w.draw(0)
		p.fails = false
		return p
	}
	bank := leaf()
	within := time.Duration(5+w.random.IntN(20)) * time.Second
	if w.random.IntN(2) == 0 {
		bank.steps = append(bank.steps, step{expect: "game", within: within}, step{to: to("game"), cause: leaf()})
	} else {
		bank.steps = append(bank.steps, step{expect: "mail", within: within}, step{to: to("mail"), cause: leaf()})
	}
	gateway := leaf()
	gateway.steps = append(gateway.steps, step{to: to("bank"), http: true, cause: bank})
	if newer {
		gateway.steps = append(gateway.steps, step{to: to("mail"), http: true, cause: leaf()})
	} else {
		gateway.steps = append(gateway.steps, step{expect: "audit", within: within}, step{to: to("audit"), cause: leaf()})
	}
	return gateway
}

// sentToGame is the offset of a journey's message to the game and when it was sent; negative: there is none.
func sentToGame(records []record.Record) (int64, time.Time) {
	for _, r := range records {
		if r.Kind == record.KindHopEnd && r.SpanKind == "producer" && r.Messaging.Topic == "game" {
			return r.Messaging.Offset, r.Time
		}
	}
	return -1, time.Time{}
}

package journeytest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// LeastWorst is of how many records the worst journey is at least.
const LeastWorst = 1000

// Idle is how long nothing happens in the worst journey.
const Idle = 3 * time.Hour

// told is how long before now the worst journey ends: a clock may be so wrong, and still all
// that is to be proved is proved.
const told = 2 * maxSkew

// Worst is a journey of n records, at least [LeastWorst], that has at once all that makes one
// hard to tell. It ends ten minutes before now.
//
//   - a hop for about every five records, at twelve services, one of which speaks OpenTelemetry only
//   - calls in one another, up to sixty deep; several at once; one hop that sends 200 messages, one that 40 of them caused
//   - several requests of the one ID, each with a trace; hops whose cause is not known, hops that never ended, one without a start
//   - clocks that are wrong by up to five minutes, three hours in which nothing happens, messages that wait for long, and one that nobody picks up
//   - failures made good by callers and by later attempts, and one that is not; a saga delivered and one returned
//   - a station that was to come within ten minutes and has not, so that it is stalled
//   - records that are lost, proved by ledgers, and others dropped on purpose
//   - long messages, one of 250 KiB, a record of 400 labels, traces of stacks, and words without spaces
func Worst(n int, seed uint64, now time.Time) *Made {
	if n < LeastWorst {
		panic(fmt.Sprintf("the worst journey has at least %d records, not %d", LeastWorst, n))
	}
	id := fmt.Sprintf("019ac0de%024x", rand.New(rand.NewPCG(seed, 1)).Uint64())
	p := &play{stage: newStage(id, seed)}
	lost, dropped := max(4, n/500), max(2, n/2000)
	total := n + lost + dropped
	p.limit = total / 2
	p.at(curtain, p.purchase)
	p.fill(total / 10)
	p.limit = total * 6 / 10
	p.at(p.latest(), p.eve)
	calm := p.latest()
	waking := calm.Add(Idle)
	p.deliver(waking)
	p.limit = total - total/25 // the rest are log records
	p.at(p.latest(), p.aftermath)
	p.fill(total / 10)
	p.limit = total
	p.chatter(total - len(p.scans))
	m := p.finish(now.UTC().Add(-told), func(s *stage) {
		s.drop(dropped)
		s.lose(lost)
	})
	by := m.End.Sub(p.scans[len(p.scans)-1].at)
	m.Idle = [2]time.Time{calm.Add(by), waking.Add(by)}
	m.Expects = "courier"
	return m
}

// at plays a request of a browser's, at a time.
func (p *play) at(at time.Time, plot func(*visit)) {
	v := p.open(arrival{
		at: at.Add(time.Second), to: "gateway", name: "POST /purchases", kind: "server", trace: p.trace(),
		http: record.HTTP{Method: "POST", Route: "/purchases", Path: "/purchases"},
	})
	plot(v)
	p.close(v, record.Record{HTTP: record.HTTP{Status: http.StatusAccepted}})
}

// fill plays requests until there is room for no more than was to be left; half of what each
// causes comes by messages.
func (p *play) fill(each int) {
	whole := p.limit
	for end := min(whole, len(p.scans)+p.promised+each); ; end = min(whole, end+each) {
		p.limit = end
		p.at(p.latest(), func(v *visit) {
			for p.room(leastCall) && v.sends < 12 {
				p.goOn(v, 0)
			}
		})
		p.deliver(time.Time{})
		if end == whole {
			break
		}
	}
	p.limit = whole
}

// purchase is the beginning of the journey.
func (p *play) purchase(v *visit) {
	p.write(v, record.Record{Kind: record.KindAlias, Level: "info", Message: "the order has a number", Alias: record.Alias{Name: "order", Value: "W-" + p.id[24:]}})
	p.deep(v, min(60, p.limit/20))
	p.write(v, record.Record{Kind: record.KindExpect, Level: "info", Message: "the bank is to come", Expect: record.Expect{Station: "bank", Within: 10 * time.Minute}})
	p.write(v, record.Record{Kind: record.KindExpect, Level: "info", Message: "the courier is to come", Expect: record.Expect{Station: "courier", Within: 10 * time.Minute}})
	p.saga(v, "purchase-"+p.id[26:], record.Delivered, "reserve/stock", "charge/bank", "credit/game")
	p.saga(v, "points-"+p.id[26:], record.Returned, "debit/bank", "grant/game", "announce/notify")
	for range min(200, p.limit/40) {
		p.send(v, "shop.checks", []string{"fraud"}, deepest)
	}
	for _, r := range p.largest() {
		p.write(v, r)
	}
	p.gather(v)
}

// deep plays calls in one another.
func (p *play) deep(v *visit, depth int) {
	if depth == 0 || !p.room(leastCall+2) {
		return
	}
	v.now = p.call(v, arrival{to: services[depth%len(services)].name}, func(a arrival) (time.Time, int) {
		inner := p.open(a)
		p.write(inner, p.log())
		p.deep(inner, depth-1)
		return p.close(inner, record.Record{HTTP: record.HTTP{Status: http.StatusOK}}), http.StatusOK
	})
}

// saga plays steps, each named name/service; where it is returned, each is undone, the last
// one first.
func (p *play) saga(v *visit, id, outcome string, steps ...string) {
	play := func(step, phase string) {
		name, service, _ := strings.Cut(step, "/")
		v.now = p.call(v, arrival{to: service, name: "POST /" + name, saga: record.Saga{ID: id, Step: name, Phase: phase}}, func(a arrival) (time.Time, int) {
			inner := p.open(a)
			p.write(inner, record.Record{Level: "info", Message: phase + " " + name})
			return p.close(inner, record.Record{HTTP: record.HTTP{Status: http.StatusOK}}), http.StatusOK
		})
	}
	for _, step := range steps {
		play(step, record.Forward)
	}
	r := record.Record{Kind: record.KindOutcome, Level: "info", Message: "the saga has ended", Declared: outcome, Saga: record.Saga{ID: id}}
	if outcome == record.Returned {
		for _, step := range slices.Backward(steps) {
			play(step, record.Compensate)
		}
		r.Reason = "the player's account is closed"
	}
	p.write(v, r)
}

// gather plays a hop that many messages caused at once.
func (p *play) gather(v *visit) {
	first := p.sent[0]
	a := arrival{at: v.now.Add(time.Second), to: "notify", name: "process a batch", kind: "consumer", parent: first.SpanID, trace: first.TraceID, links: slices.Clone(p.sent)}
	p.hop(a, deepest)
}

// eve leaves messages that will wait until all goes on.
func (p *play) eve(v *visit) {
	for range 10 {
		p.send(v, "shop.orders", []string{"stock", "pricing"}, 0)
	}
}

// aftermath is what is left when all work is done, or was to be.
func (p *play) aftermath(v *visit) {
	p.send(v, unread, nil, deepest)
	for range 1 + p.limit/2000 {
		stranger := p.open(arrival{at: v.now, to: "orders", name: "PUT /orders/{id}", kind: "server", parent: p.span(), trace: v.trace, http: p.request()})
		p.write(stranger, p.log())
		p.close(stranger, record.Record{HTTP: record.HTTP{Status: http.StatusOK}})
		p.write(v, p.log())
		endless := p.open(arrival{at: v.now, to: "pricing", name: "GET /prices", kind: "server", parent: p.span(), trace: v.trace, http: p.request()})
		p.promised-- // it never ends
		p.write(endless, p.log())
	}
	p.send(v, "shop.events", nil, deepest)
	last := p.sent[len(p.sent)-1]
	a := arrival{at: v.now.Add(time.Second), to: "mail", name: "process shop.events", kind: "consumer", parent: last.SpanID, trace: last.TraceID}
	a.messaging = record.Messaging{System: "kafka", Operation: "process", Topic: "shop.events", Group: "mail"}
	p.fail(&a, 3)
}

// chatter writes n log records into hops that have ended, at any time.
func (p *play) chatter(n int) {
	ended := slices.DeleteFunc(slices.Clone(p.visits), func(v *visit) bool { return !v.ended || v.now.Sub(v.at) < time.Millisecond })
	for range n {
		v := pick(p.stage, ended)
		p.writeAt(v, v.at.Add(1+time.Duration(p.random.Int64N(int64(v.now.Sub(v.at))-1))), p.log())
	}
}

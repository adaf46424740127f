package main

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/waybill-log/waybill/record"
)

// workload is records as instrumented services write them, encoded, in the
// order of their times, with their correlation keys.
type workload struct {
	keys   []string
	values [][]byte
	bytes  int64
}

// perJourney is how many records a journey has: two hops of two, an alias, an
// outcome, and what the services log.
const perJourney = 16

// newWorkload makes n records of many journeys at once, the same ones each time.
func newWorkload(n int) *workload {
	g := &generator{
		rand: rand.New(rand.NewPCG(16, 505)),
		now:  time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	}
	for _, service := range []string{"gateway", "bank"} {
		for range 3 {
			g.instances = append(g.instances, &instance{service: service, node: "06h0k6om" + g.text(13)})
		}
	}
	w := &workload{}
	open := make([]*trip, 200) // under way at a time
	for len(w.values) < n {
		i := g.rand.IntN(len(open))
		if open[i] == nil {
			open[i] = g.trip()
		}
		t := open[i]
		r := g.next(t)
		value := record.Append(nil, &r)
		w.keys, w.values, w.bytes = append(w.keys, t.id), append(w.values, value), w.bytes+int64(len(value))
		if t.step == perJourney {
			open[i] = nil
		}
	}
	return w
}

type generator struct {
	rand      *rand.Rand
	now       time.Time
	instances []*instance // three of each service
}

type instance struct {
	service, node string
	sequence      uint64
}

// trip is one journey under way.
type trip struct {
	id, trace, order, user string
	step                   int
	hop                    [2]stay
	fails                  bool
}

// stay is a trip's visit to an instance.
type stay struct {
	at      *instance
	span    string
	since   time.Time
	records uint64
}

func (g *generator) text(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdefghijklmnopqrstuv"[g.rand.IntN(32)]
	}
	return string(b)
}

func (g *generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.rand.Uint32())
	}
	return b
}

// trip begins a journey with an ID from outside, and a time-ordered trace ID as
// instrument gives it.
func (g *generator) trip() *trip {
	trace := fmt.Sprintf("%012x", g.now.UnixMilli()) + hex.EncodeToString(g.bytes(10))
	t := &trip{id: "pay-" + g.text(10), trace: trace, order: base32.StdEncoding.EncodeToString(g.bytes(10)), user: "USER" + strconv.Itoa(g.rand.IntN(50_000)), fails: g.rand.IntN(100) == 0}
	for i := range t.hop {
		t.hop[i].at, t.hop[i].span = g.instances[3*i+g.rand.IntN(3)], hex.EncodeToString(g.bytes(8))
	}
	return t
}

// script says, for each record of a journey, in which hop it is and what it is.
var script = [perJourney]struct {
	hop  int
	kind record.Kind
}{
	{0, record.KindHopStart}, {0, record.KindLog}, {0, record.KindLog}, {0, record.KindAlias}, {0, record.KindLog}, {0, record.KindLog}, {0, record.KindHopEnd},
	{1, record.KindHopStart}, {1, record.KindLog}, {1, record.KindLog}, {1, record.KindLog}, {1, record.KindLog}, {1, record.KindLog}, {1, record.KindLog},
	{1, record.KindOutcome}, {1, record.KindHopEnd},
}

func (g *generator) next(t *trip) record.Record {
	g.now = g.now.Add(time.Duration(g.rand.IntN(80_000)))
	part := script[t.step]
	t.step++
	hop := &t.hop[part.hop]
	hop.records++
	hop.at.sequence++
	r := record.Record{
		Time: g.now, Level: "info", Service: hop.at.service, ServiceVer: "1.2.3", Node: hop.at.node,
		Sequence: hop.at.sequence, HopSequence: hop.records, Kind: part.kind, CorrelationID: t.id, TraceID: t.trace, SpanID: hop.span,
	}
	failed := t.fails && part.hop == 1
	switch part.kind {
	case record.KindHopStart:
		hop.since = g.now
		g.visit(&r, t, part.hop)
	case record.KindHopEnd:
		g.visit(&r, t, part.hop)
		r.Duration, r.Outcome, r.HopRecords = g.now.Sub(hop.since), record.Success, hop.records
		if part.hop == 0 {
			r.HTTP.Status, r.HopSends = 202, 1
		}
		if failed {
			r.Level, r.Outcome, r.Error = "error", record.Failure, record.Error{Type: "*bank.WithdrawnError", Message: "the account is closed"}
		}
	case record.KindAlias:
		r.Message, r.Alias = "order "+t.order, record.Alias{Name: "order", Value: t.order}
	case record.KindOutcome:
		r.Message, r.Declared, r.Outcome = "delivered", record.Delivered, record.Success
		if failed {
			r.Level, r.Message, r.Declared, r.Outcome = "error", "the account is closed", record.Failed, record.Failure
		}
	default:
		g.log(&r, t)
	}
	return r
}

// visit fills in what a hop's start and end both say.
func (g *generator) visit(r *record.Record, t *trip, n int) {
	if n == 0 {
		r.SpanName, r.SpanKind = "POST /purchases", "server"
		r.HTTP = record.HTTP{Method: "POST", Route: "/purchases", Path: "/purchases"}
	} else {
		r.SpanName, r.SpanKind, r.ParentID = "process shop.orders", "consumer", t.hop[0].span
		r.Messaging = record.Messaging{System: "kafka", Operation: "process", Topic: "shop.orders", Partition: int32(r.Sequence % 4), Offset: int64(r.Sequence), HasOffset: true, Group: r.Service}
	}
	r.Message = r.SpanName
}

// log is what an application says, with labels, some in Chinese.
func (g *generator) log(r *record.Record, t *trip) {
	amount := strconv.Itoa(10 + g.rand.IntN(990))
	r.Labels = []record.Label{{Key: "user", Value: t.user}}
	switch g.rand.IntN(8) {
	case 0:
		r.Message, r.Level = "looked up the account of "+t.user+" in the cache", "debug"
	case 1:
		r.Message, r.Level = "the registry answers slowly, attempt 2 of 5 in 250ms", "warn"
	case 2:
		r.Message = "订单 " + t.order[:10] + " 已付款，金额 " + amount
	case 3:
		r.Message = "debited " + amount + " EUR from the account of " + t.user
	case 4:
		r.Message, r.Saga = "reserved "+amount+" points, waiting for the bank", record.Saga{ID: t.order, Step: "reserve", Phase: record.Forward}
	case 5:
		r.Message = "request accepted for processing"
	case 6:
		r.Message = "points credited"
	default:
		r.Message = "order is NEW, stored with revision " + strconv.Itoa(g.rand.IntN(1_000_000))
	}
}

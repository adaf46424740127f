package journey

import (
	"cmp"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// visit is a hop with what the verdict needs of it.
type visit struct {
	hop       Hop
	root      *span
	begun     int // place of its first moment among all; those without any come last
	numbers   runs
	uncounted bool   // some of its records have no number
	counted   uint64 // hop.records; 0: not known
	sends     uint64 // hop.sends, where counted is known
	sent      []*span
	saga      string // that its span is part of
	group     string // as which it has picked up a message
}

// visits gathers the hops in causal order of their first moment.
func (g *graph) visits(order []int32, tallies []tally) []*visit {
	out := make([]*visit, 0, len(g.list)/2+1)
	byID := make(map[string]*visit, len(g.list)/2)
	var room []visit
	at := func(id string, service, node string, t time.Time, place int) *visit {
		v := byID[id]
		if v == nil {
			if len(room) == 0 {
				room = make([]visit, max(4, min(len(g.list)/4, 256)))
			}
			v, room = &room[0], room[1:]
			*v = visit{hop: Hop{ID: id, Service: service, Node: node, Start: t, Outcome: Open}, root: g.spans[id], begun: place}
			byID[id] = v
			out = append(out, v)
		}
		return v
	}
	for place, i := range order {
		r := g.rs[i]
		id := g.hop(r)
		if id == "" {
			continue
		}
		v := at(id, r.Service, r.Node, r.Time, place)
		if r.HopRecords != 0 {
			v.counted, v.sends = r.HopRecords, r.HopSends
		}
		if s := g.spans[r.SpanID]; s != nil && s.sends() && (i == s.start || s.start == none && i == s.end) {
			v.sent = append(v.sent, s)
		}
	}
	for n := range tallies {
		t := &tallies[n]
		id := t.hop
		if t.foreign {
			id = g.foreignHop(id)
		}
		if id == "" {
			continue
		}
		v := at(id, t.service, t.node, t.first, len(order))
		for _, r := range t.numbers {
			v.numbers.join(r)
		}
		v.uncounted = v.uncounted || t.uncounted
	}
	for _, v := range out {
		v.hop.Sends = max(len(v.sent), int(min(v.sends, 1<<30)))
		g.describe(v)
	}
	return out
}

// describe reads a hop off the records of the span that opened it.
func (g *graph) describe(v *visit) {
	if v.root == nil {
		return
	}
	for _, i := range [...]int32{v.root.start, v.root.end} {
		if i == none {
			continue
		}
		r := g.rs[i]
		v.hop.Name, v.hop.Kind, v.hop.Attempt = r.SpanName, kindOf(r), r.Messaging.Attempt
		v.hop.Version = cmp.Or(r.ServiceVer, v.hop.Version)
		v.saga, v.group = cmp.Or(r.Saga.ID, v.saga), cmp.Or(r.Messaging.Group, v.group)
		if r.HTTP.Status != 0 {
			v.hop.Status = r.HTTP.Status
		}
	}
	if v.root.start != none {
		v.hop.Start = g.rs[v.root.start].Time
	}
	if v.root.end != none {
		r := g.rs[v.root.end]
		end, took := r.Time, r.Duration
		v.hop.End, v.hop.Duration, v.hop.Outcome = &end, &took, outcomeOf(r)
		v.hop.Error = cmp.Or(r.Error.Message, r.Error.Type)
	}
	for c := range g.causes(v.root) {
		if c.hop != v.hop.ID {
			v.hop.Parent = c.hop
			break
		}
	}
}

// kindOf is the kind of a record's span; empty where it is none of OpenTelemetry's.
func kindOf(r *record.Record) string {
	switch r.SpanKind {
	case "server", "consumer", "producer", "client", "internal":
		return r.SpanKind
	}
	return ""
}

// outcomeOf is how a span ended, as its end says.
func outcomeOf(r *record.Record) string {
	switch r.Outcome {
	case "":
		return Success
	case Success, Failure:
		return r.Outcome
	}
	return Unknown
}

// leg is a Leg with the spans at its ends.
type leg struct {
	Leg
	from *span
	to   *visit // nil: nobody has picked it up
	at   place
}

// legs are the ways between hops, by time of sending.
func (g *graph) legs(visits []*visit) []leg {
	out := make([]leg, 0, len(visits))
	picked := map[*span]bool{}
	byOffset := g.sendsByOffset(visits)
	for _, v := range visits {
		if v.root == nil {
			continue
		}
		known := false
		for c := range g.causes(v.root) {
			known = true
			if c.hop != v.hop.ID {
				picked[c] = true
				out = append(out, g.leg(c, v))
			}
		}
		if s := byOffset[g.offset(v.root)]; !known && v.hop.Kind == "consumer" && s != nil {
			v.hop.Parent = s.hop
			picked[s] = true
			out = append(out, g.leg(s, v))
		}
	}
	for _, v := range visits {
		for _, s := range v.sent {
			if !picked[s] && g.awaited(s) {
				out = append(out, g.leg(s, nil))
			}
		}
	}
	return sorted(out)
}

// sorted orders legs, which are large, by time of sending.
func sorted(legs []leg) []leg {
	order := make([]*leg, len(legs))
	for i := range legs {
		order[i] = &legs[i]
	}
	slices.SortStableFunc(order, func(a, b *leg) int {
		if c := a.Sent.Compare(b.Sent); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	out := make([]leg, len(legs))
	for i, l := range order {
		out[i] = *l
	}
	return out
}

// awaited reports whether somebody is still to pick up what s sent: a message
// that Kafka took, or a call that has not come back.
func (g *graph) awaited(s *span) bool {
	if s.end == none {
		return true
	}
	return s.kind == "producer" && g.rs[s.end].Outcome != Failure
}

func (g *graph) leg(from *span, to *visit) leg {
	l := leg{Leg: Leg{From: from.hop, Transport: Locally, Sent: g.sentAt(from)}, from: from, to: to, at: g.offset(from)}
	switch {
	case from.kind == "producer" || to != nil && to.hop.Kind == "consumer":
		l.Transport = OverKafka
	case from.kind == "client" || to != nil && to.hop.Kind == "server":
		l.Transport = OverHTTP
	}
	ends := []int32{from.start, from.end}
	if to != nil {
		l.To = to.hop.ID
		at := to.hop.Start
		took := at.Sub(l.Sent)
		l.Received, l.Duration = &at, &took
		ends = append(ends, to.root.start, to.root.end)
		if !l.at.known {
			l.at = g.offset(to.root)
		}
	}
	if l.Transport == OverKafka {
		for _, i := range ends {
			if i != none {
				l.message(&g.rs[i].Messaging)
			}
		}
	}
	return l
}

func (l *Leg) message(m *record.Messaging) {
	l.Topic, l.Group = cmp.Or(m.Topic, l.Topic), cmp.Or(m.Group, l.Group)
	if m.HasOffset {
		partition, offset := m.Partition, m.Offset
		l.Partition, l.Offset = &partition, &offset
	}
}

func (g *graph) sentAt(s *span) time.Time {
	switch {
	case s.start != none:
		return g.rs[s.start].Time
	case s.end != none:
		return g.rs[s.end].Time.Add(-g.rs[s.end].Duration)
	default:
		return s.first
	}
}

// place is where a message lies.
type place struct {
	topic     string
	partition int32
	offset    int64
	known     bool
}

func (g *graph) offset(s *span) place {
	for _, i := range [...]int32{s.start, s.end} {
		if i != none {
			if m := &g.rs[i].Messaging; m.HasOffset {
				return place{m.Topic, m.Partition, m.Offset, true}
			}
		}
	}
	return place{}
}

// sendsByOffset finds the sender of a message whose headers were lost.
func (g *graph) sendsByOffset(visits []*visit) map[place]*span {
	out := map[place]*span{}
	for _, v := range visits {
		for _, s := range v.sent {
			if p := g.offset(s); p.known && s.kind == "producer" {
				out[p] = s
			}
		}
	}
	return out
}

func sortBy[T any, K cmp.Ordered](s []T, key func(T) K) {
	slices.SortStableFunc(s, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

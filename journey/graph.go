package journey

import (
	"time"

	"github.com/waybill-log/waybill/record"
)

// graph holds the spans of a journey's moments, and what caused what.
type graph struct {
	rs    []*record.Record // moments, by time, then identity
	spans map[string]*span
	list  []*span // in order of their first moment
	room  []span  // for those to come
}

// span is what the moments tell of one span.
type span struct {
	id         string
	start, end int32 // moments; none: not there
	kind       string
	hop        string // the visit it belongs to; empty: none
	placed     bool   // hop is that of a parent
	parent     string
	up         *span // the parent; nil: it is not here
	links      []record.Link
	called     int       // spans of kind server that it is the parent of
	first      time.Time // of its first record, where start and end are missing
}

const none = -1

// sends reports whether the span is the sending end of a leg.
func (s *span) sends() bool { return s.kind == "client" || s.kind == "producer" }

func newGraph(sc scene) *graph {
	g := &graph{rs: sc.moments, spans: make(map[string]*span, len(sc.moments)/2)}
	for i := range g.rs {
		g.readSpan(int32(i))
	}
	for i := range sc.tallies { // a hop whose start and end are missing
		if t := &sc.tallies[i]; t.hop != "" && !t.foreign && g.spans[t.hop] == nil {
			s := g.add(t.hop)
			s.hop, s.first = t.hop, t.first
		}
	}
	for _, s := range g.list {
		if s.parent != "" {
			s.up = g.spans[s.parent]
		}
		if s.up != nil && s.kind == "server" {
			s.up.called++
		}
	}
	for _, s := range g.list {
		g.place(s)
	}
	return g
}

func (g *graph) add(id string) *span {
	if len(g.room) == 0 {
		g.room = make([]span, max(8, min(len(g.rs)/2, 1024)))
	}
	s := &g.room[0]
	g.room = g.room[1:]
	*s = span{id: id, start: none, end: none}
	g.spans[id] = s
	g.list = append(g.list, s)
	return s
}

func (g *graph) readSpan(i int32) {
	r := g.rs[i]
	if r.SpanID == "" || r.Kind != record.KindHopStart && r.Kind != record.KindHopEnd {
		return
	}
	s := g.spans[r.SpanID]
	if s == nil {
		s = g.add(r.SpanID)
	}
	switch {
	case r.Kind == record.KindHopStart && g.better(i, s.start):
		s.start = i
	case r.Kind == record.KindHopEnd && g.better(i, s.end):
		s.end = i
	default:
		return
	}
	told := g.report(s)
	s.kind, s.hop, s.parent, s.links = told.SpanKind, told.Hop(), told.ParentID, told.Links
	if s.end != none && len(g.rs[s.end].Links) > len(s.links) {
		s.links = g.rs[s.end].Links // links may be added to a span that runs
	}
	if s.parent == s.id {
		s.parent = ""
	}
}

// better reports whether record i tells more of a span than record known, which
// may be none: a service may report its spans itself and over OpenTelemetry too.
func (g *graph) better(i, known int32) bool {
	return known == none || g.rs[known].Sequence == 0 && g.rs[i].Sequence != 0
}

// place finds the hop of a foreign span, which OpenTelemetry does not tell: a
// span that is no visit itself belongs to the hop of its parent in the same instance.
func (g *graph) place(s *span) {
	p := s.up
	if s.placed || p == nil || !g.goesOn(s, p) {
		return
	}
	s.placed = true // before p: spans may be each other's parents
	g.place(p)
	s.hop = p.hop
}

// goesOn reports whether a foreign span is part of the hop that its parent is in.
func (g *graph) goesOn(s, parent *span) bool {
	r, above := g.report(s), g.report(parent)
	return r != nil && above != nil && s.hop == s.id && s.kind != "server" && s.kind != "consumer" &&
		r.Sequence == 0 && above.Sequence == 0 && r.Service == above.Service && r.Node == above.Node
}

// retold reports whether a foreign record only repeats what the service itself
// has reported of a span.
func (g *graph) retold(r *record.Record) bool {
	if r.Sequence != 0 || r.Kind != record.KindHopStart && r.Kind != record.KindHopEnd || r.SpanID == "" {
		return false
	}
	told := g.report(g.spans[r.SpanID])
	return told != nil && told.Sequence != 0
}

// report is the record of a span's start, else of its end; nil: there is neither.
func (g *graph) report(s *span) *record.Record {
	switch {
	case s.start != none:
		return g.rs[s.start]
	case s.end != none:
		return g.rs[s.end]
	default:
		return nil
	}
}

// hop is the visit a record belongs to; empty outside any hop.
func (g *graph) hop(r *record.Record) string {
	if r.HopID != "" || r.Sequence != 0 {
		return r.Hop()
	}
	return g.foreignHop(r.SpanID)
}

// foreignHop is the visit that a foreign record of a span belongs to. A span that
// nobody reports is no hop, though foreign records name it.
func (g *graph) foreignHop(id string) string {
	if s := g.spans[id]; s != nil {
		return s.hop
	}
	return ""
}

// edges are the causes between moments.
func (g *graph) edges() []edge {
	out := chain(make([]edge, 0, 2*len(g.rs)), g.rs)
	for i, r := range g.rs {
		out = g.within(out, r, int32(i), g.self)
	}
	return g.between(out, g.self)
}

func (g *graph) self(moment int32) int32 { return moment }

// within orders what happened inside one span where records have no numbers. At
// is where a moment stands in the list that i is an index of.
func (g *graph) within(out []edge, r *record.Record, i int32, at func(moment int32) int32) []edge {
	s := g.spans[r.SpanID]
	if s == nil || r.Sequence != 0 {
		return out
	}
	if s.start != none && at(s.start) != i {
		out = append(out, edge{from: at(s.start), to: i})
	}
	if s.end != none && at(s.end) != i && (s.start == none || at(s.start) != i) {
		out = append(out, edge{from: i, to: at(s.end)})
	}
	return out
}

// between orders what one span caused in another.
func (g *graph) between(out []edge, at func(moment int32) int32) []edge {
	for _, s := range g.list {
		to := s.start
		if to == none {
			to = s.end
		}
		if to == none {
			continue
		}
		for cause := range g.causes(s) {
			if cause.start != none {
				out = append(out, edge{from: at(cause.start), to: at(to)})
			}
			if g.answered(cause, s) {
				out = append(out, edge{from: at(s.start), to: at(cause.end)})
				if s.end != none {
					out = append(out, edge{from: at(s.end), to: at(cause.end), soft: true})
				}
			}
		}
	}
	return out
}

// answered reports whether a call is known to have come back after by began: it
// has a status, and nobody else was called by it. Only the beginning is sure to be
// before: a server may end its span after the caller has read the answer.
func (g *graph) answered(call, by *span) bool {
	return call.kind == "client" && by.kind == "server" && by.start != none && call.end != none &&
		g.rs[call.end].HTTP.Status != 0 && call.called == 1
}

// causes are the known spans that made s happen.
func (g *graph) causes(s *span) func(func(*span) bool) {
	return func(yield func(*span) bool) {
		if p := s.up; p != nil && p.hop != "" && !yield(p) {
			return
		}
		for i := range s.links {
			id := s.links[i].SpanID
			if l := g.spans[id]; l != nil && l != s && id != s.parent && l.hop != "" && !yield(l) {
				return
			}
		}
	}
}

// expected are the spans that should have records here, as they caused s and are
// of this journey.
func (g *graph) expected(s *span) func(func(string) bool) {
	return func(yield func(string) bool) {
		if s.parent != "" && !yield(s.parent) {
			return
		}
		told := g.report(s)
		for i := range s.links {
			l := &s.links[i]
			if (l.CorrelationID == "" || record.SameID(l.CorrelationID, told.CorrelationID)) && !yield(l.SpanID) {
				return
			}
		}
	}
}

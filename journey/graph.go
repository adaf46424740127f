package journey

import (
	"container/heap"

	"github.com/waybill-log/waybill/record"
)

// graph holds the causes between records, which are sorted by time, then identity.
type graph struct {
	rs    []record.Record
	spans map[string]*span
	after [][]int32 // after[i]: records that i causes directly
	waits []int32   // waits[i]: causes of i not placed yet
}

// span is what the records tell of one span.
type span struct {
	id         string
	start, end int // index of its hop.start and hop.end; -1: not there
	first      int // index of its first record of any kind
	kind       string
	hop        string // the visit it belongs to; empty: none
	placed     bool   // hop is that of a parent
	parent     string
	links      []string
	expected   []string // parent, and links within this journey: records of them should be here
}

const none = -1

// sends reports whether the span is the sending end of a leg.
func (s *span) sends() bool { return s.kind == "client" || s.kind == "producer" }

func newGraph(rs []record.Record) *graph {
	g := &graph{rs: rs, spans: map[string]*span{}, after: make([][]int32, len(rs)), waits: make([]int32, len(rs))}
	for i := range rs {
		g.readSpan(i)
	}
	g.placeForeign()
	g.chainInstances()
	g.chainSpans()
	return g
}

func (g *graph) readSpan(i int) {
	r := &g.rs[i]
	if r.SpanID == "" {
		return
	}
	s := g.spans[r.SpanID]
	if s == nil {
		s = &span{id: r.SpanID, start: none, end: none, first: i, hop: r.Hop()}
		g.spans[r.SpanID] = s
	}
	switch {
	case r.Kind == record.KindHopStart && g.better(i, s.start):
		s.start = i
	case r.Kind == record.KindHopEnd && g.better(i, s.end):
		s.end = i
	default:
		return
	}
	s.kind, s.hop = r.SpanKind, r.Hop()
	if r.ParentID != r.SpanID {
		s.parent = r.ParentID
	}
	s.links, s.expected = s.links[:0], s.expected[:0]
	if s.parent != "" {
		s.expected = append(s.expected, s.parent)
	}
	for _, l := range r.Links {
		s.links = append(s.links, l.SpanID)
		if l.CorrelationID == "" || record.SameID(l.CorrelationID, r.CorrelationID) {
			s.expected = append(s.expected, l.SpanID)
		}
	}
}

// better reports whether record i tells more of a span than record known, which
// may be none: a service may report its spans itself and over OpenTelemetry too.
func (g *graph) better(i, known int) bool {
	return known == none || g.rs[known].Sequence == 0 && g.rs[i].Sequence != 0
}

// placeForeign finds the hops of foreign spans, which OpenTelemetry does not
// tell: a span that is no visit itself belongs to the hop of its parent in the
// same instance. A span that nobody reported is no hop, though foreign records name it.
func (g *graph) placeForeign() {
	for _, s := range g.spans {
		if s.start == none && s.end == none && s.hop == s.id && g.rs[s.first].Sequence == 0 {
			s.hop = ""
		}
	}
	for i := range g.rs {
		if s := g.spans[g.rs[i].SpanID]; s != nil {
			g.place(s)
		}
	}
}

func (g *graph) place(s *span) {
	p := g.spans[s.parent]
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
		return &g.rs[s.start]
	case s.end != none:
		return &g.rs[s.end]
	default:
		return nil
	}
}

// hop is the visit a record belongs to; empty outside any hop.
func (g *graph) hop(r *record.Record) string {
	if s := g.spans[r.SpanID]; s != nil && r.HopID == "" && r.Sequence == 0 {
		return s.hop
	}
	return r.Hop()
}

// chainInstances orders the numbered records of each instance.
func (g *graph) chainInstances() {
	byNode := map[string][]int{}
	for i := range g.rs {
		if g.rs[i].Sequence != 0 {
			byNode[g.rs[i].Node] = append(byNode[g.rs[i].Node], i)
		}
	}
	for _, is := range byNode {
		sortBy(is, func(i int) uint64 { return g.rs[i].Sequence })
		for n := 1; n < len(is); n++ {
			g.cause(is[n-1], is[n])
		}
	}
}

// chainSpans orders what one span caused in another, and, where records have no
// numbers, what happened inside one.
func (g *graph) chainSpans() {
	for i := range g.rs {
		r := &g.rs[i]
		s := g.spans[r.SpanID]
		if s == nil || r.Sequence != 0 {
			continue
		}
		if s.start != none && s.start != i {
			g.cause(s.start, i)
		}
		if s.end != none && s.end != i && s.start != i {
			g.cause(i, s.end)
		}
	}
	for _, s := range g.spans {
		to := s.start
		if to == none {
			to = s.first
		}
		for _, cause := range g.causes(s) {
			if cause.start != none {
				g.cause(cause.start, to)
			}
		}
	}
}

// causes are the known spans that made s happen.
func (g *graph) causes(s *span) []*span {
	var out []*span
	if p := g.spans[s.parent]; p != nil && p.hop != "" {
		out = append(out, p)
	}
	for _, id := range s.links {
		if l := g.spans[id]; l != nil && l != s && id != s.parent && l.hop != "" {
			out = append(out, l)
		}
	}
	return out
}

func (g *graph) cause(from, to int) {
	if from == to {
		return
	}
	g.after[from] = append(g.after[from], int32(to))
	g.waits[to]++
}

// order places every record after its causes; among those that may come next
// the earliest does. Where causes contradict each other, the earliest record
// left goes first, so that a broken journey is still a journey.
func (g *graph) order() []int {
	waits := append([]int32(nil), g.waits...)
	placed := make([]bool, len(g.rs))
	out := make([]int, 0, len(g.rs))
	var free indices
	for i := range g.rs {
		if waits[i] == 0 {
			free = append(free, i) // ascending, so a heap already
		}
	}
	earliest := 0
	for len(out) < len(g.rs) {
		var i int
		if len(free) > 0 {
			i = heap.Pop(&free).(int)
			if placed[i] {
				continue
			}
		} else {
			for placed[earliest] {
				earliest++
			}
			i = earliest
		}
		placed[i] = true
		out = append(out, i)
		for _, to := range g.after[i] {
			if waits[to]--; waits[to] == 0 && !placed[to] {
				heap.Push(&free, int(to))
			}
		}
	}
	return out
}

// indices is a heap of record indices: records are sorted by time.
type indices []int

func (h indices) Len() int           { return len(h) }
func (h indices) Less(i, j int) bool { return h[i] < h[j] }
func (h indices) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *indices) Push(x any)        { *h = append(*h, x.(int)) }
func (h *indices) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

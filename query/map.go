package query

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/store"
)

// Map is how recent journeys went: services and topics, and the ways between them.
type Map struct {
	Nodes    []Node         `json:"nodes"`
	Edges    []Edge         `json:"edges"`
	Journeys int            `json:"journeys"` // that it was drawn from
	Verdicts []VerdictCount `json:"verdicts"` // on them
	First    *time.Time     `json:"first"`    // when the earliest of them began; nil: there is none
	Last     *time.Time     `json:"last"`     // and the latest
	Over     bool           `json:"over"`     // there is more than is drawn
	AsOf     *time.Time     `json:"as_of"`
}

// VerdictCount is how many journeys have one verdict.
type VerdictCount struct {
	Verdict  journey.Verdict `json:"verdict"`
	Journeys int             `json:"journeys"`
}

// Node is a service or a topic.
type Node struct {
	ID     string       `json:"id"`   // "service:bank"
	Kind   string       `json:"kind"` // "service" or "topic"
	Name   string       `json:"name"`
	Hops   int          `json:"hops"`           // of a service
	Failed int          `json:"failed"`         // hops
	Open   int          `json:"open"`           // hops that have not ended
	Took   *Percentiles `json:"took,omitempty"` // its hops; nil: of none it is known
}

// Edge is the way from one node to another.
type Edge struct {
	From      string       `json:"from"`
	To        string       `json:"to"`
	Transport string       `json:"transport"`
	Legs      int          `json:"legs"`
	Failed    int          `json:"failed"`         // legs to hops that failed
	Waiting   int          `json:"waiting"`        // legs that nobody has picked up, on the way to a topic
	Took      *Percentiles `json:"took,omitempty"` // its legs: from a topic, the time in the queue; nil: of none it is known
}

// Percentiles are where half and nearly all of some durations lie.
type Percentiles struct {
	P50 time.Duration `json:"p50"` // ns
	P99 time.Duration `json:"p99"` // ns
}

// Bounds on a map.
const (
	maxNodes = 1000
	maxEdges = 5000
)

// Map draws up to n of the newest journeys that a query asks for.
func (d *Desk) Map(ctx context.Context, text string, n int) (*Map, error) {
	search, err := Parse(text)
	if err != nil {
		return nil, err
	}
	out := &Map{AsOf: told(d.AsOf(ctx))}
	draw := newDrawing()
	page, err := d.summaries(ctx, search, store.JourneyCursor{}, n)
	if err != nil {
		return nil, cause("draw map", err)
	}
	for i := range page.Journeys {
		s := &page.Journeys[i]
		f, err := journey.ParseFold(s.State)
		if err != nil { // of a version to come
			continue
		}
		draw.add(f.Course())
		draw.verdicts[journey.Verdict(s.Verdict)]++
		out.Journeys++
		if start := s.Start.UTC(); out.First == nil || start.Before(*out.First) {
			out.First = &start
		}
		if start := s.Start.UTC(); out.Last == nil || start.After(*out.Last) {
			out.Last = &start
		}
	}
	out.Nodes, out.Edges, out.Verdicts = draw.sorted()
	out.Over = draw.over || page.Partial
	return out, nil
}

// drawing is a map that is being drawn.
type drawing struct {
	nodes    map[string]*Node
	edges    map[[3]string]*Edge
	took     map[any][]time.Duration // by node or edge
	verdicts map[journey.Verdict]int
	over     bool
}

func newDrawing() *drawing {
	return &drawing{nodes: map[string]*Node{}, edges: map[[3]string]*Edge{}, took: map[any][]time.Duration{}, verdicts: map[journey.Verdict]int{}}
}

func (w *drawing) add(c journey.Course) {
	hops := map[string]*journey.Hop{}
	for i := range c.Hops {
		h := &c.Hops[i]
		hops[h.ID] = h
		n := w.node("service", h.Service)
		if n == nil {
			continue
		}
		n.Hops++
		switch h.Outcome {
		case journey.Failure:
			n.Failed++
		case journey.Open:
			n.Open++
		}
		w.measure(n, h.Duration)
	}
	for i := range c.Legs {
		l := &c.Legs[i]
		from, to := w.station(hops[l.From]), w.station(hops[l.To])
		if l.Transport == journey.OverKafka {
			topic := w.node("topic", l.Topic)
			if e := w.edge(from, topic, l.Transport); e != nil && l.To == "" {
				e.Waiting++
			}
			from = topic
		}
		e := w.edge(from, to, l.Transport)
		if e == nil {
			continue
		}
		if hops[l.To].Outcome == journey.Failure {
			e.Failed++
		}
		w.measure(e, l.Duration)
	}
}

// measure notes how long something took. What clocks deny tells nothing.
func (w *drawing) measure(of any, took *time.Duration) {
	if took != nil && *took >= 0 {
		w.took[of] = append(w.took[of], *took)
	}
}

// station is the node of a hop's service; nil: of none.
func (w *drawing) station(h *journey.Hop) *Node {
	if h == nil {
		return nil
	}
	return w.node("service", h.Service)
}

// node is nil where there is no name, or no room.
func (w *drawing) node(kind, name string) *Node {
	if name == "" {
		return nil
	}
	id := kind + ":" + name
	if w.nodes[id] == nil {
		if len(w.nodes) == maxNodes {
			w.over = true
			return nil
		}
		w.nodes[id] = &Node{ID: id, Kind: kind, Name: name}
	}
	return w.nodes[id]
}

// edge counts a leg; nil where an end is missing, or there is no room.
func (w *drawing) edge(from, to *Node, transport string) *Edge {
	if from == nil || to == nil {
		return nil
	}
	key := [3]string{from.ID, to.ID, transport}
	if w.edges[key] == nil {
		if len(w.edges) == maxEdges {
			w.over = true
			return nil
		}
		w.edges[key] = &Edge{From: from.ID, To: to.ID, Transport: transport}
	}
	w.edges[key].Legs++
	return w.edges[key]
}

func (w *drawing) sorted() (nodes []Node, edges []Edge, verdicts []VerdictCount) {
	nodes, edges, verdicts = []Node{}, []Edge{}, []VerdictCount{}
	for _, n := range w.nodes {
		n.Took = percentilesOf(w.took[n])
		nodes = append(nodes, *n)
	}
	for _, e := range w.edges {
		e.Took = percentilesOf(w.took[e])
		edges = append(edges, *e)
	}
	for v, n := range w.verdicts {
		verdicts = append(verdicts, VerdictCount{v, n})
	}
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Transport, b.Transport))
	})
	slices.SortFunc(verdicts, func(a, b VerdictCount) int {
		return cmp.Or(cmp.Compare(b.Journeys, a.Journeys), cmp.Compare(a.Verdict, b.Verdict))
	})
	return nodes, edges, verdicts
}

// percentilesOf sorts durations; nil of none.
func percentilesOf(took []time.Duration) *Percentiles {
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[(len(took)*percent+99)/100-1] }
	return &Percentiles{P50: at(50), P99: at(99)}
}

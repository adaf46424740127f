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
	Nodes    []Node     `json:"nodes"`
	Edges    []Edge     `json:"edges"`
	Journeys int        `json:"journeys"` // that it was drawn from
	Over     bool       `json:"over"`     // there is more than is drawn
	AsOf     *time.Time `json:"as_of"`
}

// Node is a service or a topic.
type Node struct {
	ID     string `json:"id"`   // "service:bank"
	Kind   string `json:"kind"` // "service" or "topic"
	Name   string `json:"name"`
	Hops   int    `json:"hops"`   // of a service
	Failed int    `json:"failed"` // hops
}

// Edge is the way from one node to another.
type Edge struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Transport string `json:"transport"`
	Legs      int    `json:"legs"`
	Waiting   int    `json:"waiting"` // legs that nobody has picked up, on the way to a topic
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
	draw := drawing{nodes: map[string]*Node{}, edges: map[[3]string]*Edge{}}
	page, err := d.summaries(ctx, search, store.JourneyCursor{}, n)
	if err != nil {
		return nil, cause("draw map", err)
	}
	for i := range page.Journeys {
		if f, err := journey.ParseFold(page.Journeys[i].State); err == nil { // else of a version to come
			draw.add(f.Course())
			out.Journeys++
		}
	}
	out.Nodes, out.Edges = draw.sorted()
	out.Over = draw.over || page.Partial
	return out, nil
}

type drawing struct {
	nodes map[string]*Node
	edges map[[3]string]*Edge
	over  bool
}

func (w *drawing) add(c journey.Course) {
	services := map[string]string{}
	for i := range c.Hops {
		h := &c.Hops[i]
		services[h.ID] = h.Service
		if n := w.node("service", h.Service); n != nil {
			n.Hops++
			if h.Outcome == journey.Failure {
				n.Failed++
			}
		}
	}
	for i := range c.Legs {
		l := &c.Legs[i]
		from, to := w.node("service", services[l.From]), w.node("service", services[l.To])
		if l.Transport == journey.OverKafka {
			topic := w.node("topic", l.Topic)
			if e := w.edge(from, topic, l.Transport); e != nil && l.To == "" {
				e.Waiting++
			}
			w.edge(topic, to, l.Transport)
			continue
		}
		w.edge(from, to, l.Transport)
	}
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

func (w *drawing) sorted() (nodes []Node, edges []Edge) {
	nodes, edges = []Node{}, []Edge{}
	for _, n := range w.nodes {
		nodes = append(nodes, *n)
	}
	for _, e := range w.edges {
		edges = append(edges, *e)
	}
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Transport, b.Transport))
	})
	return nodes, edges
}

package journey

import (
	"cmp"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

const (
	// clockDoubt is how far two clocks may be apart where nothing tells.
	clockDoubt = 5 * time.Minute
	// ledgerDoubt is how long the quickest ledger of an instance was on its way to Kafka, at most.
	ledgerDoubt = 5 * time.Second
)

// waits knows who is awaited, and since when.
type waits struct {
	evidence  *Evidence
	routes    map[string]*Route // by topic
	groups    map[partition][]*Group
	pickedUp  map[sent][]*visit
	took      map[taken]bool
	instances map[string][]*record.Ledger // by node, ascending by time
	nodes     map[string][]string         // by service, sorted
}

// taken is a message that a group has picked up.
type taken struct {
	at    place
	group string
}

type partition struct {
	topic  string
	number int32
}

// sent is one message.
type sent struct {
	from *span
	at   place
}

func newWaits(g *graph, visits []*visit, ev *Evidence) waits {
	w := waits{
		evidence: ev, routes: map[string]*Route{}, groups: map[partition][]*Group{}, pickedUp: map[sent][]*visit{}, took: map[taken]bool{},
		instances: map[string][]*record.Ledger{}, nodes: map[string][]string{},
	}
	for i := range ev.Routes {
		w.routes[ev.Routes[i].Topic] = &ev.Routes[i]
	}
	for i := range ev.Groups {
		at := partition{ev.Groups[i].Topic, ev.Groups[i].Partition}
		w.groups[at] = append(w.groups[at], &ev.Groups[i])
	}
	for _, groups := range w.groups {
		sortBy(groups, func(g *Group) string { return g.Name })
	}
	for _, v := range visits {
		if v.hop.Kind == "consumer" {
			w.took[taken{g.offset(v.root), g.report(v.root).Messaging.Group}] = true
		}
	}
	if ev.AsOf.IsZero() {
		return w
	}
	for i := range ev.Ledgers {
		l := &ev.Ledgers[i]
		w.instances[l.Node] = append(w.instances[l.Node], l)
	}
	for node, ls := range w.instances {
		slices.SortFunc(ls, func(a, b *record.Ledger) int {
			return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Last, b.Last), cmp.Compare(a.Unsettled, b.Unsettled))
		})
		service := ls[len(ls)-1].Service
		w.nodes[service] = append(w.nodes[service], node)
	}
	return w
}

// read notes who has picked a message up, and which groups have not or left no record of it.
func (w *waits) read(l *leg) {
	if l.Transport != OverKafka {
		return
	}
	if l.to != nil {
		w.pickedUp[sent{l.from, l.at}] = append(w.pickedUp[sent{l.from, l.at}], l.to)
	}
	if !l.at.known {
		return
	}
	for _, g := range w.groups[partition{l.at.topic, l.at.partition}] {
		switch {
		case w.took[taken{l.at, g.Name}]:
		case g.Committed > l.at.offset:
			l.Passed = append(l.Passed, g.Name)
		case w.isExpected(g):
			l.Waiting = append(l.Waiting, g.Name)
		}
	}
}

// isExpected reports whether a group must pick up what its topic brings: a route
// names it, or there is no route and somebody is in the group.
func (w *waits) isExpected(g *Group) bool {
	if r := w.routes[g.Topic]; r != nil {
		return slices.Contains(r.Groups, g.Name)
	}
	return g.Members
}

// awaited names a service or group that is expected to pick a leg up and has not;
// empty: nobody is.
func (w *waits) awaited(l *leg) string {
	if l.Transport != OverKafka {
		return ""
	}
	if r := w.routes[l.Topic]; r != nil {
		for _, service := range r.Stations {
			if !w.reached(l, service) && len(l.Passed) == 0 {
				return service
			}
		}
		for _, group := range r.Groups {
			if !w.pickedUpBy(l, group) && !slices.Contains(l.Passed, group) {
				return group
			}
		}
	}
	if len(l.Waiting) > 0 {
		return l.Waiting[0]
	}
	return ""
}

func (w *waits) reached(l *leg, service string) bool {
	return slices.ContainsFunc(w.pickedUp[sent{l.from, l.at}], func(v *visit) bool { return v.hop.Service == service })
}

func (w *waits) pickedUpBy(l *leg, group string) bool {
	return l.at.known && w.took[taken{l.at, group}] ||
		slices.ContainsFunc(w.pickedUp[sent{l.from, l.at}], func(v *visit) bool { return v.group == group })
}

// passed reports whether an instance's clock is proved to have passed t, and all
// that was shipped until then to be stored: by its own word, or, where it says
// nothing any more, by the horizon, however wrong its clock may be.
func (w *waits) passed(node string, t time.Time) bool {
	if ls := w.instances[node]; len(ls) > 0 && !ls[len(ls)-1].Time.Before(t) {
		return true
	}
	return w.horizonPassed(t)
}

func (w *waits) horizonPassed(t time.Time) bool {
	return !w.evidence.AsOf.IsZero() && w.evidence.AsOf.After(t.Add(clockDoubt))
}

// heardSince reports whether a ledger is proved to have been written after t, which is
// by the clock of another instance.
func (w *waits) heardSince(l *record.Ledger, t time.Time, by string) bool {
	ahead, known := w.evidence.Clocks[l.Node]
	its, knows := w.evidence.Clocks[by]
	switch {
	case l.Node == by:
		return !l.Time.Before(t)
	case known && knows:
		return !l.Time.Add(-ahead - ledgerDoubt).Before(t.Add(-its))
	default:
		return !l.Time.Before(t.Add(clockDoubt))
	}
}

// behind reports whether an instance of a service has records that its last word
// but one knew of and Kafka still has not; or has not been heard of since t, by the
// clock of an instance, and may come back.
func (w *waits) behind(service string, t time.Time, by string) bool {
	for _, node := range w.nodes[service] {
		ls := w.instances[node]
		latest := ls[len(ls)-1]
		known := latest.Last
		if len(ls) > 1 && !latest.Stopped {
			known = ls[len(ls)-2].Last
		}
		if latest.Unsettled <= known || !latest.Stopped && !t.IsZero() && !w.heardSince(latest, t, by) && !w.horizonPassed(t) {
			return true
		}
	}
	return false
}

func (j *judge) stalled() (ruling, bool) {
	if j.evidence.AsOf.IsZero() {
		return ruling{}, false
	}
	for i := range j.legs {
		if f, ok := j.waits.stalled(&j.legs[i], j); ok {
			return f, true
		}
	}
	for place, i := range j.order {
		r := j.graph.rs[i]
		if r.Kind != record.KindExpect || r.Expect.Station == "" {
			continue
		}
		deadline := r.Time.Add(r.Expect.Within)
		if j.waits.passed(r.Node, deadline) && !j.came(r.Expect.Station, r, place) && !j.waits.behind(r.Expect.Station, deadline, r.Node) {
			f := Finding{Code: NeverCame, Service: r.Service, Awaited: r.Expect.Station, Within: pointer(r.Expect.Within), At: pointer(r.Time)}
			return ruling{Stalled, f, j.graph.hop(r), deadline}, true
		}
	}
	return ruling{}, false
}

// came reports whether a station was reached, unless that is proved to have been
// before it was expected: by the same instance, or by what led to the expectation.
func (j *judge) came(station string, expect *record.Record, place int) bool {
	for _, v := range j.visits {
		if v.hop.Service != station {
			continue
		}
		if v.begun < place && j.ledTo(v, expect) {
			continue
		}
		return true
	}
	return false
}

// ledTo reports whether a hop is the one that an expectation was written in, or
// one that caused it.
func (j *judge) ledTo(v *visit, expect *record.Record) bool {
	seen := map[string]bool{}
	for id := j.graph.hop(expect); id != "" && !seen[id]; {
		if id == v.hop.ID {
			return true
		}
		seen[id] = true
		at := j.byHop[id]
		if at == nil {
			break
		}
		id = at.hop.Parent
	}
	return expect.Sequence > 0 && v.hop.Node == expect.Node && v.root != nil && v.root.start != none &&
		j.graph.rs[v.root.start].Sequence > 0 && j.graph.rs[v.root.start].Sequence < expect.Sequence
}

// stalled says so of a message that somebody had to pick up, and has not in the
// time there was.
func (w *waits) stalled(l *leg, j *judge) (ruling, bool) {
	if l.Transport != OverKafka {
		return ruling{}, false
	}
	within := DefaultWithin
	route := w.routes[l.Topic]
	if route != nil {
		within = cmp.Or(route.Within, within)
	}
	for _, g := range w.groups[partition{l.at.topic, l.at.partition}] {
		if !l.at.known || !slices.Contains(l.Waiting, g.Name) {
			continue
		}
		arrived := slices.IndexFunc(g.Ends, func(e End) bool { return e.Offset > l.at.offset })
		if arrived < 0 || g.AsOf.Sub(g.Ends[arrived].Time) <= within || w.groupBehind(g.Name, route, j) {
			continue
		}
		f := j.sent(l)
		f.Code, f.Group, f.Committed, f.Deserted = GroupBehind, g.Name, pointer(max(0, g.Committed)), !g.Members
		f.Partition, f.Offset = pointer(l.at.partition), pointer(l.at.offset)
		return ruling{Stalled, f, l.From, l.Sent}, true
	}
	if route == nil || route.Within == 0 {
		return ruling{}, false // nobody declared a deadline
	}
	for _, service := range route.Stations {
		deadline := l.Sent.Add(within)
		if !w.reached(l, service) && w.passed(j.node(l.From), deadline) && !w.behind(service, deadline, j.node(l.From)) {
			f := j.sent(l)
			f.Code, f.Awaited, f.Within = StationLate, service, pointer(within)
			return ruling{Stalled, f, l.From, l.Sent}, true
		}
	}
	return ruling{}, false
}

// groupBehind reports whether a service that may read as that group has not
// shipped all it has written: one that did on this journey, one that the route
// names, or one of the group's name.
func (w *waits) groupBehind(group string, route *Route, j *judge) bool {
	services := []string{group}
	if route != nil {
		services = append(services, route.Stations...)
	}
	for _, v := range j.visits {
		if v.group == group {
			services = append(services, v.hop.Service)
		}
	}
	return slices.ContainsFunc(services, func(s string) bool { return w.behind(s, time.Time{}, "") })
}

func (j *judge) node(hop string) string {
	if v := j.byHop[hop]; v != nil {
		return v.hop.Node
	}
	return ""
}

package journey

import (
	"cmp"
	"slices"
	"time"
)

// Usual is what journeys of one kind and release do. To be unusual is never a verdict.
type Usual struct {
	Kind     string    `json:"kind"`
	Release  string    `json:"release"`
	Journeys int       `json:"journeys"` // learned from
	From     time.Time `json:"from"`     // when the first of them began
	Until    time.Time `json:"until"`    // and the last
	Stops    []Stop    `json:"stops"`    // in the order in which journeys come there
	Over     bool      `json:"over"`     // there are more than are kept
}

// Stop is where hops are that were caused alike.
type Stop struct {
	Parent    int    `json:"parent"` // that causes it, among the same stops; -1: nothing does
	Service   string `json:"service"`
	Name      string `json:"name"`
	Transport string `json:"transport"` // that leads here; empty: none
	Topic     string `json:"topic,omitempty"`
	Journeys  int    `json:"journeys"` // that came here
	Hops      int    `json:"hops"`     // of all of them
	Times     int    `json:"times"`    // that one journey came here, at most
	Failed    int    `json:"failed"`   // hops
	Took      Spread `json:"took"`     // by hops, without the calls that they waited for
	Waited    Spread `json:"waited"`   // on the way here, where that is over Kafka
}

// maxStops bounds what is kept of one kind.
const maxStops = 1000

// Learner learns what is usual from journeys of one kind and release, in any order. Its
// size does not grow with them. The zero value has learned nothing.
type Learner struct {
	usual Usual // but for its stops
	stops []learned
	known stops
}

// learned is a stop as it is learned.
type learned struct {
	stopKey
	journeys, hops, times, failed int
	took, waited                  sketch
	places                        int // of the first hops here, added up
}

// Add learns from a journey, which should be one that was delivered.
func (l *Learner) Add(c Course) {
	u := &l.usual
	if u.Journeys == 0 {
		u.Kind, u.Release, l.known = c.Kind, c.Release, stops{}
	}
	if u.Journeys == 0 || c.Start.Before(u.From) {
		u.From = c.Start
	}
	if c.Start.After(u.Until) {
		u.Until = c.Start
	}
	u.Journeys++
	legs := c.legsTo()
	own := c.own(legs)
	times := map[int]int{}
	for i, at := range l.known.place(&c, legs, maxStops, func(k stopKey) { l.stops = append(l.stops, learned{stopKey: k}) }) {
		if at == beyond {
			u.Over = true
			continue
		}
		s := &l.stops[at]
		times[at]++
		s.times = max(s.times, times[at])
		if times[at] == 1 {
			s.journeys++
			s.places += i
		}
		s.hops++
		if c.Hops[i].Outcome == Failure {
			s.failed++
		}
		if own[i] >= 0 {
			s.took.add(own[i])
		}
		if leg := legs[i]; leg != nil && leg.Transport == OverKafka && leg.Duration != nil {
			s.waited.add(max(0, *leg.Duration))
		}
	}
}

// Usual is what has been learned.
func (l *Learner) Usual() Usual {
	order := make([]int, len(l.stops)) // by mean place in a journey
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		s, o := &l.stops[a], &l.stops[b]
		return cmp.Or(cmp.Compare(s.places*o.journeys, o.places*s.journeys), slices.Compare(l.path(a), l.path(b)))
	})
	to := make([]int, len(order)) // its place, by index
	for n, at := range order {
		to[at] = n
	}
	u := l.usual
	u.Stops = make([]Stop, len(order))
	for n, at := range order {
		s := &l.stops[at]
		parent := s.parent
		if parent != none {
			parent = to[parent]
		}
		u.Stops[n] = Stop{
			Parent: parent, Service: s.service, Name: s.name, Transport: s.transport, Topic: s.topic,
			Journeys: s.journeys, Hops: s.hops, Times: s.times, Failed: s.failed, Took: s.took.spread(), Waited: s.waited.spread(),
		}
	}
	return u
}

// path tells a stop from all others, however they were met.
func (l *Learner) path(at int) []string {
	var out []string
	for ; at != none; at = l.stops[at].parent {
		s := &l.stops[at]
		out = append(out, s.service, s.name, s.transport, s.topic)
	}
	slices.Reverse(out)
	return out
}

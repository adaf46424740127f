package journey

import (
	"fmt"
	"slices"
	"time"
)

// Difference is how a journey departs from another one, or from the usual.
type Difference struct {
	CorrelationID string       `json:"correlation_id"`
	With          string       `json:"with"` // the other's correlation ID; empty: the usual
	Kind          string       `json:"kind"`
	Release       string       `json:"release"`
	OtherKind     string       `json:"other_kind"`
	OtherRelease  string       `json:"other_release"`
	Journeys      int          `json:"journeys"` // that the other side was learned from
	Few           bool         `json:"few"`      // too few to tell what is usual; then nothing is
	First         *Divergence  `json:"first"`    // of all, in causal order; nil: there is none
	Divergences   []Divergence `json:"divergences"`
}

// What a divergence is.
const (
	Missing = "missing" // no record of a hop is here that the other side has
	Extra   = "extra"   // a hop that the other side has not
	Slow    = "slow"    // a hop that took longer by itself, without the calls it waited for
	Waited  = "waited"  // a message that was in the queue for longer
	Failing = "failing" // a hop that failed, and did not on the other side
)

// Divergence is one thing in which they differ.
type Divergence struct {
	What    string         `json:"what"`
	Service string         `json:"service"`
	Name    string         `json:"name"`
	Hop     string         `json:"hop"`             // of the journey; empty where it is missing
	Other   string         `json:"other"`           // of the other journey; empty: none
	Took    *time.Duration `json:"took,omitempty"`  // ns; Slow: by itself; Waited: at least, whatever the clocks' skew
	Usual   *time.Duration `json:"usual,omitempty"` // ns; what the other took, or half of all at most
	Text    string         `json:"text"`            // one sentence for people
}

// How much is enough to say that a journey is unusual.
const (
	// Enough journeys make a usual; fewer may have been alike by chance.
	Enough = 5
	// enoughTimes are how many durations have a quantile worth the name.
	enoughTimes = 20
	// muchLonger is by how many times a duration is unusual, and notable by how much.
	muchLonger = 2
	notable    = 10 * time.Millisecond
)

// side is one stop of what a journey is compared with.
type side struct {
	parent        int
	service, name string
	hops          []string // of the other journey, in order
	always        bool     // journeys come here without exception
	times         int      // at most
	failed        bool     // hops failed here
	took, waited  duration
	often         string // for people
}

// duration is how long something takes: half of the time, and nearly always at most.
type duration struct {
	half *time.Duration // nil: not known
	most time.Duration
}

// exceeds reports whether d is longer than what is usual, and not by a little.
func (u duration) exceeds(d time.Duration) bool {
	return u.half != nil && d > u.most && d/muchLonger > *u.half
}

// Diff compares a journey with another.
func Diff(j, other *Journey) Difference {
	c := other.Course()
	legs := c.legsTo()
	own := c.own(legs)
	known := stops{}
	var sides []side
	for i, at := range known.place(&c, legs, len(c.Hops), func(k stopKey) {
		sides = append(sides, side{parent: k.parent, service: k.service, name: k.name, always: true, often: "the other journey has it"})
	}) {
		s := &sides[at]
		h := &c.Hops[i]
		s.times++
		s.hops = append(s.hops, h.ID)
		s.failed = s.failed || h.Outcome == Failure
		if own[i] >= 0 && (s.took.half == nil || own[i] > *s.took.half) {
			s.took = duration{&own[i], own[i] + notable}
		}
		if l := legs[i]; l != nil && l.Most != nil && (s.waited.half == nil || *l.Most > *s.waited.half) {
			s.waited = duration{l.Most, *l.Most + notable}
		}
	}
	d := Difference{With: other.CorrelationID, OtherKind: other.Kind, OtherRelease: other.Release, Journeys: 1}
	d.compare(j, known, sides)
	return d
}

// Diff compares a journey with what is usual.
func (u *Usual) Diff(j *Journey) Difference {
	d := Difference{OtherKind: u.Kind, OtherRelease: u.Release, Journeys: u.Journeys, Few: u.Journeys < Enough}
	if d.Few {
		d.head(j)
		d.Divergences = []Divergence{}
		return d
	}
	known := stops{}
	sides := make([]side, len(u.Stops))
	for i := range u.Stops {
		s := &u.Stops[i]
		known[stopKey{s.Parent, s.Service, s.Name, s.Transport, s.Topic}] = i
		sides[i] = side{
			parent: s.Parent, service: s.Service, name: s.Name, always: s.Journeys == u.Journeys, times: s.Times, failed: s.Failed > 0,
			often: fmt.Sprintf("all %d journeys have it", u.Journeys),
		}
		if s.Took.Count >= enoughTimes {
			sides[i].took = duration{&s.Took.P50, s.Took.P99}
		}
		if s.Waited.Count >= enoughTimes {
			sides[i].waited = duration{&s.Waited.P50, s.Waited.P99}
		}
	}
	d.compare(j, known, sides)
	return d
}

func (d *Difference) head(j *Journey) {
	d.CorrelationID, d.Kind, d.Release = j.CorrelationID, j.Kind, j.Release
}

// placed is a divergence and where it stands: behind the hop of that number, or at it.
type placed struct {
	Divergence
	after int // twice the hop's number; one more: behind it
}

// compare finds the divergences. Sides are in the order in which journeys come there.
func (d *Difference) compare(j *Journey, known stops, sides []side) {
	d.head(j)
	c := j.Course()
	legs := c.legsTo()
	own := c.own(legs)
	at := known.place(&c, legs, len(sides), func(stopKey) {})
	byID := c.byID()
	var found []placed
	came := make([][]int, len(sides)) // hops of the journey
	for i := range c.Hops {
		h := &c.Hops[i]
		note := func(v Divergence) {
			v.Service, v.Name, v.Hop = h.Service, h.Name, h.ID
			found = append(found, placed{v, 2 * i})
		}
		if at[i] == beyond {
			if by, ok := byID[h.Parent]; !ok || at[by] != beyond { // else its cause is extra already
				note(Divergence{What: Extra, Text: fmt.Sprintf("%s did %s, which %s", h.Service, name(h), d.without())})
			}
			continue
		}
		s := &sides[at[i]]
		came[at[i]] = append(came[at[i]], i)
		n := len(came[at[i]])
		if n > s.times {
			note(Divergence{What: Extra, Text: fmt.Sprintf("%s did %s %d times, where %d is the most", h.Service, name(h), n, s.times)})
			continue
		}
		other := ""
		if n <= len(s.hops) {
			other = s.hops[n-1]
		}
		if h.Outcome == Failure && !s.failed {
			note(Divergence{What: Failing, Other: other, Text: fmt.Sprintf("%s failed in %s, where it does not otherwise", h.Service, name(h))})
		}
		if s.took.exceeds(own[i]) {
			note(Divergence{What: Slow, Other: other, Took: &own[i], Usual: s.took.half, Text: fmt.Sprintf("%s took %v for its own part of %s; %v is usual", h.Service, round(own[i]), name(h), round(*s.took.half))})
		}
		if l := legs[i]; l != nil && l.Transport == OverKafka && l.Least != nil && s.waited.exceeds(*l.Least) {
			note(Divergence{What: Waited, Other: other, Took: l.Least, Usual: s.waited.half, Text: fmt.Sprintf("what %s picked up had been in %s for %v at least; %v is usual", h.Service, l.Topic, round(*l.Least), round(*s.waited.half))})
		}
	}
	found = append(found, missing(sides, came)...)
	slices.SortStableFunc(found, func(a, b placed) int { return a.after - b.after })
	d.Divergences = make([]Divergence, len(found))
	for i := range found {
		d.Divergences[i] = found[i].Divergence
	}
	if len(found) > 0 {
		first := d.Divergences[0]
		d.First = &first
	}
}

func (d *Difference) without() string {
	if d.With != "" {
		return "the other journey did not"
	}
	return fmt.Sprintf("none of %d journeys did", d.Journeys)
}

// missing are the hops that did not come. Each stands behind the last of those that come
// before it and came. What a missing hop would have caused is not said to be missing too.
func missing(sides []side, came [][]int) (out []placed) {
	after := 0
	for i := range sides {
		s := &sides[i]
		for _, hop := range came[i] {
			after = max(after, 2*hop+1)
		}
		if !s.always || s.parent >= 0 && len(came[s.parent]) == 0 {
			continue
		}
		want := max(1, len(s.hops))
		for n := len(came[i]); n < want; n++ {
			v := Divergence{What: Missing, Service: s.service, Name: s.name, Text: fmt.Sprintf("no record says that %s did %s; %s", s.service, s.name, s.often)}
			if n < len(s.hops) {
				v.Other = s.hops[n]
			}
			out = append(out, placed{v, after})
		}
	}
	return out
}

// round leaves three digits or so.
func round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

package journey

import "time"

// Course is what a journey did: its hops, in causal order, and the legs between them.
type Course struct {
	Kind    string
	Release string
	Start   time.Time
	Hops    []Hop
	Legs    []Leg
}

// Course is that of the journey. It shares its memory.
func (j *Journey) Course() Course { return Course{j.Kind, j.Release, j.Start, j.Hops, j.Legs} }

// Course is that of the journey of which f is a fold. Its legs have no bounds.
func (f *Fold) Course() Course {
	j := f.judge(&Evidence{})
	s := f.judged(Evidence{}, j)
	c := Course{Kind: s.Kind, Release: s.Release, Start: s.Start, Hops: make([]Hop, len(j.visits)), Legs: make([]Leg, len(j.legs))}
	for i, v := range j.visits {
		c.Hops[i] = v.hop
	}
	for i := range j.legs {
		c.Legs[i] = j.legs[i].Leg
	}
	return c
}

// legsTo are the legs by which hops were reached from their parents; nil: by none.
func (c *Course) legsTo() []*Leg {
	at := c.byID()
	out := make([]*Leg, len(c.Hops))
	for i := range c.Legs {
		l := &c.Legs[i]
		if n, ok := at[l.To]; ok && out[n] == nil && c.Hops[n].Parent == l.From {
			out[n] = l
		}
	}
	return out
}

func (c *Course) byID() map[string]int {
	at := make(map[string]int, len(c.Hops))
	for i := range c.Hops {
		at[c.Hops[i].ID] = i
	}
	return at
}

// own is what each hop took without the calls it waited for, so that a slow one does
// not make all that wait for it slow; negative: not known.
func (c *Course) own(legs []*Leg) []time.Duration {
	at := c.byID()
	out := make([]time.Duration, len(c.Hops))
	for i := range c.Hops {
		out[i] = -1
		if took := c.Hops[i].Duration; took != nil {
			out[i] = *took
		}
	}
	for i, l := range legs {
		if l == nil || l.Transport != OverHTTP {
			continue
		}
		caller := at[l.From]
		if took := c.Hops[i].Duration; took == nil {
			out[caller] = -1
		} else if out[caller] >= 0 {
			out[caller] = max(0, out[caller]-*took)
		}
	}
	return out
}

// stopKey is what hops have in common that were caused alike.
type stopKey struct {
	parent                          int // the stop of what caused it; none
	service, name, transport, topic string
}

// stops gives each hop of several courses its place.
type stops map[stopKey]int

// beyond is the place of a hop for which there was no room.
const beyond = -2

// place gives hops their stops. Those that are not known are added, as long as there
// are fewer than limit; add is told of each.
func (s stops) place(c *Course, legs []*Leg, limit int, add func(stopKey)) []int {
	const unplaced = -3
	at := c.byID()
	out := make([]int, len(c.Hops))
	for i := range out {
		out[i] = unplaced
	}
	var up []int
	for i := range c.Hops {
		parent := none
		up = up[:0]
		for n, ok := i, true; ; n, ok = at[c.Hops[n].Parent] {
			if !ok {
				break
			}
			if out[n] != unplaced {
				parent = out[n]
				break
			}
			out[n] = none // a circle of causes ends here
			up = append(up, n)
		}
		for k := len(up) - 1; k >= 0; k-- {
			n := up[k]
			parent = s.find(c, n, legs[n], parent, limit, add)
			out[n] = parent
		}
	}
	return out
}

func (s stops) find(c *Course, hop int, leg *Leg, parent, limit int, add func(stopKey)) int {
	if parent == beyond {
		return beyond
	}
	key := stopKey{parent: parent, service: c.Hops[hop].Service, name: c.Hops[hop].Name}
	if leg != nil {
		key.transport, key.topic = leg.Transport, leg.Topic
	}
	n, ok := s[key]
	if !ok {
		if len(s) >= limit {
			return beyond
		}
		n = len(s)
		s[key] = n
		add(key)
	}
	return n
}

package instrumenttest

import (
	"slices"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// Visit is the visits to a service that fit what was asserted so far: at least
// one. Its methods narrow them, and report where none is left; on a nil Visit,
// which is behind a failure, they do nothing.
type Visit struct {
	journey  *Journey
	path     string // for people: the stations asserted so far
	arrivals []arrival
}

// arrival is a visit and the ways on which it was reached: from the visit
// before it in the chain, or for the first one from anywhere.
type arrival struct {
	hop *journey.Hop
	by  []*journey.Leg
}

// Then asserts that the service was visited next, because of this visit: over
// one call or message, with no other service between. What a service hands on
// to itself, such as by an outbox, is part of its visit.
func (v *Visit) Then(service string) *Visit {
	if v == nil {
		return nil
	}
	v.journey.rec.t.Helper()
	next := &Visit{journey: v.journey, path: v.path + " → " + service}
	var instead []string
	for _, l := range v.onward() {
		h := v.journey.hop(l.To)
		if h == nil || h.Service != service {
			instead = append(instead, wayTo(l, h))
			continue
		}
		n := slices.IndexFunc(next.arrivals, func(a arrival) bool { return a.hop == h })
		if n < 0 {
			n, next.arrivals = len(next.arrivals), append(next.arrivals, arrival{hop: h})
		}
		next.arrivals[n].by = append(next.arrivals[n].by, l)
	}
	if len(next.arrivals) == 0 {
		if len(instead) == 0 {
			v.journey.fail("%s did not hand on to %s, nor to anybody", v.path, service)
		} else {
			v.journey.fail("%s did not hand on to %s, %s", v.path, service, orNone("but to", instead))
		}
		return nil
	}
	return next
}

// onward are the legs that leave these visits, and those that the service made
// of them by itself.
func (v *Visit) onward() (legs []*journey.Leg) {
	var from []string
	for _, a := range v.arrivals {
		from = append(from, a.hop.ID)
	}
	for n := 0; n < len(from); n++ {
		for i := range v.journey.Legs {
			l := &v.journey.Legs[i]
			if l.From != from[n] {
				continue
			}
			legs = append(legs, l)
			if l.Transport == journey.Locally && !slices.Contains(from, l.To) {
				from = append(from, l.To)
			}
		}
	}
	return legs
}

// OverKafka asserts that the visit was caused by a message on a topic.
func (v *Visit) OverKafka(topic string) *Visit {
	if v == nil {
		return nil
	}
	v.journey.rec.t.Helper()
	return v.over("over kafka "+topic, func(l *journey.Leg) bool { return l.Transport == journey.OverKafka && l.Topic == topic })
}

// OverHTTP asserts that the visit was caused by a call.
func (v *Visit) OverHTTP() *Visit {
	if v == nil {
		return nil
	}
	v.journey.rec.t.Helper()
	return v.over("over http", func(l *journey.Leg) bool { return l.Transport == journey.OverHTTP })
}

func (v *Visit) over(way string, fits func(*journey.Leg) bool) *Visit {
	v.journey.rec.t.Helper()
	next := &Visit{journey: v.journey, path: v.path + " " + way}
	var instead []string
	for _, a := range v.arrivals {
		left := arrival{hop: a.hop}
		for _, l := range a.by {
			if fits(l) {
				left.by = append(left.by, l)
			} else {
				instead = append(instead, over(l))
			}
		}
		if len(left.by) > 0 {
			next.arrivals = append(next.arrivals, left)
		}
	}
	if len(next.arrivals) == 0 {
		if len(instead) == 0 {
			v.journey.fail("%s was not reached %s: nobody here caused it", v.path, way)
		} else {
			v.journey.fail("%s was not reached %s, %s", v.path, way, orNone("but", instead))
		}
		return nil
	}
	return next
}

// Named asserts the name of the visit: that of its span, such as "POST /orders"
// or "process orders".
func (v *Visit) Named(name string) *Visit {
	if v == nil {
		return nil
	}
	v.journey.rec.t.Helper()
	next := &Visit{journey: v.journey, path: v.path + " " + name}
	var instead []string
	for _, a := range v.arrivals {
		if a.hop.Name == name {
			next.arrivals = append(next.arrivals, a)
		} else {
			instead = append(instead, a.hop.Name)
		}
	}
	if len(next.arrivals) == 0 {
		v.journey.fail("%s has no visit named %q, %s", v.path, name, orNone("but", instead))
		return nil
	}
	return next
}

// Logged asserts that the message, that text exactly, was logged during the visit.
func (v *Visit) Logged(message string) *Visit {
	if v == nil {
		return nil
	}
	v.journey.rec.t.Helper()
	next := &Visit{journey: v.journey, path: v.path}
	for _, a := range v.arrivals {
		if slices.ContainsFunc(v.journey.Records, func(r *record.Record) bool { return r.Hop() == a.hop.ID && logged(r, message) }) {
			next.arrivals = append(next.arrivals, a)
		}
	}
	if len(next.arrivals) == 0 {
		v.journey.fail("%s did not log %q%s", v.path, message, v.journey.lost(message))
		return nil
	}
	return next
}

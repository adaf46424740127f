package instrumenttest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// Journey is a journey to assert on. It embeds what package journey built, for
// direct looks: the verdict itself is j.Journey.Verdict. Its methods report what
// does not hold and return the journey, so that they chain; on a nil Journey
// they do nothing.
type Journey struct {
	*journey.Journey
	rec   *Recorder
	drawn bool
}

// String is the drawing that failures show.
func (j *Journey) String() string { return draw(j.Journey) }

// fail reports what does not hold; the first time, with the drawing.
func (j *Journey) fail(format string, args ...any) {
	t := j.rec.t
	t.Helper()
	said := fmt.Sprintf(format, args...)
	if j.drawn {
		t.Errorf("%s (the journey is drawn above)", said)
		return
	}
	j.drawn = true
	j.rec.drawn.Store(true)
	t.Errorf("%s\n\n%s%s", said, draw(j.Journey), j.rec.drawOutside())
}

// Visited asserts that the service was visited. What is chained to it narrows
// the choice: it holds if one of the visits fits.
func (j *Journey) Visited(service string) *Visit {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	v := &Visit{journey: j, path: service}
	for i := range j.Hops {
		if h := &j.Hops[i]; h.Service == service {
			v.arrivals = append(v.arrivals, arrival{h, j.into(h)})
		}
	}
	if len(v.arrivals) == 0 {
		j.fail("%s was not visited, %s", service, orNone("but", j.services()))
		return nil
	}
	return v
}

// NotVisited asserts that the service was not visited and wrote nothing.
func (j *Journey) NotVisited(service string) *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	if slices.Contains(j.services(), service) {
		j.fail("%s was visited", service)
	}
	return j
}

// Verdict asserts the verdict.
func (j *Journey) Verdict(want journey.Verdict) *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	j.judge(want, "")
	return j
}

// Delivered asserts that the journey is delivered.
func (j *Journey) Delivered() *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	j.judge(journey.Delivered, "")
	return j
}

// Failed asserts that the journey is an exception, and that its reason contains
// a text.
func (j *Journey) Failed(reason string) *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	j.judge(journey.Exception, reason)
	return j
}

// Returned asserts that a service declared the journey returned, and that the
// reason contains a text.
func (j *Journey) Returned(reason string) *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	j.judge(journey.Returned, reason)
	return j
}

func (j *Journey) judge(want journey.Verdict, reason string) {
	j.rec.t.Helper()
	switch {
	case j.Journey.Verdict != want && reason != "":
		j.fail("the verdict is %s, want %s for %q", j.Journey.Verdict, want, reason)
	case j.Journey.Verdict != want:
		j.fail("the verdict is %s, want %s", j.Journey.Verdict, want)
	case !strings.Contains(j.Reason, reason):
		j.fail("the reason is %q, want %q in it", j.Reason, reason)
	}
}

// Whole asserts that every record is proved to be there: every hop has ended,
// everything sent was picked up, and what caused the first hop is known. That
// asks for all services of the journey to run in the test.
func (j *Journey) Whole() *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	if j.Completeness != journey.Proved {
		j.fail("its records are %s: %s", j.Completeness, j.CompletenessReason)
	}
	return j
}

// Logged asserts that a service logged the message, that text exactly.
func (j *Journey) Logged(message string) *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	if !slices.ContainsFunc(j.Records, func(r *record.Record) bool { return logged(r, message) }) {
		j.fail("nobody logged %q%s", message, j.lost(message))
	}
	return j
}

func logged(r *record.Record, message string) bool {
	return (r.Kind == record.KindLog || r.Kind == "") && r.Message == message
}

// Alias asserts that the journey was given another name.
func (j *Journey) Alias(name, value string) *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	j.said("alias", name+" "+value, func(r *record.Record) string { return strings.TrimSpace(r.Alias.Name + " " + r.Alias.Value) })
	return j
}

// Expects asserts that a service declared that station must take the journey on.
func (j *Journey) Expects(station string) *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	j.said("expected station", station, func(r *record.Record) string { return r.Expect.Station })
	return j
}

// Saga asserts that a step of that saga ran. Its verdict is in Sagas.
func (j *Journey) Saga(id string) *Journey {
	if j == nil {
		return nil
	}
	j.rec.t.Helper()
	j.said("saga", id, func(r *record.Record) string { return r.Saga.ID })
	return j
}

// said asserts that a record says want of what.
func (j *Journey) said(what, want string, of func(*record.Record) string) {
	j.rec.t.Helper()
	var all []string
	for _, r := range j.Records {
		if one := of(r); one != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	if !slices.Contains(all, want) {
		j.fail("no %s %q, %s", what, want, orNone("but", all))
	}
}

// services are those that wrote a record, by first visit.
func (j *Journey) services() (names []string) {
	for _, s := range j.Stations {
		names = append(names, s.Service)
	}
	return names
}

// into are the legs that led to a hop.
func (j *Journey) into(h *journey.Hop) (legs []*journey.Leg) {
	for i := range j.Legs {
		if j.Legs[i].To == h.ID {
			legs = append(legs, &j.Legs[i])
		}
	}
	return legs
}

func (j *Journey) hop(id string) *journey.Hop {
	for i := range j.Hops {
		if j.Hops[i].ID == id {
			return &j.Hops[i]
		}
	}
	return nil
}

// orNone is "but a, b", or "there is none".
func orNone(but string, all []string) string {
	if len(all) == 0 {
		return "there is none"
	}
	return but + " " + strings.Join(all, ", ")
}

package journey

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// bench is where a built journey is judged.
type bench struct {
	graph    *graph
	journey  *Journey
	visits   []*visit
	evidence Evidence
	outcomes []outcome         // the last declaration per saga, in causal order
	place    []int             // place in the causal order of each record
	services map[string]string // by hop
	coped    map[string]bool   // hops that ended well
	failed   map[string]bool   // hops that did not
	good     map[work]int      // place where work was last done well
	pickedUp map[sent][]string // services that picked up what was sent
}

// work is what several attempts have in common.
type work struct{ service, name, parent string }

// sent is one message.
type sent struct {
	from, topic string
	at          time.Time
}

func newBench(g *graph, j *Journey, visits []*visit, order []int, ev Evidence) *bench {
	b := &bench{
		graph: g, journey: j, visits: visits, evidence: ev, place: make([]int, len(g.rs)),
		services: map[string]string{}, coped: map[string]bool{}, failed: map[string]bool{}, good: map[work]int{}, pickedUp: map[sent][]string{},
	}
	for place, i := range order {
		b.place[i] = place
	}
	for _, v := range visits {
		b.services[v.hop.ID] = v.hop.Service
		b.failed[v.hop.ID] = v.hop.Outcome == Failure
		if v.hop.Outcome == Success && v.hop.Status < http.StatusBadRequest {
			b.coped[v.hop.ID] = true
			w := work{v.hop.Service, v.hop.Name, v.hop.Parent}
			b.good[w] = max(b.good[w], b.place[v.root.end])
		}
	}
	for _, l := range j.Legs {
		if l.To != "" {
			m := sent{l.From, l.Topic, l.Sent}
			b.pickedUp[m] = append(b.pickedUp[m], b.services[l.To])
		}
	}
	b.outcomes = j.outcomes()
	return b
}

// outcome is the last thing a service declared of one saga; the journey's own
// outcomes have no saga ID.
type outcome struct {
	saga     string
	declared string
	service  string
	reason   string
	place    int
}

func (b *bench) verdict() (Verdict, string) {
	if b.evidence.Partial {
		return Unconfirmed, fmt.Sprintf("only the earliest %d records were read", len(b.journey.Records))
	}
	if reason := b.exception(); reason != "" {
		return Exception, reason
	}
	if reason := b.inTransit(); reason != "" {
		return InTransit, reason
	}
	return b.ended()
}

// declaredVerdicts are what declarations say of a saga; one that this version
// does not know says nothing.
var declaredVerdicts = map[string]Verdict{
	record.Delivered: Delivered, record.Returned: Returned, record.Failed: Exception,
}

// outcomes are the last declaration per saga, in causal order.
func (j *Journey) outcomes() []outcome {
	var out []outcome
	for n := range j.Records {
		r := &j.Records[n]
		if r.Kind != record.KindOutcome || declaredVerdicts[r.Declared] == "" {
			continue
		}
		o := outcome{r.Saga.ID, r.Declared, r.Service, cmp.Or(r.Error.Message, r.Reason), n}
		out = slices.DeleteFunc(out, func(old outcome) bool { return old.saga == o.saga })
		out = append(out, o)
	}
	return out
}

func (b *bench) exception() string {
	if reason := b.declared(record.Failed); reason != "" {
		return reason
	}
	settled := -1 // place of the last declaration that makes good what failed before
	for _, o := range b.outcomes {
		settled = max(settled, o.place)
	}
	for _, v := range b.visits {
		if v.hop.End == nil || b.place[v.root.end] < settled || b.madeGood(v) {
			continue
		}
		switch h := v.hop; {
		case h.Outcome == Failure && h.Error != "":
			return fmt.Sprintf("%s failed in %s: %s", h.Service, h.Name, h.Error)
		case h.Outcome == Failure:
			return fmt.Sprintf("%s failed in %s", h.Service, h.Name)
		case h.Status >= http.StatusBadRequest && h.Kind == "server" && h.Parent == "":
			return fmt.Sprintf("%s answered %s with %d %s", h.Service, h.Name, h.Status, http.StatusText(h.Status))
		}
	}
	return ""
}

// declared says who declared that outcome of a saga first, and why; empty if
// nobody did.
func (b *bench) declared(what string) string {
	for _, o := range b.outcomes {
		switch {
		case o.declared != what:
		case o.reason != "":
			return fmt.Sprintf("%s declared it %s: %s", o.service, what, o.reason)
		default:
			return o.service + " declared it " + what
		}
	}
	return ""
}

// madeGood reports whether a failed hop's work was done all the same: by a later
// attempt, or because its caller coped.
func (b *bench) madeGood(failed *visit) bool {
	h := failed.hop
	if h.Outcome != Failure {
		return false
	}
	if h.Kind == "server" && b.coped[h.Parent] {
		return true
	}
	return b.good[work{h.Service, h.Name, h.Parent}] > b.place[failed.root.end]
}

// redone reports whether the work of a hop that never ended, such as that of a
// killed instance, was done well by another one.
func (b *bench) redone(open *visit) bool {
	h := open.hop
	place, ok := b.good[work{h.Service, h.Name, h.Parent}]
	return ok && place > b.place[open.records[0]]
}

func (b *bench) inTransit() string {
	for _, v := range b.visits {
		if h := v.hop; h.Outcome == Open && !b.redone(v) {
			return fmt.Sprintf("%s has not finished %s, begun at %s", h.Service, name(h), clock(h.Start))
		}
	}
	for _, l := range b.journey.Legs {
		if l.To != "" {
			continue
		}
		from := b.services[l.From]
		if l.Transport == OverKafka {
			return fmt.Sprintf("nobody has picked up the message that %s sent to %s at %s", from, l.Topic, clock(l.Sent))
		}
		return fmt.Sprintf("a call that %s made at %s has not been answered", from, clock(l.Sent))
	}
	for _, l := range b.journey.Legs {
		if missing := b.expected(l); missing != "" {
			return fmt.Sprintf("%s has not picked up the message on %s yet", missing, l.Topic)
		}
	}
	return ""
}

// expected names a service that a route expects and that has not picked up what
// this leg carried.
func (b *bench) expected(l Leg) string {
	for _, route := range b.evidence.Routes {
		if l.Transport != OverKafka || route.Topic != l.Topic {
			continue
		}
		for _, service := range route.Stations {
			if !slices.Contains(b.pickedUp[sent{l.From, l.Topic, l.Sent}], service) {
				return service
			}
		}
	}
	return ""
}

// ended judges a journey in which nothing is under way and nothing failed.
func (b *bench) ended() (Verdict, string) {
	if reason := b.declared(record.Returned); reason != "" {
		return Returned, reason
	}
	if len(b.outcomes) > 0 {
		var who []string
		for _, o := range b.outcomes {
			if !slices.Contains(who, o.service) {
				who = append(who, o.service)
			}
		}
		return Delivered, strings.Join(who, " and ") + " declared it delivered"
	}
	const nobody = "every hop has ended and nobody declared it delivered; "
	switch {
	case len(b.journey.Records) == 0:
		return Unconfirmed, "there are no records"
	case len(b.visits) == 0:
		return Unconfirmed, "there are log records only, no hops"
	case b.journey.Completeness != Proved:
		return Unconfirmed, nobody + b.journey.CompletenessReason
	}
	for _, v := range b.visits {
		if v.hop.Status == http.StatusAccepted {
			return Unconfirmed, nobody + v.hop.Service + " answered 202 Accepted, which promises work to come"
		}
	}
	for _, l := range b.journey.Legs {
		if l.Transport == OverKafka && !slices.ContainsFunc(b.evidence.Routes, func(r Route) bool { return r.Topic == l.Topic }) {
			return Unconfirmed, nobody + "no route tells who else picks up " + l.Topic
		}
	}
	return Delivered, "every hop ended well and everything sent was picked up"
}

func (b *bench) sagas() []Saga {
	out := []Saga{}
	for n := range b.journey.Records {
		id := b.journey.Records[n].Saga.ID
		if id == "" || slices.ContainsFunc(out, func(s Saga) bool { return s.ID == id }) {
			continue
		}
		verdict := InTransit
		for _, o := range b.outcomes {
			if o.saga == id {
				verdict = declaredVerdicts[o.declared]
			}
		}
		out = append(out, Saga{ID: id, Verdict: verdict})
	}
	return out
}

func name(h Hop) string {
	if h.Name == "" {
		return "a hop whose start is missing"
	}
	return h.Name
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") + " UTC" }

package journey

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// judge reads a scene, and says what is proved.
type judge struct {
	graph    *graph
	evidence *Evidence
	order    []int32 // of moments, by cause
	place    []int   // of each moment in it
	odd      int32   // a moment whose causes contradict each other; none: there is none
	visits   []*visit
	byHop    map[string]*visit
	tallies  []tally
	steps    steps
	legs     []leg
	attempts map[work]*attempts // nil: not asked for yet
	outcomes []outcome          // the last declaration per saga, in causal order
	said     map[string]int     // place of each saga's
	waits    waits

	proved  bool
	because Finding // it is proved that every record is there, or is not
}

// work is what several attempts have in common: a message, or what handed it on.
type work struct {
	service, name, cause string
	message              place
}

// attempts are all at one work.
type attempts struct {
	good bool
	open int // where the last began that has not ended; none
}

// ruling is a verdict and what it rests on.
type ruling struct {
	verdict Verdict
	finding Finding
	hop     string
	since   time.Time // zero: not known
}

func newJudge(sc scene, ev *Evidence) *judge {
	g := newGraph(sc)
	j := &judge{graph: g, evidence: ev, tallies: sc.tallies, steps: sc.steps, byHop: map[string]*visit{}, said: map[string]int{}}
	j.order, j.odd = causal(len(g.rs), g.edges())
	j.place = make([]int, len(g.rs))
	for place, i := range j.order {
		j.place[i] = place
	}
	j.visits = g.visits(j.order, sc.tallies)
	for _, v := range j.visits {
		j.byHop[v.hop.ID] = v
	}
	j.legs = g.legs(j.visits)
	j.declarations()
	j.waits = newWaits(g, j.visits, ev)
	for i := range j.legs {
		j.waits.read(&j.legs[i])
	}
	j.complete()
	return j
}

// tried are the attempts at a hop's work.
func (j *judge) tried(v *visit) *attempts {
	if j.attempts == nil {
		j.attempts = map[work]*attempts{}
		for _, each := range j.visits {
			a := j.at(each)
			a.good = a.good || each.isGood()
			if each.isOpen() {
				a.open = max(a.open, each.begun)
			}
		}
	}
	return j.at(v)
}

func (j *judge) at(v *visit) *attempts {
	w := work{service: v.hop.Service, name: v.hop.Name}
	if v.root != nil {
		w.cause = v.root.parent
		if at := j.graph.offset(v.root); v.hop.Kind == "consumer" && at.known {
			w.cause, w.message = "", at
		}
	}
	if w.cause == "" && !w.message.known { // nothing tells what it was for
		w.cause = v.hop.ID
	}
	if j.attempts[w] == nil {
		j.attempts[w] = &attempts{open: none}
	}
	return j.attempts[w]
}

// ended is where a hop ended among all moments.
func (j *judge) ended(v *visit) int { return j.place[v.root.end] }

func (v *visit) isOpen() bool { return v.hop.Outcome == Open }
func (v *visit) isGood() bool {
	return v.hop.Outcome == Success && v.hop.Status < http.StatusBadRequest
}

// verdict goes through the verdicts in the order of package journey.
func (j *judge) verdict() ruling {
	if j.evidence.Partial {
		return ruling{verdict: Unconfirmed, finding: Finding{Code: TooMany}}
	}
	for _, rule := range []func() (ruling, bool){j.stalled, j.exception, j.inTransit} {
		if f, ok := rule(); ok {
			return f
		}
	}
	return j.settled()
}

// declaredVerdicts are what declarations say of a saga; one that this version
// does not know says nothing.
var declaredVerdicts = map[string]Verdict{
	record.Delivered: Delivered, record.Returned: Returned, record.Failed: Exception,
}

// outcome is the last thing a service declared of one saga; the journey's own
// outcomes have no saga ID.
type outcome struct {
	saga  string
	said  *record.Record
	place int
}

func (j *judge) declarations() {
	for place, i := range j.order {
		if r := j.graph.rs[i]; r.Kind == record.KindOutcome && declaredVerdicts[r.Declared] != "" {
			j.said[r.Saga.ID] = place
		}
	}
	for _, place := range slices.Sorted(maps.Values(j.said)) {
		r := j.graph.rs[j.order[place]]
		j.outcomes = append(j.outcomes, outcome{r.Saga.ID, r, place})
	}
}

// lastDeclared is the place of the last declaration; none: there is none.
func (j *judge) lastDeclared() int {
	if len(j.outcomes) == 0 {
		return none
	}
	return j.outcomes[len(j.outcomes)-1].place
}

// declared is the first declaration of that outcome.
func (j *judge) declared(what string) (ruling, bool) {
	for _, o := range j.outcomes {
		if o.said.Declared != what {
			continue
		}
		f := Finding{Code: HasDeclared, Service: o.said.Service, Declared: what, At: pointer(o.said.Time), Saga: o.saga, Why: cmp.Or(o.said.Error.Message, o.said.Reason)}
		return ruling{declaredVerdicts[what], f, j.graph.hop(o.said), o.said.Time}, true
	}
	return ruling{}, false
}

func (j *judge) exception() (ruling, bool) {
	if f, ok := j.declared(record.Failed); ok {
		return f, true
	}
	var first *visit // a failure goes up from callee to caller
	for _, v := range j.visits {
		if v.hop.End != nil && (first == nil || j.ended(v) < j.ended(first)) && j.wentWrong(v) {
			first = v
		}
	}
	if first == nil {
		return ruling{}, false
	}
	h := &first.hop
	f := Finding{Code: HopFailed, Service: h.Service, Operation: h.Name, At: pointer(*h.End), Status: h.Status, Why: h.Error}
	if h.Outcome != Failure {
		f.Code, f.Why = Refused, ""
	}
	return ruling{Exception, f, h.ID, *h.End}, true
}

// wentWrong reports whether a hop failed or refused its caller, who is nobody
// here, and nothing made that good.
func (j *judge) wentWrong(v *visit) bool {
	refused := v.hop.Status >= http.StatusBadRequest && v.hop.Kind == "server" && v.hop.Parent == ""
	return (refused || v.hop.Outcome == Failure) && !j.covered(v) && !j.madeGood(v) && !j.underWay(v)
}

// covered reports whether a later declaration speaks for what a hop did: one of
// its own saga, or of the journey, or any where the hop is part of no saga.
func (j *judge) covered(v *visit) bool {
	if v.saga == "" {
		return j.lastDeclared() > j.ended(v)
	}
	for _, saga := range []string{"", v.saga} {
		if place, ok := j.said[saga]; ok && place > j.ended(v) {
			return true
		}
	}
	return false
}

// madeGood reports whether a failed hop's work was done all the same: by another
// attempt, or because its caller coped.
func (j *judge) madeGood(v *visit) bool {
	if v.hop.Outcome != Failure {
		return false
	}
	if caller := j.byHop[v.hop.Parent]; v.hop.Kind == "server" && caller != nil && caller.isGood() {
		return true
	}
	return j.done(v)
}

// done reports whether another attempt at a hop's work ended well.
func (j *judge) done(v *visit) bool { return !v.isGood() && j.tried(v).good }

// underWay reports whether a later attempt at a failed hop's work has not ended.
func (j *judge) underWay(v *visit) bool {
	return v.hop.Outcome == Failure && j.tried(v).open > j.ended(v)
}

// afterDelivery reports whether a hop began after all had been declared to have
// ended: it is no part of the delivery.
func (j *judge) afterDelivery(v *visit) bool {
	last := j.lastDeclared()
	return last != none && v.begun > last && v.begun < len(j.order)
}

func (j *judge) inTransit() (ruling, bool) {
	for _, v := range j.visits {
		if h := &v.hop; v.isOpen() && !j.done(v) && !j.afterDelivery(v) {
			return ruling{InTransit, Finding{Code: HopOpen, Service: h.Service, Operation: h.Name, At: pointer(h.Start)}, h.ID, h.Start}, true
		}
	}
	for i := range j.legs {
		l := &j.legs[i]
		f := j.sent(l)
		switch f.Awaited = j.waits.awaited(l); {
		case l.to == nil && l.Transport != OverKafka:
			f.Code = Unanswered
		case f.Awaited != "", l.to == nil && len(l.Passed) == 0 && !j.declaredSince(l):
			f.Code = NotPickedUp
		default:
			continue
		}
		return ruling{InTransit, f, l.From, l.Sent}, true
	}
	return ruling{}, false
}

// sent is what findings say of a leg.
func (j *judge) sent(l *leg) Finding {
	return Finding{Service: j.service(l.From), Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, At: pointer(l.Sent)}
}

// declaredSince reports whether a service that declared the journey's end knew
// that this leg had been sent.
func (j *judge) declaredSince(l *leg) bool {
	i := l.from.start
	if i == none {
		i = l.from.end
	}
	return i != none && j.lastDeclared() > j.place[i]
}

func (j *judge) service(hop string) string {
	if v := j.byHop[hop]; v != nil {
		return v.hop.Service
	}
	return ""
}

// settled judges a journey in which nothing is under way and nothing failed.
func (j *judge) settled() ruling {
	if f, ok := j.declared(record.Returned); ok {
		return f
	}
	unconfirmed := func(f Finding) ruling { return ruling{verdict: Unconfirmed, finding: f} }
	if len(j.outcomes) > 0 {
		if saga := j.undeclared(); saga != "" {
			return unconfirmed(Finding{Code: SagaUndeclared, Saga: saga})
		}
		var who []string
		for _, o := range j.outcomes {
			if !slices.Contains(who, o.said.Service) {
				who = append(who, o.said.Service)
			}
		}
		last := j.outcomes[len(j.outcomes)-1].said
		f := Finding{Code: HasDeclared, Service: who[0], Also: who[1:], Declared: record.Delivered, At: pointer(last.Time)}
		return ruling{Delivered, f, j.graph.hop(last), last.Time}
	}
	switch {
	case len(j.tallies) == 0:
		return unconfirmed(Finding{Code: NoRecords})
	case len(j.visits) == 0:
		return unconfirmed(Finding{Code: NoHops})
	case !j.proved:
		return unconfirmed(Finding{Code: Undeclared, Because: pointer(j.because)})
	}
	var last time.Time
	for _, v := range j.visits {
		if v.hop.Status == http.StatusAccepted {
			return unconfirmed(Finding{Code: Promised, Service: v.hop.Service, Operation: v.hop.Name, Status: v.hop.Status})
		}
		if v.hop.End.After(last) {
			last = *v.hop.End
		}
	}
	for i := range j.legs {
		l := &j.legs[i]
		if l.Transport == OverKafka && j.waits.routes[l.Topic] == nil {
			return unconfirmed(Finding{Code: Unrouted, Topic: l.Topic})
		}
	}
	return ruling{Delivered, Finding{Code: EndedWell}, "", last}
}

// nameless is a hop for people whose name nobody has told.
const nameless = "a hop whose start is missing"

func name(h *Hop) string { return cmp.Or(h.Name, nameless) }

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") + " UTC" }

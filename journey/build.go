package journey

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/waybill-log/waybill/record"
)

// Build makes the journey of records, which are those of one correlation ID.
// Equal records (by identity) count once. Without records it is a journey
// without anything, unconfirmed.
func Build(records []record.Record, ev Evidence) *Journey {
	rs := distinct(records)
	sc := sceneOf(rs)
	judge := newJudge(sc, &ev)
	found := judge.verdict()
	if ev.Partial {
		found.finding.Count = uint64(len(rs))
	}

	j := &Journey{
		Verdict: found.verdict, Reason: found.finding.String(), Finding: found.finding, VerdictHop: found.hop,
		Completeness: Unproved, CompletenessFinding: judge.because,
		Stations: []Station{}, Hops: make([]Hop, len(judge.visits)), Legs: make([]Leg, len(judge.legs)), Records: make([]*record.Record, 0, len(rs)), RecordHops: make([]int32, len(rs)),
		Gaps: judge.gaps(rs), Shifts: []Shift{}, Sagas: judge.sagas(), Aliases: judge.aliases(), Warnings: judge.warnings(),
	}
	if !found.since.IsZero() {
		j.Since = &found.since
	}
	if !ev.AsOf.IsZero() {
		asOf := ev.AsOf.UTC()
		j.AsOf = &asOf
	}
	if judge.proved {
		j.Completeness = Proved
	}
	if len(j.Gaps) > 0 {
		j.lossy()
	}
	j.CompletenessReason = j.CompletenessFinding.String()
	for _, i := range judge.orderAll(rs) {
		j.Records = append(j.Records, rs[i])
	}
	judge.describe(j)
	j.overview(judge)
	return j
}

// distinct sorts records by time, then identity, each identity once, so that
// nothing after it depends on the order of the input.
func distinct(records []record.Record) []*record.Record {
	type timed struct {
		at int64
		r  *record.Record
	}
	ts := make([]timed, len(records))
	for i := range records {
		ts[i] = timed{records[i].Time.UnixNano(), &records[i]}
	}
	slices.SortFunc(ts, func(a, b timed) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		return cmp.Or(identityOf(a.r).compare(identityOf(b.r)), cmp.Compare(a.r.Kind, b.r.Kind), cmp.Compare(a.r.Message, b.r.Message))
	})
	seen := make(map[identity]struct{}, len(ts))
	out := make([]*record.Record, 0, len(ts))
	for _, t := range ts {
		if seen[identityOf(t.r)] = struct{}{}; len(seen) > len(out) {
			out = append(out, t.r)
		}
	}
	return out
}

// orderAll is the causal order of all records; moments are among them.
func (j *judge) orderAll(rs []*record.Record) []int32 {
	moments := make([]int32, 0, len(j.graph.rs)) // where each stands in rs
	headless := map[string]int32{}               // first record of each span whose start is missing
	for _, s := range j.graph.list {
		if s.start == none && s.end != none {
			headless[s.id] = none
		}
	}
	edges := make([]edge, 0, 2*len(rs))
	edges = chain(edges, rs)
	for i, r := range rs {
		if isMoment(r) {
			moments = append(moments, int32(i))
		}
		if len(headless) > 0 && r.Sequence > 0 {
			for _, id := range [...]string{r.SpanID, r.HopID} {
				if first, ok := headless[id]; ok && (first == none || r.Sequence < rs[first].Sequence) {
					headless[id] = int32(i)
				}
			}
		}
	}
	at := func(moment int32) int32 { return moments[moment] }
	for i, r := range rs {
		edges = j.graph.within(edges, r, int32(i), at)
	}
	edges = j.graph.between(edges, at)
	for id, first := range headless {
		if first == none {
			continue
		}
		for cause := range j.graph.causes(j.graph.spans[id]) {
			if cause.start != none {
				edges = append(edges, edge{from: at(cause.start), to: first})
			}
		}
	}
	order, _ := causal(len(rs), edges)
	return order
}

// describe fills in hops, legs and clocks.
func (j *judge) describe(jo *Journey) {
	c := j.clocks()
	services := map[string]string{}
	for i, v := range j.visits {
		services[v.hop.Node] = v.hop.Service
		jo.Hops[i] = v.hop
	}
	for i := range j.legs {
		l := &j.legs[i]
		if l.to != nil {
			l.bound(c, j.node(l.From), l.to.hop.Node)
		}
		jo.Legs[i] = l.Leg
	}
	jo.setClocks(c, services)
}

// overview fills what can be read off the ordered records.
func (j *Journey) overview(by *judge) {
	j.CorrelationID = correlationID(j.Records)
	hops := make(map[string]int32, len(j.Hops))
	for i := range j.Hops {
		hops[j.Hops[i].ID] = int32(i)
	}
	at := map[string]int{}
	for i := range j.Records {
		r := j.Records[i]
		j.RecordHops[i] = none
		if hop, ok := hops[by.graph.hop(r)]; ok {
			j.RecordHops[i] = hop
			j.Hops[hop].Records++
		}
		if j.Start.IsZero() || r.Time.Before(j.Start) {
			j.Start = r.Time
		}
		if r.Time.After(j.End) {
			j.End = r.Time
		}
		n, ok := at[r.Service]
		if !ok {
			n = len(j.Stations)
			at[r.Service] = n
			j.Stations = append(j.Stations, Station{Service: r.Service, First: r.Time, Last: r.Time, Hops: []string{}})
		}
		j.Stations[n].visit(r)
	}
	for i := range j.Hops {
		h := &j.Hops[i]
		s := &j.Stations[at[h.Service]]
		s.Hops = append(s.Hops, h.ID)
		if j.Kind == "" && h.Parent == "" {
			j.Kind, j.Release = h.Name, h.Version
		}
	}
}

func (s *Station) visit(r *record.Record) {
	s.Records++
	if r.Level == "error" {
		s.Errors++
	}
	if r.Time.Before(s.First) {
		s.First = r.Time
	}
	if r.Time.After(s.Last) {
		s.Last = r.Time
	}
}

// lossy says so, and of what.
func (j *Journey) lossy() {
	lost := 0
	for _, g := range j.Gaps {
		lost += len(g.Numbers)
	}
	first := j.Gaps[0]
	j.Completeness = Lossy
	j.CompletenessFinding = Finding{Code: Lost, Count: uint64(lost), Hop: first.Hop, Service: first.Service, Number: first.Numbers[0]}
}

// aliases are the other names of the journey, in order of their declaration.
func (j *judge) aliases() []record.Alias {
	out := []record.Alias{}
	seen := map[record.Alias]bool{}
	for _, i := range j.order {
		if r := j.graph.rs[i]; r.Kind == record.KindAlias && !seen[r.Alias] {
			seen[r.Alias] = true
			out = append(out, r.Alias)
		}
	}
	return out
}

// maxWarnings bounds what is said to be wrong with one journey.
const maxWarnings = 50

func (j *Journey) warn(format string, args ...any) {
	if len(j.Warnings) < maxWarnings {
		j.Warnings = append(j.Warnings, fmt.Sprintf(format, args...))
	}
}

// warnings say what is wrong with the records.
func (j *judge) warnings() []string {
	jo := Journey{Warnings: []string{}}
	if j.odd != none {
		r := j.graph.rs[j.odd]
		jo.warn("causes go in a circle at %s's record of %s", r.Service, clock(r.Time))
	}
	first := "" // hop that nothing caused
	for _, v := range j.visits {
		h := &v.hop
		switch {
		case v.root == nil || v.root.start == none && v.root.end == none:
			jo.warn("the start and the end of a hop of %s are missing", h.Service)
		case v.root.start == none:
			jo.warn("%s of %s has an end and no start", name(h), h.Service)
		case v.root.parent == "" && len(v.root.links) == 0 && h.Parent == "":
			if first != "" {
				jo.warn("%s of %s began without a cause, and so did %s", name(h), h.Service, first)
			}
			first = cmp.Or(first, name(h)+" of "+h.Service)
		}
		if h.Duration != nil && *h.Duration < 0 {
			jo.warn("%s of %s took %v", name(h), h.Service, *h.Duration)
		}
		if r := j.report(v); r != nil && r.ParentID == r.SpanID {
			jo.warn("%s of %s names itself as its cause", name(h), h.Service)
		}
	}
	said := map[string]string{}
	for _, i := range j.order {
		r := j.graph.rs[i]
		if r.Kind == record.KindOutcome {
			if before := said[r.Saga.ID]; before != "" && before != r.Declared {
				jo.warn("%s declared %s after it had been declared %s", r.Service, r.Declared, before)
			}
			said[r.Saga.ID] = r.Declared
		}
		if r.Version > record.Version {
			jo.warn("%s writes version %d of the record, this is version %d", r.Service, r.Version, record.Version)
		}
	}
	return slices.Compact(jo.Warnings)
}

func (j *judge) report(v *visit) *record.Record {
	if v.root == nil {
		return nil
	}
	return j.graph.report(v.root)
}

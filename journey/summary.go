package journey

import (
	"maps"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Summary is what lists, searches and alerts need of a journey. Its verdict is
// that of [Build] on the same records and evidence, unless Over is set.
type Summary struct {
	CorrelationID       string         `json:"correlation_id"`
	Verdict             Verdict        `json:"verdict"`
	Reason              string         `json:"reason"`
	Finding             Finding        `json:"finding"` // what reason says
	VerdictHop          string         `json:"verdict_hop"`
	Since               *time.Time     `json:"since"`
	Completeness        Completeness   `json:"completeness"` // Proved or Unproved: which records are lost, only the journey tells
	CompletenessReason  string         `json:"completeness_reason"`
	CompletenessFinding Finding        `json:"completeness_finding"`
	AsOf                *time.Time     `json:"as_of"`
	Kind                string         `json:"kind"`
	Release             string         `json:"release"`
	Start               time.Time      `json:"start"`
	End                 time.Time      `json:"end"`
	Stations            []string       `json:"stations"` // services, by first visit
	Hops                int            `json:"hops"`
	OpenHops            int            `json:"open_hops"`
	Errors              bool           `json:"errors"` // some record is of level error
	Sagas               []Saga         `json:"sagas"`
	Aliases             []record.Alias `json:"aliases"`
	Traces              []string       `json:"traces"` // the first of them, sorted
	Over                bool           `json:"over"`   // there is more than a fold keeps: the verdict does not tell
}

// Summary judges what was folded.
func (f *Fold) Summary(ev Evidence) Summary { return f.judged(ev, f.judge(&ev)) }

func (f *Fold) judge(ev *Evidence) *judge { return newJudge(f.scene(), ev) }

func (f *Fold) judged(ev Evidence, j *judge) Summary {
	found := j.verdict()
	if f.over {
		found = ruling{verdict: Unconfirmed, finding: Finding{Code: TooManyToFold}}
	}
	s := Summary{
		CorrelationID: f.named.id, Verdict: found.verdict, Reason: found.finding.String(), Finding: found.finding, VerdictHop: found.hop,
		Completeness: Unproved, CompletenessReason: j.because.String(), CompletenessFinding: j.because, Stations: []string{}, Hops: len(j.visits),
		Sagas: j.sagas(), Aliases: j.aliases(), Traces: append([]string{}, f.traces...), Over: f.over,
	}
	if j.proved && !f.over {
		s.Completeness = Proved
	}
	if !found.since.IsZero() {
		s.Since = &found.since
	}
	if !ev.AsOf.IsZero() {
		asOf := ev.AsOf.UTC()
		s.AsOf = &asOf
	}
	for _, v := range j.visits {
		if v.isOpen() {
			s.OpenHops++
		}
		if s.Kind == "" && v.hop.Parent == "" {
			s.Kind, s.Release = v.hop.Name, v.hop.Version
		}
	}
	s.readTallies(j.tallies)
	return s
}

func (s *Summary) readTallies(tallies []tally) {
	first := map[string]time.Time{}
	for i := range tallies {
		t := &tallies[i]
		if at, ok := first[t.service]; !ok || t.first.Before(at) {
			first[t.service] = t.first
		}
		if s.Start.IsZero() || t.first.Before(s.Start) {
			s.Start = t.first
		}
		if t.last.After(s.End) {
			s.End = t.last
		}
		s.Errors = s.Errors || t.failed
	}
	s.Stations = slices.Sorted(maps.Keys(first))
	slices.SortStableFunc(s.Stations, func(a, b string) int { return first[a].Compare(first[b]) })
}

// Next is when the summary's verdict may change though nothing is written: when
// somebody who is awaited is late, and then half as long again as they have been, 2 s
// at least and an hour at most. Zero: it will not.
func (f *Fold) Next(ev Evidence) time.Time { return f.judge(&ev).next() }

// next is the earliest deadline after the horizon, or, where somebody is still awaited
// whose deadline has passed, a while after the horizon, the longer the later they are.
func (j *judge) next() time.Time {
	var next time.Time
	consider := func(deadline time.Time) {
		if late := j.evidence.AsOf.Sub(deadline); late >= 0 {
			deadline = j.evidence.AsOf.Add(min(max(patience, late/2), maxPatience))
		}
		if next.IsZero() || deadline.Before(next) {
			next = deadline
		}
	}
	for i := range j.legs {
		l := &j.legs[i]
		if awaited := j.waits.awaited(l); awaited == "" && (l.to != nil || l.Transport != OverKafka) {
			continue
		}
		within := DefaultWithin
		if r := j.waits.routes[l.Topic]; r != nil && r.Within > 0 {
			within = r.Within
		}
		consider(l.Sent.Add(within))
	}
	for place, i := range j.order {
		if r := j.graph.rs[i]; r.Kind == record.KindExpect && r.Expect.Station != "" && !j.came(r.Expect.Station, r, place) {
			consider(r.Time.Add(r.Expect.Within))
		}
	}
	return next
}

// How often somebody who is late is looked for: a while after the deadline what
// proves a stall may not be known yet, and much later it hardly matters.
const (
	patience    = 2 * time.Second
	maxPatience = time.Hour
)

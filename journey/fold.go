package journey

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Fold gathers of a journey's records what its verdict rests on, one by one. It
// is a semilattice: any order, any repetition, and any split that is joined again
// give the same. The zero value is a fold of nothing. It is for one goroutine.
type Fold struct {
	moments []*record.Record // without what no verdict needs
	known   map[identity]int // moments by their identity, once they are many
	tallies []*tally
	places  map[tallyKey]int // tallies by their key, once they are many
	last    *tally           // that a record was counted in last
	steps   steps
	traces  []string // sorted
	named   spelling
	over    bool
}

// many is from when on a map finds things sooner than a look at all.
const many = 24

// MaxMoments is how many hop starts and ends, declarations, expectations and
// aliases a fold keeps. A summary of more says that it does not tell.
const MaxMoments = 10_000

const (
	maxTallies = 10_000
	maxSteps   = 1000
	maxTraces  = 256
)

// identity is a record's; id is empty where number and node say it.
type identity struct {
	node   string
	number uint64
	id     string
}

func (id identity) compare(o identity) int {
	return cmp.Or(cmp.Compare(id.id, o.id), cmp.Compare(id.node, o.node), cmp.Compare(id.number, o.number))
}

func identityOf(r *record.Record) identity {
	if r.Sequence > 0 && (r.ID == "" || isNumbered(r)) {
		return identity{node: r.Node, number: r.Sequence}
	}
	return identity{id: r.ID}
}

// isNumbered reports whether a record's identity is what its instance and number give.
func isNumbered(r *record.Record) bool {
	n := len(r.Node)
	return len(r.ID) > n && r.ID[:n] == r.Node && r.ID == record.EventID(r.Node, r.Sequence)
}

// spelling is the correlation ID as the earliest record has it, one that merely
// falls back on its trace last.
type spelling struct {
	fallback bool
	at       time.Time
	id       string
}

func (s spelling) compare(o spelling) int {
	switch {
	case s.fallback == o.fallback:
		return cmp.Or(s.at.Compare(o.at), cmp.Compare(s.id, o.id))
	case s.fallback:
		return 1
	default:
		return -1
	}
}

// Add folds one record. Nothing of r is kept but copies.
func (f *Fold) Add(r *record.Record) {
	if isMoment(r) {
		if n := f.find(identityOf(r)); n < 0 || r.Time.Before(f.moments[n].Time) {
			f.addMoment(n, f.reduced(r))
		}
	}
	if f.last == nil || f.last.tallyKey != keyOf(r) {
		f.last = f.tally(keyOf(r), true)
	}
	if f.last != nil {
		f.last.add(r)
	}
	if r.Saga.ID != "" {
		f.addStep(stepOf(r))
	}
	f.addTrace(r.TraceID)
	if as := (spelling{Fallback(r), r.Time, r.CorrelationID}); r.CorrelationID != "" && (f.named.id == "" || as.compare(f.named) < 0) {
		if as.id == f.named.id {
			as.id = f.named.id
		} else {
			as.id = strings.Clone(as.id)
		}
		f.named = as
	}
}

// find is where a moment of that identity is; negative: nowhere.
func (f *Fold) find(id identity) int {
	if f.known == nil {
		return slices.IndexFunc(f.moments, func(m *record.Record) bool { return identityOf(m) == id })
	}
	if n, ok := f.known[id]; ok {
		return n
	}
	return -1
}

// addMoment keeps a moment, in the place of another of its identity where n says
// there is one: of two, the earlier counts, as in Build.
func (f *Fold) addMoment(n int, m *record.Record) {
	switch {
	case n >= 0:
		f.moments[n] = m
		return
	case len(f.moments) == MaxMoments:
		f.over = true
		return
	}
	f.moments = append(f.moments, m)
	switch {
	case f.known != nil:
		f.known[identityOf(m)] = len(f.moments) - 1
	case len(f.moments) == many:
		f.known = make(map[identity]int, 2*many)
		for i, m := range f.moments {
			f.known[identityOf(m)] = i
		}
	}
}

// tally is that of a place; nil: there are too many. Copied says that key is of
// a record, and must be copied to be kept.
func (f *Fold) tally(key tallyKey, copied bool) *tally {
	n := -1
	if f.places == nil {
		n = slices.IndexFunc(f.tallies, func(t *tally) bool { return t.tallyKey == key })
	} else if at, ok := f.places[key]; ok {
		n = at
	}
	switch {
	case n >= 0:
		return f.tallies[n]
	case len(f.tallies) == maxTallies:
		f.over = true
		return nil
	}
	if copied {
		key.hop, key.service, key.node = strings.Clone(key.hop), strings.Clone(key.service), strings.Clone(key.node)
	}
	t := &tally{tallyKey: key}
	f.tallies = append(f.tallies, t)
	switch {
	case f.places != nil:
		f.places[key] = len(f.tallies) - 1
	case len(f.tallies) == many:
		f.places = make(map[tallyKey]int, 2*many)
		for i, t := range f.tallies {
			f.places[t.tallyKey] = i
		}
	}
	return t
}

func (f *Fold) addStep(key stepKey, by heard) {
	if f.steps == nil {
		f.steps = steps{}
	}
	if _, ok := f.steps[key]; ok || len(f.steps) < maxSteps {
		f.steps.add(key, by)
	}
}

func (f *Fold) addTrace(trace string) {
	if trace == "" || len(f.traces) == maxTraces {
		return
	}
	if n, ok := slices.BinarySearch(f.traces, trace); !ok {
		f.traces = slices.Insert(f.traces, n, strings.Clone(trace))
	}
}

// reduced is what a verdict needs of a moment.
func (f *Fold) reduced(r *record.Record) *record.Record {
	m := &record.Record{
		Time: r.Time, Service: r.Service, Node: r.Node, Sequence: r.Sequence, Kind: r.Kind, Version: r.Version, CorrelationID: r.CorrelationID,
		SpanID: r.SpanID, ParentID: r.ParentID, HopID: r.HopID, HopSequence: r.HopSequence, HopRecords: r.HopRecords, HopSends: r.HopSends,
		SpanName: r.SpanName, SpanKind: r.SpanKind, Duration: r.Duration, Outcome: r.Outcome, Declared: r.Declared, Reason: r.Reason,
		Expect: r.Expect, Alias: r.Alias, HTTP: record.HTTP{Status: r.HTTP.Status}, Messaging: r.Messaging, Saga: record.Saga{ID: r.Saga.ID},
		Error: record.Error{Type: r.Error.Type, Message: r.Error.Message}, ServiceVer: r.ServiceVer,
	}
	m.Messaging.System, m.Messaging.Operation = "", ""
	if !isNumbered(r) {
		m.ID = r.ID
	}
	f.own(m)
	if len(r.Links) > 0 {
		m.Links = slices.Clone(r.Links)
		for i := range m.Links {
			l := &m.Links[i]
			l.TraceID, l.SpanID, l.CorrelationID = "", strings.Clone(l.SpanID), strings.Clone(l.CorrelationID)
		}
	}
	return m
}

// own copies a moment's texts, in one piece, but for those that the moment before it has too.
func (f *Fold) own(m *record.Record) {
	texts := momentStrings(m)
	var before [len(texts)]*string
	if n := len(f.moments); n > 0 {
		before = momentStrings(f.moments[n-1])
	}
	var copied [len(texts)]*string
	n, size := 0, 0
	for i, s := range texts {
		switch {
		case *s == "":
		case before[i] != nil && *before[i] == *s:
			*s = *before[i]
		default:
			copied[n] = s
			n++
			size += len(*s)
		}
	}
	var all strings.Builder
	all.Grow(size)
	for _, s := range copied[:n] {
		all.WriteString(*s)
	}
	rest := all.String()
	for _, s := range copied[:n] {
		*s, rest = rest[:len(*s)], rest[len(*s):]
	}
}

// momentStrings are the texts of a reduced moment, but for those of links and its kind.
func momentStrings(m *record.Record) [21]*string {
	return [...]*string{
		&m.Service, &m.Node, &m.ID, &m.CorrelationID, &m.SpanID, &m.ParentID, &m.HopID, &m.SpanName, &m.SpanKind, &m.Outcome,
		&m.Declared, &m.Reason, &m.Expect.Station, &m.Alias.Name, &m.Alias.Value, &m.Messaging.Topic, &m.Messaging.Group,
		&m.Saga.ID, &m.Error.Type, &m.Error.Message, &m.ServiceVer,
	}
}

// Join folds in all that another fold has gathered. The other is not to be used
// any more.
func (f *Fold) Join(o *Fold) {
	for _, m := range o.moments {
		if n := f.find(identityOf(m)); n < 0 || m.Time.Before(f.moments[n].Time) {
			f.addMoment(n, m)
		}
	}
	for _, t := range o.tallies {
		if mine := f.tally(t.tallyKey, false); mine != nil {
			mine.join(t)
		}
	}
	for key, by := range o.steps {
		f.addStep(key, by)
	}
	for _, trace := range o.traces {
		f.addTrace(trace)
	}
	if o.named.id != "" && (f.named.id == "" || o.named.compare(f.named) < 0) {
		f.named = o.named
	}
	f.over = f.over || o.over
}

// scene is what a judge reads.
func (f *Fold) scene() scene {
	sc := scene{moments: slices.Clone(f.moments), tallies: make([]tally, 0, len(f.tallies)), steps: f.steps}
	slices.SortFunc(sc.moments, func(a, b *record.Record) int {
		return cmp.Or(a.Time.Compare(b.Time), identityOf(a).compare(identityOf(b)))
	})
	for _, t := range f.tallies {
		sc.tallies = append(sc.tallies, *t)
	}
	slices.SortFunc(sc.tallies, func(a, b tally) int { return a.compare(b.tallyKey) })
	return sc
}

package journey

import (
	"cmp"
	"slices"

	"github.com/waybill-log/waybill/record"
)

// Build makes the journey of records, which are those of one correlation ID.
// Equal records (by identity) count once. Without records it is a journey
// without anything, unconfirmed.
func Build(records []record.Record, ev Evidence) *Journey {
	rs := distinct(records)
	g := newGraph(rs)
	order := g.order()

	j := &Journey{
		Stations: []Station{}, Hops: []Hop{}, Legs: []Leg{}, Records: make([]record.Record, 0, len(rs)),
		Gaps: []Gap{}, Skews: []Skew{}, Sagas: []Saga{},
	}
	if !ev.AsOf.IsZero() {
		asOf := ev.AsOf.UTC()
		j.AsOf = &asOf
	}
	for _, i := range order {
		j.Records = append(j.Records, rs[i])
	}
	visits := g.visits(order)
	j.Legs = g.legs(visits)
	for _, v := range visits {
		j.Hops = append(j.Hops, v.hop)
	}
	j.overview()

	b := newBench(g, j, visits, order, ev)
	b.completeness()
	j.Verdict, j.Reason = b.verdict()
	j.Sagas = b.sagas()
	return j
}

// distinct sorts records by time, then identity, each identity once, so that
// nothing after it depends on the order of the input.
func distinct(records []record.Record) []record.Record {
	type keyed struct {
		id string
		r  *record.Record
	}
	ks := make([]keyed, len(records))
	for i := range records {
		ks[i] = keyed{records[i].Identity(), &records[i]}
	}
	slices.SortStableFunc(ks, func(a, b keyed) int { return cmp.Or(a.r.Time.Compare(b.r.Time), cmp.Compare(a.id, b.id)) })
	seen := make(map[string]bool, len(ks))
	out := make([]record.Record, 0, len(ks))
	for _, k := range ks {
		if !seen[k.id] {
			seen[k.id] = true
			out = append(out, *k.r)
		}
	}
	return out
}

// overview fills what can be read off the ordered records.
func (j *Journey) overview() {
	j.CorrelationID = correlationID(j.Records)
	at := map[string]int{}
	for i := range j.Records {
		r := &j.Records[i]
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
		s := &j.Stations[n]
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
	for _, h := range j.Hops {
		s := &j.Stations[at[h.Service]]
		s.Hops = append(s.Hops, h.ID)
		if j.Kind == "" && h.Parent == "" {
			j.Kind = h.Name
		}
	}
}

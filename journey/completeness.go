package journey

import (
	"fmt"
	"slices"

	"github.com/waybill-log/waybill/record"
)

// completeness compares the numbers that hops carry with the records there are.
func (b *bench) completeness() {
	j := b.journey
	j.Completeness, j.CompletenessReason = Proved, "every hop has ended and all the records it counted are here"
	doubt := func(format string, args ...any) {
		if j.Completeness == Proved {
			j.Completeness, j.CompletenessReason = Unproved, fmt.Sprintf(format, args...)
		}
	}
	if b.evidence.Partial {
		doubt("the records left out were not counted")
	}
	if len(j.Records) == 0 {
		doubt("there are no records")
	}
	for _, v := range b.visits {
		b.count(v, doubt)
	}
	arrived := map[string]int{} // by hop that sent
	handed := map[string]int{}  // of these, work that went on inside the service
	for _, l := range j.Legs {
		switch {
		case l.To == "":
			doubt("what %s sent at %s has not been picked up", b.services[l.From], clock(l.Sent))
		case l.Transport != Locally:
			arrived[l.From]++
		case !b.failed[l.To]: // a failed attempt to go on comes again
			arrived[l.From]++
			handed[l.From]++
		}
	}
	for _, v := range b.visits {
		b.origin(v, doubt)
		switch here := len(v.sent) + handed[v.hop.ID]; {
		case v.counted > 0 && uint64(here) < v.sends:
			doubt("%s sent %d times in %s, %d of them are here", v.hop.Service, v.sends, name(v.hop), here)
		case arrived[v.hop.ID] < here:
			doubt("%s sent something to a service that writes no records here", v.hop.Service)
		}
	}
	for i := range j.Records {
		if r := &j.Records[i]; r.HopSequence == 0 && !b.graph.retold(r) {
			doubt("%s writes records that no hop counts", r.Service)
			break
		}
	}
	if len(j.Gaps) > 0 {
		lost := 0
		for _, g := range j.Gaps {
			lost += len(g.Numbers)
		}
		first := j.Gaps[0]
		j.Completeness = Lossy
		j.CompletenessReason = fmt.Sprintf("%d of the records that services wrote are lost, %s's number %d of its hop first", lost, first.Service, first.Numbers[0])
	}
}

// origin doubts a hop whose cause wrote no records here: a caller that is not
// instrumented, or a hop that is missing whole.
func (b *bench) origin(v *visit, doubt func(string, ...any)) {
	if v.root == nil {
		return
	}
	for _, id := range v.root.expected {
		if b.graph.spans[id] == nil {
			doubt("what caused %s of %s has no records here", name(v.hop), v.hop.Service)
		}
	}
}

// count looks for numbers missing from one hop.
func (b *bench) count(v *visit, doubt func(string, ...any)) {
	if v.hop.Outcome == Open {
		doubt("%s has not ended %s", v.hop.Service, name(v.hop))
	} else if v.counted == 0 {
		doubt("%s does not count the records of %s", v.hop.Service, name(v.hop))
	}
	numbered := make([]*record.Record, 0, len(v.records))
	for _, i := range v.records {
		if r := &b.graph.rs[i]; r.HopSequence != 0 {
			numbered = append(numbered, r)
		}
	}
	sortBy(numbered, func(r *record.Record) uint64 { return r.HopSequence })

	gap := Gap{Service: v.hop.Service, Node: v.hop.Node, Hop: v.hop.ID}
	next, before := uint64(1), uint64(0) // before: event.sequence of the record before next
	for _, r := range numbered {
		// A corrupt number must not make a journey of a billion gaps.
		if missing := r.HopSequence - next; r.HopSequence > next && missing <= maxMissing {
			for ; next < r.HopSequence; next++ {
				if b.lost(r.Node, before, r.Sequence) {
					gap.Numbers = append(gap.Numbers, next)
				} else {
					doubt("record %d that %s wrote in %s is not here", next, v.hop.Service, name(v.hop))
				}
			}
		} else if r.HopSequence > next {
			doubt("%d records that %s wrote in %s are not here", missing, v.hop.Service, name(v.hop))
		}
		next, before = r.HopSequence+1, r.Sequence
	}
	if len(gap.Numbers) > 0 {
		b.journey.Gaps = append(b.journey.Gaps, gap)
	}
}

// maxMissing bounds how many missing numbers of one run are named.
const maxMissing = 10_000

// lost reports whether a record that an instance wrote between two of its
// numbers is lost: a ledger that the store has caught up with says that Kafka has
// every number up to the second, and none between was dropped on purpose.
func (b *bench) lost(node string, before, after uint64) bool {
	for i := range b.evidence.Ledgers {
		l := &b.evidence.Ledgers[i]
		if l.Node != node || b.evidence.AsOf.Before(l.Time) || after >= l.Unsettled {
			continue
		}
		if !slices.ContainsFunc(l.Dropped, func(d record.Dropped) bool { return d.To > before && d.From < after }) {
			return true
		}
	}
	return false
}

package journey

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/waybill-log/waybill/record"
)

// complete compares the numbers that hops carry with the records there are.
func (j *judge) complete() {
	j.proved, j.because = true, "every hop has ended and all the records it counted are here"
	doubt := func(format string, args ...any) {
		if j.proved {
			j.proved, j.because = false, fmt.Sprintf(format, args...)
		}
	}
	if j.evidence.Partial {
		doubt("the records left out were not counted")
	}
	if len(j.tallies) == 0 {
		doubt("there are no records")
	}
	for _, v := range j.visits {
		j.count(v, doubt)
	}
	arrived := map[string]int{} // by hop that sent
	handed := map[string]int{}  // of these, work that went on inside the service
	for i := range j.legs {
		l := &j.legs[i]
		switch {
		case l.to == nil && len(l.Passed) > 0:
			doubt("group %s has gone past what %s sent to %s at %s, and no record of it is here", l.Passed[0], j.service(l.From), l.Topic, clock(l.Sent))
		case l.to == nil:
			doubt("what %s sent at %s has not been picked up", j.service(l.From), clock(l.Sent))
		case l.Transport != Locally:
			arrived[l.From]++
		case l.to.hop.Outcome != Failure: // a failed attempt to go on comes again
			arrived[l.From]++
			handed[l.From]++
		}
		if l.to != nil && len(l.Passed) > 0 {
			doubt("group %s has gone past what %s sent to %s at %s too, and no record of that is here", l.Passed[0], j.service(l.From), l.Topic, clock(l.Sent))
		}
	}
	for _, v := range j.visits {
		j.origin(v, doubt)
		switch here := len(v.sent) + handed[v.hop.ID]; {
		case v.counted > 0 && uint64(here) < v.sends:
			doubt("%s sent %d times in %s, %d of them are here", v.hop.Service, v.sends, name(&v.hop), here)
		case arrived[v.hop.ID] < here:
			doubt("%s sent something to a service that writes no records here", v.hop.Service)
		}
	}
	for i := range j.tallies {
		if t := &j.tallies[i]; t.uncounted {
			doubt("%s writes records that no hop counts", t.service)
		}
	}
	for _, r := range j.graph.rs {
		if r.HopSequence == 0 && !j.graph.retold(r) {
			doubt("%s writes records that no hop counts", r.Service)
		}
	}
}

// origin doubts a hop whose cause wrote no records here: a caller that is not
// instrumented, or a hop that is missing whole.
func (j *judge) origin(v *visit, doubt func(string, ...any)) {
	if v.root == nil || v.root.start == none && v.root.end == none {
		return
	}
	for id := range j.graph.expected(v.root) {
		if j.graph.spans[id] == nil {
			doubt("what caused %s of %s has no records here", name(&v.hop), v.hop.Service)
		}
	}
}

// count looks for numbers missing from one hop.
func (j *judge) count(v *visit, doubt func(string, ...any)) {
	switch {
	case v.isOpen():
		doubt("%s has not ended %s", v.hop.Service, name(&v.hop))
	case v.counted == 0:
		doubt("%s does not count the records of %s", v.hop.Service, name(&v.hop))
	}
	switch n, first := v.numbers.missing(); {
	case n == 1:
		doubt("record %d that %s wrote in %s is not here", first, v.hop.Service, name(&v.hop))
	case n > 1:
		doubt("%d records that %s wrote in %s are not here, number %d first", n, v.hop.Service, name(&v.hop), first)
	case len(v.numbers) == maxRuns:
		doubt("the records of %s in %s have too many gaps to tell", name(&v.hop), v.hop.Service)
	}
}

// maxMissing bounds how many missing numbers of one run are named.
const maxMissing = 10_000

// gaps are the numbers proved to be missing, by hop. Rs are all records.
func (j *judge) gaps(rs []*record.Record) []Gap {
	out := []Gap{}
	wanted := map[string][]*record.Record{}
	for _, v := range j.visits {
		if n, _ := v.numbers.missing(); n > 0 && len(j.waits.instances[v.hop.Node]) > 0 {
			wanted[v.hop.ID] = nil
		}
	}
	if len(wanted) == 0 {
		return out
	}
	for _, r := range rs {
		if of, ok := wanted[r.Hop()]; ok && r.HopSequence > 0 && r.Sequence > 0 {
			wanted[r.Hop()] = append(of, r)
		}
	}
	for _, v := range j.visits {
		if numbered := wanted[v.hop.ID]; len(numbered) > 0 {
			slices.SortFunc(numbered, func(a, b *record.Record) int {
				return cmp.Or(cmp.Compare(a.HopSequence, b.HopSequence), cmp.Compare(a.Sequence, b.Sequence))
			})
			if gap := j.gap(v, numbered); len(gap.Numbers) > 0 {
				out = append(out, gap)
			}
		}
	}
	return out
}

func (j *judge) gap(v *visit, numbered []*record.Record) Gap {
	gap := Gap{Service: v.hop.Service, Node: v.hop.Node, Hop: v.hop.ID}
	next, before := uint64(1), uint64(0) // before: event.sequence of the record before next
	for _, r := range numbered {
		// A corrupt number must not make a journey of a billion gaps.
		if missing := r.HopSequence - next; r.HopSequence > next && missing <= maxMissing && j.waits.lost(r.Node, before, r.Sequence) {
			for ; next < r.HopSequence; next++ {
				gap.Numbers = append(gap.Numbers, next)
			}
		}
		next, before = r.HopSequence+1, r.Sequence
	}
	return gap
}

// lost reports whether a record that an instance wrote between two of its
// numbers is lost: a ledger that the store has caught up with says that Kafka has
// every number up to the second, and none between was dropped on purpose.
func (w *waits) lost(node string, before, after uint64) bool {
	dropped := func(l *record.Ledger) bool {
		return slices.ContainsFunc(l.Dropped, func(d record.Dropped) bool { return d.To > before && d.From < after })
	}
	settled := false
	for _, l := range w.instances[node] {
		if dropped(l) {
			return false
		}
		settled = settled || !w.evidence.AsOf.Before(l.Time) && after < l.Unsettled
	}
	return settled
}

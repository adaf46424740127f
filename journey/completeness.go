package journey

import (
	"cmp"
	"slices"

	"github.com/waybill-log/waybill/record"
)

// complete compares the numbers that hops carry with the records there are.
func (j *judge) complete() {
	j.proved, j.because = true, Finding{Code: AllHere}
	if j.evidence.Partial {
		j.doubt(Finding{Code: LeftOut})
	}
	if len(j.tallies) == 0 {
		j.doubt(Finding{Code: NoRecords})
	}
	for _, v := range j.visits {
		j.count(v)
	}
	arrived := map[string]int{} // by hop that sent
	handed := map[string]int{}  // of these, work that went on inside the service
	for i := range j.legs {
		l := &j.legs[i]
		switch {
		case l.to == nil && len(l.Passed) > 0:
			j.doubtLeg(l, Finding{Code: PassedBy, Group: l.Passed[0]})
		case l.to == nil:
			j.doubtLeg(l, Finding{Code: NotReceived})
		case l.Transport != Locally:
			arrived[l.From]++
		case l.to.hop.Outcome != Failure: // a failed attempt to go on comes again
			arrived[l.From]++
			handed[l.From]++
		}
		if l.to != nil && len(l.Passed) > 0 {
			j.doubtLeg(l, Finding{Code: PassedByToo, Group: l.Passed[0]})
		}
	}
	for _, v := range j.visits {
		j.origin(v)
		switch here := len(v.sent) + handed[v.hop.ID]; {
		case v.counted > 0 && uint64(here) < v.sends:
			j.doubtHop(v, Finding{Code: SendsMissing, Count: v.sends, Here: uint64(here)})
		case arrived[v.hop.ID] < here:
			j.doubtHop(v, Finding{Code: SentElsewhere})
		}
	}
	for i := range j.tallies {
		if t := &j.tallies[i]; t.uncounted {
			j.doubt(Finding{Code: NotCounted, Service: t.service})
		}
	}
	for _, r := range j.graph.rs {
		if r.HopSequence == 0 && !j.graph.retold(r) {
			j.doubt(Finding{Code: NotCounted, Service: r.Service})
		}
	}
}

// doubt says why it is not proved that every record is there, unless that has been said.
func (j *judge) doubt(f Finding) {
	if j.proved {
		j.proved, j.because = false, f
	}
}

func (j *judge) doubtHop(v *visit, f Finding) {
	f.Hop, f.Service, f.Operation = v.hop.ID, v.hop.Service, v.hop.Name
	j.doubt(f)
}

func (j *judge) doubtLeg(l *leg, f Finding) {
	f.Hop, f.Service, f.Topic, f.At = l.From, j.service(l.From), l.Topic, pointer(l.Sent)
	j.doubt(f)
}

// origin doubts a hop whose cause wrote no records here: a caller that is not
// instrumented, or a hop that is missing whole.
func (j *judge) origin(v *visit) {
	if v.root == nil || v.root.start == none && v.root.end == none {
		return
	}
	for id := range j.graph.expected(v.root) {
		if j.graph.spans[id] == nil {
			j.doubtHop(v, Finding{Code: CauseMissing})
		}
	}
}

// count looks for numbers missing from one hop.
func (j *judge) count(v *visit) {
	switch {
	case v.isOpen():
		j.doubtHop(v, Finding{Code: NotEnded})
	case v.counted == 0:
		j.doubtHop(v, Finding{Code: HopNotCounted})
	}
	switch n, first := v.numbers.missing(); {
	case n > 0:
		j.doubtHop(v, Finding{Code: RecordsMissing, Count: n, Number: first})
	case len(v.numbers) == maxRuns:
		j.doubtHop(v, Finding{Code: GapsUncounted})
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

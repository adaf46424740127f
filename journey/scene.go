package journey

import (
	"cmp"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// scene is all that a verdict rests on: the records that are moments of the
// journey, and of its log records how many there are.
type scene struct {
	moments []*record.Record // distinct, by time, then identity
	tallies []tally          // in order of their keys
	steps   steps
}

// isMoment reports whether a record says something of a journey, and is not only
// text on the way.
func isMoment(r *record.Record) bool { return r.Kind != record.KindLog && r.Kind != "" }

// tallyKey is where records were written. A foreign record names a span and no
// hop: which hop that is in, the moments tell.
type tallyKey struct {
	hop, service, node string
	foreign            bool
}

func keyOf(r *record.Record) tallyKey {
	return tallyKey{r.Hop(), r.Service, r.Node, r.HopID == "" && r.Sequence == 0}
}

func (k tallyKey) compare(o tallyKey) int {
	own := func(foreign bool) int {
		if foreign {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(k.hop, o.hop), cmp.Compare(k.service, o.service), cmp.Compare(k.node, o.node), cmp.Compare(own(k.foreign), own(o.foreign)))
}

// tally counts the records of one place, moments too.
type tally struct {
	tallyKey
	first, last time.Time
	numbers     runs // hop.sequence
	uncounted   bool // some log record there has no number
	failed      bool // some record is of level error
}

func (t *tally) add(r *record.Record) {
	if t.first.IsZero() || r.Time.Before(t.first) {
		t.first = r.Time
	}
	if r.Time.After(t.last) {
		t.last = r.Time
	}
	if r.HopSequence > 0 {
		t.numbers.add(r.HopSequence)
	} else if !isMoment(r) {
		t.uncounted = true
	}
	t.failed = t.failed || r.Level == "error"
}

// join counts what another tally of the same place has.
func (t *tally) join(o *tally) {
	if t.first.IsZero() || o.first.Before(t.first) {
		t.first = o.first
	}
	if o.last.After(t.last) {
		t.last = o.last
	}
	for _, r := range o.numbers {
		t.numbers.join(r)
	}
	t.uncounted, t.failed = t.uncounted || o.uncounted, t.failed || o.failed
}

// sceneOf reads records, which are distinct and sorted by time, then identity.
func sceneOf(rs []*record.Record) scene {
	sc := scene{steps: steps{}}
	at := map[tallyKey]int{}
	last, lastKey := -1, tallyKey{}
	for _, r := range rs {
		if isMoment(r) {
			sc.moments = append(sc.moments, r)
		}
		if r.Saga.ID != "" {
			sc.steps.add(stepOf(r))
		}
		key := keyOf(r)
		if last < 0 || key != lastKey {
			n, ok := at[key]
			if !ok {
				n = len(sc.tallies)
				at[key] = n
				sc.tallies = append(sc.tallies, tally{tallyKey: key})
			}
			last, lastKey = n, key
		}
		sc.tallies[last].add(r)
	}
	slices.SortFunc(sc.tallies, func(a, b tally) int { return a.compare(b.tallyKey) })
	return sc
}

// runs is a set of numbers, as runs without gaps, ascending.
type runs []run

// run is from one number to another, both included.
type run struct{ from, to uint64 }

// maxRuns bounds the gaps that are kept of one hop: what is beyond is never
// called complete.
const maxRuns = 4096

func (s *runs) add(n uint64) { s.join(run{n, n}) }

func (s *runs) join(r run) {
	rs := *s
	if len(rs) == 0 || rs[len(rs)-1].to < r.from-1 { // r.from is at least 1
		if len(rs) < maxRuns {
			*s = append(*s, r)
		}
		return
	}
	i, _ := slices.BinarySearchFunc(rs, r, func(a, b run) int { // the first that r touches or stands before
		if a.to < b.from-1 {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(rs) && (r.to == ^uint64(0) || rs[j].from <= r.to+1); j++ {
		r.from, r.to = min(r.from, rs[j].from), max(r.to, rs[j].to)
	}
	if i == j && len(rs) == maxRuns {
		return
	}
	*s = slices.Replace(rs, i, j, r)
}

// missing is how many numbers from 1 to the highest are not there, and the first of them.
func (s runs) missing() (n, first uint64) {
	next := uint64(1)
	for _, r := range s {
		if r.from > next {
			if n == 0 {
				first = next
			}
			n += r.from - next
		}
		next = r.to + 1
	}
	return n, first
}

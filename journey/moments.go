package journey

import (
	"iter"
	"time"
	"unsafe"

	"github.com/waybill-log/waybill/record"
)

// Moments are the records that a fold's verdict rests on, in no order. They are the
// fold's own, and lack what no verdict needs.
func (f *Fold) Moments() iter.Seq[*record.Record] {
	return func(yield func(*record.Record) bool) {
		for _, m := range f.moments {
			if !yield(m) {
				return
			}
		}
	}
}

// Bytes is about what the fold takes in memory.
func (f *Fold) Bytes() int {
	const perMoment, perTally, perStep = int(unsafe.Sizeof(record.Record{})) + 256, int(unsafe.Sizeof(tally{})) + 128, 256
	return int(unsafe.Sizeof(*f)) + len(f.moments)*perMoment + len(f.tallies)*perTally + len(f.steps)*perStep + len(f.traces)*64
}

// Traces are those of the records, sorted: the first maxTraces of them.
func (f *Fold) Traces() []string { return f.traces }

// Fallback reports whether all records were shipped under their trace ID because no
// correlation ID was known.
func (f *Fold) Fallback() bool { return f.named.fallback }

// Judge is Summary and Next at once.
func (f *Fold) Judge(ev Evidence) (Summary, time.Time) {
	j := f.judge(&ev)
	return f.judged(ev, j), j.next()
}

// Each gives pointers to records, one after the other.
func Each(records []record.Record) iter.Seq[*record.Record] {
	return func(yield func(*record.Record) bool) {
		for i := range records {
			if !yield(&records[i]) {
				return
			}
		}
	}
}

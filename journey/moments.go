package journey

import (
	"iter"
	"time"

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

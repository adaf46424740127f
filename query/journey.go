package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/filter"
)

// Bounds on the records read for one journey.
const (
	maxRecords  = 10_000  // whole
	MaxWindowed = 100_000 // of which a window is given
)

// Journey is one journey, as far as it was asked for.
type Journey struct {
	journey.Journey
	RecordCount int     `json:"record_count"`
	RecordsFrom int     `json:"records_from"` // the place of the first of records among all, from 0
	RecordHops  []int32 `json:"record_hops"`  // of each of records the place of its hop in hops; -1: it is in none
	Revision    string  `json:"revision"`     // asks for others of its records, as it is now
}

// Window says which of a journey's records are wanted; the rest of it is told whole.
type Window struct {
	From  int
	Limit int  // 0: all, of a journey that has at most 10,000
	None  bool // but all that is told of the journey
}

// Journey finds the journey that a text names.
func (d *Desk) Journey(ctx context.Context, text string, w Window) (*Journey, error) {
	limit := maxRecords
	if w.Limit > 0 || w.None {
		limit = MaxWindowed
	}
	j, err := d.built(ctx, text, limit)
	if err != nil {
		return nil, err
	}
	out := &Journey{Journey: *j, RecordCount: len(j.Records), RecordHops: j.RecordHops}
	from, until := 0, len(j.Records)
	switch {
	case w.None:
		until = 0
	case w.Limit > 0:
		from = min(w.From, until)
		until = min(from+w.Limit, until)
	}
	d.keep(ctx, out, text, until-from < len(j.Records))
	out.RecordsFrom, out.Records, out.RecordHops = from, j.Records[from:until], j.RecordHops[from:until]
	return out, nil
}

// built reads and judges the journey that a text names.
func (d *Desk) built(ctx context.Context, text string, limit int) (*journey.Journey, error) {
	through := d.begin(ctx)
	f, err := d.resolve(ctx, text, limit)
	asOf := through()
	if err != nil {
		return nil, err
	}
	if f.records = d.seen(ctx, f.records); len(f.records) == 0 {
		return nil, unknown("no records of %s have arrived%s", f.id, before(asOf))
	}
	ev := journey.Evidence{AsOf: asOf}
	if d.cfg.Evidence != nil {
		ev = d.cfg.Evidence.For(asOf, journey.Each(f.records))
	}
	ev.Partial = f.more
	return journey.Build(f.records, ev), nil
}

// seen are the records that the asker may see.
func (d *Desk) seen(ctx context.Context, records []record.Record) []record.Record {
	only := d.only(ctx)
	if only == nil {
		return records
	}
	m := filter.NewMatcher(only)
	return slices.DeleteFunc(records, func(r record.Record) bool { return !m.Match(r.Raw) })
}

func before(asOf time.Time) string {
	if asOf.IsZero() {
		return ""
	}
	return " of what was shipped before " + record.FormatTime(asOf)
}

// cause says what was being done; what is for the asker stays as it is.
func cause(doing string, err error) error {
	if err == nil {
		return nil
	}
	var asked *Error
	if errors.As(refused(err), &asked) {
		return asked
	}
	return fmt.Errorf("%s: %w", doing, err)
}

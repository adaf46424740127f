package query

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Export is a journey to take along. Its records are read as they are written out, so that
// memory does not grow with them.
type Export struct {
	ID   string     // correlation ID
	AsOf *time.Time // through when the store shows all records

	desk      *Desk
	keys      []string
	spellings map[string]bool // of the correlation IDs of its records
}

// Export finds the journey that a text names. Records of services without a correlation ID are
// part of it where the first 10,000 records lead to them.
func (d *Desk) Export(ctx context.Context, text string) (*Export, error) {
	asOf := d.AsOf(ctx)
	f, err := d.resolve(ctx, text, maxRecords)
	if err != nil {
		return nil, err
	}
	if f.records = d.seen(ctx, f.records); len(f.records) == 0 {
		return nil, unknown("no records of %s have arrived%s", f.id, before(asOf))
	}
	e := &Export{ID: f.records[0].CorrelationID, AsOf: told(asOf), desk: d, keys: keysOf(f.records), spellings: map[string]bool{}}
	for i := range f.records {
		e.spellings[record.Spelling(f.records[i].CorrelationID)] = true
	}
	return e, nil
}

// exportPage is how many records are in memory at a time.
const exportPage = 4000

// each calls with every record, by time.
func (e *Export) each(ctx context.Context, with func(entry *store.Entry, r *record.Record) error) error {
	q := store.Query{
		Filter: both(filter.In{Field: "correlation.key", Values: e.keys}, e.desk.only(ctx)), OldestFirst: true, Limit: exportPage, Budget: budget,
	}
	for {
		page, err := e.desk.cfg.Store.Search(ctx, q)
		if err != nil {
			return cause("read records", err)
		}
		for i := range page.Entries {
			r, err := record.Decode(page.Entries[i].Raw)
			if err != nil {
				return cause("decode record", err)
			}
			if !e.spellings[record.Spelling(r.CorrelationID)] { // another journey, whose ID differs by case
				continue
			}
			if err := with(&page.Entries[i], &r); err != nil {
				return err
			}
		}
		if page.Next.IsZero() {
			return nil
		}
		q.After = page.Next
	}
}

// NDJSON writes the records as they were written, one a line.
func (e *Export) NDJSON(ctx context.Context, w io.Writer) error {
	return e.each(ctx, func(entry *store.Entry, _ *record.Record) error {
		_, err := w.Write(append(entry.Raw[:len(entry.Raw):len(entry.Raw)], '\n'))
		return err
	})
}

// FileName is what an export is saved as.
func FileName(id, format string) string {
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, id)
	return "waybill-" + safe + "." + map[string]string{"ndjson": "ndjson", "otlp": "otlp.jsonl", "html": "html"}[format]
}

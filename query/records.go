package query

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Records is one page of a search.
type Records struct {
	Records []record.Record `json:"records"`
	Next    string          `json:"next"`    // goes on behind this page; empty: nothing is left
	Partial bool            `json:"partial"` // time ended before the page was full
	AsOf    *time.Time      `json:"as_of"`
}

// Records searches for what a query asks for.
func (d *Desk) Records(ctx context.Context, text, cursor string, limit int, oldestFirst bool) (*Records, error) {
	search, err := Parse(text)
	if err != nil {
		return nil, err
	}
	q := store.Query{Filter: d.only(ctx), Limit: limit, OldestFirst: oldestFirst, Budget: budget}
	if q.After, err = store.ParseCursor(cursor); err != nil {
		return nil, noCursor()
	}
	asOf := d.AsOf(ctx)
	page, err := store.RecordsOf(ctx, d.cfg.Store, search, q)
	if err != nil {
		return nil, cause("search records", err)
	}
	return &Records{Records: asWritten(page.Entries), Next: page.Next.String(), Partial: page.Partial, AsOf: told(asOf)}, nil
}

// asWritten are records to be answered byte for byte.
func asWritten(entries []store.Entry) []record.Record {
	records := make([]record.Record, len(entries))
	for i, e := range entries {
		records[i].Raw = e.Raw
	}
	return records
}

// Around is what was written before and after a record.
type Around struct {
	Before []record.Record `json:"before"` // nearest first
	Record record.Record   `json:"record"`
	After  []record.Record `json:"after"` // nearest first
	AsOf   *time.Time      `json:"as_of"`
}

// within are the ways in which records are neighbours, and the field that they share.
var within = map[string]string{"instance": "service.node.name", "service": "service.name", "journey": "correlation.key"}

// Around finds the record of an event.id, and up to n on either side of those that share its
// instance, service or journey. At is its time, which one needs that its service did not number.
func (d *Desk) Around(ctx context.Context, id string, at time.Time, what string, n int) (*Around, error) {
	field, ok := within[what]
	if !ok {
		return nil, invalid("within", "within is instance, service or journey")
	}
	asOf := d.AsOf(ctx)
	e, err := d.entry(ctx, id, at)
	if err != nil {
		return nil, err
	}
	r, err := record.Decode(e.Raw)
	if err != nil {
		return nil, cause("decode record", err)
	}
	shared := map[string]string{"instance": r.Node, "service": r.Service, "journey": r.CorrelationKey}[what]
	if shared == "" {
		return nil, invalid("within", "the record has no %s", field)
	}
	earlier, later, err := store.Around(ctx, d.cfg.Store, e, both(filter.Term{Field: field, Value: shared}, d.only(ctx)), n)
	if err != nil {
		return nil, cause("search around a record", err)
	}
	return &Around{Before: asWritten(earlier), Record: record.Record{Raw: e.Raw}, After: asWritten(later), AsOf: told(asOf)}, nil
}

// entry finds the record of an event.id.
func (d *Desk) entry(ctx context.Context, id string, at time.Time) (store.Entry, error) {
	q := store.Query{Filter: d.only(ctx), Limit: 1000, OldestFirst: true, Budget: budget}
	node, number, _ := cutLast(id, '-')
	sequence, err := strconv.ParseInt(number, 10, 64)
	numbered := err == nil && sequence > 0 && node != ""
	switch {
	case !at.IsZero():
		q.From, q.Until = at, at.Add(1)
	case numbered:
		q.Filter = both(filter.And{filter.Term{Field: "service.node.name", Value: node}, filter.Term{Field: "event.sequence", Value: number}}, q.Filter)
	default:
		return store.Entry{}, invalid("at", "a record without event.sequence is found by its time too; give its @timestamp as at")
	}
	for {
		page, err := d.cfg.Store.Search(ctx, q)
		if err != nil {
			return store.Entry{}, cause("find record", err)
		}
		for _, e := range page.Entries {
			if e.ID == id {
				return e, nil
			}
		}
		if page.Next.IsZero() || len(page.Entries) == 0 {
			return store.Entry{}, unknown("no record %s has arrived", id)
		}
		q.After = page.Next
	}
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

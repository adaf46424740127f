package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// memory is a store of which the suite knows that it is right.
type memory struct {
	store.Store
	held oracle
}

func (m *memory) Put(_ context.Context, batch []store.Entry) (store.Result, error) {
	m.held = append(m.held, batch...)
	slices.SortFunc(m.held, store.Compare)
	return store.Result{Stored: len(batch)}, nil
}

func (m *memory) Count(context.Context) (int64, error) { return int64(len(m.held)), nil }
func (m *memory) Lag() time.Duration                   { return 0 }

func (m *memory) Search(_ context.Context, q store.Query) (store.Page, error) {
	if err := q.CheckSearch(); err != nil {
		return store.Page{}, err
	}
	entries, more := m.held.page(q)
	p := store.Page{Entries: entries}
	if more {
		p.Next = store.CursorAt(entries[len(entries)-1])
	}
	return p, nil
}

func (m *memory) Histogram(_ context.Context, q store.Query, step time.Duration) (store.Histogram, error) {
	if err := q.CheckHistogram(step); err != nil {
		return store.Histogram{}, err
	}
	return store.Histogram{Buckets: m.held.histogram(q, step)}, nil
}

func (m *memory) Facets(_ context.Context, q store.Query, field string, n int) (store.Facets, error) {
	if err := q.CheckFacets(field, n); err != nil {
		return store.Facets{}, err
	}
	return m.held.facets(q, field, n), nil
}

func (m *memory) Newest(_ context.Context, n int) ([]store.Journey, error) {
	if err := store.CheckCount(n); err != nil {
		return nil, err
	}
	var journeys []store.Journey
	for _, e := range slices.Backward(m.held) {
		if e.Key != "" && !slices.ContainsFunc(journeys, func(j store.Journey) bool { return j.Key == e.Key }) {
			journeys = append(journeys, store.Journey{Key: e.Key, Last: e.Time})
		}
	}
	slices.SortFunc(journeys, store.CompareJourneys)
	return journeys[:min(n, len(journeys))], nil
}

// What the suite says of searching is true of its own oracle.
func TestTheOraclePasses(t *testing.T) {
	runSearch(t, func(*testing.T) store.Store { return &memory{} })
}

func TestRandomRecordsAreRecords(t *testing.T) {
	for _, r := range randomRecords(100) {
		if _, err := record.Scan(record.Append(nil, &r)); err != nil {
			t.Error(err)
		}
	}
}

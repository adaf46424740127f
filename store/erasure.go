package store

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waybill-log/waybill/store/filter"
)

// Erasure is a correlation key whose records are not shown any more. They themselves go
// with their day.
type Erasure struct {
	Key string    `json:"key"`
	At  time.Time `json:"at"`
}

// MaxErasures is how many keys can be erased at a time.
const MaxErasures = filter.MaxIn

// Eraser keeps erasures. Errors wrap ErrUnavailable, ErrQuery for one too many, or are the context's.
type Eraser interface {
	// Erase adds some, durably. A key that is erased already keeps its time.
	Erase(ctx context.Context, erasures []Erasure) error

	// Erasures returns all, by key. What Erase has added is in it.
	Erasures(ctx context.Context) ([]Erasure, error)

	// Restore drops erasures: of keys whose records have gone.
	Restore(ctx context.Context, keys []string) error
}

// Visible is a store as readers see it: without what was erased.
type Visible struct {
	Store
	eraser Eraser

	mu     sync.Mutex
	keys   []string // sorted
	asked  time.Time
	latest atomic.Pointer[[]string] // keys, for who does not wait
}

// NewVisible hides what eraser knows of. Whoever erases elsewhere is noticed within a second.
func NewVisible(s Store, eraser Eraser) *Visible { return &Visible{Store: s, eraser: eraser} }

const erasuresServe = time.Second

// erased returns the keys, sorted.
func (v *Visible) erased(ctx context.Context) ([]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.asked.IsZero() && time.Since(v.asked) < erasuresServe {
		return v.keys, nil
	}
	now := time.Now()
	all, err := v.eraser.Erasures(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(all))
	for i, e := range all {
		keys[i] = e.Key
	}
	slices.Sort(keys)
	v.keys, v.asked = keys, now
	v.latest.Store(&keys)
	return keys, nil
}

// Watch keeps Hides up to date until ctx ends.
func (v *Visible) Watch(ctx context.Context) {
	tick := time.NewTicker(erasuresServe)
	defer tick.Stop()
	for {
		_, _ = v.erased(ctx) // a store that is away is asked again
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Hides reports whether an entry was erased, as far as is known. It does not wait for the store.
func (v *Visible) Hides(e Entry) bool {
	keys := v.latest.Load()
	return keys != nil && isIn(*keys, e.Key)
}

// Erase hides keys from now on, for whoever asks this store.
func (v *Visible) Erase(ctx context.Context, keys []string) error {
	erasures := make([]Erasure, len(keys))
	for i, key := range keys {
		erasures[i] = Erasure{Key: key, At: time.Now().UTC()}
	}
	err := v.eraser.Erase(ctx, erasures)
	v.mu.Lock()
	v.asked = time.Time{}
	v.mu.Unlock()
	return err
}

func isIn(keys []string, key string) bool {
	_, ok := slices.BinarySearch(keys, key)
	return ok
}

// ByKey implements Reader.
func (v *Visible) ByKey(ctx context.Context, key string, limit int) ([]Entry, bool, error) {
	keys, err := v.erased(ctx)
	if err != nil || isIn(keys, key) {
		return nil, false, err
	}
	return v.Store.ByKey(ctx, key, limit)
}

// ByTrace implements Reader. Where records are hidden there may be fewer than limit
// though there are more.
func (v *Visible) ByTrace(ctx context.Context, traces []string, limit int) ([]Entry, bool, error) {
	keys, err := v.erased(ctx)
	if err != nil {
		return nil, false, err
	}
	entries, more, err := v.Store.ByTrace(ctx, traces, limit)
	if len(keys) > 0 {
		entries = slices.DeleteFunc(entries, func(e Entry) bool { return isIn(keys, e.Key) })
	}
	return entries, more, err
}

// without has a query leave out what was erased.
func (v *Visible) without(ctx context.Context, q Query) (Query, error) {
	keys, err := v.erased(ctx)
	if err != nil || len(keys) == 0 {
		return q, err
	}
	hidden := filter.Not{Node: filter.In{Field: "correlation.key", Values: keys}}
	if q.Filter == nil {
		q.Filter = hidden
	} else {
		q.Filter = filter.And{hidden, q.Filter}
	}
	return q, nil
}

// Search implements Searcher.
func (v *Visible) Search(ctx context.Context, q Query) (Page, error) {
	q, err := v.without(ctx, q)
	if err != nil {
		return Page{}, err
	}
	return v.Store.Search(ctx, q)
}

// Histogram implements Searcher.
func (v *Visible) Histogram(ctx context.Context, q Query, step time.Duration) (Histogram, error) {
	q, err := v.without(ctx, q)
	if err != nil {
		return Histogram{}, err
	}
	return v.Store.Histogram(ctx, q, step)
}

// Facets implements Searcher.
func (v *Visible) Facets(ctx context.Context, q Query, field string, n int) (Facets, error) {
	q, err := v.without(ctx, q)
	if err != nil {
		return Facets{}, err
	}
	return v.Store.Facets(ctx, q, field, n)
}

// Newest implements Searcher.
func (v *Visible) Newest(ctx context.Context, n int) ([]Journey, error) {
	keys, err := v.erased(ctx)
	if err != nil {
		return nil, err
	}
	if err := CheckCount(n); err != nil {
		return nil, err
	}
	found, err := v.Store.Newest(ctx, min(n+len(keys), MaxLimit))
	found = slices.DeleteFunc(found, func(j Journey) bool { return isIn(keys, j.Key) })
	return found[:min(n, len(found))], err
}

// SummariesOf implements Summaries.
func (v *Visible) SummariesOf(ctx context.Context, key string, traces []string) ([]Summary, error) {
	keys, err := v.erased(ctx)
	if err != nil {
		return nil, err
	}
	found, err := v.Store.SummariesOf(ctx, key, traces)
	return slices.DeleteFunc(found, func(s Summary) bool { return isIn(keys, s.Key) }), err
}

// FindSummaries implements Summaries. Where some are hidden a page may have fewer
// than it could.
func (v *Visible) FindSummaries(ctx context.Context, q SummaryQuery) ([]Summary, SummaryCursor, error) {
	keys, err := v.erased(ctx)
	if err != nil {
		return nil, SummaryCursor{}, err
	}
	found, next, err := v.Store.FindSummaries(ctx, q)
	return slices.DeleteFunc(found, func(s Summary) bool { return isIn(keys, s.Key) }), next, err
}

// Lookup implements Summaries. Where some are hidden there may be fewer than the limit
// though there are more.
func (v *Visible) Lookup(ctx context.Context, l Lookup) ([]Summary, bool, error) {
	keys, err := v.erased(ctx)
	if err != nil {
		return nil, false, err
	}
	found, more, err := v.Store.Lookup(ctx, l)
	return slices.DeleteFunc(found, func(s Summary) bool { return isIn(keys, s.Key) }), more, err
}

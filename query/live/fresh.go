package live

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Horizon knows how far records are stored; evidence.Horizon does.
type Horizon interface {
	// AsOf is the time through which all is stored; zero: it is not known.
	AsOf() (time.Time, error)
	// Visible is through which offset each partition was stored at least lag ago.
	Visible(lag time.Duration) (map[int32]int64, error)
}

// Fresh is a store whose journeys have what came last, though the store does not show it
// yet. What hides erased journeys goes around it: memory has them too. Safe for concurrent use.
type Fresh struct {
	store.Store
	f       *Follower
	horizon Horizon
	stored  atomic.Pointer[stored]
}

// stored is how far the store shows records, as Kafka said a moment ago: it has shown them since.
type stored struct {
	visible map[int32]int64
	asOf    time.Time
}

// Fresh puts what is in memory before a store.
func (f *Follower) Fresh(s store.Store, horizon Horizon) *Fresh {
	fresh := &Fresh{Store: s, f: f, horizon: horizon}
	fresh.stored.Store(&stored{})
	return fresh
}

// Run keeps asking how far records are stored, until ctx ends: a question need not wait for that.
func (fr *Fresh) Run(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		if err := fr.look(); err != nil {
			fr.f.log.DebugContext(ctx, "how far records are stored is not known now", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (fr *Fresh) look() error {
	lag := fr.Lag()
	visible, err := fr.horizon.Visible(lag)
	if err != nil {
		return err
	}
	asOf, err := fr.horizon.AsOf()
	if err != nil {
		return err
	}
	if !asOf.IsZero() {
		asOf = asOf.Add(-lag)
	}
	fr.stored.Store(&stored{visible, asOf})
	return nil
}

// ByKey implements store.Reader.
//
// Memory is read first: a record that leaves it meanwhile may have come to be shown by the
// store, and would be missing in both the other way round. It may also leave memory before
// that, with the store too late to show it; a [Claim] notices.
func (fr *Fresh) ByKey(ctx context.Context, key string, limit int) ([]store.Entry, bool, error) {
	recent := fr.f.Recent(key)
	entries, more, err := fr.Store.ByKey(ctx, key, limit)
	return earliest(entries, more, err, recent, limit)
}

// ByTrace implements store.Reader.
func (fr *Fresh) ByTrace(ctx context.Context, traces []string, limit int) ([]store.Entry, bool, error) {
	recent := fr.f.RecentTraces(traces)
	entries, more, err := fr.Store.ByTrace(ctx, traces, limit)
	return earliest(entries, more, err, recent, limit)
}

// Search implements store.Searcher. Where it asks for the records of some correlation keys, and
// for nothing else, memory's are among them; other searches are the store's alone.
func (fr *Fresh) Search(ctx context.Context, q store.Query) (store.Page, error) {
	var recent []store.Entry
	for _, key := range keysOf(q.Filter) {
		recent = append(recent, fr.f.Recent(key)...)
	}
	page, err := fr.Store.Search(ctx, q)
	if err != nil || len(recent) == 0 {
		return page, err
	}
	compare := store.Compare
	if !q.OldestFirst {
		compare = func(a, b store.Entry) int { return store.Compare(b, a) }
	}
	from, to := place(q.After), place(page.Next)
	within := filter.NewMatcher(q.Filter)
	recent = slices.DeleteFunc(recent, func(e store.Entry) bool {
		return !q.After.IsZero() && compare(e, from) <= 0 || !page.Next.IsZero() && compare(e, to) > 0 ||
			!q.From.IsZero() && e.Time.Before(q.From) || !q.Until.IsZero() && !e.Time.Before(q.Until) || !within.Match(e.Raw)
	})
	if page.Entries = merge(page.Entries, recent, compare); len(page.Entries) > q.Limit {
		page.Entries, page.Partial = page.Entries[:q.Limit], false
		page.Next = store.CursorAt(page.Entries[q.Limit-1])
	}
	return page, nil
}

// place is an entry where a cursor is.
func place(c store.Cursor) store.Entry { return store.Entry{Time: c.Time, ID: c.ID} }

// keysOf are the correlation keys of all that matches; nil where others may match too.
func keysOf(n filter.Node) []string {
	switch n := n.(type) {
	case filter.And:
		for _, part := range n {
			if keys := keysOf(part); keys != nil {
				return keys
			}
		}
	case filter.In:
		if n.Field == "correlation.key" {
			return n.Values
		}
	case filter.Term:
		if n.Field == "correlation.key" {
			return []string{n.Value}
		}
	}
	return nil
}

// Recent returns the records of a correlation key that are in memory, in the order of their coming.
func (f *Follower) Recent(key string) []store.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.memory.ofKey(key)
}

// RecentTraces returns the records of some traces that are in memory.
func (f *Follower) RecentTraces(traces []string) []store.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.memory.ofTraces(traces)
}

// earliest adds to the earliest records that a store has answered with.
func earliest(entries []store.Entry, more bool, err error, recent []store.Entry, limit int) ([]store.Entry, bool, error) {
	if err != nil || len(recent) == 0 {
		return entries, more, err
	}
	if entries = merge(entries, recent, store.Compare); len(entries) > limit {
		return entries[:limit], true, nil
	}
	return entries, more, nil
}

// merge adds to what a store has answered. Of a record that is there twice, the first is taken.
func merge(entries, recent []store.Entry, compare func(a, b store.Entry) int) []store.Entry {
	there := make(map[string]bool, len(entries))
	for _, e := range entries {
		there[e.ID] = true
	}
	for _, e := range recent {
		if !there[e.ID] {
			there[e.ID] = true
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, compare)
	return entries
}

// Claim is what one answer, out of several questions, may say of its time.
type Claim struct {
	f      *Follower
	stored *stored
	asOf   time.Time // if memory reaches down to what the store shows
	torn   int
}

// Begin is called before the first question. It does not wait.
//
// Let p be a partition, H what the store shows of it: all below; and let memory have all of it
// from F to C, where C is at least what Kafka had by time T. If F ≤ H for every p, then each
// record that Kafka had by the earliest T lies below H, and the store shows it from now on; or
// it lies from F to C, and is in memory now. It stays there until F, which only grows, has
// passed it. So if F ≤ H holds after the last question, with the H of the beginning, it held
// all the time, and each such record was in the store or in memory throughout, in whatever
// order the two were read.
func (fr *Fresh) Begin() *Claim {
	c := &Claim{f: fr.f, stored: fr.stored.Load()}
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.asOf, c.torn = c.f.through(), c.f.torn
	return c
}

// AsOf is called after the last question: all that was shipped before was in what was asked.
// It is the store's own horizon where memory does not reach down to what the store shows; zero: it is not known.
func (c *Claim) AsOf() time.Time {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	if c.asOf.Before(c.stored.asOf) || c.torn != c.f.torn || !c.joins() {
		return c.stored.asOf
	}
	return c.asOf
}

// joins reports whether memory reaches down to what the store shows. The caller holds the follower's lock.
func (c *Claim) joins() bool {
	for n, p := range c.f.partitions {
		if p.floor > c.stored.visible[int32(n)] {
			return false
		}
	}
	return true
}

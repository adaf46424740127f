package embedded

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Search implements store.Searcher. Blocks are read in the order of time until those
// that are left cannot hold a nearer record.
func (s *Store) Search(ctx context.Context, q store.Query) (page store.Page, err error) {
	if err := q.CheckSearch(); err != nil {
		return page, err
	}
	err = s.ask(ctx, func(v view) error {
		page, err = s.search(ctx, v, &q)
		return err
	})
	return page, err
}

// search is one page in the making.
type search struct {
	q       *store.Query
	sign    int // 1: oldest first, −1: newest first
	found   top[store.Entry]
	matcher *filter.Matcher
	budget  deadline
}

// order compares entries as the page has them.
func (p *search) order(a, b store.Entry) int { return p.sign * store.Compare(a, b) }

// allows reports whether a record is in the query's time and after its cursor.
func (p *search) allows(e store.Entry) bool {
	return (p.q.From.IsZero() || !e.Time.Before(p.q.From)) && (p.q.Until.IsZero() || e.Time.Before(p.q.Until)) &&
		(p.q.After.IsZero() || p.sign*p.q.After.Compare(e) < 0)
}

// bounds are the first and last nanosecond that can be part of the page.
func (p *search) bounds() (from, until int64) {
	from, until = bounds(p.q)
	if !p.q.After.IsZero() {
		if t := nanoseconds(p.q.After.Time); p.sign > 0 {
			from = max(from, t)
		} else {
			until = min(until, t)
		}
	}
	return from, until
}

// source is a segment, and what is still to be read of it, in the order of the page.
type source struct {
	evaluation
	first int64 // nothing of it comes before
	open  bool  // found and todo are known
	found candidates
	todo  []stretch
}

// stretch is a block, by the time before which it holds nothing.
type stretch struct {
	block int
	first int64
}

// sources is a heap: the one with the nearest records is in front.
type sources struct {
	sign int
	all  []*source
}

func (h *sources) Len() int           { return len(h.all) }
func (h *sources) Less(i, j int) bool { return h.sign*cmp.Compare(h.all[i].first, h.all[j].first) < 0 }
func (h *sources) Swap(i, j int)      { h.all[i], h.all[j] = h.all[j], h.all[i] }
func (h *sources) Push(x any)         { h.all = append(h.all, x.(*source)) }
func (h *sources) Pop() any {
	last := h.all[len(h.all)-1]
	h.all = h.all[:len(h.all)-1]
	return last
}

// search reads block after block, the nearest first, of all segments.
func (s *Store) search(ctx context.Context, v view, q *store.Query) (store.Page, error) {
	p := &search{q: q, sign: -1, matcher: filter.NewMatcher(q.Filter), budget: newDeadline(q.Budget)}
	if q.OldestFirst {
		p.sign = 1
	}
	p.found = top[store.Entry]{n: q.Limit + 1, compare: p.order}
	from, until := p.bounds()
	left := &sources{sign: p.sign}
	for _, seg := range v {
		place := seg.layout()
		if place.records > 0 && place.newest >= from && place.oldest <= until {
			heap.Push(left, &source{evaluation: evaluation{seg, place}, first: p.nearest(place.oldest, place.newest)})
		}
	}
	for left.Len() > 0 {
		next := left.all[0]
		switch {
		case !p.reaches(next.first):
			return p.page(), nil
		case ctx.Err() != nil:
			return store.Page{}, ctx.Err()
		case p.budget.passed() && p.advances(next.first):
			return p.partial(next.first), nil
		}
		if err := s.searchNext(p, next); err != nil {
			return store.Page{}, err
		}
		if len(next.todo) == 0 {
			heap.Pop(left)
			continue
		}
		next.first = next.todo[0].first
		heap.Fix(left, 0)
	}
	return p.page(), nil
}

// searchNext finds a source's candidates, then reads them, a block at a time.
func (s *Store) searchNext(p *search, next *source) (err error) {
	if next.open {
		block := next.todo[0].block
		next.todo = next.todo[1:]
		return s.searchBlock(p, next, block)
	}
	next.open = true
	if next.found, err = next.run(p.q.Filter); err != nil {
		return err
	}
	next.todo = p.blocks(&next.evaluation, next.found.records)
	return nil
}

// nearest is the end of a span of time that comes first in the page.
func (p *search) nearest(oldest, newest int64) int64 {
	if p.sign > 0 {
		return oldest
	}
	return newest
}

// before reports whether time a comes before time b in the page.
func (p *search) before(a, b int64) bool { return p.sign*cmp.Compare(a, b) < 0 }

// reaches reports whether a record of that time can still be part of the page.
func (p *search) reaches(first int64) bool {
	return !p.found.full() || !p.before(p.found.held[0].Time.UnixNano(), first)
}

// blocks returns those that hold candidates of the page's time, in its order.
func (p *search) blocks(v *evaluation, records *roaring.Bitmap) []stretch {
	var out []stretch
	from, until := p.bounds()
	start := v.segment.day().start()
	it := records.Iterator()
	for it.HasNext() {
		n := v.place.block(it.PeekNext())
		it.AdvanceIfNeeded(v.place.end(n))
		oldest := start + int64(v.place.min[n])*int64(time.Millisecond)
		newest := endOfMS(start + int64(v.place.max[n])*int64(time.Millisecond))
		if newest >= from && oldest <= until {
			out = append(out, stretch{block: n, first: p.nearest(oldest, newest)})
		}
	}
	slices.SortFunc(out, func(a, b stretch) int { return p.sign * cmp.Compare(a.first, b.first) })
	return out
}

func (s *Store) searchBlock(p *search, v *source, block int) error {
	records, err := s.load(v.segment, block)
	if err != nil {
		return err
	}
	first, end := v.place.first[block], v.place.end(block)
	it := v.found.records.Iterator()
	for it.AdvanceIfNeeded(first); it.HasNext() && it.PeekNext() < end; {
		raw := records[it.Next()-first]
		e, err := store.NewEntry(raw)
		if err != nil {
			return fault(v.segment, fmt.Errorf("%w: %w", errCorrupt, err))
		}
		if !p.allows(e) || !p.found.takes(e) || !v.found.sure && !p.matcher.Match(raw) {
			continue
		}
		if e, err = store.NewEntry(bytes.Clone(raw)); err != nil { // the block's memory is not kept
			return err
		}
		p.found.add(e)
	}
	return nil
}

func (p *search) page() store.Page {
	entries := p.found.sorted()
	if len(entries) <= p.q.Limit {
		return store.Page{Entries: entries}
	}
	entries = entries[:p.q.Limit]
	return store.Page{Entries: entries, Next: store.CursorAt(entries[len(entries)-1])}
}

// advances reports whether a partial page that ends at frontier comes further than
// its cursor.
func (p *search) advances(frontier int64) bool {
	return p.q.After.IsZero() || p.sign*p.q.After.Time.Compare(p.edge(frontier)) < 0
}

// edge is a cursor's time with everything that comes before frontier before it, and all else after.
func (p *search) edge(frontier int64) time.Time {
	edge := time.Unix(0, frontier).UTC()
	if p.sign < 0 {
		edge = edge.Add(1)
	}
	return edge
}

// partial is the page as far as everything is known.
func (p *search) partial(frontier int64) store.Page {
	cursor := store.Cursor{Time: p.edge(frontier)}
	entries := p.found.sorted()
	for i, e := range entries {
		if p.sign*cursor.Compare(e) < 0 {
			entries = entries[:i]
			break
		}
	}
	if len(entries) > p.q.Limit {
		entries = entries[:p.q.Limit]
		return store.Page{Entries: entries, Next: store.CursorAt(entries[len(entries)-1])}
	}
	return store.Page{Entries: entries, Next: cursor, Partial: true}
}

// bounds are the first and last nanosecond of a query's time.
func bounds(q *store.Query) (from, until int64) {
	from, until = 0, math.MaxInt64
	if !q.From.IsZero() {
		from = nanoseconds(q.From)
	}
	if !q.Until.IsZero() && !q.Until.After(lastTime) {
		until = nanoseconds(q.Until) - 1
	}
	if q.From.After(lastTime) {
		until = -1
	}
	return from, until
}

// endOfMS is the last nanosecond of the millisecond that begins there.
func endOfMS(begin int64) int64 {
	return begin + min(int64(time.Millisecond)-1, math.MaxInt64-begin)
}

// lastTime is the last one a record can have.
var lastTime = time.Unix(0, math.MaxInt64)

// nanoseconds since 1970, or the nearest that a record can have.
func nanoseconds(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, 0)):
		return 0
	case t.After(lastTime):
		return math.MaxInt64
	default:
		return t.UnixNano()
	}
}

// deadline is when a budget ends; zero: never.
type deadline struct{ at time.Time }

func newDeadline(budget time.Duration) deadline {
	if budget == 0 {
		return deadline{}
	}
	return deadline{time.Now().Add(budget)}
}

func (d deadline) passed() bool { return !d.at.IsZero() && time.Now().After(d.at) }

package embedded

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// matching returns the records of a segment that a query matches, all of them sure.
// Where the budget ends before that is known, partial is true.
func (s *Store) matching(ctx context.Context, seg segment, q *store.Query, budget deadline) (records *roaring.Bitmap, partial bool, err error) {
	v := evaluation{segment: seg, place: seg.layout()}
	c, err := v.run(q.Filter)
	if err != nil || c.records.IsEmpty() {
		return c.records, false, err
	}
	unsure := roaring.New()
	if !c.sure {
		unsure = c.records.Clone()
	}
	if err := s.within(&v, q, c.records, unsure); err != nil {
		return nil, false, err
	}
	if unsure.IsEmpty() {
		return c.records, false, nil
	}
	m := filter.NewMatcher(q.Filter)
	from, until := bounds(q)
	for it := unsure.Iterator(); it.HasNext(); {
		block := v.place.block(it.PeekNext())
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		if budget.passed() {
			c.records.RemoveRange(uint64(it.PeekNext()), 1<<32)
			return c.records, true, nil
		}
		raws, err := s.load(seg, block)
		if err != nil {
			return nil, false, err
		}
		for it.HasNext() && it.PeekNext() < v.place.end(block) {
			n := it.Next()
			e, err := store.NewEntry(raws[n-v.place.first[block]])
			if err != nil {
				return nil, false, err
			}
			if t := e.Time.UnixNano(); t < from || t > until || !m.Match(e.Raw) {
				c.records.Remove(n)
			}
		}
	}
	return c.records, false, nil
}

// within removes the records outside a query's time. Those of a millisecond that is
// only partly inside are not sure.
func (s *Store) within(v *evaluation, q *store.Query, records, unsure *roaring.Bitmap) error {
	from, until := bounds(q)
	if v.place.oldest >= from && v.place.newest <= until {
		return nil
	}
	times, err := s.times(v.segment)
	if err != nil {
		return err
	}
	start := v.segment.day().start()
	inside := roaring.New()
	var kept []uint32
	for it := records.Iterator(); it.HasNext(); {
		n := it.Next()
		oldest := start + int64(times[n])*int64(time.Millisecond)
		newest := endOfMS(oldest)
		if newest < from || oldest > until {
			continue
		}
		kept = append(kept, n)
		if oldest < from || newest > until {
			unsure.Add(n)
		}
	}
	inside.AddMany(kept)
	records.And(inside)
	unsure.And(records)
	return nil
}

// Histogram implements store.Searcher.
func (s *Store) Histogram(ctx context.Context, q store.Query, step time.Duration) (out store.Histogram, err error) {
	if err := q.CheckHistogram(step); err != nil {
		return out, err
	}
	budget := newDeadline(q.Budget)
	err = s.ask(ctx, func(v view) error {
		out = store.Histogram{}
		counts := map[int64]int64{}
		from, until := bounds(&q)
		for _, seg := range v {
			place := seg.layout()
			if place.records == 0 || place.newest < from || place.oldest > until {
				continue
			}
			if budget.passed() {
				out.Partial = true
				break
			}
			partial, err := s.histogram(ctx, seg, &q, step, budget, counts)
			if err != nil {
				return err
			}
			out.Partial = out.Partial || partial
		}
		for _, start := range slices.Sorted(maps.Keys(counts)) {
			out.Buckets = append(out.Buckets, store.Bucket{Start: time.Unix(0, start*int64(step)).UTC(), Count: counts[start]})
		}
		return nil
	})
	return out, err
}

func (s *Store) histogram(ctx context.Context, seg segment, q *store.Query, step time.Duration, budget deadline, counts map[int64]int64) (partial bool, err error) {
	c := counter{step: int64(step / time.Millisecond), start: seg.day().start() / int64(time.Millisecond), counts: counts}
	defer c.flush()
	if q.Filter == nil && isWhole(q.From) && isWhole(q.Until) { // there is nothing to read but times
		place := seg.layout()
		times, err := s.times(seg)
		if err != nil {
			return false, err
		}
		from, until := q.From.UnixMilli()-c.start, q.Until.UnixMilli()-c.start
		for n := range place.first {
			if int64(place.max[n]) < from || int64(place.min[n]) >= until {
				continue
			}
			for _, t := range times[place.first[n]:place.end(n)] {
				if from <= int64(t) && int64(t) < until {
					c.add(t)
				}
			}
		}
		return false, nil
	}
	records, partial, err := s.matching(ctx, seg, q, budget)
	if err != nil || records.IsEmpty() {
		return partial, err
	}
	times, err := s.times(seg)
	if err != nil {
		return false, err
	}
	for it := records.Iterator(); it.HasNext(); {
		c.add(times[it.Next()])
	}
	return partial, nil
}

// isWhole reports whether a time is a number of milliseconds.
func isWhole(t time.Time) bool { return t.Nanosecond()%int(time.Millisecond) == 0 }

// counter counts times of a day by steps.
type counter struct {
	step, start int64 // ms
	counts      map[int64]int64
	from, until int64 // of the step at hand, in ms since the day began
	n           int64
}

func (c *counter) add(ms uint32) {
	t := int64(ms)
	if t < c.from || t >= c.until {
		c.flush()
		c.from = (c.start+t)/c.step*c.step - c.start
		c.until = c.from + c.step
	}
	c.n++
}

func (c *counter) flush() {
	if c.n > 0 {
		c.counts[(c.start+c.from)/c.step] += c.n
		c.n = 0
	}
}

// Facets implements store.Searcher.
func (s *Store) Facets(ctx context.Context, q store.Query, field string, n int) (out store.Facets, err error) {
	if err := q.CheckFacets(field, n); err != nil {
		return out, err
	}
	budget := newDeadline(q.Budget)
	err = s.ask(ctx, func(v view) error {
		out = store.Facets{}
		counts := map[string]int64{}
		from, until := bounds(&q)
		for _, seg := range v {
			place := seg.layout()
			if place.records == 0 || place.newest < from || place.oldest > until {
				continue
			}
			if budget.passed() {
				out.Partial = true
				break
			}
			partial, err := s.facets(ctx, seg, &q, field, budget, counts)
			if err != nil {
				return err
			}
			out.Partial = out.Partial || partial
		}
		first := top[store.Facet]{n: n, compare: func(a, b store.Facet) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), compareValues(field, a.Value, b.Value))
		}}
		for value, count := range counts {
			out.Others += count
			first.add(store.Facet{Value: value, Count: count})
		}
		out.Values = first.sorted()
		for _, f := range out.Values {
			out.Others -= f.Count
		}
		return nil
	})
	return out, err
}

// compareValues orders the values of a field.
func compareValues(field, a, b string) int {
	if kind, _ := filter.KindOf(field); kind == filter.Number {
		x, _ := strconv.ParseInt(a, 10, 64)
		y, _ := strconv.ParseInt(b, 10, 64)
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}

func (s *Store) facets(ctx context.Context, seg segment, q *store.Query, field string, budget deadline, counts map[string]int64) (partial bool, err error) {
	start := string(statusTerm)
	if field != "http.response.status_code" {
		start, _ = termPrefix(field)
	}
	from, until := bounds(q)
	place := seg.layout()
	var records *roaring.Bitmap // nil: every one
	if _, isHot := seg.(*hot); isHot || q.Filter != nil || place.oldest < from || place.newest > until {
		if records, partial, err = s.matching(ctx, seg, q, budget); err != nil || records.IsEmpty() {
			return partial, err
		}
	}
	err = seg.each(start, func(term string, count uint64, all func() (postings, error)) error {
		if records != nil {
			has, err := all()
			if err != nil {
				return err
			}
			if count = has.bitmap().AndCardinality(records); count == 0 {
				return nil
			}
		}
		counts[term[len(start):]] += int64(count)
		return nil
	})
	if err != nil {
		return false, fault(seg, err)
	}
	return partial, nil
}

// Newest implements store.Searcher.
func (s *Store) Newest(ctx context.Context, n int) (out []store.Journey, err error) {
	if err := store.CheckCount(n); err != nil {
		return nil, err
	}
	err = s.ask(ctx, func(v view) error {
		segments := slices.Clone(v)
		slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(b.layout().newest, a.layout().newest) })
		last := map[string]int64{}
		oldest := int64(-1) // of the n newest so far
		for _, seg := range segments {
			if place := seg.layout(); place.records == 0 || place.newest < oldest {
				continue
			}
			seen := 0
			err := seg.newest(n, func(key string, t int64) bool {
				last[key] = max(last[key], t)
				seen++
				return seen < n && t >= oldest
			})
			if err != nil {
				return fault(seg, err)
			}
			if out = newestOf(last, n); len(out) == n {
				oldest = out[n-1].Last.UnixNano()
			}
		}
		return nil
	})
	return out, err
}

func newestOf(last map[string]int64, n int) []store.Journey {
	first := top[journey]{n: n, compare: later}
	for key, t := range last {
		first.add(journey{key, t})
	}
	var out []store.Journey
	for _, j := range first.sorted() {
		out = append(out, store.Journey{Key: j.key, Last: time.Unix(0, j.last).UTC()})
	}
	return out
}

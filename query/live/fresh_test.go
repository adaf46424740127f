package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// lagging is a store, and the horizon of it, that shows of each partition what a test lets it.
type lagging struct {
	store.Store
	world *world
	asked func() // before it reads
}

func (l *lagging) Lag() time.Duration { return time.Second }

func (l *lagging) ByKey(_ context.Context, key string, limit int) (out []store.Entry, more bool, err error) {
	if l.asked != nil {
		l.asked()
	}
	for p, entries := range l.world.topic {
		for _, e := range entries[:l.world.shown[p]] {
			if e.Key == key {
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, store.Compare)
	return out[:min(limit, len(out))], len(out) > limit, nil
}

func (l *lagging) Search(_ context.Context, q store.Query) (page store.Page, err error) {
	matcher := filter.NewMatcher(q.Filter)
	for p, entries := range l.world.topic {
		for _, e := range entries[:l.world.shown[p]] {
			place := q.After.Compare(e)
			if (q.After.IsZero() || q.OldestFirst && place < 0 || !q.OldestFirst && place > 0) && matcher.Match(e.Raw) &&
				!e.Time.Before(q.From) && (q.Until.IsZero() || e.Time.Before(q.Until)) {
				page.Entries = append(page.Entries, e)
			}
		}
	}
	slices.SortFunc(page.Entries, store.Compare)
	if !q.OldestFirst {
		slices.Reverse(page.Entries)
	}
	if len(page.Entries) > q.Limit {
		page.Entries = page.Entries[:q.Limit]
		page.Next = store.CursorAt(page.Entries[q.Limit-1])
	}
	return page, nil
}

func (l *lagging) ByTrace(_ context.Context, traces []string, limit int) (out []store.Entry, more bool, err error) {
	for p, entries := range l.world.topic {
		for _, e := range entries[:l.world.shown[p]] {
			if slices.Contains(traces, e.Trace) {
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, store.Compare)
	return out[:min(limit, len(out))], len(out) > limit, nil
}

func (l *lagging) Erasures(context.Context) ([]store.Erasure, error) { return l.world.erased, nil }
func (l *lagging) Erase(context.Context, []store.Erasure) error      { return nil }

// AsOf is a second later than what is shown, as if the horizon were of what is stored.
func (l *lagging) AsOf() (time.Time, error) {
	if at := l.world.shownThrough(); !at.IsZero() {
		return at.Add(time.Second), nil
	}
	return time.Time{}, nil
}

func (l *lagging) Visible(lag time.Duration) (map[int32]int64, error) {
	if lag != time.Second {
		return nil, errors.New("not the store's lag")
	}
	out := map[int32]int64{}
	for p, n := range l.world.shown {
		out[int32(p)] = int64(n)
	}
	return out, nil
}

// world is a topic, what has been read of it, and what a store shows of it.
type world struct {
	f     *Follower
	topic [][]store.Entry
	times [][]time.Time // when each came
	read  []int
	shown []int
	now   time.Time

	erased []store.Erasure
}

func newWorld(t testing.TB, bytes, partitions int) *world {
	return &world{
		f: following(t, Config{Bytes: bytes}, partitions), topic: make([][]store.Entry, partitions), times: make([][]time.Time, partitions),
		read: make([]int, partitions), shown: make([]int, partitions), now: time.Unix(1e9, 0),
	}
}

// shownThrough is the time through which the store shows all, as a perfect horizon would know.
func (w *world) shownThrough() time.Time {
	through := w.now
	for p, times := range w.times {
		if n := w.shown[p]; n < len(times) && !times[n].After(through) {
			through = times[n].Add(-1)
		}
	}
	return through
}

func (w *world) write(p int, key string) {
	w.now = w.now.Add(1)
	raw := written(fmt.Sprintf("node%d", p), len(w.topic[p]), key)
	e, err := store.NewEntry(raw)
	if err != nil {
		panic(err)
	}
	w.topic[p], w.times[p] = append(w.topic[p], e), append(w.times[p], w.now)
}

func (w *world) readOn(p, n int) {
	for ; n > 0 && w.read[p] < len(w.topic[p]); n-- {
		w.f.take(int32(p), message(int32(p), int64(w.read[p]), w.topic[p][w.read[p]].Raw))
		w.read[p]++
	}
}

func (w *world) ask() {
	w.now = w.now.Add(1)
	ends := make([]int64, len(w.topic))
	for p := range ends {
		ends[p] = int64(len(w.topic[p]))
	}
	w.f.reaches(w.now, ends)
}

var worldKeys = []string{"a", "b"}

// step is one thing that happens anywhere.
func (w *world) step(t *rapid.T, fresh *Fresh) {
	p := rapid.IntRange(0, len(w.topic)-1).Draw(t, "partition")
	switch rapid.IntRange(0, 7).Draw(t, "what") {
	case 0, 1:
		w.write(p, rapid.SampledFrom(worldKeys).Draw(t, "key"))
	case 2:
		w.readOn(p, rapid.IntRange(1, 5).Draw(t, "messages"))
	case 3:
		w.ask()
	case 4:
		w.shown[p] += rapid.IntRange(0, len(w.topic[p])-w.shown[p]).Draw(t, "shown")
	case 5:
		if err := fresh.look(); err != nil {
			t.Fatal(err)
		}
	default:
		for p := range w.topic {
			w.readOn(p, len(w.topic[p]))
		}
		w.ask()
	}
}

// Whatever happens between its questions, an answer never claims to have what it lacks.
func TestAClaimIsNeverMoreThanTheAnswer(t *testing.T) {
	later, claims := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(unfailing{}, rapid.IntRange(1, 30).Draw(t, "room")*900, rapid.IntRange(1, 3).Draw(t, "partitions"))
		l := &lagging{world: w}
		fresh := w.f.Fresh(l, l)
		happens := func() {
			for range rapid.IntRange(0, 10).Draw(t, "steps") {
				w.step(t, fresh)
			}
		}
		l.asked = happens
		for range rapid.IntRange(1, 10).Draw(t, "answers") {
			happens()
			claim := fresh.Begin()
			found := map[string]bool{}
			for _, key := range worldKeys {
				happens()
				entries, more, err := fresh.ByKey(t.Context(), key, 10_000)
				if err != nil || more || !slices.IsSortedFunc(entries, store.Compare) {
					t.Fatal(entries, more, err)
				}
				for _, e := range entries {
					if found[e.ID] || e.Key != key {
						t.Fatalf("%s of %s is there twice or is another's", e.ID, key)
					}
					found[e.ID] = true
				}
			}
			happens()
			asOf := claim.AsOf()
			claims++
			if asOf.After(claim.stored.asOf) {
				later++
			}
			for p, times := range w.times {
				for n, at := range times {
					if e := w.topic[p][n]; !at.After(asOf) && !found[e.ID] {
						t.Fatalf("as of %v; partition %d, offset %d, which came at %v, is not in the answer", asOf.UnixNano(), p, n, at.UnixNano())
					}
				}
			}
		}
	})
	t.Logf("%d of %d answers knew more than the store", later, claims)
	if later < claims/10 {
		t.Errorf("only %d of %d answers knew more than the store", later, claims)
	}
}

// unfailing is where a rapid test makes what cannot fail.
type unfailing struct{ testing.TB }

func (unfailing) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func TestMemoryAndStoreAreOneAnswer(t *testing.T) {
	w := newWorld(t, 1<<20, 2)
	l := &lagging{world: w}
	fresh := w.f.Fresh(l, l)
	for n := range 20 {
		w.write(n%2, worldKeys[n%2])
		w.write(n%2, "a")
	}
	w.readOn(0, 100)
	w.readOn(1, 100)
	w.shown = []int{12, 5} // memory has these too
	all, more, err := fresh.ByKey(t.Context(), "a", 100)
	if err != nil || more || len(all) != 30 || !slices.IsSortedFunc(all, store.Compare) {
		t.Errorf("%d records of a, more %v, %v; want 30", len(all), more, err)
	}
	for limit := 1; limit < 40; limit++ {
		some, more, err := fresh.ByKey(t.Context(), "a", limit)
		if want := all[:min(limit, 30)]; err != nil || more != (limit < 30) || !slices.Equal(ids(some), ids(want)) {
			t.Errorf("limit %d: %v, more %v, %v; want %v", limit, ids(some), more, err, ids(want))
		}
	}
	traced, more, err := fresh.ByTrace(t.Context(), []string{all[0].Trace, all[0].Trace, "", "none"}, 100)
	if err != nil || more || len(traced) != 40 {
		t.Errorf("%d records of the trace, more %v, %v; want 40", len(traced), more, err)
	}
	if none, more, err := fresh.ByKey(t.Context(), "", 100); len(none) > 0 || more || err != nil {
		t.Errorf("no key: %v, %v, %v", none, more, err)
	}
}

// Pages of a journey have what is in memory and what the store shows, each record once, while
// the store comes to show more.
func TestPagesOfAJourneyHaveWhatCameLast(t *testing.T) {
	within := map[string]filter.Node{
		"one key": filter.Term{Field: "correlation.key", Value: "a"}, "keys": filter.In{Field: "correlation.key", Values: []string{"a", "b"}},
		"a part": filter.And{filter.Term{Field: "service.node.name", Value: "node1"}, filter.In{Field: "correlation.key", Values: []string{"a"}}},
	}
	for what, asked := range within {
		for limit := 1; limit < 45; limit++ {
			for _, oldestFirst := range []bool{true, false} {
				w := newWorld(t, 1<<20, 2)
				l := &lagging{world: w}
				fresh := w.f.Fresh(l, l)
				for n := range 20 {
					w.write(n%2, worldKeys[n%2])
					w.write(n%2, "a")
				}
				w.readOn(0, 100)
				w.readOn(1, 100)
				var want []string
				matcher := filter.NewMatcher(asked)
				for _, e := range slices.SortedFunc(slices.Values(slices.Concat(w.topic...)), store.Compare) {
					if matcher.Match(e.Raw) {
						want = append(want, e.ID)
					}
				}
				if !oldestFirst {
					slices.Reverse(want)
				}
				var got []string
				q := store.Query{Filter: asked, Limit: limit, OldestFirst: oldestFirst}
				for {
					page, err := fresh.Search(t.Context(), q)
					if err != nil || len(page.Entries) > limit || len(page.Entries) < limit && !page.Next.IsZero() {
						t.Fatalf("%d entries of %d, next %v, %v", len(page.Entries), limit, page.Next, err)
					}
					got = append(got, ids(page.Entries)...)
					if page.Next.IsZero() {
						break
					}
					q.After = page.Next
					w.shown = []int{min(w.shown[0]+1, 20), min(w.shown[1]+3, 20)}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%s, %d at a time, oldest first %v: %v; want %v", what, limit, oldestFirst, got, want)
				}
			}
		}
	}
	w := newWorld(t, 1<<20, 1)
	l := &lagging{world: w}
	w.write(0, "a")
	w.readOn(0, 1)
	at := w.topic[0][0].Time
	for what, c := range map[string]struct {
		q store.Query
		n int
	}{
		"from then on":  {store.Query{From: at, Until: at.Add(1)}, 1},
		"later":         {store.Query{From: at.Add(1)}, 0},
		"until then":    {store.Query{Until: at}, 0},
		"other records": {store.Query{Filter: filter.Not{Node: within["one key"]}}, 0},
	} {
		if c.q.Limit = 5; c.q.Filter == nil {
			c.q.Filter = within["one key"]
		}
		if page, err := w.f.Fresh(l, l).Search(t.Context(), c.q); err != nil || len(page.Entries) != c.n {
			t.Errorf("%s: %v, %v", what, ids(page.Entries), err)
		}
	}
}

// Erased journeys are in memory too, so what hides them goes around it.
func TestErasedJourneysAreHiddenInMemoryToo(t *testing.T) {
	w := newWorld(t, 1<<20, 1)
	l := &lagging{world: w}
	visible := store.NewVisible(w.f.Fresh(l, l), l)
	w.write(0, "a")
	w.write(0, "b")
	w.readOn(0, 10)
	w.erased = []store.Erasure{{Key: "a", At: time.Now()}}
	if entries, more, err := visible.ByKey(t.Context(), "a", 10); len(entries) > 0 || more || err != nil {
		t.Errorf("a was erased: %v, %v, %v", ids(entries), more, err)
	}
	if entries, _, err := visible.ByKey(t.Context(), "b", 10); len(entries) != 1 || err != nil {
		t.Errorf("b: %v, %v", ids(entries), err)
	}
	entries, _, err := visible.ByTrace(t.Context(), []string{w.topic[0][0].Trace}, 10)
	if err != nil || len(entries) != 1 || entries[0].Key != "b" {
		t.Errorf("the trace that both are in: %v, %v", ids(entries), err)
	}
}

// What the collector makes a dead letter of, or lets expire, is not in memory either: it would vanish.
func TestWhatIsNotStoredIsNotShown(t *testing.T) {
	now := time.Now()
	dated := func(at time.Time) []byte {
		return record.Append(nil, &record.Record{Time: at.UTC(), Level: "info", Service: "bank", Node: "n", Sequence: 1, CorrelationID: "k"})
	}
	for what, c := range map[string]struct {
		value []byte
		taken time.Time
		is    bool
	}{
		"a record":                 {dated(now), now, true},
		"no JSON":                  {[]byte("hello"), now, false},
		"nothing":                  {nil, now, false},
		"no time":                  {[]byte(`{"event.id":"x"}`), now, false},
		"a wrong clock":            {dated(now.Add(25 * time.Hour)), now, false},
		"a clock that is ahead":    {dated(now.Add(23 * time.Hour)), now, true},
		"a broker without a clock": {dated(now.Add(25 * time.Hour)), time.Time{}, true},
		"the past":                 {dated(now.Add(-72 * time.Hour)), now, false},
		"the oldest day":           {dated(now.Add(-48 * time.Hour)), now, true},
	} {
		f := following(t, Config{Retention: 48 * time.Hour}, 1)
		m := message(0, 0, c.value)
		m[0].Timestamp = c.taken
		f.take(0, m)
		if got := len(f.Recent("k")) == 1; got != c.is {
			t.Errorf("%s: shown is %v", what, got)
		}
		if f.partitions[0].next != 1 {
			t.Errorf("%s: next is %d", what, f.partitions[0].next)
		}
	}
}

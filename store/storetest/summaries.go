package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/store"
)

// runSummaries checks how stores keep summaries.
func runSummaries(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"a summary comes back as it was put":              summaryUnchanged,
		"a summary is written over what its writer read":  staleSummaries,
		"of many writers one is not stale":                summaryWriters,
		"what was put is loaded at once":                  loadAtOnce,
		"a journey may have a summary of each day":        summaryDays,
		"summaries of a key and of traces":                summariesOf,
		"summaries to be checked":                         pendingSummaries,
		"many summaries to be checked":                    manyPending,
		"summaries are found by what they say":            findSummaries,
		"pages of summaries have neither doubles or gaps": summaryPages,
		"what no search for summaries answers is refused": summaryQueries,
		"IDs are looked up by their parts":                lookups,
		"what is no part of an ID is refused":             refusedLookups,
		"retention drops summaries":                       retainSummaries,
		"no summaries":                                    noSummaries,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var midnight = noon.Add(-12 * time.Hour)

// summary makes the n-th of many, begun n seconds after noon.
func summary(n int) store.Summary {
	return store.Summary{
		SummaryRef: store.SummaryRef{Day: midnight, ID: summaryID(n)},
		Key:        fmt.Sprint("key-", n), CorrelationID: fmt.Sprint("KEY-", n), Verdict: "running",
		Start: noon.Add(time.Duration(n) * time.Second), End: noon.Add(time.Hour), State: []byte{1, 2, 3},
	}
}

func summaryID(n int) (id store.SummaryID) {
	hash := sha256.Sum256(fmt.Append(nil, n))
	copy(id[:], hash[:])
	return id
}

// putSummaries puts summaries of which some are stale, and notes the revisions of the others.
func putSummaries(t *testing.T, s store.Store, batch []store.Summary, stale ...int) {
	t.Helper()
	revisions, err := s.PutSummaries(t.Context(), batch)
	if err != nil || len(revisions) != len(batch) {
		t.Fatalf("put %d summaries: %d revisions, %v", len(batch), len(revisions), err)
	}
	for i, r := range revisions {
		if r.IsZero() != slices.Contains(stale, i) {
			t.Errorf("summary %d: revision %+v, want stale: %v", i, r, stale)
		}
		if !r.IsZero() {
			if r == batch[i].Revision {
				t.Errorf("summary %d has the revision it had", i)
			}
			batch[i].Revision = r
		}
	}
}

func load(t *testing.T, s store.Store, refs ...store.SummaryRef) []store.Summary {
	t.Helper()
	found, err := s.LoadSummaries(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// loaded checks that summaries are as they were put, in any order.
func loaded(t *testing.T, s store.Store, want ...store.Summary) {
	t.Helper()
	var refs []store.SummaryRef
	for _, sum := range want {
		refs = append(refs, sum.SummaryRef)
	}
	sameSummaries(t, load(t, s, refs...), want)
}

func sameSummaries(t *testing.T, got, want []store.Summary) {
	t.Helper()
	got, want = plain(got), plain(want)
	if len(got) != len(want) {
		t.Errorf("got %d summaries, want %d", len(got), len(want))
		return
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			got[i].State, want[i].State = got[i].State[:min(10, len(got[i].State))], want[i].State[:min(10, len(want[i].State))]
			t.Errorf("summary %d is\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
}

// plain sorts summaries, and makes equal what means the same.
func plain(summaries []store.Summary) []store.Summary {
	out := slices.Clone(summaries)
	for i := range out {
		s := &out[i]
		s.Day, s.Start, s.End, s.Check = s.Day.UTC(), s.Start.UTC(), s.End.UTC(), s.Check.UTC()
		for _, list := range []*[]string{&s.Services, &s.Traces, &s.Aliases} {
			*list = slices.Concat([]string{}, *list)
		}
		s.State = slices.Concat([]byte{}, s.State)
	}
	slices.SortFunc(out, func(a, b store.Summary) int { return store.CompareSummaries(&a, &b) })
	return out
}

// eventually asks until the answer is as wanted, as long as the store may lag.
func eventually(t *testing.T, s store.Store, want string, ask func() string) {
	t.Helper()
	deadline := time.Now().Add(s.Lag() + 20*time.Second)
	for {
		got := ask()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("got %s, want %s", got, want)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// daysOf tells of which days the summaries are.
func daysOf(summaries []store.Summary) string {
	var days []string
	for _, sum := range summaries {
		days = append(days, fmt.Sprint(sum.Key, "/", sum.Day.Day()))
	}
	slices.Sort(days)
	return strings.Join(days, " ")
}

func summaryUnchanged(t *testing.T, s store.Store) {
	large := make([]byte, 400<<10)
	for i := range large {
		large[i] = byte(rand.N(256))
	}
	full := store.Summary{
		SummaryRef: store.SummaryRef{Day: midnight, ID: summaryID(1)},
		Partition:  5, Key: strings.Repeat(`~!"\`, 32), CorrelationID: strings.Repeat(`}A'/`, 32),
		Verdict: "failed", Completeness: "whole", Kind: "POST /orders/{id} 注文", Release: "v1.2.3+abc",
		Start: noon.Add(123456789), End: noon.Add(time.Hour + 1),
		Services: []string{"shop", "bank", "<&>\u2028"}, Traces: []string{strings.Repeat("ab", 16), strings.Repeat("cd", 16)}, Aliases: []string{"A-1001", ""},
		PartOf: "other", Failed: true, OpenHops: 3, Check: noon.Add(24*time.Hour + 987654321), Announced: "running", State: large,
	}
	bare := store.Summary{SummaryRef: store.SummaryRef{Day: midnight, ID: summaryID(2)}, Key: "k", CorrelationID: "K", Start: noon, End: noon}
	odd := summary(3)
	odd.State, odd.Services, odd.Traces = []byte("\xff\xfe\x00\"\\\n"), []string{}, []string{}
	odd.Day = midnight.In(time.FixedZone("east", 9*60*60))
	batch := []store.Summary{full, bare, odd}
	putSummaries(t, s, batch)
	loaded(t, s, batch...)
	eventually(t, s, daysOf(batch[:1]), func() string {
		found, err := s.SummariesOf(t.Context(), full.Key, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			sameSummaries(t, found, batch[:1])
		}
		return daysOf(found)
	})
	eventually(t, s, "k/23 key-3/23", func() string {
		page, _, err := s.FindSummaries(t.Context(), store.SummaryQuery{Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 2 {
			sameSummaries(t, page, batch[1:])
		}
		return daysOf(page)
	})
}

func staleSummaries(t *testing.T, s store.Store) {
	batch := []store.Summary{summary(1), summary(2), summary(3)}
	putSummaries(t, s, batch)
	first := slices.Clone(batch)

	again := []store.Summary{summary(1), summary(4)} // the first says that there is none
	putSummaries(t, s, again, 0)
	loaded(t, s, batch[0], again[1])

	for n := range 3 { // over what was put, and over what was loaded
		batch[1] = load(t, s, batch[1].SummaryRef)[0]
		batch[1].Verdict, batch[2].Verdict = fmt.Sprint("second ", n), fmt.Sprint("third ", n)
		putSummaries(t, s, batch[1:])
		loaded(t, s, batch...)
	}

	// The first ones' revisions are old but for one; one is of a summary that never was.
	never := summary(5)
	never.Revision = first[0].Revision
	elsewhere := summary(6)
	elsewhere.Day, elsewhere.Revision = midnight.AddDate(0, 0, -3), first[0].Revision
	late := append(slices.Clone(first), never, elsewhere)
	for i := range late {
		late[i].Verdict = "late"
	}
	putSummaries(t, s, late, 1, 2, 3, 4)
	batch[0] = late[0]
	loaded(t, s, batch...)
	if found := load(t, s, never.SummaryRef, elsewhere.SummaryRef); len(found) > 0 {
		t.Errorf("what was stale is there: %+v", found)
	}
}

func summaryWriters(t *testing.T, s store.Store) {
	current := store.Summary{}
	for round := range 10 {
		var wins atomic.Int64
		var mu sync.Mutex
		var won store.Summary
		var wg sync.WaitGroup
		for writer := range 4 {
			wg.Go(func() {
				sum := summary(1)
				sum.Revision, sum.Announced = current.Revision, fmt.Sprint(round, " ", writer)
				revisions, err := s.PutSummaries(t.Context(), []store.Summary{sum})
				if err != nil || len(revisions) != 1 {
					t.Errorf("%v, %v", revisions, err)
				} else if !revisions[0].IsZero() {
					sum.Revision = revisions[0]
					mu.Lock()
					won = sum
					mu.Unlock()
					wins.Add(1)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatalf("round %d: %d of 4 writers wrote over one revision", round, wins.Load())
		}
		current = won
		loaded(t, s, current)
	}
}

func loadAtOnce(t *testing.T, s store.Store) {
	sum := summary(1)
	for n := range 20 {
		sum.OpenHops = n
		batch := []store.Summary{sum}
		putSummaries(t, s, batch)
		loaded(t, s, batch...)
		sum = batch[0]
	}
	var all []store.Summary
	for n := range 1500 {
		all = append(all, summary(n+10))
	}
	putSummaries(t, s, all)
	loaded(t, s, all...)
}

func summaryDays(t *testing.T, s store.Store) {
	var batch []store.Summary
	for n := range 4 {
		sum := summary(1)
		sum.Day, sum.State = midnight.AddDate(0, 0, -n), []byte{byte(n)}
		batch = append(batch, sum)
	}
	putSummaries(t, s, batch)
	loaded(t, s, batch...)
	loaded(t, s, batch[2])
	batch[2].State = []byte("more")
	putSummaries(t, s, batch[2:3])
	loaded(t, s, batch...)
	eventually(t, s, daysOf(batch), func() string {
		found, err := s.SummariesOf(t.Context(), batch[0].Key, nil)
		if err != nil {
			t.Fatal(err)
		}
		return daysOf(found)
	})
}

func summariesOf(t *testing.T, s store.Store) {
	trace := func(n int) string { return fmt.Sprintf("%032x", n) }
	with := func(n, day int, key string, traces ...string) store.Summary {
		sum := summary(n)
		sum.Day, sum.Key, sum.Traces = midnight.AddDate(0, 0, -day), key, traces
		return sum
	}
	batch := []store.Summary{with(1, 0, "a", trace(1)), with(2, 0, "b", trace(1), trace(2)), with(1, 1, "a", trace(3)), with(3, 2, "c"), with(4, 0, "d", trace(9))}
	putSummaries(t, s, batch)
	batch[4].Traces = []string{trace(8)}
	putSummaries(t, s, batch[4:])
	f := func(want, key string, traces ...string) {
		t.Helper()
		eventually(t, s, want, func() string {
			found, err := s.SummariesOf(t.Context(), key, traces)
			if err != nil {
				t.Fatal(err)
			}
			return daysOf(found)
		})
	}
	f("a/22 a/23", "a")
	f("a/23 b/23", "", trace(1))
	f("a/22 a/23 b/23", "a", trace(1), trace(2), trace(2))
	f("a/22 b/23 c/21", "c", trace(3), trace(2))
	f("d/23", "", trace(8))
	f("", "", trace(9))
	f("", "")
	f("", "nobody", trace(10), "")
	many := []string{trace(3)}
	for n := range 3000 { // more than one query takes
		many = append(many, trace(n+100))
	}
	f("a/22 b/23 c/21", "c", append(many, trace(2))...)
}

// pendingOf are when summaries of a partition are to be checked, in ns.
func pendingOf(t *testing.T, s store.Store, partition int32) map[store.SummaryRef]int64 {
	t.Helper()
	found := map[store.SummaryRef]int64{}
	err := s.PendingSummaries(t.Context(), partition, func(ref store.SummaryRef, due time.Time) bool {
		ref.Day = ref.Day.UTC()
		if _, ok := found[ref]; ok {
			t.Errorf("%v is given twice", ref)
		}
		found[ref] = due.UnixNano()
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// pends checks which of some summaries are to be checked, of one partition.
func pends(t *testing.T, s store.Store, partition int32, batch []store.Summary) {
	t.Helper()
	want := map[store.SummaryRef]int64{}
	for _, sum := range batch {
		if sum.Partition == partition && !sum.Check.IsZero() {
			want[sum.SummaryRef] = sum.Check.UnixNano()
		}
	}
	eventually(t, s, fmt.Sprint(len(want), " as put"), func() string {
		got := pendingOf(t, s, partition)
		if reflect.DeepEqual(got, want) {
			return fmt.Sprint(len(got), " as put")
		}
		return fmt.Sprint(len(got))
	})
}

func pendingSummaries(t *testing.T, s store.Store) {
	var batch []store.Summary
	for n := range 12 {
		sum := summary(n)
		sum.Day, sum.Partition = midnight.AddDate(0, 0, -n%3), int32(n%2)
		if n%4 < 2 {
			sum.Check = noon.Add(time.Duration(n)*time.Hour + 123456789)
		}
		batch = append(batch, sum)
	}
	putSummaries(t, s, batch)
	for p := range int32(3) {
		pends(t, s, p, batch)
	}
	batch[0].Check, batch[1].Check, batch[2].Check = time.Time{}, noon, noon.Add(1) // cleared, moved, set
	batch[4].Partition = 1
	putSummaries(t, s, batch)
	for p := range int32(3) {
		pends(t, s, p, batch)
	}
}

func manyPending(t *testing.T, s store.Store) {
	var batch []store.Summary
	for n := range 3000 {
		sum := summary(n)
		sum.Day, sum.Partition, sum.Check = midnight.AddDate(0, 0, -n%2), 7, noon.Add(time.Duration(n))
		batch = append(batch, sum)
	}
	putSummaries(t, s, batch)
	pends(t, s, 7, batch)
	given := 0
	err := s.PendingSummaries(t.Context(), 7, func(ref store.SummaryRef, _ time.Time) bool {
		found := load(t, s, ref) // whoever checks them reads and writes meanwhile
		found[0].Check = time.Time{}
		putSummaries(t, s, found)
		given++
		return given < 100
	})
	if err != nil || given != 100 {
		t.Errorf("%d were given until the 100th, %v", given, err)
	}
	eventually(t, s, "2900", func() string { return fmt.Sprint(len(pendingOf(t, s, 7))) })
}

// randomSummaries have few values, so that each is of many.
func randomSummaries(n int) (batch []store.Summary) {
	pick := func(values ...string) string { return values[rand.N(len(values))] }
	for i := range n {
		sum := summary(i)
		sum.Day = midnight.AddDate(0, 0, -rand.N(3))
		sum.Start = noon.Add(time.Duration(rand.N(12)) * time.Nanosecond)
		sum.Verdict, sum.Kind, sum.Release = pick("running", "done", "failed"), pick("", "GET /", "POST /"), pick("", "v1", "v2")
		sum.End, sum.Completeness = sum.Start.Add(time.Duration(rand.N(12)-2)), pick("", "proved", "lossy")
		sum.Services, sum.Failed = slices.Compact([]string{pick("shop", "bank"), pick("bank", "game")}), rand.N(3) == 0
		if rand.N(4) == 0 {
			sum.PartOf = "other"
		}
		batch = append(batch, sum)
		if rand.N(5) == 0 { // another day of the same journey
			sum.Day = midnight.AddDate(0, 0, -4-rand.N(2))
			batch = append(batch, sum)
		}
	}
	return batch
}

// wanted is what a query asks for.
func wanted(batch []store.Summary, q store.SummaryQuery) (want []store.Summary) {
	for i := range batch {
		if q.Matches(&batch[i]) {
			want = append(want, batch[i])
		}
	}
	return want
}

// pagesOf reads page after page, and checks their order.
func pagesOf(t *testing.T, s store.Store, q store.SummaryQuery) (all []store.Summary) {
	t.Helper()
	for range 10_000 {
		page, next, err := s.FindSummaries(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > q.Limit || len(page) < q.Limit && !next.IsZero() {
			t.Errorf("a page of %d, limit %d, next %+v", len(page), q.Limit, next)
		}
		all = append(all, page...)
		if q.After = next; next.IsZero() {
			for i := 1; i < len(all); i++ {
				if store.CompareSummaries(&all[i-1], &all[i]) >= 0 {
					t.Errorf("%d: %+v before %+v", i, store.CursorAfter(&all[i-1]), store.CursorAfter(&all[i]))
				}
			}
			return all
		}
	}
	t.Fatalf("%+v does not end", q)
	return nil
}

// holdSummaries puts summaries and waits until they are found.
func holdSummaries(t *testing.T, s store.Store, batch []store.Summary) {
	t.Helper()
	putSummaries(t, s, batch)
	eventually(t, s, fmt.Sprint(len(wanted(batch, store.SummaryQuery{}))), func() string {
		return fmt.Sprint(len(pagesOf(t, s, store.SummaryQuery{Limit: store.MaxLimit})))
	})
}

func findSummaries(t *testing.T, s store.Store) {
	batch := randomSummaries(150)
	holdSummaries(t, s, batch)
	for _, q := range []store.SummaryQuery{
		{},
		{Verdicts: []string{"done"}},
		{Verdicts: []string{"done", "failed", "unknown"}},
		{Verdicts: []string{"unknown"}},
		{Kind: "GET /"},
		{Release: "v1"},
		{Visited: []string{"bank"}},
		{Visited: []string{"ban"}},
		{Visited: []string{"shop", "bank"}},
		{Visited: []string{"bank", "game", "bank"}},
		{Visited: []string{"bank", "game", "nobody"}},
		{Completeness: []string{"proved"}},
		{Completeness: []string{"lossy", "unproved"}},
		{Longer: 1},
		{Longer: 5},
		{Shorter: 5},
		{Longer: 5, Shorter: 5},
		{Longer: 1000 * time.Hour},
		{Shorter: math.MaxInt64},
		{Keys: []string{"key-1", "key-7", "nobody", "key-99"}},
		{Keys: []string{"key-1", "key-2", "key-3", "key-4", "key-5"}, Verdicts: []string{"done", "failed"}},
		{Keys: []string{"nobody"}},
		{Failed: true},
		{From: noon.Add(5)},
		{Until: noon.Add(5)},
		{From: noon.Add(5), Until: noon.Add(6)},
		{From: noon.AddDate(-100, 0, 0), Until: noon.AddDate(400, 0, 0)},
		{Until: time.Unix(0, 0)},
		{Verdicts: []string{"done", "running"}, Kind: "POST /", Visited: []string{"bank"}, Failed: true, From: noon.Add(1)},
		{Release: "v2", Visited: []string{"game"}, Until: noon.Add(9)},
	} {
		q.Limit = store.MaxLimit
		t.Run(fmt.Sprintf("%+v", q), func(t *testing.T) {
			sameSummaries(t, pagesOf(t, s, q), wanted(batch, q))
		})
	}
}

func summaryPages(t *testing.T, s store.Store) {
	batch := randomSummaries(60)
	holdSummaries(t, s, batch)
	for _, q := range []store.SummaryQuery{
		{Limit: 1},
		{Limit: 7},
		{Limit: 3, Verdicts: []string{"done"}},
		{Limit: 2, From: noon.Add(2), Until: noon.Add(9)},
		{Limit: len(wanted(batch, store.SummaryQuery{}))},
	} {
		sameSummaries(t, pagesOf(t, s, q), wanted(batch, q))
	}
	// A place that names no day is behind all days of its journey.
	all := pagesOf(t, s, store.SummaryQuery{Limit: 100})
	at := len(all) / 2
	page, _, err := s.FindSummaries(t.Context(), store.SummaryQuery{Limit: 100, After: store.SummaryCursor{Start: all[at].Start, ID: all[at].ID}})
	if err != nil {
		t.Fatal(err)
	}
	for at < len(all)-1 && all[at+1].ID == all[at].ID {
		at++
	}
	sameSummaries(t, page, all[at+1:])
}

func summaryQueries(t *testing.T, s store.Store) {
	for _, q := range []store.SummaryQuery{{}, {Limit: -1}, {Limit: store.MaxLimit + 1}, {Limit: 1, From: noon, Until: noon}, {Limit: 1, Longer: -1}, {Limit: 1, Shorter: -1}, {Limit: 1, Longer: 2, Shorter: 1},
		{Limit: 1, Visited: make([]string, 101)}, {Limit: 1, Verdicts: make([]string, 101)}, {Limit: 1, Keys: make([]string, 10_001)}} {
		if page, next, err := s.FindSummaries(t.Context(), q); !errors.Is(err, store.ErrQuery) || len(page) > 0 || !next.IsZero() {
			t.Errorf("%+v: %v, %v, %v", q, page, next, err)
		}
	}
}

func retainSummaries(t *testing.T, s store.Store) {
	retainer, ok := s.(store.Retainer)
	if !ok {
		t.Skip("the store drops nothing")
	}
	old, kept := summary(1), summary(2)
	old.Day, old.Check = midnight.AddDate(0, 0, -2), noon
	kept.Day = midnight.AddDate(0, 0, -1)
	kept.Start = old.Start.AddDate(0, 0, -9) // it is the day that counts
	batch := []store.Summary{old, kept}
	putSummaries(t, s, batch)
	for _, dry := range []bool{true, false} {
		days, err := retainer.Retain(t.Context(), kept.Day.Add(time.Hour), dry)
		if err != nil || len(days) != 1 || days[0].Records != 0 {
			t.Errorf("dry %v: %+v, %v", dry, days, err)
		}
		if dry {
			loaded(t, s, batch...)
		}
	}
	if found := load(t, s, old.SummaryRef); len(found) > 0 {
		t.Errorf("dropped, and there: %+v", found)
	}
	loaded(t, s, batch[1])
	putSummaries(t, s, batch, 0)
	if found := load(t, s, old.SummaryRef); len(found) > 0 {
		t.Errorf("what was stale is there: %+v", found)
	}
	if found := pendingOf(t, s, old.Partition); len(found) > 0 {
		t.Errorf("dropped, and to be checked: %+v", found)
	}
	batch[0].Revision = store.Revision{} // whoever folds it anew
	putSummaries(t, s, batch)
	loaded(t, s, batch...)
}

func noSummaries(t *testing.T, s store.Store) {
	putSummaries(t, s, nil)
	if found := load(t, s); len(found) > 0 {
		t.Errorf("loaded %v", found)
	}
	if found := load(t, s, summary(1).SummaryRef); len(found) > 0 {
		t.Errorf("loaded %v", found)
	}
	if found, err := s.SummariesOf(t.Context(), "a", []string{"b"}); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if found := pendingOf(t, s, 0); len(found) > 0 {
		t.Errorf("to be checked: %v", found)
	}
	if found, more, err := s.Lookup(t.Context(), store.Lookup{Prefix: "abcd", Limit: 1}); err != nil || len(found) > 0 || more {
		t.Errorf("looked up %v, %v, %v", found, more, err)
	}
	if found := pagesOf(t, s, store.SummaryQuery{Limit: 10}); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}

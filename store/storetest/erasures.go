package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

func runErasures(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"erasures are kept and dropped": erasures,
		"no read shows what was erased": visible,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func erasures(t *testing.T, s store.Store) {
	have := func(want ...store.Erasure) {
		t.Helper()
		got, err := s.Erasures(t.Context())
		if err != nil || !slices.EqualFunc(got, want, func(a, b store.Erasure) bool { return a.Key == b.Key && a.At.Equal(b.At) }) {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	have()
	must(s.Restore(t.Context(), []string{"nobody"}))
	a, b, c := store.Erasure{Key: "a\"1", At: noon}, store.Erasure{Key: "b", At: noon.Add(time.Nanosecond)}, store.Erasure{Key: "c", At: noon}
	must(s.Erase(t.Context(), []store.Erasure{b, a}))
	must(s.Erase(t.Context(), []store.Erasure{{Key: "b", At: noon.Add(time.Hour)}, c}))
	have(a, b, c)
	must(s.Restore(t.Context(), []string{"b", "b"}))
	have(a, c)
}

func visible(t *testing.T, s store.Store) {
	var records []record.Record
	for n := range 30 {
		records = append(records, record.Record{
			Time: noon.Add(time.Duration(n) * time.Second), Service: "bank", Node: "n1", Sequence: uint64(n + 1), Level: "info",
			CorrelationID: fmt.Sprint("j-", n%3), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		})
	}
	hold(t, s, records...)
	var kept []store.Summary
	for n := range 3 {
		key := fmt.Sprint("j-", n)
		kept = append(kept, store.Summary{
			SummaryRef: store.SummaryRef{Day: noon.Truncate(24 * time.Hour), ID: store.SummaryID{byte(n)}}, Key: key, CorrelationID: key, Start: noon, End: noon,
			Traces: []string{"4bf92f3577b34da6a3ce929d0e0e4736"}, Aliases: []string{"A-1"},
		})
	}
	if _, err := s.PutSummaries(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(s.Lag() + 20*time.Second); ; time.Sleep(20 * time.Millisecond) {
		found, _, err := s.FindSummaries(t.Context(), store.SummaryQuery{Limit: 10})
		if err == nil && len(found) == len(kept) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d summaries, %v; want %d", len(found), err, len(kept))
		}
	}
	v := store.NewVisible(s, s)
	shows := func(keys ...string) {
		t.Helper()
		each := len(keys) * 10
		q := store.Query{Limit: 100}
		page, err := v.Search(t.Context(), q)
		if err != nil || len(page.Entries) != each {
			t.Errorf("search: %d records, %v; want %d", len(page.Entries), err, each)
		}
		q.Filter = filter.Term{Field: "service.name", Value: "bank"}
		if page, err := v.Search(t.Context(), q); err != nil || len(page.Entries) != each {
			t.Errorf("search with a filter: %d records, %v; want %d", len(page.Entries), err, each)
		}
		entries, _, err := v.ByTrace(t.Context(), []string{"4bf92f3577b34da6a3ce929d0e0e4736"}, 100)
		if err != nil || len(entries) != each {
			t.Errorf("by trace: %d records, %v; want %d", len(entries), err, each)
		}
		for _, key := range []string{"j-0", "j-1", "j-2"} {
			want := 0
			if slices.Contains(keys, key) {
				want = 10
			}
			if entries, _, err := v.ByKey(t.Context(), key, 100); err != nil || len(entries) != want {
				t.Errorf("%s: %d records, %v; want %d", key, len(entries), err, want)
			}
		}
		h, err := v.Histogram(t.Context(), store.Query{From: noon, Until: noon.Add(time.Minute)}, time.Minute)
		if err != nil || len(h.Buckets) != 1 || h.Buckets[0].Count != int64(each) {
			t.Errorf("histogram: %v, %v; want %d", h, err, each)
		}
		f, err := v.Facets(t.Context(), store.Query{}, "service.name", 5)
		if err != nil || len(f.Values) != 1 || f.Values[0].Count != int64(each) {
			t.Errorf("facets: %v, %v; want %d", f, err, each)
		}
		named := func(what string, found []store.Summary, err error) {
			t.Helper()
			if err != nil || len(found) != len(keys) || slices.ContainsFunc(found, func(s store.Summary) bool { return !slices.Contains(keys, s.Key) }) {
				t.Errorf("%s: %d summaries, %v; want %v", what, len(found), err, keys)
			}
		}
		summaries, _, err := v.FindSummaries(t.Context(), store.SummaryQuery{Limit: 10})
		named("found", summaries, err)
		summaries, err = v.SummariesOf(t.Context(), "", []string{"4bf92f3577b34da6a3ce929d0e0e4736"})
		named("of a trace", summaries, err)
		summaries, _, err = v.Lookup(t.Context(), store.Lookup{Alias: "A-1", Limit: 10})
		named("looked up", summaries, err)
		newest, err := v.Newest(t.Context(), len(keys))
		if err != nil || len(newest) != len(keys) {
			t.Errorf("newest: %v, %v; want %v", newest, err, keys)
		}
		for _, j := range newest {
			if !slices.Contains(keys, j.Key) {
				t.Errorf("%s is among the newest", j.Key)
			}
		}
	}
	shows("j-0", "j-1", "j-2")
	if err := v.Erase(t.Context(), []string{"j-2"}); err != nil {
		t.Fatal(err)
	}
	shows("j-0", "j-1")
	if n, err := v.Count(t.Context()); n != 30 || err != nil {
		t.Errorf("%d records are held, %v; they go with their day", n, err)
	}
}

// Package storetest is the conformance suite of the store contract.
//
//	storetest.Run(t, func(t *testing.T) store.Store { … })
//
// Both adapters pass it; a new one has to.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Run checks the stores that open gives, an empty one for each test.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"put again doubles nothing":              putAgain,
		"a batch holding twins stores one":       twins,
		"by key in order of time, then ID":       byKey,
		"the limit keeps the earliest":           limit,
		"another content is a conflict":          conflict,
		"days apart are one journey":             days,
		"bytes come back unchanged":              bytesUnchanged,
		"large batches and journeys are whole":   large,
		"an unknown key has no records":          unknown,
		"concurrent puts of one batch store it":  concurrent,
		"golden records of all kinds are taken":  kinds,
		"an empty batch is settled":              empty,
		"an instance's records are counted":      held,
		"a put that was stopped can be repeated": stopped,
		"by trace across correlation keys":       byTrace,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	runSearch(t, open)
	runErasures(t, open)
	runSummaries(t, open)
	t.Run("journeys are found by their records, and records by their journeys", func(t *testing.T) { runJourneys(t, open) })
}

// Entry makes the n-th record of an instance, n milliseconds after noon.
func Entry(t testing.TB, id, node string, n uint64) store.Entry {
	t.Helper()
	return entry(t, record.Record{
		Time: noon.Add(time.Duration(n) * time.Millisecond), Level: "info", Message: fmt.Sprintf("number %d", n),
		Service: "bank", Node: node, Sequence: n, CorrelationID: id,
	})
}

func entry(t testing.TB, r record.Record) store.Entry {
	t.Helper()
	e, err := store.NewEntry(record.Append(nil, &r))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func entries(t testing.TB, id, node string, n uint64) []store.Entry {
	var out []store.Entry
	for i := range n {
		out = append(out, Entry(t, id, node, i+1))
	}
	return out
}

func put(t *testing.T, s store.Store, batch []store.Entry, stored, present, rejected int) store.Result {
	t.Helper()
	res, err := s.Put(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	if res.Stored != stored || res.Present != present || len(res.Rejected) != rejected {
		t.Errorf("put %d: stored %d, present %d, rejected %v; want %d, %d, %d",
			len(batch), res.Stored, res.Present, res.Rejected, stored, present, rejected)
	}
	return res
}

// get waits for the store's lag and returns the journey.
func get(t *testing.T, s store.Store, key string, limit, want int) []store.Entry {
	t.Helper()
	deadline := time.Now().Add(s.Lag() + 20*time.Second)
	for {
		got, _, err := s.ByKey(t.Context(), key, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) >= want || time.Now().After(deadline) {
			if len(got) != want {
				t.Errorf("%q has %d records, want %d", key, len(got), want)
			}
			return got
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func count(t *testing.T, s store.Store, want int64) {
	t.Helper()
	deadline := time.Now().Add(s.Lag() + 20*time.Second)
	for {
		got, err := s.Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got >= want || time.Now().After(deadline) {
			if got != want {
				t.Errorf("count %d, want %d", got, want)
			}
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func putAgain(t *testing.T, s store.Store) {
	batch := entries(t, "a", "n1", 10)
	put(t, s, batch, 10, 0, 0)
	put(t, s, batch, 0, 10, 0)
	put(t, s, append(entries(t, "a", "n2", 2), batch[3:5]...), 2, 2, 0)
	count(t, s, 12)
	get(t, s, "a", 100, 12)
}

func twins(t *testing.T, s store.Store) {
	e := Entry(t, "a", "n1", 1)
	put(t, s, []store.Entry{e, e, e}, 1, 2, 0)
	count(t, s, 1)
}

func byKey(t *testing.T, s store.Store) {
	batch := append(entries(t, "a", "n1", 20), entries(t, "a", "n2", 20)...)
	batch = append(batch, entries(t, "b", "n3", 5)...)
	rand.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	put(t, s, batch, 45, 0, 0)
	got := get(t, s, "a", 100, 40)
	for i := 1; i < len(got); i++ {
		if store.Compare(got[i-1], got[i]) >= 0 {
			t.Errorf("%d: %s at %v before %s at %v", i, got[i-1].ID, got[i-1].Time, got[i].ID, got[i].Time)
		}
	}
	for i, again := range get(t, s, "a", 100, 40) {
		if again.ID != got[i].ID {
			t.Fatalf("asked again, %d is %s and was %s", i, again.ID, got[i].ID)
		}
	}
}

func byTrace(t *testing.T, s store.Store) {
	at := func(n int, key, trace string) store.Entry {
		return entry(t, record.Record{Time: noon.Add(time.Duration(n) * time.Second), ID: fmt.Sprint("id", n), CorrelationID: key, TraceID: trace})
	}
	one, two := strings.Repeat("1", 32), strings.Repeat("2", 32)
	put(t, s, []store.Entry{at(5, one, one), at(1, "b", one), at(3, "a", one), at(2, "a", two), at(4, "", two), at(6, "a", "")}, 6, 0, 0)
	count(t, s, 6)
	f := func(limit int, more bool, want string, traces ...string) {
		t.Helper()
		got, over, err := s.ByTrace(t.Context(), traces, limit)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range got {
			ids = append(ids, e.ID)
			if again, err := store.NewEntry(e.Raw); err != nil || again.Trace != e.Trace || again.Key != e.Key || !again.Time.Equal(e.Time) {
				t.Errorf("%s came back as %+v: %v", e.Raw, e, err)
			}
		}
		if strings.Join(ids, " ") != want || over != more {
			t.Errorf("%d of %v: %v, more: %v; want %s, %v", limit, traces, ids, over, want, more)
		}
	}
	f(10, false, "id1 id3 id5", one)
	f(10, false, "id1 id2 id3 id4 id5", one, two, one)
	f(3, true, "id1 id2 id3", two, one)
	f(3, false, "id1 id3 id5", one)
	f(10, false, "")
	f(10, false, "", "")
	many := []string{"", one}
	for n := range 2000 { // more than one query takes
		many = append(many, fmt.Sprintf("%032x", n+1<<20))
	}
	f(10, false, "id1 id2 id3 id4 id5", append(many, two)...)
}

func limit(t *testing.T, s store.Store) {
	put(t, s, entries(t, "a", "n1", 10), 10, 0, 0)
	get(t, s, "a", 10, 10)
	got, more, err := s.ByKey(t.Context(), "a", 4)
	if err != nil || !more || len(got) != 4 || got[0].ID != "n1-1" || got[3].ID != "n1-4" {
		t.Errorf("got %d, more %v, %v", len(got), more, err)
	}
	if _, more, _ := s.ByKey(t.Context(), "a", 10); more {
		t.Error("more, although all are there")
	}
	backwards := entries(t, "b", "n2", 10) // the earliest come last
	slices.Reverse(backwards)
	put(t, s, backwards, 10, 0, 0)
	get(t, s, "b", 100, 10)
	got, more, err = s.ByKey(t.Context(), "b", 4)
	if err != nil || !more || len(got) != 4 || got[0].ID != "n2-1" || got[3].ID != "n2-4" {
		t.Errorf("put backwards, there are %d, more %v, %v", len(got), more, err)
	}
}

func conflict(t *testing.T, s store.Store) {
	put(t, s, entries(t, "a", "n1", 3), 3, 0, 0)
	other := entry(t, record.Record{Time: noon.Add(2 * time.Millisecond), Message: "another", Node: "n1", Sequence: 2, CorrelationID: "a"})
	res := put(t, s, []store.Entry{Entry(t, "a", "n1", 1), other, Entry(t, "a", "n1", 4)}, 1, 1, 1)
	if len(res.Rejected) == 1 && (res.Rejected[0].Index != 1 || res.Rejected[0].Reason != store.Conflict) {
		t.Errorf("rejected %+v", res.Rejected[0])
	}
	for _, e := range get(t, s, "a", 10, 4) {
		if bytes.Contains(e.Raw, []byte("another")) {
			t.Errorf("the first content is gone: %s", e.Raw)
		}
	}
}

func days(t *testing.T, s store.Store) {
	var batch []store.Entry
	for i := range 4 {
		batch = append(batch, entry(t, record.Record{Time: noon.AddDate(0, 0, -i), Node: "n1", Sequence: uint64(i + 1), CorrelationID: "a"}))
	}
	put(t, s, batch, 4, 0, 0)
	put(t, s, batch, 0, 4, 0)
	if got := get(t, s, "a", 10, 4); len(got) == 4 && got[0].ID != "n1-4" {
		t.Errorf("first is %s", got[0].ID)
	}
}

func bytesUnchanged(t *testing.T, s store.Store) {
	raw := []byte(`{ "@timestamp":"2026-11-23T12:00:00.123456789Z", "event.id":"x/ \u00e9\"-1", "correlation.id":"A","correlation.key":"a","future":[1e3, {"b":2,"a":1}],"message":"連接 \ud83d\ude00" ,"labels":{"big":"18446744073709551615"}}`)
	e, err := store.NewEntry(raw)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, []store.Entry{e}, 1, 0, 0)
	put(t, s, []store.Entry{e}, 0, 1, 0)
	got := get(t, s, "a", 10, 1)
	if len(got) == 1 && (!bytes.Equal(got[0].Raw, raw) || got[0].ID != e.ID || !got[0].Time.Equal(e.Time)) {
		t.Errorf("got  %s\nwant %s", got[0].Raw, raw)
	}
}

func large(t *testing.T, s store.Store) {
	const n = 6000 // more than one page
	batch := entries(t, "a", "n1", n)
	put(t, s, batch[:n/2], n/2, 0, 0)
	put(t, s, batch[n/3:], n/2, n/2-n/3, 0)
	get(t, s, "a", 10_000, n)
	count(t, s, n)
}

func unknown(t *testing.T, s store.Store) {
	got, more, err := s.ByKey(t.Context(), "nobody", 10)
	if err != nil || more || len(got) != 0 {
		t.Errorf("got %v, %v, %v", got, more, err)
	}
	if n, err := s.Count(t.Context()); err != nil || n != 0 {
		t.Errorf("count %d, %v", n, err)
	}
}

func concurrent(t *testing.T, s store.Store) {
	batch := entries(t, "a", "n1", 200)
	var wg sync.WaitGroup
	var mu sync.Mutex
	stored := 0
	for range 4 {
		wg.Go(func() {
			res, err := s.Put(t.Context(), batch)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			stored += res.Stored
			mu.Unlock()
		})
	}
	wg.Wait()
	if stored != len(batch) {
		t.Errorf("stored %d in all", stored)
	}
	count(t, s, int64(len(batch)))
}

func kinds(t *testing.T, s store.Store) {
	batch := []store.Entry{
		entry(t, record.Record{Time: noon, Node: "n", Sequence: 1}), // outside any journey
		entry(t, record.Record{Time: noon, ID: "foreign-1", TraceID: strings.Repeat("a", 32), CorrelationID: strings.Repeat("a", 32)}),
		entry(t, record.Record{Time: noon, Node: "n", Sequence: 2, CorrelationID: "a", Kind: record.KindHopEnd, HopSequence: 2, HopRecords: 2,
			Links:  []record.Link{{TraceID: strings.Repeat("b", 32), SpanID: strings.Repeat("c", 16), CorrelationID: "other"}},
			Labels: []record.Label{{Key: "a", Value: "1"}, {Key: "a.b", Value: strings.Repeat("x", 40_000)}, {Key: "c\x00d", Value: ""}},
			Error:  record.Error{Type: "t", Message: "m", Stack: "s\n\ts"}, HTTP: record.HTTP{Method: "GET", Path: "/", Status: 500}}),
	}
	put(t, s, batch, 3, 0, 0)
	put(t, s, batch, 0, 3, 0)
	count(t, s, 3)
	get(t, s, strings.Repeat("a", 32), 10, 1)
}

func empty(t *testing.T, s store.Store) { put(t, s, nil, 0, 0, 0) }

func held(t *testing.T, s store.Store) {
	batch := slices.Concat(entries(t, "a", "n1", 20)[2:], entries(t, "a", "n10", 5), entries(t, "", "n1-", 3)) // names that only begin alike
	put(t, s, batch, 26, 0, 0)
	count(t, s, 26)
	f := func(node string, last uint64, n int64, lowest uint64) {
		t.Helper()
		if got, low, err := s.Held(t.Context(), node, last); got != n || low != lowest || err != nil {
			t.Errorf("%s up to %d: %d from %d on, %v; want %d from %d on", node, last, got, low, err, n, lowest)
		}
	}
	f("n1", 1<<63+1, 18, 3)
	f("n1", 10, 8, 3)
	f("n1", 2, 0, 0)
	f("n10", 3, 3, 1)
	f("n1-", 9, 3, 1)
	f("nobody", 9, 0, 0)
}

func stopped(t *testing.T, s store.Store) {
	batch := entries(t, "a", "n1", 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err := s.Put(ctx, batch)
	if err == nil || res.Stored+res.Present+len(res.Unsettled) != 10 {
		t.Errorf("%+v, %v", res, err)
	}
	var again []store.Entry
	for _, i := range res.Unsettled {
		again = append(again, batch[i])
	}
	if _, err := s.Put(t.Context(), again); err != nil {
		t.Error(err)
	}
	count(t, s, 10)
}

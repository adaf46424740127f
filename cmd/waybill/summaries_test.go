package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/elastic"
	"github.com/waybill-log/waybill/store/filter"
)

// openJourneys is how many journeys are open while their partitions' owners are killed.
func openJourneys() int {
	if os.Getenv("TORTURE") != "" {
		return 500_000
	}
	return 2000
}

// Of two collectors one is killed with SIGKILL, again and again, while journeys are
// folded. Afterwards each summary says what its journey says that is built from the records.
func TestKilledOwnersLeaveSummariesWhole(t *testing.T) {
	p := startProduction(t)
	first := p.collector
	p.collect(t)
	owners := []*process{first, p.collector}

	run := testservers.Name(t)
	in, err := instrument.Start(t.Context(), instrument.Config{Service: "writer", Brokers: p.brokers, Console: slog.DiscardHandler, Scoped: true, Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	serve := in.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.Logger().InfoContext(r.Context(), "step")
		switch r.URL.Path {
		case "/expects":
			instrument.Expect(r.Context(), "nobody", time.Hour)
		case "/fails":
			w.WriteHeader(http.StatusInternalServerError)
		case "/done":
			instrument.Delivered(r.Context())
		}
	}))
	id := func(n int) string { return fmt.Sprintf("%s-%d", run, n) }
	total, killings := openJourneys(), kills()
	began := time.Now()
	for n := range total {
		req := httptest.NewRequest(http.MethodGet, []string{"/expects", "/expects", "/expects", "/fails", "/done", "/"}[rand.IntN(6)], nil)
		req.Header.Set(instrument.HeaderCorrelationID, id(n))
		serve.ServeHTTP(httptest.NewRecorder(), req)
		for in.Health().Bytes > 8<<20 { // no faster than Kafka takes it
			time.Sleep(10 * time.Millisecond)
		}
		if n%(total/killings) == total/killings-1 {
			victim := rand.IntN(2)
			owners[victim].kill(t)
			p.collect(t)
			owners[victim] = p.collector
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := in.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	s, err := elastic.Open(t.Context(), elastic.Config{URLs: testservers.Elasticsearch(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	counts := map[journey.Verdict]int{}
	const atOnce = 2000
	for from := 0; from < total && !t.Failed(); from += atOnce {
		var ids []string
		for n := from; n < min(from+atOnce, total); n++ {
			ids = append(ids, id(n))
		}
		sameVerdicts(t, s, ids, counts)
	}
	t.Logf("%d journeys, %d kills in %v: %v", total, killings, time.Since(began).Round(time.Second), counts)
	if len(counts) < 3 {
		t.Error("the journeys are too much alike to tell anything")
	}
}

// sameVerdicts waits until the summaries of journeys say what their records do, and counts.
func sameVerdicts(t *testing.T, s *elastic.Store, ids []string, counts map[journey.Verdict]int) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
		wrong := map[string]string{}
		records, folds, err := storedOf(t.Context(), s, ids)
		if err != nil {
			t.Fatal(err)
		}
		ev := journey.Evidence{AsOf: time.Now().Add(2 * time.Hour)}
		for _, id := range ids {
			built, folded := journey.Build(records[id], ev), journey.Summary{}
			if f := folds[id]; f != nil {
				folded = f.Summary(ev)
			}
			switch {
			case built.Verdict != folded.Verdict || len(built.Records) < 3:
				wrong[id] = fmt.Sprintf("%s: %d records make %q, its summary %q", id, len(built.Records), built.Verdict, folded.Verdict)
			default:
				counts[built.Verdict]++
			}
		}
		if len(wrong) == 0 {
			return
		}
		ids = slices.Sorted(maps.Keys(wrong))
		if time.Now().After(deadline) {
			t.Errorf("%d of them, such as %s", len(wrong), wrong[ids[0]])
			return
		}
	}
}

// storedOf reads what a store has of journeys: their records, and their summaries joined.
func storedOf(ctx context.Context, s *elastic.Store, ids []string) (map[string][]record.Record, map[string]*journey.Fold, error) {
	records, folds := map[string][]record.Record{}, map[string]*journey.Fold{}
	q := store.Query{Filter: filter.In{Field: "correlation.key", Values: ids}, Limit: store.MaxLimit}
	for more := true; more; more = !q.After.IsZero() {
		page, err := s.Search(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range page.Entries {
			r, err := record.Decode(e.Raw)
			if err != nil {
				return nil, nil, err
			}
			records[e.Key] = append(records[e.Key], r)
		}
		q.After = page.Next
	}
	w := store.SummaryQuery{Keys: ids, Limit: store.MaxLimit}
	for more := true; more; more = !w.After.IsZero() {
		found, next, err := s.FindSummaries(ctx, w)
		if err != nil {
			return nil, nil, err
		}
		for i := range found {
			f, err := journey.ParseFold(found[i].State)
			if err != nil {
				return nil, nil, err
			}
			if known := folds[found[i].Key]; known != nil {
				known.Join(f)
			} else {
				folds[found[i].Key] = f
			}
		}
		w.After = next
	}
	return records, folds, nil
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/elastic"
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
	var mu sync.Mutex
	counts := map[journey.Verdict]int{}
	var checkers sync.WaitGroup
	const atOnce = 8
	for from := range atOnce {
		checkers.Go(func() {
			for n := from; n < total && !t.Failed(); n += atOnce {
				verdict := sameVerdict(t, s, id(n))
				mu.Lock()
				counts[verdict]++
				mu.Unlock()
			}
		})
	}
	checkers.Wait()
	t.Logf("%d journeys, %d kills in %v: %v", total, killings, time.Since(began).Round(time.Second), counts)
	if len(counts) < 3 {
		t.Error("the journeys are too much alike to tell anything")
	}
}

// sameVerdict waits until a journey's summary says what its records do, and returns it.
func sameVerdict(t *testing.T, s *elastic.Store, id string) journey.Verdict {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		built, folded, err := verdictsOf(t.Context(), s, id)
		if err == nil && built.Verdict == folded.Verdict && len(built.Records) >= 3 {
			return built.Verdict
		}
		if err != nil || time.Now().After(deadline) {
			t.Errorf("%s: %d records make %q, its summary %q, %v", id, len(built.Records), built.Verdict, folded.Verdict, err)
			return ""
		}
	}
}

// verdictsOf judges a journey's records, and what its summaries hold.
func verdictsOf(ctx context.Context, s *elastic.Store, id string) (built *journey.Journey, folded journey.Summary, err error) {
	built = &journey.Journey{}
	entries, _, err := s.ByKey(ctx, record.Key(id), 10_000)
	if err != nil {
		return built, folded, err
	}
	records := make([]record.Record, len(entries))
	for i, e := range entries {
		if records[i], err = record.Decode(e.Raw); err != nil {
			return built, folded, err
		}
	}
	summaries, err := s.SummariesOf(ctx, record.Key(id), nil)
	if err != nil {
		return built, folded, err
	}
	var all journey.Fold
	for i := range summaries {
		f, err := journey.ParseFold(summaries[i].State)
		if err != nil {
			return built, folded, err
		}
		all.Join(f)
	}
	ev := journey.Evidence{AsOf: time.Now().Add(2 * time.Hour)}
	return journey.Build(records, ev), all.Summary(ev), nil
}

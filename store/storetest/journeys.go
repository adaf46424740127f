package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// runJourneys checks what is found by conditions on journeys and on records together.
func runJourneys(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	entries, summaries := holdJourneys(t, s)
	bank := filter.Term{Field: "service.name", Value: "bank"}
	for _, search := range []filter.Search{
		{},
		{Journey: filter.Journey{Verdicts: []string{"stalled"}}},
		{Records: bank},
		{Records: filter.Or{bank, filter.Term{Field: "service.name", Value: "game"}}, Journey: filter.Journey{Verdicts: []string{"stalled", "delivered"}}},
		{Records: filter.And{bank, filter.Term{Field: "log.level", Value: "error"}}, Journey: filter.Journey{Visited: []string{"bank"}}},
		{Records: bank, Journey: filter.Journey{Longer: 5, Shorter: 8}, From: noon.Add(3), Until: noon.Add(15)},
		{Records: filter.Term{Field: "service.name", Value: "nobody"}},
		{Journey: filter.Journey{Kind: "nothing"}},
	} {
		t.Run(fmt.Sprintf("journeys of %+v", search), func(t *testing.T) {
			want := journeysOracle(entries, summaries, search)
			for _, q := range []store.JourneyQuery{{Limit: 1}, {Limit: 4}, {Limit: 500}, {Limit: 3, Reads: 7}, {Limit: 500, Reads: 1}} {
				q.Search = search
				if got := names(allJourneys(t, s, q)); got != want {
					t.Errorf("limit %d, reads %d: got %s, want %s", q.Limit, q.Reads, got, want)
				}
			}
		})
		t.Run(fmt.Sprintf("records of %+v", search), func(t *testing.T) {
			for _, q := range []store.Query{{Limit: 1}, {Limit: 7, OldestFirst: true}, {Limit: 500}} {
				if got, want := recordsOf(t, s, search, q), recordsOracle(entries, summaries, search, q.OldestFirst); got != want {
					t.Errorf("%+v: got %s, want %s", q, got, want)
				}
			}
		})
	}
	t.Run("records of more journeys than a search names", func(t *testing.T) { manyJourneys(t, s, entries, summaries) })
	t.Run("what is written later moves no page", func(t *testing.T) { laterRecords(t, s) })
}

func holdJourneys(t *testing.T, s store.Store) ([]store.Entry, []store.Summary) {
	pick := func(values ...string) string { return values[rand.N(len(values))] }
	var records []record.Record
	for n := range 200 {
		r := record.Record{
			Time: noon.Add(time.Duration(rand.N(20))), Node: "n1", Sequence: uint64(n + 1), Service: pick("bank", "game", "shop"), Level: pick("info", "error"),
			CorrelationID: fmt.Sprint("key-", rand.N(30)),
		}
		if n%10 == 0 {
			r.CorrelationID = ""
		}
		records = append(records, r)
	}
	entries := hold(t, s, records...)
	slices.SortFunc(entries, func(a, b store.Entry) int { return store.Compare(b, a) })
	var summaries []store.Summary
	for n := range 28 { // some journeys have no summary yet
		sum := summary(n)
		sum.Start = noon.Add(time.Duration(rand.N(9)))
		sum.End = sum.Start.Add(time.Duration(rand.N(12)))
		sum.Verdict, sum.Services = pick("stalled", "delivered", "exception"), []string{pick("bank", "shop")}
		if n%9 == 8 {
			sum.PartOf = "other"
		}
		summaries = append(summaries, sum)
	}
	holdSummaries(t, s, summaries)
	return entries, summaries
}

// matching are the journeys that a search asks for, whatever their records.
func matching(summaries []store.Summary, j filter.Journey) []store.Summary {
	return wanted(summaries, store.SummaryQuery{Verdicts: j.Verdicts, Visited: j.Visited, Kind: j.Kind, Longer: j.Longer, Shorter: j.Shorter})
}

func names(summaries []store.Summary) string {
	var keys []string
	for _, sum := range summaries {
		keys = append(keys, sum.Key)
	}
	return strings.Join(keys, " ")
}

// asked are the records that a search asks for, whatever their journeys.
func asked(entries []store.Entry, search filter.Search) (found []store.Entry) {
	m := filter.NewMatcher(search.Records)
	for _, e := range entries {
		if m.Match(e.Raw) && (search.From.IsZero() || !e.Time.Before(search.From)) && (search.Until.IsZero() || e.Time.Before(search.Until)) {
			found = append(found, e)
		}
	}
	return found
}

func journeysOracle(entries []store.Entry, summaries []store.Summary, search filter.Search) string {
	match := matching(summaries, search.Journey)
	slices.SortFunc(match, func(a, b store.Summary) int { return store.CompareSummaries(&a, &b) })
	if search.Records == nil {
		return names(match)
	}
	var found []store.Summary
	for _, e := range asked(entries, search) {
		of := slices.IndexFunc(match, func(sum store.Summary) bool { return sum.Key == e.Key })
		if of >= 0 {
			found = append(found, match[of])
			match = slices.Delete(match, of, of+1)
		}
	}
	return names(found)
}

func recordsOracle(entries []store.Entry, summaries []store.Summary, search filter.Search, oldestFirst bool) string {
	match := matching(summaries, search.Journey)
	found := slices.DeleteFunc(asked(entries, search), func(e store.Entry) bool {
		return !search.Journey.IsZero() && !slices.ContainsFunc(match, func(sum store.Summary) bool { return sum.Key == e.Key })
	})
	if oldestFirst {
		slices.Reverse(found)
	}
	return ids(found)
}

func allJourneys(t *testing.T, s store.Store, q store.JourneyQuery) (all []store.Summary) {
	t.Helper()
	for range 1000 {
		page, err := store.JourneysOf(t.Context(), s, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Journeys) > q.Limit || len(page.Journeys) < q.Limit && !page.Partial && !page.Next.IsZero() {
			t.Errorf("%d journeys, limit %d, partial: %v, next %+v", len(page.Journeys), q.Limit, page.Partial, page.Next)
		}
		all = append(all, page.Journeys...)
		if page.Next.IsZero() {
			return all
		}
		if q.After, err = store.ParseJourneyCursor(page.Next.String()); err != nil || q.After != page.Next {
			t.Fatalf("%+v is read as %+v, %v", page.Next, q.After, err)
		}
	}
	t.Fatalf("%+v does not end", q)
	return nil
}

func recordsOf(t *testing.T, s store.Store, search filter.Search, q store.Query) string {
	t.Helper()
	var all []store.Entry
	for range 1000 {
		page, err := store.RecordsOf(t.Context(), s, search, q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Entries...)
		if q.After = page.Next; page.Next.IsZero() {
			return ids(all)
		}
	}
	t.Fatalf("%+v does not end", q)
	return ""
}

func manyJourneys(t *testing.T, s store.Store, entries []store.Entry, summaries []store.Summary) {
	search := filter.Search{Journey: filter.Journey{Verdicts: []string{"stalled"}}}
	more := make([]store.Summary, 1001) // without a record
	for i := range more {
		more[i] = summary(1000 + i)
		more[i].Verdict = "stalled"
	}
	putSummaries(t, s, more)
	eventually(t, s, "there", func() string {
		page, _, err := s.FindSummaries(t.Context(), store.SummaryQuery{Verdicts: []string{"stalled"}, Limit: store.MaxLimit})
		if err != nil || len(page) < len(more) {
			return fmt.Sprint(len(page), err)
		}
		return "there"
	})
	for _, q := range []store.Query{{Limit: 3}, {Limit: 500, OldestFirst: true}} {
		if got, want := recordsOf(t, s, search, q), recordsOracle(entries, summaries, search, q.OldestFirst); got != want {
			t.Errorf("%+v: got %s, want %s", q, got, want)
		}
	}
}

func laterRecords(t *testing.T, s store.Store) {
	q := store.JourneyQuery{Search: filter.Search{Records: filter.Exists{Field: "service.name"}}, Limit: 5}
	want := names(allJourneys(t, s, q))
	page, err := store.JourneysOf(t.Context(), s, q)
	if err != nil {
		t.Fatal(err)
	}
	var later []record.Record
	for n := range 30 {
		later = append(later, record.Record{Time: noon.Add(time.Minute), Node: "n2", Sequence: uint64(n + 1), Service: "bank", CorrelationID: fmt.Sprint("key-", n)})
	}
	hold(t, s, later...)
	q.After = page.Next
	if got := names(append(page.Journeys, allJourneys(t, s, q)...)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

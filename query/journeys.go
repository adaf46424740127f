package query

import (
	"context"
	"slices"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Journeys is one page of a list, the newest first.
type Journeys struct {
	Journeys []Summary  `json:"journeys"`
	Next     string     `json:"next"`    // goes on behind this page; empty: nothing is left
	Partial  bool       `json:"partial"` // time ended before the page was full
	AsOf     *time.Time `json:"as_of"`
}

// Summary is what a list has of a journey.
type Summary struct {
	CorrelationID string    `json:"correlation_id"`
	Verdict       string    `json:"verdict"`
	Completeness  string    `json:"completeness"`
	Kind          string    `json:"kind"`
	Release       string    `json:"release"`
	Start         time.Time `json:"start"`
	End           time.Time `json:"end"`
	Stations      []string  `json:"stations"`
	Aliases       []string  `json:"aliases"`
	Errors        bool      `json:"errors"` // some record is of level error
	OpenHops      int       `json:"open_hops"`
}

func summaryOf(s *store.Summary) Summary {
	return Summary{
		CorrelationID: s.CorrelationID, Verdict: s.Verdict, Completeness: s.Completeness, Kind: s.Kind, Release: s.Release, Start: s.Start.UTC(), End: s.End.UTC(),
		Stations: append([]string{}, s.Services...), Aliases: append([]string{}, s.Aliases...), Errors: s.Failed, OpenHops: s.OpenHops,
	}
}

// Journeys lists those that a query asks for.
func (d *Desk) Journeys(ctx context.Context, text, cursor string, limit int) (*Journeys, error) {
	search, err := Parse(text)
	if err != nil {
		return nil, err
	}
	after, err := store.ParseJourneyCursor(cursor)
	if err != nil {
		return nil, noCursor()
	}
	search.Records = both(search.Records, d.only(ctx))
	asOf := d.AsOf(ctx)
	page, err := store.JourneysOf(ctx, d.cfg.Store, store.JourneyQuery{Search: search, Limit: limit, After: after})
	if err != nil {
		return nil, cause("list journeys", err)
	}
	out := &Journeys{Journeys: []Summary{}, Next: page.Next.String(), Partial: page.Partial, AsOf: told(asOf)}
	seen := map[store.SummaryID]bool{}
	for i := range page.Journeys {
		if s := &page.Journeys[i]; !seen[s.ID] { // one has a summary for each day on which somebody began to fold it unawares
			seen[s.ID] = true
			out.Journeys = append(out.Journeys, summaryOf(s))
		}
	}
	return out, nil
}

// each calls with the summaries that a search asks for, newest first, until it returns false or
// the budget ends, of which it tells.
func (d *Desk) each(ctx context.Context, search filter.Search, with func(*store.Summary) bool) (ended bool, err error) {
	q := store.SummaryQuery{
		Verdicts: search.Journey.Verdicts, Visited: search.Journey.Visited, Kind: search.Journey.Kind, Release: search.Journey.Release,
		Longer: search.Journey.Longer, Shorter: search.Journey.Shorter, From: search.From, Until: search.Until, Limit: 200,
	}
	began := time.Now()
	for {
		page, next, err := d.cfg.Store.FindSummaries(ctx, q)
		if err != nil {
			return false, err
		}
		if page, err = d.having(ctx, search.Records, page); err != nil {
			return false, err
		}
		for i := range page {
			if !with(&page[i]) {
				return false, nil
			}
		}
		if next.IsZero() {
			return false, nil
		}
		if q.After = next; time.Since(began) > budget {
			return true, nil
		}
	}
}

// having keeps the summaries of journeys that have a record that matches; nil matches all.
func (d *Desk) having(ctx context.Context, node filter.Node, page []store.Summary) ([]store.Summary, error) {
	if node == nil || len(page) == 0 {
		return page, nil
	}
	open := map[string]bool{} // keys of which no record is known to match
	for i := range page {
		open[page[i].Key] = true
	}
	matching := map[string]bool{}
	for len(open) > 0 { // a search finds one at least, or nothing
		keys := make([]string, 0, len(open))
		for key := range open {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		found, err := d.cfg.Store.Search(ctx, store.Query{Filter: filter.And{filter.In{Field: "correlation.key", Values: keys}, node}, Limit: 1000, Budget: budget})
		if err != nil {
			return nil, err
		}
		for _, e := range found.Entries {
			matching[e.Key] = true
			delete(open, e.Key)
		}
		if len(found.Entries) < 1000 {
			break
		}
	}
	return slices.DeleteFunc(page, func(s store.Summary) bool { return !matching[s.Key] }), nil
}

// maxJoined is among how many journeys records are looked for, where a query asks for both.
const maxJoined = 1000

// keys are the correlation keys of journeys that a search asks for, the newest first.
func (d *Desk) keys(ctx context.Context, search filter.Search) (keys []string, err error) {
	search.Records, search.From = nil, time.Time{} // what began before may have records since
	_, err = d.each(ctx, search, func(s *store.Summary) bool {
		if !slices.Contains(keys, s.Key) {
			keys = append(keys, s.Key)
		}
		return len(keys) < maxJoined
	})
	return keys, cause("find journeys", err)
}

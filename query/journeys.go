package query

import (
	"context"
	"errors"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Journeys is one page of a list, the newest first.
type Journeys struct {
	Journeys []Summary  `json:"journeys"`
	Next     string     `json:"next"`    // goes on behind this page; empty: nothing is left
	Partial  bool       `json:"partial"` // as much was read as may be before the page was full
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
	out := &Journeys{Journeys: []Summary{}, AsOf: told(d.AsOf(ctx))}
	page, err := d.summaries(ctx, search, after, limit)
	if err != nil {
		return nil, cause("list journeys", err)
	}
	seen := map[store.SummaryID]bool{}
	for i := range page.Journeys {
		s := &page.Journeys[i]
		if !seen[s.ID] { // one has a summary for each day on which somebody began to fold it unawares
			seen[s.ID] = true
			out.Journeys = append(out.Journeys, summaryOf(s))
		}
	}
	out.Next, out.Partial = page.Next.String(), page.Partial
	return out, nil
}

// summaries are a page of those that a search asks for and the asker may see.
func (d *Desk) summaries(ctx context.Context, search filter.Search, after store.JourneyCursor, limit int) (store.JourneyPage, error) {
	search.Records = both(search.Records, d.only(ctx))
	ctx, cancel := context.WithTimeoutCause(ctx, budget, errSlow)
	defer cancel()
	page, err := store.JourneysOf(ctx, d.cfg.Store, store.JourneyQuery{Search: search, Limit: limit, After: after})
	if err != nil && errors.Is(context.Cause(ctx), errSlow) {
		err = &Error{Kind: Invalid, Field: "q", Detail: "this takes longer than " + budget.String() + "; ask of less time, with since and until"}
	}
	return page, err
}

var errSlow = errors.New("the budget has ended")

// maxJoined is among how many journeys records are counted, where a query asks for both.
const maxJoined = 1000

// keys are the correlation keys of journeys that a search asks for, the newest first; more
// says that there are others.
func (d *Desk) keys(ctx context.Context, search filter.Search) (keys []string, more bool, err error) {
	search.Records, search.From = nil, time.Time{} // what began before may have records since
	page, err := d.summaries(ctx, search, store.JourneyCursor{}, maxJoined)
	keys = []string{} // none, rather than any
	for i := range page.Journeys {
		keys = append(keys, page.Journeys[i].Key)
	}
	return keys, !page.Next.IsZero(), cause("find journeys", err)
}

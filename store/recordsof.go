package store

import (
	"context"
	"slices"
	"time"

	"github.com/waybill-log/waybill/store/filter"
)

// maxJourneys is how many journeys a search for records names at most. Where more match,
// it reads records and asks what journeys they are of.
const maxJourneys = 1000

// RecordsOf returns a page of the records that match a query and a search, and are of
// journeys that match the search. The search's From and Until go before the query's.
func RecordsOf(ctx context.Context, s Finder, search filter.Search, q Query) (Page, error) {
	q = narrowed(search, q)
	if search.Journey.IsZero() {
		return s.Search(ctx, q)
	}
	if err := q.CheckSearch(); err != nil {
		return Page{}, err
	}
	wanted := summaryQuery(search.Journey)
	wanted.Until, wanted.Limit = q.Until, maxJourneys
	found, next, err := s.FindSummaries(ctx, wanted)
	switch {
	case err != nil:
		return Page{}, err
	case !next.IsZero():
		return sieve(ctx, s, summaryQuery(search.Journey), q)
	case len(found) == 0:
		return Page{}, nil
	}
	keys := make([]string, len(found))
	for i := range found {
		keys[i] = found[i].Key
	}
	slices.Sort(keys)
	q.Filter = both(filter.In{Field: "correlation.key", Values: slices.Compact(keys)}, q.Filter)
	return s.Search(ctx, q)
}

// narrowed is a query that asks for no more than a search does.
func narrowed(search filter.Search, q Query) Query {
	q.Filter = both(q.Filter, search.Records)
	if !search.From.IsZero() {
		q.From = search.From
	}
	if !search.Until.IsZero() {
		q.Until = search.Until
	}
	return q
}

func both(a, b filter.Node) filter.Node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return append(parts(a), parts(b)...)
}

// parts are what stands side by side in a tree, so that it grows no deeper.
func parts(n filter.Node) filter.And {
	if all, ok := n.(filter.And); ok {
		return slices.Clone(all)
	}
	return filter.And{n}
}

// sieve reads records and keeps those of journeys that match. The page is partial where as
// many were read as may be.
func sieve(ctx context.Context, s Finder, wanted SummaryQuery, q Query) (Page, error) {
	page, limit, deadline := Page{Next: q.Start()}, q.Limit, time.Now().Add(q.Budget)
	q.Filter = both(filter.Exists{Field: "correlation.key"}, q.Filter)
	known, asked := map[string]bool{}, q.Budget > 0
	for reads := defaultReads; ; {
		q.Limit = min(chunk, reads)
		if left := time.Until(deadline); asked {
			q.Budget = max(left, 1)
		}
		if q.Limit == 0 || asked && q.Budget == 1 {
			page.Partial = len(page.Entries) < limit
			return page, nil
		}
		found, err := s.Search(ctx, q)
		if err != nil {
			return Page{}, err
		}
		if err := know(ctx, s, wanted, found.Entries, known); err != nil {
			return Page{}, err
		}
		for _, e := range found.Entries {
			if known[e.Key] {
				if len(page.Entries) == limit {
					return page, nil
				}
				page.Entries = append(page.Entries, e)
			}
			page.Next = CursorAt(e)
		}
		page.Next = found.Next
		if page.Partial = found.Partial && len(page.Entries) < limit; page.Partial || found.Next.IsZero() {
			return page, nil
		}
		reads -= len(found.Entries)
		q.After = found.Next
	}
}

// know notes of records' journeys whether they match.
func know(ctx context.Context, s Summaries, wanted SummaryQuery, entries []Entry, known map[string]bool) error {
	var keys []string
	for _, e := range entries {
		if _, ok := known[e.Key]; !ok {
			known[e.Key] = false
			keys = append(keys, e.Key)
		}
	}
	of, err := summariesByKey(ctx, s, wanted, keys)
	for key := range of {
		known[key] = true
	}
	return err
}

package store

import (
	"context"
	"slices"

	"github.com/waybill-log/waybill/store/filter"
)

// Finder is what journeys and their records are found with.
type Finder interface {
	Searcher
	Summaries
}

// JourneyQuery asks for journeys by what is known of them and by what their records say.
// With conditions on records, From and Until are of these, else of the journeys' start.
type JourneyQuery struct {
	Search filter.Search
	Limit  int           // 1 to MaxLimit journeys
	After  JourneyCursor // where the page before ended; zero: from the start
	Reads  int           // how many records may be read; 0: 20,000
}

const (
	defaultReads = 20_000
	chunk        = 500 // records or journeys that are read at a time
)

// JourneyPage is one page of journeys.
type JourneyPage struct {
	// Journeys are the newest first: by their start, or by their newest record that
	// matches. A journey's summaries of several days, and those of other IDs with its
	// key, stand together in the latter case, and count once to the limit.
	Journeys []Summary
	Next     JourneyCursor // goes on after this page; zero where nothing is left
	Partial  bool          // as many records were read as may be before the page was full
}

// JourneysOf returns a page of the journeys that match and that have a record that does. A
// journey stands where its newest such record is, so none comes twice, whatever page it is asked for;
// what is written after the first page was read is left out of all.
func JourneysOf(ctx context.Context, s Finder, q JourneyQuery) (JourneyPage, error) {
	if err := CheckCount(q.Limit); err != nil {
		return JourneyPage{}, err
	}
	if q.Search.Records != nil {
		return newJourneyScan(s, q).page(ctx)
	}
	wanted := summaryQuery(q.Search.Journey)
	wanted.From, wanted.Until, wanted.Limit, wanted.After = q.Search.From, q.Search.Until, q.Limit, q.After.Summary
	found, next, err := s.FindSummaries(ctx, wanted)
	return JourneyPage{Journeys: found, Next: JourneyCursor{Summary: next}}, err
}

// summaryQuery asks for the journeys that a search is about.
func summaryQuery(j filter.Journey) SummaryQuery {
	return SummaryQuery{Verdicts: j.Verdicts, Visited: j.Visited, Kind: j.Kind, Release: j.Release, Longer: j.Longer, Shorter: j.Shorter}
}

// journeyScan goes through records, the newest first, and gathers the journeys that
// they are of.
type journeyScan struct {
	s       Finder
	q       JourneyQuery
	wanted  SummaryQuery
	records Query
	reads   int
	seen    map[string]bool // correlation keys, of this page
}

func newJourneyScan(s Finder, q JourneyQuery) *journeyScan {
	n := &journeyScan{s: s, q: q, wanted: summaryQuery(q.Search.Journey), reads: q.Reads, seen: map[string]bool{}}
	if n.reads == 0 {
		n.reads = defaultReads
	}
	n.records = Query{
		Filter: both(filter.Exists{Field: "correlation.key"}, q.Search.Records),
		From:   q.Search.From, Until: q.Search.Until, After: q.After.Record,
	}
	if !q.After.Newest.IsZero() && (n.records.Until.IsZero() || n.records.Until.After(q.After.Newest)) {
		n.records.Until = q.After.Newest.Add(1)
	}
	return n
}

func (n *journeyScan) page(ctx context.Context) (page JourneyPage, err error) {
	page.Next = n.q.After
	for journeys := 0; ; {
		n.records.Limit = min(chunk, n.reads)
		if n.records.Limit == 0 {
			page.Partial = true
			return page, nil
		}
		found, err := n.s.Search(ctx, n.records)
		if err != nil {
			return JourneyPage{}, err
		}
		if page.Next.Newest.IsZero() && len(found.Entries) > 0 {
			page.Next.Newest = found.Entries[0].Time
			n.records.Until = page.Next.Newest.Add(1)
		}
		n.reads -= len(found.Entries)
		of, err := n.journeys(ctx, found.Entries)
		if err != nil {
			return JourneyPage{}, err
		}
		for _, e := range found.Entries {
			page.Next.Record = CursorAt(e)
			if summaries := of[e.Key]; len(summaries) > 0 {
				delete(of, e.Key)
				page.Journeys = append(page.Journeys, summaries...)
				if journeys++; journeys == n.q.Limit {
					return page, nil
				}
			}
		}
		if found.Next.IsZero() {
			page.Next = JourneyCursor{}
			return page, nil
		}
		n.records.After = found.Next
	}
}

// journeys are the summaries that match, by key, of records whose journeys are new here.
func (n *journeyScan) journeys(ctx context.Context, entries []Entry) (map[string][]Summary, error) {
	var keys []string
	for _, e := range entries {
		if !n.seen[e.Key] {
			n.seen[e.Key] = true
			keys = append(keys, e.Key)
		}
	}
	keys, err := n.notBefore(ctx, keys)
	if err != nil {
		return nil, err
	}
	return summariesByKey(ctx, n.s, n.wanted, keys)
}

// notBefore drops the keys that have a record that matches on a page before.
func (n *journeyScan) notBefore(ctx context.Context, keys []string) ([]string, error) {
	if n.q.After.Record.IsZero() {
		return keys, nil
	}
	q := n.records
	q.OldestFirst, q.After = true, Cursor{Time: n.q.After.Record.Time} // the cursor's own record was on a page before
	for len(keys) > 0 {
		q.Filter, q.Limit = both(filter.In{Field: "correlation.key", Values: keys}, n.records.Filter), len(keys)
		found, err := n.s.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		before := map[string]bool{}
		for _, e := range found.Entries {
			if n.q.After.Record.Compare(e) <= 0 {
				before[e.Key] = true
			}
		}
		keys = slices.DeleteFunc(keys, func(key string) bool { return before[key] })
		if found.Next.IsZero() {
			break
		}
		q.After = found.Next
	}
	return keys, nil
}

// summariesByKey are those that match, of some correlation keys.
func summariesByKey(ctx context.Context, s Summaries, q SummaryQuery, keys []string) (map[string][]Summary, error) {
	of := map[string][]Summary{}
	if len(keys) == 0 {
		return of, nil
	}
	q.Keys, q.Limit = keys, chunk
	for {
		found, next, err := s.FindSummaries(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, sum := range found {
			of[sum.Key] = append(of[sum.Key], sum)
		}
		if next.IsZero() {
			return of, nil
		}
		q.After = next
	}
}

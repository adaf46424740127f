package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-log/waybill/store"
)

// LoadSummaries implements store.Summaries. It reads what no refresh has shown yet.
func (s *Store) LoadSummaries(ctx context.Context, refs []store.SummaryRef) (found []store.Summary, err error) {
	for some := range slices.Chunk(refs, summaryPage) {
		err := s.patiently(ctx, func() error {
			loaded, err := s.getSummaries(ctx, some)
			if err == nil {
				found = append(found, loaded...)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("load %d summaries: %w", len(refs), err)
		}
	}
	return found, nil
}

// summaryPage is how many summaries one request reads at most.
const summaryPage = 500

func (s *Store) getSummaries(ctx context.Context, refs []store.SummaryRef) (found []store.Summary, err error) {
	type doc struct {
		Index string `json:"_index"`
		ID    string `json:"_id"`
	}
	var ask struct {
		Docs []doc `json:"docs"`
	}
	for _, ref := range refs {
		ask.Docs = append(ask.Docs, doc{s.journeysIndex(ref.Day), ref.ID.String()})
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	raw, err := s.do(ctx, esapi.MgetRequest{Body: bytes.NewReader(body)})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Docs []struct {
			hit
			Found bool  `json:"found"`
			Error cause `json:"error"`
		} `json:"docs"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("%w: mget answer: %w", store.ErrUnavailable, err)
	}
	for _, d := range answer.Docs {
		switch {
		case d.Found:
			sum, err := d.summary()
			if err != nil {
				return nil, err
			}
			found = append(found, sum)
		case d.Error.Type != "" && d.Error.Type != indexNotFound:
			return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, &refusal{status: http.StatusInternalServerError, kind: d.Error.Type, reason: d.Error.Reason})
		}
	}
	return found, nil
}

// patiently repeats what the cluster's state does not allow now, for Config.Wait.
func (s *Store) patiently(ctx context.Context, do func() error) error {
	deadline := time.Now().Add(s.wait)
	for attempt := 0; ; attempt++ {
		err := do()
		pause := backOff(attempt)
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case !errors.Is(err, store.ErrUnavailable): // such as a wrong password
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		case time.Now().Add(pause).After(deadline):
			return fmt.Errorf("gave up after %v: %w", s.wait, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// SummariesOf implements store.Summaries.
func (s *Store) SummariesOf(ctx context.Context, key string, traces []string) ([]store.Summary, error) {
	var any []query
	if key != "" {
		any = append(any, term("key", key))
	}
	named := slices.DeleteFunc(slices.Clone(traces), func(trace string) bool { return trace == "" })
	for some := range slices.Chunk(named, maxTerms) {
		any = append(any, query{Terms: map[string][]string{"traces": some}})
	}
	if len(any) == 0 {
		return nil, nil
	}
	var found []store.Summary
	err := s.eachSummary(ctx, query{Bool: &boolQuery{Should: any, MinimumShouldMatch: 1}}, store.SummaryCursor{}, summaryPage, func(sum store.Summary) bool {
		found = append(found, sum)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("summaries of a journey: %w", err)
	}
	return found, nil
}

// FindSummaries implements store.Summaries.
func (s *Store) FindSummaries(ctx context.Context, q store.SummaryQuery) (page []store.Summary, next store.SummaryCursor, err error) {
	if err := q.Check(); err != nil {
		return nil, store.SummaryCursor{}, err
	}
	err = s.eachSummary(ctx, wantedSummaries(&q), q.After, q.Limit+1, func(sum store.Summary) bool {
		if len(page) == q.Limit {
			next = store.CursorAfter(&page[q.Limit-1])
			return false
		}
		page = append(page, sum)
		return true
	})
	if err != nil {
		return nil, store.SummaryCursor{}, fmt.Errorf("find summaries: %w", err)
	}
	return page, next, nil
}

func wantedSummaries(q *store.SummaryQuery) query {
	all := []query{term("part", false)}
	for _, f := range []struct {
		field  string
		values []string
	}{{"key", q.Keys}, {"verdict", q.Verdicts}, {"completeness", q.Completeness}} {
		if len(f.values) > 0 {
			all = append(all, query{Terms: map[string][]string{f.field: f.values}})
		}
	}
	for _, f := range []struct{ field, value string }{{"kind", q.Kind}, {"release", q.Release}} {
		if f.value != "" {
			all = append(all, term(f.field, f.value))
		}
	}
	for _, service := range q.Visited {
		all = append(all, term("services", service))
	}
	if q.Failed {
		all = append(all, term("failed", true))
	}
	if q.Longer > 0 || q.Shorter > 0 {
		all = append(all, query{Range: map[string]bounds{"took": took(q)}})
	}
	if within, any := during("start", q.From, q.Until); any {
		all = append(all, within)
	}
	return query{Bool: &boolQuery{Filter: all}}
}

func took(q *store.SummaryQuery) (b bounds) {
	if q.Longer > 0 {
		b.GTE = int64(q.Longer)
	}
	if q.Shorter > 0 {
		b.LTE = int64(q.Shorter)
	}
	return b
}

// Lookup implements store.Summaries.
func (s *Store) Lookup(ctx context.Context, l store.Lookup) (found []store.Summary, more bool, err error) {
	if err := l.Check(); err != nil {
		return nil, false, err
	}
	body := s.summariesBody(lookedUp(&l), store.SummaryCursor{}, l.Limit+1)
	body.Source = without{Fields: []string{"state"}}
	err = s.eachOf(ctx, body, func(sum store.Summary) bool {
		if more = len(found) == l.Limit; more {
			return false
		}
		found = append(found, sum)
		return true
	})
	if err != nil {
		return nil, false, fmt.Errorf("look up an ID: %w", err)
	}
	return found, more, nil
}

// without is a document but for some of its fields.
type without struct {
	Fields []string `json:"excludes"`
}

func lookedUp(l *store.Lookup) query {
	one := term("aliases", l.Alias)
	switch {
	case l.Prefix != "":
		one = query{Prefix: map[string]string{"key": l.Prefix}}
	case l.Suffix != "":
		one = query{Prefix: map[string]string{"reversed": store.Reversed(l.Suffix)}}
	}
	return query{Bool: &boolQuery{Filter: []query{one}}}
}

// eachSummary calls visit with summary after summary that matches, in the order of
// store.CompareSummaries, until that returns false.
func (s *Store) eachSummary(ctx context.Context, q query, after store.SummaryCursor, size int, visit func(store.Summary) bool) error {
	return s.eachOf(ctx, s.summariesBody(q, after, size), visit)
}

func (s *Store) summariesBody(q query, after store.SummaryCursor, size int) searchBody {
	body := searchBody{index: s.prefix + "-journeys-*", Size: min(size, summaryPage), Query: q, SeqNo: true, Sort: []map[string]sortBy{
		{"start": {Order: "desc", Format: "strict_date_optional_time_nanos"}}, {"id": {Order: "asc"}}, {"day": {Order: "desc"}},
	}}
	if !after.IsZero() {
		body.SearchAfter = []string{timeText(after.Start), after.ID.String(), dateText(after.Day)}
	}
	return body
}

func (s *Store) eachOf(ctx context.Context, body searchBody, visit func(store.Summary) bool) error {
	for {
		found, err := s.ask(ctx, body, time.Time{})
		if err != nil {
			return err
		}
		for _, h := range found.Hits.Hits {
			sum, err := h.summary()
			if err != nil {
				return err
			}
			if !visit(sum) {
				return nil
			}
			body.SearchAfter = []string{timeText(sum.Start), sum.ID.String(), dateText(sum.Day)}
		}
		if len(found.Hits.Hits) < body.Size {
			return nil
		}
	}
}

// PendingSummaries implements store.Summaries. It goes through one index after the
// other: of all together, each page would be chosen among one of each.
func (s *Store) PendingSummaries(ctx context.Context, partition int32, each func(store.SummaryRef, time.Time) bool) error {
	err := s.patiently(ctx, func() error {
		_, err := s.do(ctx, esapi.IndicesRefreshRequest{Index: []string{s.prefix + "-journeys-*"}})
		return err
	})
	if err != nil {
		return fmt.Errorf("summaries to be checked: %w", err)
	}
	days, err := s.journeysDays(ctx)
	if err != nil {
		return fmt.Errorf("summaries to be checked: %w", err)
	}
	for _, day := range days {
		more, err := s.pendingOf(ctx, day, partition, each)
		if err != nil {
			return fmt.Errorf("summaries to be checked: %w", err)
		}
		if !more {
			return nil
		}
	}
	return nil
}

// journeysDays are those that have an index of summaries.
func (s *Store) journeysDays(ctx context.Context) (days []time.Time, err error) {
	raw, err := s.do(ctx, esapi.IndicesResolveIndexRequest{Name: []string{s.prefix + "-journeys-*"}})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Indices []struct {
			Name string `json:"name"`
		} `json:"indices"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("%w: list indices: %w", store.ErrUnavailable, err)
	}
	for _, i := range answer.Indices {
		if day, err := time.Parse(dayLayout, strings.TrimPrefix(i.Name, s.prefix+"-journeys-")); err == nil {
			days = append(days, day)
		}
	}
	return days, nil
}

// pendingPage is what index.max_result_window allows.
const pendingPage = 10_000

func (s *Store) pendingOf(ctx context.Context, day time.Time, partition int32, each func(store.SummaryRef, time.Time) bool) (more bool, err error) {
	body := searchBody{
		index: s.journeysIndex(day), Size: pendingPage, Source: false, Sort: []map[string]sortBy{{"id": {Order: "asc"}}},
		Query:  query{Bool: &boolQuery{Filter: []query{term("partition", partition), {Exists: &existsQuery{"check"}}}}},
		Values: []docValue{{Field: "check", Format: "strict_date_optional_time_nanos"}},
	}
	for {
		found, err := s.ask(ctx, body, time.Time{})
		if err != nil {
			return false, err
		}
		for _, h := range found.Hits.Hits {
			id, err := summaryID(h.ID)
			if err != nil || len(h.Fields.Check) != 1 {
				return false, fmt.Errorf("%w: document %s in %s is no summary: %w", store.ErrUnavailable, h.ID, h.Index, err)
			}
			if !each(store.SummaryRef{Day: day, ID: id}, h.Fields.Check[0]) {
				return false, nil
			}
			body.SearchAfter = []string{h.ID}
		}
		if len(found.Hits.Hits) < body.Size {
			return true, nil
		}
	}
}

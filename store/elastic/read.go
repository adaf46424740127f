package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// ByKey implements store.Reader.
func (s *Store) ByKey(ctx context.Context, key string, limit int) (entries []store.Entry, more bool, err error) {
	return s.earliest(ctx, term("correlation.key", key), limit)
}

// ByTrace implements store.Reader.
func (s *Store) ByTrace(ctx context.Context, traces []string, limit int) (entries []store.Entry, more bool, err error) {
	named := slices.Compact(slices.Sorted(slices.Values(traces)))
	named = slices.DeleteFunc(named, func(trace string) bool { return trace == "" })
	for some := range slices.Chunk(named, maxTerms) {
		found, over, err := s.earliest(ctx, query{Terms: map[string][]string{"trace.id": some}}, limit)
		if err != nil {
			return nil, false, err
		}
		entries, more = append(entries, found...), more || over
	}
	slices.SortFunc(entries, store.Compare)
	if len(entries) > limit {
		return entries[:limit], true, nil
	}
	return entries, more, nil
}

// maxTerms is Elasticsearch's former limit on clauses of one query, far below
// index.max_terms_count.
const maxTerms = 1024

// earliest returns the first records that match, ordered by time, then ID.
func (s *Store) earliest(ctx context.Context, q query, limit int) (entries []store.Entry, more bool, err error) {
	_, err = s.each(ctx, scan{query: q, oldestFirst: true, size: limit + 1}, func(e store.Entry) bool {
		if more = len(entries) == limit; !more {
			entries = append(entries, e)
		}
		return !more
	})
	if err != nil {
		return nil, false, fmt.Errorf("search records of a journey: %w", err)
	}
	return entries, more, nil
}

// Held implements store.Reader.
func (s *Store) Held(ctx context.Context, node string, last uint64) (n int64, lowest uint64, err error) {
	const held = `{"size":0,"track_total_hits":true,"query":{"bool":{"filter":[{"term":{"service.node.name":%s}},{"range":{"event.sequence":{"gte":1,"lte":%d}}}]}},
		"aggs":{"lowest":{"min":{"field":"event.sequence"}}}}`
	body := fmt.Sprintf(held, record.AppendString(nil, node), min(last, math.MaxInt64))
	yes, no := true, false
	answer, err := s.do(ctx, esapi.SearchRequest{
		Index: []string{s.prefix + "-records-*"}, Body: strings.NewReader(body),
		IgnoreUnavailable: &yes, AllowNoIndices: &yes, AllowPartialSearchResults: &no,
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count records of an instance: %w", err)
	}
	var found struct {
		Hits struct {
			Total struct {
				Value int64 `json:"value"`
			} `json:"total"`
		} `json:"hits"`
		Aggregations struct {
			Lowest struct {
				Value float64 `json:"value"` // null where there are none
			} `json:"lowest"`
		} `json:"aggregations"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return 0, 0, fmt.Errorf("count records of an instance: %w", err)
	}
	return found.Hits.Total.Value, uint64(found.Aggregations.Lowest.Value), nil
}

// Count implements store.Reader.
func (s *Store) Count(ctx context.Context) (int64, error) {
	yes := true
	answer, err := s.do(ctx, esapi.CountRequest{Index: []string{s.prefix + "-records-*"}, IgnoreUnavailable: &yes, AllowNoIndices: &yes})
	if err != nil {
		return 0, fmt.Errorf("count records: %w", err)
	}
	var n struct {
		Count int64 `json:"count"`
	}
	if err := json.Unmarshal(answer, &n); err != nil {
		return 0, fmt.Errorf("count records: %w", err)
	}
	return n.Count, nil
}

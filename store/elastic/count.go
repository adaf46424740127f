package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/waybill-log/waybill/store"
)

// aggregation is one of Elasticsearch's: one of its fields is set.
type aggregation struct {
	DateHistogram *dateHistogram    `json:"date_histogram,omitempty"`
	Terms         *termsAggregation `json:"terms,omitempty"`
}

type dateHistogram struct {
	Field         string `json:"field"`
	FixedInterval string `json:"fixed_interval"`
	MinDocCount   int    `json:"min_doc_count"`
}

type termsAggregation struct {
	Field     string `json:"field"`
	Size      int    `json:"size"`
	ShardSize int    `json:"shard_size"`
}

// buckets are the answer to either.
type buckets struct {
	Buckets []struct {
		Key   json.RawMessage `json:"key"`
		Count int64           `json:"doc_count"`
	} `json:"buckets"`
	Others int64 `json:"sum_other_doc_count"`
	Error  int64 `json:"doc_count_error_upper_bound"`
}

// shardSize is how many values each index gives, of which the most frequent of all
// are chosen: with fewer in every index the counts are exact.
const shardSize = 1 << 17

// Histogram implements store.Searcher.
func (s *Store) Histogram(ctx context.Context, q store.Query, step time.Duration) (store.Histogram, error) {
	if err := q.CheckHistogram(step); err != nil {
		return store.Histogram{}, err
	}
	interval := strconv.FormatInt(step.Milliseconds(), 10) + "ms"
	answer, err := s.count(ctx, q, aggregation{DateHistogram: &dateHistogram{Field: "@timestamp", FixedInterval: interval, MinDocCount: 1}})
	if err != nil {
		return store.Histogram{}, fmt.Errorf("count records by time: %w", err)
	}
	h := store.Histogram{Partial: answer.TimedOut}
	for _, b := range answer.Aggregations.Values.Buckets {
		ms, err := strconv.ParseInt(string(b.Key), 10, 64)
		if err != nil {
			return store.Histogram{}, fmt.Errorf("count records by time: %w: %w", store.ErrUnavailable, err)
		}
		h.Buckets = append(h.Buckets, store.Bucket{Start: time.UnixMilli(ms).UTC(), Count: b.Count})
	}
	return h, nil
}

// Facets implements store.Searcher.
func (s *Store) Facets(ctx context.Context, q store.Query, field string, n int) (store.Facets, error) {
	if err := q.CheckFacets(field, n); err != nil {
		return store.Facets{}, err
	}
	answer, err := s.count(ctx, q, aggregation{Terms: &termsAggregation{Field: field, Size: n, ShardSize: shardSize}})
	if err != nil {
		return store.Facets{}, fmt.Errorf("count values of %s: %w", field, err)
	}
	values := answer.Aggregations.Values
	f := store.Facets{Others: values.Others, Partial: answer.TimedOut || values.Error > 0}
	for _, b := range values.Buckets {
		value := string(b.Key)
		if value[0] == '"' {
			if err := json.Unmarshal(b.Key, &value); err != nil {
				return store.Facets{}, fmt.Errorf("count values of %s: %w: %w", field, store.ErrUnavailable, err)
			}
		}
		f.Values = append(f.Values, store.Facet{Value: value, Count: b.Count})
	}
	return f, nil
}

func (s *Store) count(ctx context.Context, q store.Query, a aggregation) (found, error) {
	return s.ask(ctx, searchBody{Query: wanted(&q), Aggregations: map[string]aggregation{"values": a}}, end(q.Budget))
}

// newestPage is how many records one request of Newest reads.
const newestPage = 1000

// Newest implements store.Searcher. It reads the newest records of keys that it
// does not know yet: correlation.key has no doc values to be counted by.
func (s *Store) Newest(ctx context.Context, n int) ([]store.Journey, error) {
	if err := store.CheckCount(n); err != nil {
		return nil, err
	}
	keyed := query{Exists: &existsQuery{"correlation.key"}}
	body := searchBody{Size: newestPage, Sort: byTime(false), Source: []string{"correlation.key"}}
	var journeys []store.Journey
	var known []string
	seen := map[string]bool{}
	for {
		body.Query = query{Bool: &boolQuery{Filter: []query{keyed}, MustNot: []query{{Terms: map[string][]string{"correlation.key": known}}}}}
		if known == nil {
			body.Query = keyed
		}
		answer, err := s.ask(ctx, body, time.Time{})
		if err != nil {
			return nil, fmt.Errorf("newest journeys: %w", err)
		}
		hits := answer.Hits.Hits
		var last time.Time
		for _, h := range hits {
			key, at, err := h.keyed()
			if err != nil {
				return nil, fmt.Errorf("newest journeys: document %s in %s: %w: %w", h.ID, h.Index, store.ErrUnavailable, err)
			}
			if last = at; !seen[key] {
				seen[key] = true
				known, journeys = append(known, key), append(journeys, store.Journey{Key: key, Last: at})
			}
		}
		slices.SortFunc(journeys, store.CompareJourneys)
		// at one and the same moment the keys decide, so all of it is read
		if len(hits) < newestPage || len(journeys) >= n && last.Before(journeys[n-1].Last) {
			return journeys[:min(n, len(journeys))], nil
		}
	}
}

// keyed reads the correlation key and the time of a document.
func (h *hit) keyed() (key string, at time.Time, err error) {
	var source struct {
		Key string `json:"correlation.key"`
	}
	if err := json.Unmarshal(h.Source, &source); err != nil {
		return "", time.Time{}, err
	}
	if len(h.Sort) > 0 {
		text, _ := h.Sort[0].(string)
		at, err = time.Parse(time.RFC3339Nano, text)
	}
	return source.Key, at, err
}

package elastic

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Search implements store.Searcher. What Elasticsearch finds is decided once more
// here, since it cannot look for what a text contains.
func (s *Store) Search(ctx context.Context, q store.Query) (store.Page, error) {
	if err := q.CheckSearch(); err != nil {
		return store.Page{}, err
	}
	w := scan{query: wanted(&q), oldestFirst: q.OldestFirst, after: q.After, size: q.Limit + 1, end: end(q.Budget)}
	if filter.HasContains(q.Filter) {
		w.size = maxPage // most of them may be passed over
	}
	page, more, m := store.Page{Next: q.Start()}, false, filter.NewMatcher(q.Filter)
	whole, err := s.each(ctx, w, func(e store.Entry) bool {
		if m.Match(e.Raw) {
			if more = len(page.Entries) == q.Limit; more {
				return false
			}
			page.Entries = append(page.Entries, e)
		}
		page.Next = store.CursorAt(e)
		return true
	})
	switch {
	case err != nil:
		return store.Page{}, fmt.Errorf("search records: %w", err)
	case whole && !more:
		page.Next = store.Cursor{}
	case !whole:
		page.Partial = len(page.Entries) < q.Limit
	}
	return page, nil
}

// end is when a budget does; zero for none.
func end(budget time.Duration) time.Time {
	if budget == 0 {
		return time.Time{}
	}
	return time.Now().Add(budget)
}

// maxPage is how many records one request asks for at most, half of what
// index.max_result_window allows.
const maxPage = 5000

// scan is a way through the records that match, by time, then ID.
type scan struct {
	query       query
	oldestFirst bool
	after       store.Cursor
	size        int       // of the caller's page
	end         time.Time // zero: none
}

// each calls visit with record after record until that returns false. It reports
// whether the time was enough.
func (s *Store) each(ctx context.Context, w scan, visit func(store.Entry) bool) (whole bool, err error) {
	body := searchBody{Size: min(w.size, maxPage), Query: w.query, Sort: byTime(w.oldestFirst), SearchAfter: place(w.after)}
	for {
		found, err := s.ask(ctx, body, w.end)
		if err != nil || found.TimedOut {
			return false, err
		}
		for _, h := range found.Hits.Hits {
			e, err := store.NewEntry(h.Source)
			if err != nil {
				return false, fmt.Errorf("document %s in %s: %w: %w", h.ID, h.Index, store.ErrUnavailable, err)
			}
			if !visit(e) {
				return true, nil
			}
			body.SearchAfter = place(store.CursorAt(e))
		}
		if len(found.Hits.Hits) < body.Size {
			return true, nil
		}
	}
}

// searchBody is the body of a search request.
type searchBody struct {
	index        string                 // or a pattern of their names; empty: those of records
	Size         int                    `json:"size"`
	Query        query                  `json:"query"`
	Sort         []map[string]sortBy    `json:"sort,omitempty"`
	SearchAfter  []string               `json:"search_after,omitempty"`
	Source       any                    `json:"_source,omitempty"` // fields, or false for none
	SeqNo        bool                   `json:"seq_no_primary_term,omitempty"`
	Values       []docValue             `json:"docvalue_fields,omitempty"`
	Aggregations map[string]aggregation `json:"aggs,omitempty"`
	Timeout      string                 `json:"timeout,omitempty"`
}

type docValue struct {
	Field  string `json:"field"`
	Format string `json:"format,omitempty"`
}

type sortBy struct {
	Order        string `json:"order"`
	Format       string `json:"format,omitempty"`
	UnmappedType string `json:"unmapped_type,omitempty"`
}

// byTime is the order of store.Compare, or its reverse. Indices of a template before
// version 3 have no event.id to sort by.
func byTime(oldestFirst bool) []map[string]sortBy {
	order := "desc"
	if oldestFirst {
		order = "asc"
	}
	return []map[string]sortBy{
		{"@timestamp": {Order: order, Format: "strict_date_optional_time_nanos"}},
		{"event.id": {Order: order, UnmappedType: "keyword"}},
	}
}

func place(c store.Cursor) []string {
	if c.IsZero() {
		return nil
	}
	return []string{timeText(c.Time), c.ID}
}

// found is an answer to a search request.
type found struct {
	TimedOut bool `json:"timed_out"`
	Shards   struct {
		Failures []struct {
			Reason cause `json:"reason"`
		} `json:"failures"`
	} `json:"_shards"`
	Hits struct {
		Hits []hit `json:"hits"`
	} `json:"hits"`
	Aggregations struct {
		Values buckets `json:"values"`
	} `json:"aggregations"`
}

type hit struct {
	ID     string          `json:"_id"`
	Index  string          `json:"_index"`
	Source json.RawMessage `json:"_source"`
	Sort   []any           `json:"sort"`

	SeqNo       int64 `json:"_seq_no"`
	PrimaryTerm int64 `json:"_primary_term"`
	Fields      struct {
		Check []time.Time `json:"check"`
	} `json:"fields"`
}

// ask makes a search request until end, which may be zero. It bridges the moment in which a
// new index has no shard to search yet. Its error wraps store.ErrQuery, store.ErrUnavailable or
// is the context's.
func (s *Store) ask(ctx context.Context, body searchBody, end time.Time) (answer found, err error) {
	for attempt := range 6 {
		answer, err = s.search(ctx, body, end)
		if !errors.Is(err, store.ErrUnavailable) {
			return answer, searchError(err)
		}
		select {
		case <-time.After(backOff(attempt)):
		case <-ctx.Done():
			return found{}, ctx.Err()
		}
	}
	return found{}, err
}

// grace is for the way to Elasticsearch and back: it looks at the time itself.
const grace = time.Second

func (s *Store) search(ctx context.Context, body searchBody, end time.Time) (found, error) {
	limited := ctx
	if !end.IsZero() {
		left := time.Until(end)
		if left <= 0 {
			return found{TimedOut: true}, nil
		}
		body.Timeout = fmt.Sprintf("%dmicros", max(1, left.Microseconds()))
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, left+grace)
		defer cancel()
	}
	b, err := json.Marshal(body)
	if err != nil {
		return found{}, err
	}
	yes, partial := true, !end.IsZero() // else the end of its time is an error to Elasticsearch
	raw, err := s.do(limited, esapi.SearchRequest{
		Index: []string{cmp.Or(body.index, s.prefix+"-records-*")}, Body: bytes.NewReader(b),
		IgnoreUnavailable: &yes, AllowNoIndices: &yes, AllowPartialSearchResults: &partial, TrackTotalHits: false,
	})
	var answer found
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return found{TimedOut: true}, nil
	case err != nil:
		return found{}, err
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return found{}, fmt.Errorf("%w: read answer: %w", store.ErrUnavailable, err)
	}
	if f := answer.Shards.Failures; len(f) > 0 && !answer.TimedOut {
		r := &refusal{status: http.StatusInternalServerError, kind: f[0].Reason.Type, reason: f[0].Reason.Reason}
		if r.temporary() {
			return found{}, fmt.Errorf("%w: %w", store.ErrUnavailable, r)
		}
		return found{}, r
	}
	return answer, nil
}

// searchError says whose fault it is that a search failed.
func searchError(err error) error {
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.tooManyWords():
		return fmt.Errorf("%w: too many words begin like the last one of a phrase: write more of it", store.ErrQuery)
	case refused == nil:
		return err
	case refused.status == http.StatusBadRequest:
		return fmt.Errorf("%w: %w", store.ErrQuery, err)
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

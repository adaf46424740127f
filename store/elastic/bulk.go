package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// Put implements store.Writer with _bulk requests. Items the cluster cannot
// take now are retried alone, with back-off, for Config.Wait.
func (s *Store) Put(ctx context.Context, entries []store.Entry) (store.Result, error) {
	var res store.Result
	if len(entries) == 0 {
		return res, nil
	}
	pending := make([]int, len(entries))
	for i := range entries {
		pending[i] = i
	}
	deadline := time.Now().Add(s.wait)
	most := len(entries) // in one request
	for attempt := 0; ; attempt++ {
		var err error
		if pending, err = s.attempt(ctx, entries, pending, most, &res); len(pending) == 0 && err == nil {
			return res, nil
		}
		if refused, ok := errors.AsType[*refusal](err); ok && refused.whole && refused.status == http.StatusTooManyRequests {
			most = max(1, most/2) // a small node may never take more at once
		}
		res.Unsettled = pending
		if ctx.Err() != nil {
			return res, ctx.Err()
		}
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			// A refused request, such as a wrong password, is not the records' fault.
			return res, fmt.Errorf("%w: index batch of %d: %w", store.ErrUnavailable, len(pending), err)
		}
		pause := backOff(attempt)
		if time.Now().Add(pause).After(deadline) {
			if err == nil {
				err = store.ErrUnavailable
			}
			return res, fmt.Errorf("index batch of %d, gave up after %v: %w", len(pending), s.wait, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return res, ctx.Err()
		}
		res.Unsettled = nil
	}
}

// backOff doubles from 50 ms to 5 s, less up to half of it at random.
func backOff(attempt int) time.Duration {
	d := min(50*time.Millisecond<<min(attempt, 10), 5*time.Second)
	return d - rand.N(d/2)
}

// attempt makes bulk requests of the pending entries, settles in res what it can
// and returns those to try again. The error is the last one of the cluster's state.
func (s *Store) attempt(ctx context.Context, entries []store.Entry, pending []int, most int, res *store.Result) (again []int, err error) {
	for len(pending) > 0 {
		n := min(most, len(pending))
		later, failed := s.request(ctx, entries, pending[:n:n], res)
		again, pending = append(again, later...), pending[n:]
		if failed != nil {
			err = failed
		}
		if len(later) == n {
			break // nothing of it passed: neither would the rest
		}
	}
	return append(again, pending...), err
}

// request makes one bulk request.
func (s *Store) request(ctx context.Context, entries []store.Entry, pending []int, res *store.Result) (again []int, err error) {
	home := s.index(entries[pending[0]].Time)
	body, err := s.body(ctx, entries, pending, home)
	if err != nil {
		return pending, err
	}
	answer, err := s.do(ctx, esapi.BulkRequest{
		Index: home, Body: bytes.NewReader(body),
		FilterPath: []string{"errors", "items.*.status", "items.*.error.type", "items.*.error.reason"},
	})
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusRequestEntityTooLarge:
		return s.halve(ctx, entries, pending, res)
	case err != nil:
		return pending, err
	}
	s.bodies.Put(&body) // only now: after an error the connection may still be reading it
	if bytes.HasPrefix(answer, []byte(`{"errors":false,`)) && bytes.Count(answer, []byte(`"status":`)) == len(pending) {
		res.Stored += len(pending)
		return nil, nil
	}
	return s.settle(ctx, entries, pending, answer, res)
}

// body writes a bulk request to the index home, with the index named where it is another one.
func (s *Store) body(ctx context.Context, entries []store.Entry, pending []int, home string) ([]byte, error) {
	size := 0
	for _, i := range pending {
		size += len(entries[i].Raw) + len(entries[i].ID) + len(home) + len(`{"create":{"_index":"","_id":""}}`+"\n\n")
	}
	var body []byte
	if last, ok := s.bodies.Get().(*[]byte); ok {
		body = (*last)[:0]
	}
	body = slices.Grow(body, size)
	index, day := home, int64(-1)
	for _, i := range pending {
		e := entries[i]
		if d := e.Time.Unix() / secondsPerDay; d != day {
			index, day = s.index(e.Time), d
			if err := s.ensureIndex(ctx, index); err != nil {
				return nil, err
			}
		}
		body = append(body, `{"create":{`...)
		if index != home {
			body = append(append(append(body, `"_index":"`...), index...), `",`...)
		}
		body = append(record.AppendString(append(body, `"_id":`...), e.ID), "}}\n"...)
		if bytes.IndexByte(e.Raw, '\n') < 0 {
			body = append(body, e.Raw...)
		} else { // an item is one line
			line := bytes.NewBuffer(body)
			if err := json.Compact(line, e.Raw); err != nil {
				return nil, err
			}
			body = line.Bytes()
		}
		body = append(body, '\n')
	}
	return body, nil
}

const secondsPerDay = 24 * 60 * 60

// settle reads a bulk answer item by item.
func (s *Store) settle(ctx context.Context, entries []store.Entry, pending []int, answer []byte, res *store.Result) (again []int, err error) {
	var bulk struct {
		Items []struct {
			Create struct {
				Status int `json:"status"`
				Error  struct {
					Type   string `json:"type"`
					Reason string `json:"reason"`
				} `json:"error"`
			} `json:"create"`
		} `json:"items"`
	}
	if err := json.Unmarshal(answer, &bulk); err != nil {
		return pending, fmt.Errorf("%w: bulk answer: %w", store.ErrUnavailable, err)
	}
	if len(bulk.Items) != len(pending) {
		return pending, fmt.Errorf("%w: bulk answer has %d items for %d records: is it Elasticsearch that answers?", store.ErrUnavailable, len(bulk.Items), len(pending))
	}
	var present []int
	for n, i := range pending {
		item := &bulk.Items[n].Create
		r := &refusal{status: item.Status, kind: item.Error.Type, reason: item.Error.Reason}
		switch {
		case item.Status >= 200 && item.Status < 300:
			res.Stored++
		case item.Status == http.StatusConflict:
			present = append(present, i)
		case r.content():
			res.Rejected = append(res.Rejected, store.Rejection{Index: i, Reason: r.Error()})
		default:
			if item.Status == http.StatusNotFound {
				s.forgetIndex(s.index(entries[i].Time))
			}
			again, err = append(again, i), fmt.Errorf("%w: %w", store.ErrUnavailable, r)
		}
	}
	// A page of twins is what one request of records can be.
	for len(present) > 0 {
		page, bytes := 0, 0
		for page < len(present) && page < comparePage && bytes < compareBytes {
			bytes += len(entries[present[page]].Raw)
			page++
		}
		if twins := s.compare(ctx, entries, present[:page], res); twins != nil {
			return append(again, present...), twins
		}
		present = present[page:]
	}
	return again, err
}

// Bounds on one request that reads documents to compare.
const (
	comparePage  = 1000
	compareBytes = 2 << 20
)

// halve splits a request larger than the cluster's http.max_content_length.
func (s *Store) halve(ctx context.Context, entries []store.Entry, pending []int, res *store.Result) ([]int, error) {
	if len(pending) == 1 {
		res.Rejected = append(res.Rejected, store.Rejection{Index: pending[0], Reason: "larger than Elasticsearch's http.max_content_length"})
		return nil, nil
	}
	half := len(pending) / 2
	first, err1 := s.request(ctx, entries, pending[:half:half], res)
	second, err2 := s.request(ctx, entries, pending[half:], res)
	return append(first, second...), errors.Join(err1, err2)
}

// compare tells a record that is there already from another one with its ID.
// On an error nothing is settled.
func (s *Store) compare(ctx context.Context, entries []store.Entry, present []int, res *store.Result) error {
	type doc struct {
		Index  string          `json:"_index"`
		ID     string          `json:"_id"`
		Found  bool            `json:"found,omitempty"`
		Source json.RawMessage `json:"_source,omitempty"`
	}
	var ask, answer struct {
		Docs []doc `json:"docs"`
	}
	for _, i := range present {
		ask.Docs = append(ask.Docs, doc{Index: s.index(entries[i].Time), ID: entries[i].ID})
	}
	b, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	body, err := s.do(ctx, esapi.MgetRequest{Body: bytes.NewReader(b)})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%w: mget answer: %w", store.ErrUnavailable, err)
	}
	if len(answer.Docs) != len(present) {
		return fmt.Errorf("%w: mget answer has %d documents for %d", store.ErrUnavailable, len(answer.Docs), len(present))
	}
	for n, i := range present {
		if !answer.Docs[n].Found {
			return fmt.Errorf("%w: document %s was there and is gone", store.ErrUnavailable, entries[i].ID)
		}
	}
	for n, i := range present {
		if sameJSON(answer.Docs[n].Source, entries[i].Raw) {
			res.Present++
		} else {
			res.Rejected = append(res.Rejected, store.Rejection{Index: i, Reason: store.Conflict})
		}
	}
	return nil
}

func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var ca, cb bytes.Buffer
	return json.Compact(&ca, a) == nil && json.Compact(&cb, b) == nil && bytes.Equal(ca.Bytes(), cb.Bytes())
}

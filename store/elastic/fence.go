package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-log/waybill/store"
)

// bulkBytes is how large a request of summaries becomes, but for one larger alone.
const bulkBytes = 8 << 20

// fenced are summaries on their way, each to be written over one revision.
type fenced struct {
	store     *Store
	summaries []store.Summary
	items     [][]byte // of the bulk request
	pending   []int
	most      int // bytes of one request
	revisions []store.Revision
}

// PutSummaries implements store.Summaries with _bulk requests, retried as those of Put.
func (s *Store) PutSummaries(ctx context.Context, summaries []store.Summary) ([]store.Revision, error) {
	f := &fenced{store: s, summaries: summaries, most: bulkBytes, revisions: make([]store.Revision, len(summaries))}
	for i := range summaries {
		item, err := s.fencedItem(&summaries[i])
		if err != nil {
			return nil, fmt.Errorf("put %d summaries: %w: %w", len(summaries), store.ErrUnavailable, err)
		}
		f.items, f.pending = append(f.items, item), append(f.pending, i)
	}
	if err := s.patiently(ctx, func() error { return f.attempt(ctx) }); err != nil {
		return nil, fmt.Errorf("put %d summaries: %w", len(summaries), err)
	}
	return f.revisions, nil
}

// fencedItem is a bulk request's part for one summary, which Elasticsearch refuses
// where another revision is there.
func (s *Store) fencedItem(sum *store.Summary) ([]byte, error) {
	doc, err := json.Marshal(newSummaryDoc(sum))
	if err != nil {
		return nil, err
	}
	item := make([]byte, 0, len(doc)+200)
	item = fmt.Appendf(item, `{"index":{"_index":"%s","_id":"%s",`, s.journeysIndex(sum.Day), sum.ID)
	if sum.Revision.IsZero() {
		item = append(item, `"op_type":"create"`...)
	} else {
		item = strconv.AppendInt(append(item, `"if_seq_no":`...), sum.Revision.Number, 10)
		item = strconv.AppendInt(append(item, `,"if_primary_term":`...), sum.Revision.Term, 10)
	}
	return append(append(append(item, "}}\n"...), doc...), '\n'), nil
}

// attempt makes bulk requests of what is pending, and keeps pending what the cluster
// does not take now.
func (f *fenced) attempt(ctx context.Context) error {
	todo := f.pending
	f.pending = nil
	var failed error
	for len(todo) > 0 {
		n, bytes := 0, 0
		for n < len(todo) && (n == 0 || bytes+len(f.items[todo[n]]) <= f.most) {
			bytes += len(f.items[todo[n]])
			n++
		}
		again, err := f.request(ctx, todo[:n])
		if refused, ok := errors.AsType[*refusal](err); ok && refused.whole {
			switch {
			case refused.status == http.StatusRequestEntityTooLarge && n > 1:
				f.most = bytes / 2
				continue
			case refused.status == http.StatusRequestEntityTooLarge:
				err = fmt.Errorf("a summary of %d bytes, raise Elasticsearch's http.max_content_length: %w", bytes, err)
			case refused.status == http.StatusTooManyRequests:
				f.most = bytes / 2 // a small node may never take more at once
			}
		}
		f.pending = append(f.pending, again...)
		todo = todo[n:]
		if err != nil {
			failed = err
		}
		if len(again) == n {
			break // nothing of it passed: neither would the rest
		}
	}
	f.pending = append(f.pending, todo...)
	return failed
}

// request makes one bulk request, and returns what is to be tried again.
func (f *fenced) request(ctx context.Context, some []int) (again []int, err error) {
	var body bytes.Buffer
	for _, i := range some {
		if f.summaries[i].Revision.IsZero() {
			if err := f.store.ensureIndex(ctx, f.store.journeysIndex(f.summaries[i].Day)); err != nil {
				return some, err
			}
		}
		body.Write(f.items[i])
	}
	raw, err := f.store.do(ctx, esapi.BulkRequest{
		Body:       &body,
		FilterPath: []string{"items.*.status", "items.*._seq_no", "items.*._primary_term", "items.*.error.type", "items.*.error.reason"},
	})
	if err != nil {
		return some, err
	}
	type item struct {
		hit
		Status int   `json:"status"`
		Error  cause `json:"error"`
	}
	var answer struct {
		Items []map[string]item `json:"items"` // each by its one operation
	}
	if err = json.Unmarshal(raw, &answer); err == nil && len(answer.Items) != len(some) {
		err = fmt.Errorf("bulk answer has %d items for %d summaries", len(answer.Items), len(some))
	}
	if err != nil {
		return some, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	for n, i := range some {
		for _, it := range answer.Items[n] {
			r := &refusal{status: it.Status, kind: it.Error.Type, reason: it.Error.Reason}
			if failed := f.settle(i, it.revision(), r); failed != nil {
				again, err = append(again, i), fmt.Errorf("%w: %w", store.ErrUnavailable, failed)
			}
		}
	}
	return again, err
}

// settle notes what became of a summary. It returns an error where that may be another
// thing the next time.
func (f *fenced) settle(i int, now store.Revision, r *refusal) error {
	sum := &f.summaries[i]
	switch {
	case r.status >= 200 && r.status < 300:
		f.revisions[i] = now
	case r.status == http.StatusConflict:
	case r.kind == indexNotFound && !sum.Revision.IsZero(): // dropped with its day
	default:
		if r.kind == indexNotFound {
			f.store.forgetIndex(f.store.journeysIndex(sum.Day))
		}
		return r
	}
	return nil
}

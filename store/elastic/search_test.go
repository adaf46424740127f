package elastic_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/elastic"
	"github.com/waybill-log/waybill/store/filter"
)

var update = flag.Bool("update", false, "write testdata anew")

// endpoint answers searches in Elasticsearch's place and keeps what it was asked.
type endpoint struct {
	mu      sync.Mutex
	asked   bytes.Buffer
	answers []string // in turn; the last one for all that follow
	status  int
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	if !strings.HasSuffix(r.URL.Path, "/_search") {
		fmt.Fprint(w, `{}`)
		return
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(&e.asked, "%s %s?%s\n", r.Method, r.URL.Path, r.URL.RawQuery)
	_ = json.Indent(&e.asked, body, "", "  ")
	e.asked.WriteByte('\n')
	w.WriteHeader(e.status)
	fmt.Fprint(w, e.answers[0])
	if len(e.answers) > 1 {
		e.answers = e.answers[1:]
	}
}

func fake(t *testing.T, status int, answers ...string) (*elastic.Store, *endpoint) {
	e := &endpoint{answers: answers, status: status}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	s, err := elastic.Open(t.Context(), elastic.Config{URLs: []string{server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	return s, e
}

// golden compares requests with testdata/name.json.
func (e *endpoint) golden(t *testing.T, name string) {
	t.Helper()
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, e.asked.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(e.asked.Bytes(), want) {
		t.Errorf("%s: asked\n%s\nwant\n%s", name, e.asked.Bytes(), want)
	}
}

const none = `{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[]}}`

// hits is an answer that holds records of the second of noon.
func hits(t *testing.T, numbers ...uint64) string {
	var all []string
	for _, n := range numbers {
		raw := record.Append(nil, &record.Record{Time: day, Message: fmt.Sprint("number ", n), Node: "n1", Sequence: n, CorrelationID: "a"})
		all = append(all, fmt.Sprintf(`{"_id":"n1-%d","_source":%s,"sort":["2026-11-23T12:00:00.000Z","n1-%d"]}`, n, raw, n))
	}
	return `{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[` + strings.Join(all, ",") + `]}}`
}

var day = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestRequests(t *testing.T) {
	tree := filter.And{
		filter.Or{filter.Term{Field: "service.name", Value: "bank"}, filter.Prefix{Field: "labels.order_id", Value: "A-"}},
		filter.Not{Node: filter.Exists{Field: "error.type"}},
		filter.Exists{Field: "labels.a*"},
		filter.Term{Field: "http.response.status_code", Value: "0500"},
		filter.Range{Field: "event.duration", Min: 5, Max: 1 << 60},
		filter.Phrase{Field: "message", Text: "Enough"},
		filter.Phrase{Field: "message", Text: "不足!"},
		filter.Phrase{Field: "message", Text: "mon", Prefix: true},
		filter.Phrase{Field: "error.message", Text: "not enough mon", Prefix: true},
		filter.And{}, filter.Or{},
	}
	contains := filter.Contains{Field: "message", Text: "x"}
	ctx := t.Context()
	for name, ask := range map[string]func(*elastic.Store) error{
		"search": func(s *elastic.Store) error {
			_, err := s.Search(ctx, store.Query{Filter: tree, From: day, Until: day.Add(time.Hour), Limit: 50})
			return err
		},
		"search_everything": func(s *elastic.Store) error {
			_, err := s.Search(ctx, store.Query{Limit: store.MaxLimit, OldestFirst: true, After: store.Cursor{Time: day, ID: "n1-7"}})
			return err
		},
		"search_contains": func(s *elastic.Store) error {
			q := store.Query{Filter: filter.Or{filter.And{contains, tree[0]}, filter.Not{Node: filter.Or{contains, tree[0]}}}, Limit: 50}
			_, err := s.Search(ctx, q)
			return err
		},
		"histogram": func(s *elastic.Store) error {
			_, err := s.Histogram(ctx, store.Query{Filter: tree[0], From: day, Until: day.Add(time.Hour)}, time.Minute)
			return err
		},
		"facets": func(s *elastic.Store) error {
			_, err := s.Facets(ctx, store.Query{From: day}, "service.name", 20)
			return err
		},
		"newest": func(s *elastic.Store) error {
			_, err := s.Newest(ctx, 20)
			return err
		},
		"by_key": func(s *elastic.Store) error {
			_, _, err := s.ByKey(ctx, "a", 100)
			return err
		},
		"find_summaries": func(s *elastic.Store) error {
			_, _, err := s.FindSummaries(ctx, store.SummaryQuery{
				Keys: []string{"a", "b"}, Verdicts: []string{"stalled"}, Completeness: []string{"proved", "lossy"}, Visited: []string{"bank", "game"}, Kind: "GET /", Release: "v1",
				Failed: true, Longer: time.Second, Shorter: time.Minute, From: day, Until: day.Add(time.Hour), Limit: 50,
				After: store.SummaryCursor{Start: day, ID: store.SummaryID{1}, Day: day.Truncate(24 * time.Hour)},
			})
			return err
		},
		"lookup_prefix": func(s *elastic.Store) error {
			_, _, err := s.Lookup(ctx, store.Lookup{Prefix: "abcd", Limit: 10})
			return err
		},
		"lookup_suffix": func(s *elastic.Store) error {
			_, _, err := s.Lookup(ctx, store.Lookup{Suffix: "12345678", Limit: 10})
			return err
		},
		"lookup_alias": func(s *elastic.Store) error {
			_, _, err := s.Lookup(ctx, store.Lookup{Alias: "A-1", Limit: store.MaxLimit})
			return err
		},
		"by_trace": func(s *elastic.Store) error {
			_, _, err := s.ByTrace(ctx, []string{"b", "a", "", "b"}, 100)
			return err
		},
	} {
		s, e := fake(t, http.StatusOK, none)
		if err := ask(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		e.golden(t, name)
	}
}

func TestASecondPageGoesOnBehindTheFirst(t *testing.T) {
	s, e := fake(t, http.StatusOK, hits(t, 1, 2), hits(t, 3))
	entries, more, err := s.ByKey(t.Context(), "a", 1)
	if err != nil || len(entries) != 1 || !more {
		t.Errorf("%d, %v, %v", len(entries), more, err)
	}
	if n := strings.Count(e.asked.String(), "POST "); n != 1 {
		t.Errorf("%d requests", n)
	}
	// of what it is given, no record contains the text
	var numbers []uint64
	for n := range uint64(5000) {
		numbers = append(numbers, n+1)
	}
	s, e = fake(t, http.StatusOK, hits(t, numbers...), hits(t, 1, 2))
	page, err := s.Search(t.Context(), store.Query{Filter: filter.Contains{Field: "message", Text: "r 2"}, Limit: 9_999, OldestFirst: true})
	if err != nil || len(page.Entries) != 1112 || !page.Next.IsZero() || page.Partial {
		t.Errorf("%d found, next %+v, partial: %v, %v", len(page.Entries), page.Next, page.Partial, err)
	}
	if !strings.Contains(strings.Join(strings.Fields(e.asked.String()), ""), `"search_after":["2026-11-23T12:00:00.000000000Z","n1-5000"]`) {
		t.Error("the second request does not go on behind the first")
	}
}

func TestTheEndOfABudgetIsAPartialAnswer(t *testing.T) {
	const late = `{"timed_out":true,"_shards":{"failed":0},"hits":{"hits":[]},"aggregations":{"values":{"sum_other_doc_count":3,"buckets":[{"key":"bank","doc_count":2}]}}}`
	q := store.Query{Limit: 5, Budget: time.Hour, From: day, Until: day.Add(time.Hour)}
	s, e := fake(t, http.StatusOK, late)
	page, err := s.Search(t.Context(), q)
	if err != nil || !page.Partial || page.Next != q.Start() {
		t.Errorf("%+v, %v", page, err)
	}
	if asked := e.asked.String(); !strings.Contains(asked, `"timeout": "`) || !strings.Contains(asked, "allow_partial_search_results=true") {
		t.Errorf("asked %s", asked)
	}
	f, err := s.Facets(t.Context(), q, "service.name", 5)
	if err != nil || !f.Partial || f.Others != 3 || len(f.Values) != 1 {
		t.Errorf("%+v, %v", f, err)
	}
	q.After = store.Cursor{Time: day, ID: "n1-7"}
	if page, err = s.Search(t.Context(), q); err != nil || !page.Partial || page.Next != q.After {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestCountsThatAreNotExactArePartial(t *testing.T) {
	s, _ := fake(t, http.StatusOK, `{"hits":{"hits":[]},"aggregations":{"values":{"doc_count_error_upper_bound":1,"buckets":[{"key":200,"doc_count":2}]}}}`)
	f, err := s.Facets(t.Context(), store.Query{}, "http.response.status_code", 5)
	if err != nil || !f.Partial || len(f.Values) != 1 || f.Values[0] != (store.Facet{Value: "200", Count: 2}) {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestWhoseFaultASearchIs(t *testing.T) {
	f := func(status int, answer string, budget time.Duration, want error) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s, _ := fake(t, status, answer)
		if _, err := s.Search(ctx, store.Query{Limit: 5, Budget: budget}); !errors.Is(err, want) {
			t.Errorf("%d %s: %v, want %v", status, answer, err, want)
		}
	}
	const many = `{"type":"illegal_state_exception","reason":"Automaton [m*] expanded to too many terms (limit 8192)"}`
	f(500, `{"error":{"type":"search_phase_execution_exception","reason":"all shards failed","root_cause":[`+many+`]}}`, 0, store.ErrQuery)
	f(200, `{"_shards":{"failed":1,"failures":[{"reason":`+many+`}]},"hits":{"hits":[]}}`, time.Hour, store.ErrQuery)
	f(400, `{"error":{"type":"illegal_argument_exception","reason":"no"}}`, 0, store.ErrQuery)
	f(403, `{"error":{"type":"security_exception","reason":"no"}}`, 0, store.ErrUnavailable)
	f(200, `{"_shards":{"failed":1,"failures":[{"reason":{"type":"io_exception","reason":"disk"}}]},"hits":{"hits":[]}}`, time.Hour, store.ErrUnavailable)
	f(200, `<html>`, 0, store.ErrUnavailable)
}

// Elasticsearch itself says when too many words begin alike.
func TestTooManyWordsOfOneBeginningAreRefused(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.url, 0)
	var entries []store.Entry
	for n := range 9 {
		var words strings.Builder
		for w := range 1000 {
			fmt.Fprintf(&words, "not money%d ", n*1000+w)
		}
		e, err := store.NewEntry(record.Append(nil, &record.Record{Time: day, Message: words.String(), Node: "n1", Sequence: uint64(n + 1)}))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	c.put(s, entries, 9, 0, 0)
	c.do("POST", "/"+c.prefix+"-records-*/_forcemerge?max_num_segments=1", "")
	c.do("POST", "/"+c.prefix+"-records-*/_refresh", "")
	phrase := filter.Phrase{Field: "message", Text: "not money", Prefix: true}
	for _, budget := range []time.Duration{0, time.Hour} {
		if _, err := s.Search(t.Context(), store.Query{Filter: phrase, Limit: 5, Budget: budget}); !errors.Is(err, store.ErrQuery) || !strings.Contains(err.Error(), "write more of it") {
			t.Errorf("%v", err)
		}
	}
	phrase.Text += "8999"
	if page, err := s.Search(t.Context(), store.Query{Filter: phrase, Limit: 5}); err != nil || len(page.Entries) != 1 {
		t.Errorf("%d found, %v", len(page.Entries), err)
	}
}

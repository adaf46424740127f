package elastic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/elastic"
	"github.com/waybill-log/waybill/store/storetest"
)

// cluster is a real Elasticsearch, with names of this test's own.
type cluster struct {
	t              *testing.T
	url            string
	user, password string // empty: nobody
	client         *http.Client
	prefix         string
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{t: t, url: testservers.Elasticsearch(t)[0], client: http.DefaultClient, prefix: testservers.Name(t)}
	t.Cleanup(c.clear)
	return c
}

// clear removes what a test has left: indices, and the templates if there are some.
func (c *cluster) clear() {
	for _, index := range strings.Fields(c.do("GET", "/_cat/indices/"+c.prefix+"-*?h=index", "")) {
		c.do("DELETE", "/"+index, "")
	}
	templates := c.do("GET", "/_index_template?filter_path=index_templates.name", "")
	for _, name := range []string{c.prefix + "-records", c.prefix + "-journeys"} {
		if strings.Contains(templates, `"`+name+`"`) {
			c.do("DELETE", "/_index_template/"+name, "")
		}
	}
}

// do makes a request past the store.
func (c *cluster) do(method, path, body string) string {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if c.user != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	res, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		c.t.Errorf("%s %s: %s %s %v", method, path, res.Status, answer, err)
	}
	return string(answer)
}

func (c *cluster) open(url string, wait time.Duration) *elastic.Store {
	c.t.Helper()
	s, err := elastic.Open(c.t.Context(), elastic.Config{URLs: []string{url}, Prefix: c.prefix, Wait: wait})
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func batch(t *testing.T, from, to uint64) (out []store.Entry) {
	for n := from; n <= to; n++ {
		out = append(out, storetest.Entry(t, "a", "n1", n))
	}
	return out
}

func (c *cluster) put(s *elastic.Store, entries []store.Entry, stored, present, rejected int) {
	c.t.Helper()
	res, err := s.Put(c.t.Context(), entries)
	if err != nil || res.Stored != stored || res.Present != present || len(res.Rejected) != rejected {
		c.t.Errorf("stored %d, present %d, rejected %v, %v; want %d, %d, %d", res.Stored, res.Present, res.Rejected, err, stored, present, rejected)
	}
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		c := newCluster(t)
		return c.open(c.url, 0)
	})
}

const noon = "2026.11.23" // the day of storetest's records

func TestAnIndexThatIsGoneIsCreatedAgain(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.url, 10*time.Second)
	c.put(s, batch(t, 1, 5), 5, 0, 0)
	c.do("DELETE", "/"+c.prefix+"-records-"+noon, "")
	c.put(s, batch(t, 3, 7), 5, 0, 0)
}

func TestABlockedIndexIsWaitedFor(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.url, time.Second)
	c.put(s, batch(t, 1, 5), 5, 0, 0)
	settings := "/" + c.prefix + "-records-" + noon + "/_settings"
	c.do("PUT", settings, `{"index.blocks.write":true}`)
	if _, err := s.Put(t.Context(), batch(t, 4, 8)); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "cluster_block_exception") {
		t.Errorf("while blocked: %v", err)
	}
	c.do("PUT", settings, `{"index.blocks.write":null}`)
	c.put(s, batch(t, 4, 8), 3, 2, 0)
}

func TestWhatElasticsearchCannotIndexIsRejectedAlone(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.url, 0)
	entries := batch(t, 1, 3)
	entries[1].Raw = bytes.Replace(entries[1].Raw, []byte(`"@timestamp":"2026`), []byte(`"@timestamp":"x2026`), 1)
	res, err := s.Put(t.Context(), entries)
	if err != nil || res.Stored != 2 || len(res.Rejected) != 1 || res.Rejected[0].Index != 1 || !strings.Contains(res.Rejected[0].Reason, "400 document_parsing_exception") {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestAValueTooLongForAnIndexIsStored(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.url, 0)
	long := strings.Repeat("車", 20_000)
	e, err := store.NewEntry(record.Append(nil, &record.Record{
		Time: time.Unix(1e9, 0), Message: long, Node: "n1", Sequence: 1, Level: long, Service: long, ServiceVer: long, TraceID: long,
		Kind: record.Kind(long), SpanName: long, Outcome: long, Alias: record.Alias{Value: long}, Messaging: record.Messaging{Topic: long},
		Saga: record.Saga{ID: long}, Error: record.Error{Type: long, Message: long}, Labels: []record.Label{{Key: "k", Value: long}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	c.put(s, []store.Entry{e}, 1, 0, 0)
}

func TestLabelsAreFound(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.url, 0)
	e, err := store.NewEntry(record.Append(nil, &record.Record{
		Time: time.Unix(1e9, 0), Message: "m", Node: "n1", Sequence: 1, Labels: []record.Label{{Key: "order.id", Value: "A-1001"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	c.put(s, []store.Entry{e}, 1, 0, 0)
	c.do("POST", "/"+c.prefix+"-records-*/_refresh", "")
	for query, want := range map[string]int{
		`{"term":{"labels.order.id":"A-1001"}}`:  1,
		`{"prefix":{"labels.order.id":"A-1"}}`:   1,
		`{"exists":{"field":"labels.order.id"}}`: 1,
		`{"exists":{"field":"labels"}}`:          1,
		`{"term":{"labels.order.id":"A-1002"}}`:  0,
		`{"exists":{"field":"labels.order"}}`:    0,
	} {
		if got := c.do("POST", "/"+c.prefix+"-records-*/_count", `{"query":`+query+`}`); !strings.HasPrefix(got, fmt.Sprintf(`{"count":%d,`, want)) {
			t.Errorf("%s: %s, want %d", query, got, want)
		}
	}
}

// faults stands between the store and Elasticsearch. spoil answers a bulk
// request in Elasticsearch's place, or spoils its answer; the count starts at 1.
func (c *cluster) faults(spoil func(n int64, w http.ResponseWriter, body []byte, pass func() *httptest.ResponseRecorder) bool) string {
	target, err := url.Parse(c.url)
	if err != nil {
		c.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/_bulk") {
			proxy.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		pass := func() *httptest.ResponseRecorder {
			rec := httptest.NewRecorder()
			r.Body = io.NopCloser(bytes.NewReader(body))
			r.Header.Del("Accept-Encoding") // answers are to be read here
			proxy.ServeHTTP(rec, r)
			return rec
		}
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		if !spoil(n.Add(1), w, body, pass) {
			w.Write(pass().Body.Bytes())
		}
	}))
	c.t.Cleanup(server.Close)
	return server.URL
}

func TestFaultsOnTheWayLoseAndDoubleNothing(t *testing.T) {
	answer := func(status int) func(int64, http.ResponseWriter, []byte, func() *httptest.ResponseRecorder) bool {
		return func(n int64, w http.ResponseWriter, _ []byte, _ func() *httptest.ResponseRecorder) bool {
			if n < 3 {
				w.WriteHeader(status)
				fmt.Fprint(w, `{"error":{"type":"es_rejected_execution_exception","reason":"queue full"}}`)
			}
			return n < 3
		}
	}
	tooLarge := 0
	for name, spoil := range map[string]func(int64, http.ResponseWriter, []byte, func() *httptest.ResponseRecorder) bool{
		"429": answer(429),
		"503": answer(503),
		"413": func(_ int64, w http.ResponseWriter, body []byte, _ func() *httptest.ResponseRecorder) bool {
			if len(body) > 2000 {
				tooLarge++
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
			return len(body) > 2000
		},
		"an answer cut short after the work was done": func(n int64, w http.ResponseWriter, _ []byte, pass func() *httptest.ResponseRecorder) bool {
			if n == 1 {
				done := pass().Body.Bytes()
				w.Write(done[:len(done)/2])
			}
			return n == 1
		},
		"a connection reset after the work was done": func(n int64, _ http.ResponseWriter, _ []byte, pass func() *httptest.ResponseRecorder) bool {
			if n == 1 {
				pass()
				panic(http.ErrAbortHandler)
			}
			return false
		},
		"one item of the batch refused for now": func(n int64, w http.ResponseWriter, _ []byte, pass func() *httptest.ResponseRecorder) bool {
			if n == 1 {
				done := pass().Body.String()
				done = strings.Replace(done, `"errors":false`, `"errors":true`, 1)
				w.Write([]byte(strings.Replace(done, `"status":201`, `"status":429,"error":{"type":"es_rejected_execution_exception","reason":"queue full"}`, 1)))
			}
			return n == 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			s := c.open(c.faults(spoil), 20*time.Second)
			res, err := s.Put(t.Context(), batch(t, 1, 40))
			if err != nil || res.Stored+res.Present != 40 || len(res.Rejected) != 0 {
				t.Errorf("%+v, %v", res, err)
			}
			c.do("POST", "/"+c.prefix+"-records-*/_refresh", "")
			if n, err := s.Count(t.Context()); n != 40 || err != nil {
				t.Errorf("%d records, %v", n, err)
			}
		})
	}
	if tooLarge == 0 {
		t.Error("no request was too large")
	}
}

func TestARecordTooLargeAloneIsRejected(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.faults(func(_ int64, w http.ResponseWriter, body []byte, _ func() *httptest.ResponseRecorder) bool {
		if bytes.Contains(body, []byte("number 2")) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}
		return false
	}), 5*time.Second)
	res, err := s.Put(t.Context(), batch(t, 1, 3))
	if err != nil || res.Stored != 2 || len(res.Rejected) != 1 || res.Rejected[0].Index != 1 || !strings.Contains(res.Rejected[0].Reason, "http.max_content_length") {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestTheEndOfTheContextEndsPut(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.faults(func(_ int64, w http.ResponseWriter, _ []byte, _ func() *httptest.ResponseRecorder) bool {
		w.WriteHeader(429)
		return true
	}), time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.Put(ctx, batch(t, 1, 3)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestAnUnreachableClusterIsNamed(t *testing.T) {
	_, err := elastic.Open(t.Context(), elastic.Config{URLs: []string{"http://127.0.0.1:1"}})
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "http://127.0.0.1:1") || !strings.Contains(err.Error(), "--elasticsearch-urls") {
		t.Errorf("got %v", err)
	}
}

// Only whole days before the floor go, and only indices that are ours.
func TestRetentionDropsWholeDays(t *testing.T) {
	c := newCluster(t)
	s := c.open(c.url, 0)
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	var entries []store.Entry
	for n, at := range []time.Time{day.Add(-25 * time.Hour), day.Add(-time.Nanosecond), day.Add(-time.Hour), day, day.Add(time.Hour)} {
		e, err := store.NewEntry(record.Append(nil, &record.Record{Time: at, Message: "m", Node: "n1", Sequence: uint64(n + 1)}))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	c.put(s, entries, 5, 0, 0)
	c.do("PUT", "/"+c.prefix+"-records-notes", "")
	c.do("POST", "/"+c.prefix+"-records-*/_refresh", "")
	f := func(dry bool, floor time.Time, want ...string) {
		t.Helper()
		days, err := s.Retain(t.Context(), floor, dry)
		var got []string
		for _, d := range days {
			got = append(got, fmt.Sprint(strings.TrimPrefix(d.Name, c.prefix+"-records-"), " ", d.Records))
			if d.Bytes == 0 {
				t.Errorf("%s has no size", d.Name)
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	f(true, day.Add(23*time.Hour), "2026.11.21 1", "2026.11.22 2")
	f(false, day.Add(-time.Hour), "2026.11.21 1")
	f(false, day, "2026.11.22 2")
	f(false, day)
	c.put(s, entries[:1], 1, 0, 0) // a collector without that retention
	c.do("POST", "/"+c.prefix+"-records-*/_refresh", "")
	if n, err := s.Count(t.Context()); n != 3 || err != nil {
		t.Errorf("%d records left, %v", n, err)
	}
}

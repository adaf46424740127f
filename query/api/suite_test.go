package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/api"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/elastic"
	"github.com/waybill-log/waybill/store/embedded"
)

const (
	first  = "019ab12c3d4eaaaaaaaaaaaaaaaaaaaa" // purchases of the golden records
	second = "019ab12c3d4ebbbbbbbbbbbbbbbbbbbb"
	alias  = "2026-1007-88"
)

// shop are records of several journeys, one of which has an alias.
func shop(t *testing.T) []store.Entry {
	t.Helper()
	lines := append(golden(t, "interleaved"), golden(t, "otel")...)
	lines = append(lines, record.Append(nil, &record.Record{
		Time: time.Date(2026, 11, 23, 14, 0, 0, 500, time.UTC), Service: "bank", Node: "bank-9", Sequence: 1, Level: "error", Message: "never <b>mind</b>",
		Kind: record.KindAlias, CorrelationID: first, Alias: record.Alias{Name: "order", Value: alias},
	}))
	var out []store.Entry
	for _, line := range lines {
		e, err := store.NewEntry(line)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(out, func(o store.Entry) bool { return o.ID == e.ID }) { // the golden ones have some twice
			out = append(out, e)
		}
	}
	return out
}

// summarized are the summaries of the journeys of entries, as a collector would write them.
func summarized(t *testing.T, entries []store.Entry) (out []store.Summary) {
	t.Helper()
	folds := map[string]*journey.Fold{}
	for _, e := range entries {
		r, err := record.Decode(e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if folds[e.Key] == nil {
			folds[e.Key] = &journey.Fold{}
		}
		folds[e.Key].Add(&r)
	}
	for key, f := range folds {
		s := f.Summary(journey.Evidence{})
		sum := sha256.Sum256([]byte(key))
		kept := store.Summary{
			SummaryRef: store.SummaryRef{Day: s.Start.UTC().Truncate(24 * time.Hour), ID: store.SummaryID(sum[:16])}, Key: key, CorrelationID: s.CorrelationID,
			Verdict: string(s.Verdict), Completeness: string(s.Completeness), Kind: s.Kind, Release: s.Release, Start: s.Start, End: s.End, Services: s.Stations,
			Traces: s.Traces, Failed: s.Errors, OpenHops: s.OpenHops, State: f.Append(nil),
		}
		for _, a := range s.Aliases {
			kept.Aliases = append(kept.Aliases, a.Value)
		}
		out = append(out, kept)
	}
	return out
}

func fill(t *testing.T, st store.Store) {
	t.Helper()
	entries := shop(t)
	if res, err := st.Put(t.Context(), entries); err != nil || len(res.Rejected) > 0 {
		t.Fatal(res, err)
	}
	summaries := summarized(t, entries)
	if _, err := st.PutSummaries(t.Context(), summaries); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		n, err := st.Count(t.Context())
		found, _, err2 := st.FindSummaries(t.Context(), store.SummaryQuery{Limit: 100})
		if n == int64(len(entries)) && len(found) == len(summaries) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d records, %d of %d summaries: %v %v", n, len(entries), len(found), len(summaries), err, err2)
		}
	}
}

// bothStores runs a test on each store, filled.
func bothStores(t *testing.T, test func(t *testing.T, st store.Store)) {
	t.Run("embedded", func(t *testing.T) {
		st, err := embedded.Open(embedded.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		fill(t, st)
		test(t, st)
	})
	t.Run("elastic", func(t *testing.T) {
		urls, prefix := testservers.Elasticsearch(t), testservers.Name(t)
		st, err := elastic.Open(t.Context(), elastic.Config{URLs: urls, Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			for _, name := range []string{"-records-2026.11.23", "-records-2001.09.09", "-journeys-2026.11.23", "-erasures"} {
				drop(t, urls[0]+"/"+prefix+name)
			}
			drop(t, urls[0]+"/_index_template/"+prefix+"-records")
			drop(t, urls[0]+"/_index_template/"+prefix+"-journeys")
			st.Close()
		})
		fill(t, st)
		test(t, st)
	})
}

// drop deletes what may not be there.
func drop(t *testing.T, what string) {
	req, _ := http.NewRequest(http.MethodDelete, what, nil)
	if res, err := http.DefaultClient.Do(req); err != nil {
		t.Error(err)
	} else {
		res.Body.Close()
	}
}

// checked is a server whose every JSON answer is held against what describes it.
type checked struct {
	http.Handler
	document *huma.OpenAPI
}

func described(t *testing.T, st query.Store) checked {
	t.Helper()
	asOf := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	desk := query.New(query.Config{
		Store: st, Evidence: horizon(func() (time.Time, error) { return asOf, nil }),
		Letters: func(context.Context, int) ([]query.Letter, error) {
			return []query.Letter{{ID: "0/1", Reason: "not JSON"}, {ID: "0/2"}}, nil
		},
		Letter: func(_ context.Context, at query.LetterAt) (*query.WholeLetter, error) {
			text := "{"
			return &query.WholeLetter{Letter: query.Letter{ID: at.String()}, Headers: []query.LetterHeader{{Name: "a", Value: "b"}}, Data: []byte(text), Text: &text}, nil
		},
		Lags: func() ([]evidence.Lag, error) {
			return []evidence.Lag{{Group: "collectors", Topic: "waybill.records", Committed: 7, End: 9, Own: true, AsOf: asOf}, {Group: "game", Topic: "orders", Committed: -1, End: -1, AsOf: asOf}}, nil
		},
		Ledgers: func() []evidence.Ledger {
			return []evidence.Ledger{{Ledger: record.Ledger{Service: "bank", Node: "bank-9", Last: 3, Unsettled: 4, Dropped: []record.Dropped{{From: 2, To: 2}}}, Read: asOf.Add(-time.Minute)}}
		},
	})
	h, document, err := api.NewDescribed(api.Config{Desk: desk, Guard: anybody{}})
	if err != nil {
		t.Fatal(err)
	}
	return checked{h, document}
}

var opened = regexp.MustCompile(`\{[a-z]+\}`)

// operation is the one that answers a path.
func (c checked) operation(path string) *huma.Operation {
	path, _, _ = strings.Cut(path, "?")
	for _, literal := range []bool{true, false} {
		for template, item := range c.document.Paths {
			if opened.MatchString(template) == literal {
				continue
			}
			if regexp.MustCompile("^"+opened.ReplaceAllString(regexp.QuoteMeta(template), "[^/]+")+"$").MatchString(path) || regexp.MustCompile("^"+strings.NewReplacer("{id}", "[^/]+", "{kind}", "[^/]+", "{partition}", "[^/]+", "{offset}", "[^/]+").Replace(template)+"$").MatchString(path) {
				return item.Get
			}
		}
	}
	return nil
}

func (c checked) get(t *testing.T, path string, status int) (body map[string]any, w *httptest.ResponseRecorder) {
	t.Helper()
	w = get(c, path)
	if w.Code != status {
		t.Fatalf("%s: %d, want %d: %.600s", path, w.Code, status, w.Body)
	}
	if w.Header().Get("X-Request-ID") == "" || w.Header().Get("X-Waybill-As-Of") == "" {
		t.Errorf("%s has headers %v", path, w.Header())
	}
	if !strings.Contains(w.Header().Get("Content-Type"), "json") || strings.Contains(w.Header().Get("Content-Type"), "ndjson") {
		return nil, w
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v: %s", path, err, w.Body)
	}
	op := c.operation(path)
	response := op.Responses[fmt.Sprint(status)]
	if response == nil {
		response = op.Responses["default"]
	}
	media := response.Content[w.Header().Get("Content-Type")]
	if media == nil || media.Schema == nil {
		t.Fatalf("%s: nothing describes %d of %s", path, status, w.Header().Get("Content-Type"))
	}
	var res huma.ValidateResult
	huma.Validate(c.document.Components.Schemas, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, body, &res)
	if len(res.Errors) > 0 {
		t.Errorf("%s is not as described: %v", path, res.Errors)
	}
	return body, w
}

// Each question of the API, and something that its answer says. Every one is asked of both stores.
var questions = []struct{ path, has string }{
	{"/journeys", `"correlation_id":"` + first},
	{"/journeys?limit=1", `"next":"`},
	{"/journeys?q=" + url.QueryEscape("visited:gateway took>1ms since:2026-11-01"), first},
	{"/journeys?q=" + url.QueryEscape(`level:error "never"`), first},
	{"/journeys?q=verdict:stalled", `"journeys":[]`},
	{"/journeys/" + first, `"record_count":20`},
	{"/journeys/" + first + "?records=2,3", `"records_from":2`},
	{"/journeys/" + first + "?view=head", `"records":[]`},
	{"/journeys/" + first + "/records?from=3&limit=2", `"places":[3,4]`},
	{"/journeys/" + first + "/records?around=bank-9-1&limit=3", `"at":`},
	{"/journeys/" + first + "/diff?with=" + second, `"with":"` + second},
	{"/journeys/" + first + "/diff?with=usual", `"few":true`},
	{"/records", `"next":"`},
	{"/records?limit=2&order=oldest&q=service:bank", `"partial":false`},
	{"/records?q=" + url.QueryEscape("visited:checkout"), `otlp-1`},
	{"/records?q=verdict:stalled", `"records":[]`},
	{"/records/histogram?q=" + url.QueryEscape("since:2026-11-23 until:2026-11-24"), `"count":`},
	{"/records/histogram?step=1h&q=" + url.QueryEscape("since:2026-11-23 until:2026-11-24"), `"step":3600000000000`},
	{"/records/facets?field=service.name", `"value":"bank"`},
	{"/records/context?id=bank-9-1&within=journey&limit=3", "never <b>mind</b>"},
	{"/records/context?id=otlp-1&within=service&at=2026-11-23T14:00:00Z", "POST /checkout"},
	{"/services", `"name":"gateway"`},
	{"/map", `"id":"service:bank"`},
	{"/map?q=verdict:stalled", `"journeys":0,"verdicts":[],"first":null`},
	{"/usual/" + url.PathEscape("POST /purchases"), `"journeys":2`},
	{"/fields", `"name":"verdict","field":"","kind":"journey"`},
	{"/deadletters", `not JSON`},
	{"/deadletters/2/17", `"id":"2/17"`},
	{"/lag", `"lag":2,"members":null,"own":true`},
	{"/instances", `"dropped":1`},
	{"/stats", `"records":`},
	{"/me", `"role":"admin"`},
}

func TestBothStoresGiveTheSameAnswersAsDescribed(t *testing.T) {
	said := map[string][]string{}
	bothStores(t, func(t *testing.T, st store.Store) {
		h := described(t, late0{st})
		for _, q := range questions {
			_, w := h.get(t, "/api/v1"+q.path, http.StatusOK)
			if !strings.Contains(w.Body.String(), q.has) {
				t.Errorf("%s does not say %s:\n%.800s", q.path, q.has, w.Body)
			}
			said[q.path] = append(said[q.path], regexp.MustCompile(`"behind":\d+`).ReplaceAllString(w.Body.String(), ""))
		}
	})
	for path, bodies := range said {
		if len(bodies) == 2 && bodies[0] != bodies[1] {
			t.Errorf("%s differs:\n%.1500s\n%.1500s", path, bodies[0], bodies[1])
		}
	}
}

// late0 is a store that says it does not lag, so that two that do by different times can be compared.
type late0 struct{ store.Store }

func (late0) Lag() time.Duration { return 0 }

func TestAListIsReadPageByPage(t *testing.T) {
	bothStores(t, func(t *testing.T, st store.Store) {
		h := described(t, st)
		for path, key := range map[string]string{"/api/v1/journeys?limit=1": "journeys", "/api/v1/records?limit=7": "records", "/api/v1/records?limit=7&order=oldest": "records"} {
			var one, all []any
			for cursor, more := "", true; more; {
				body, _ := h.get(t, path+"&cursor="+cursor, http.StatusOK)
				one = append(one, body[key].([]any)...)
				cursor = body["next"].(string)
				more = cursor != ""
			}
			body, _ := h.get(t, regexp.MustCompile(`limit=\d`).ReplaceAllString(path, "limit=400"), http.StatusOK)
			if all = body[key].([]any); len(all) < 3 || fmt.Sprint(one) != fmt.Sprint(all) || body["next"] != "" {
				t.Errorf("%s gives %d in pages, and %d at once", path, len(one), len(all))
			}
		}
	})
}

func TestThirtySpellingsLeadToOneJourney(t *testing.T) {
	upper, dashed := strings.ToUpper(first), first[:8]+"-"+first[8:12]+"-"+first[12:16]+"-"+first[16:20]+"-"+first[20:]
	spellings := []string{
		first, upper, dashed, strings.ToUpper(dashed), "{" + dashed + "}", "{" + first + "}", "urn:uuid:" + dashed, "URN:UUID:" + strings.ToUpper(dashed),
		"00-" + first + "-00f067aa0ba902b7-01", "00-" + upper + "-00F067AA0BA902B7-00", "traceparent: 00-" + first + "-00f067aa0ba902b7-01", "traceparent=00-" + first + "-00f067aa0ba902b7-01",
		"2132435203511964064571796295013542570", // as a number
		`"` + first + `"`, "'" + dashed + "'", "`" + first + "`", "<" + first + ">", " " + first + "\t", first + ",", `"` + upper + `",`,
		"correlation_id=" + first, "correlation.id: " + dashed, `correlation_id="` + upper + `"`, "x-correlation-id: " + first, "trace_id=" + first,
		"https://waybill.example/?id=" + dashed, "http://127.0.0.1:7600/api/v1/journeys/" + first + "/export?format=html", "/?id=%7B" + dashed + "%7D&tab=hops",
		first[:24], strings.ToUpper(first[:20]), dashed[:20], first[24:], strings.ToUpper(first[24:]), "…" + first[24:], alias, `"` + alias + `"`,
	}
	if len(slices.Compact(slices.Sorted(slices.Values(spellings)))) < 30 {
		t.Fatal("too few spellings")
	}
	bothStores(t, func(t *testing.T, st store.Store) {
		h := described(t, st)
		for _, spelling := range spellings {
			body, _ := h.get(t, journeys+url.PathEscape(spelling), http.StatusOK)
			if body["correlation_id"] != first {
				t.Errorf("%q leads to %v", spelling, body["correlation_id"])
			}
		}
		body, _ := h.get(t, journeys+first[:12], http.StatusConflict) // of three
		choices := body["choices"].([]any)
		if len(choices) != 3 || len(body["candidates"].([]any)) != 3 || choices[0].(map[string]any)["kind"] == "" || choices[0].(map[string]any)["verdict"] == "" {
			t.Errorf("choices %v", body)
		}
	})
}

// filled is an embedded store with the shop's records.
func filled(t *testing.T) store.Store {
	t.Helper()
	st := recordsIn(t)
	fill(t, st)
	return st
}

package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/access"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

// recordsIn opens a store that holds records.
func recordsIn(t *testing.T, lines ...[]byte) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var batch []store.Entry
	for _, line := range lines {
		e, err := store.NewEntry(line)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, e)
	}
	if res, err := s.Put(t.Context(), batch); err != nil || len(res.Rejected) != 0 {
		t.Fatal(res, err)
	}
	return s
}

func golden(t *testing.T, name string) [][]byte {
	t.Helper()
	b, err := os.ReadFile("../../record/testdata/" + name + ".ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(b), []byte("\n"))
}

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type problem struct {
	Type, Title, Detail string
	Status              int
	Candidates          []string
}

func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, detail string) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Errorf("%v: %s", err, w.Body)
	}
	if w.Code != status || p.Status != status || p.Type != "about:blank" || p.Title != http.StatusText(status) ||
		!strings.Contains(p.Detail, detail) || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s %+v; want %d, %q", w.Code, w.Header().Get("Content-Type"), p, status, detail)
	}
	return p
}

const journeys = "/api/v1/journeys/"

// horizon is evidence of no more than that.
type horizon func() (time.Time, error)

func (h horizon) AsOf() (time.Time, error) { return h() }
func (h horizon) For(asOf time.Time, _ iter.Seq[*record.Record]) journey.Evidence {
	return journey.Evidence{AsOf: asOf}
}

func TestAJourneyIsAnsweredWithItsHorizon(t *testing.T) {
	asOf := time.Date(2026, 11, 23, 14, 0, 1, 0, time.UTC)
	h := serve(t, setup{Store: recordsIn(t, golden(t, "interleaved")...), Evidence: horizon(func() (time.Time, error) { return asOf, nil })})
	id := "019ab12c3d4e" + strings.Repeat("b", 20)
	for _, spelling := range []string{id, strings.ToUpper(id), "{" + id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:] + "}"} {
		w := get(h, journeys+url.PathEscape(spelling))
		var j journey.Journey
		if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != 200 {
			t.Fatalf("%d %v %s", w.Code, err, w.Body)
		}
		if j.Verdict != journey.Delivered || j.CorrelationID != id || len(j.Records) != 19 || !j.AsOf.Equal(asOf) {
			t.Errorf("%s: %s %s, %d records, as of %v", spelling, j.CorrelationID, j.Verdict, len(j.Records), j.AsOf)
		}
	}
	// Records come back byte for byte.
	if w := get(h, journeys+id); !bytes.Contains(w.Body.Bytes(), golden(t, "interleaved")[2]) {
		t.Errorf("a record was changed:\n%s\nnot in\n%s", golden(t, "interleaved")[2], w.Body)
	}
}

func TestAnUnknownHorizonIsNull(t *testing.T) {
	for _, evidence := range []query.Evidence{
		nil,
		horizon(func() (time.Time, error) { return time.Time{}, nil }),
		horizon(func() (time.Time, error) { return time.Time{}, errors.New("no Kafka") }),
	} {
		h := serve(t, setup{Store: recordsIn(t, golden(t, "lost")...), Evidence: evidence})
		if w := get(h, journeys+"019ab12c3d4e"+strings.Repeat("a", 20)); w.Code != 200 || !strings.Contains(w.Body.String(), `"as_of":null`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// late is a store whose answers lag.
type late struct{ store.Store }

func (late) Lag() time.Duration { return 3 * time.Second }

func TestTheHorizonStepsBackByTheStoresLag(t *testing.T) {
	asOf := time.Date(2026, 11, 23, 14, 0, 10, 0, time.UTC)
	h := serve(t, setup{Store: late{recordsIn(t, golden(t, "lost")...)}, Evidence: horizon(func() (time.Time, error) { return asOf, nil })})
	if w := get(h, journeys+"019ab12c3d4e"+strings.Repeat("a", 20)); !strings.Contains(w.Body.String(), `"as_of":"2026-11-23T14:00:07Z"`) {
		t.Errorf("%s", w.Body)
	}
	wantProblem(t, get(h, journeys+"nobody"), 404, "no records of nobody have arrived of what was shipped before 2026-11-23T14:00:07.000000000Z")
}

func TestBadAndUnknownIDs(t *testing.T) {
	line := func(id string, n uint64) []byte {
		return record.Append(nil, &record.Record{Time: time.Unix(1e9, 0), Node: "n", Sequence: n, CorrelationID: id})
	}
	h := serve(t, setup{Store: recordsIn(t, line("Order-1", 1), line("order-1", 2), line("50%/a?b#c", 3), line("a%2Fb", 4))})
	wantProblem(t, get(h, journeys+"nobody"), 404, "no records of nobody have arrived")
	wantProblem(t, get(h, journeys+"a%20b"), 400, "visible ASCII")
	wantProblem(t, get(h, journeys+"a%0Ab"), 400, "visible ASCII")
	wantProblem(t, get(h, journeys+"%C3%A9"), 400, "visible ASCII")
	wantProblem(t, get(h, journeys+strings.Repeat("a", 129)), 400, "128")
	wantProblem(t, get(h, "/api/v1/nothing"), 404, "Not Found")
	if p := wantProblem(t, get(h, journeys+"ORDER-1"), 409, "several journeys"); strings.Join(p.Candidates, " ") != "Order-1 order-1" {
		t.Errorf("candidates %v", p.Candidates)
	}
	for _, id := range []string{"Order-1", "order-1", "50%/a?b#c", "a%2Fb"} {
		var j journey.Journey
		w := get(h, journeys+url.PathEscape(id))
		if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || j.CorrelationID != id || len(j.Records) != 1 {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
}

// away is a store that does not answer.
type away struct{ store.Store }

func (away) ByKey(context.Context, string, int) ([]store.Entry, bool, error) {
	return nil, false, fmt.Errorf("%w: secret detail", store.ErrUnavailable)
}

func TestAStoreThatIsAwayIs503AndTheLogSaysWhy(t *testing.T) {
	var log bytes.Buffer
	h := serve(t, setup{
		Store: away{}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Ready: func(context.Context) error { return errors.New("on holiday") },
	})
	w := get(h, journeys+"a")
	wantProblem(t, w, 503, "try again")
	if strings.Contains(w.Body.String(), "secret") || !strings.Contains(log.String(), "secret detail") {
		t.Errorf("answer %s\nlog %s", w.Body, log.String())
	}
	if w := get(h, "/readyz"); w.Code != 503 || !strings.Contains(w.Body.String(), "on holiday") {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
	if w := get(h, "/healthz"); w.Code != 200 {
		t.Errorf("healthz: %d", w.Code)
	}
	if w := get(h, "/metrics"); !strings.Contains(w.Body.String(), `waybill_http_requests_total{route="/api/v1/journeys/:id",status="503"} 1`) {
		t.Errorf("metrics:\n%s", w.Body)
	}
}

func TestTooManyRecordsAreSaidToBeTooMany(t *testing.T) {
	var lines [][]byte
	for n := range 10_001 {
		lines = append(lines, record.Append(nil, &record.Record{Time: time.Unix(1e9, int64(n)), Node: "n", Sequence: uint64(n + 1), CorrelationID: "a"}))
	}
	var j journey.Journey
	w := get(serve(t, setup{Store: recordsIn(t, lines...)}), journeys+"a")
	if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || len(j.Records) != 10_000 || j.Verdict != journey.Unconfirmed || !strings.Contains(j.Reason, "only the earliest 10000") {
		t.Errorf("%d records, %s %s, %v", len(j.Records), j.Verdict, j.Reason, err)
	}
}

func TestATokenIsDemandedWhereOneIsSet(t *testing.T) {
	h := serve(t, setup{Store: recordsIn(t, golden(t, "lost")...), Guard: access.New(access.Config{Tokens: access.Single("secret")}), Pages: fstest.MapFS{"index.html": {Data: []byte("page")}}})
	path := journeys + "019ab12c3d4e" + strings.Repeat("a", 20)
	for header, status := range map[string]int{"": 401, "secret": 401, "Bearer wrong": 401, "Bearer ": 401, "Basic secret": 401, "Bearer secret": 200, "bearer secret": 200} {
		w := get(h, path, "Authorization", header)
		if w.Code != status {
			t.Errorf("%q: %d, want %d", header, w.Code, status)
		}
		if status == 401 {
			wantProblem(t, w, 401, "token")
			if w.Header().Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		}
	}
	for _, open := range []string{"/", "/healthz", "/readyz"} {
		if w := get(h, open); w.Code != 200 {
			t.Errorf("%s: %d", open, w.Code)
		}
	}
}

func TestThePageIsServedUnderAStrictPolicy(t *testing.T) {
	h := serve(t, setup{Store: recordsIn(t), Pages: fstest.MapFS{
		"index.html": {Data: []byte("<!doctype html>page")}, "assets/a-1.js": {Data: []byte("x")},
	}})
	w := get(h, "/?id=a")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "page") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
			t.Errorf("policy lacks %s", want)
		}
	}
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("X-Request-ID") == "" {
		t.Errorf("headers %v", w.Header())
	}
	if w := get(h, "/assets/a-1.js"); w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("asset: %d %v", w.Code, w.Header())
	}
	if w := get(h, "/assets/absent.js"); w.Code != 404 {
		t.Errorf("absent asset: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodHead, "/", nil)
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestEveryAddressOfThePageIsThePage(t *testing.T) {
	h := serve(t, setup{Store: recordsIn(t), Pages: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>page")}, "assets/a-1.js": {Data: []byte("x")}}})
	for _, path := range []string{"/", "/?id=a", "/search?q=level:error", "/tail", "/map", "/health", "/alerts"} {
		w := get(h, path)
		if w.Code != 200 || w.Body.String() != "<!doctype html>page" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
	for _, path := range []string{"/search/", "/search/x", "/searches", "/Search", "/assets", "/assets/", "/../index.html", "/api/v1/search"} {
		if w := get(h, path); w.Code != 404 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

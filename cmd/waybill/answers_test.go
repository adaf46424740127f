package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/access"
	"github.com/waybill-log/waybill/query/api"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

const (
	bought  = "019ab12c3d4eaaaaaaaaaaaaaaaaaaaa" // journeys of the contract's records
	another = "019ab12c3d4ebbbbbbbbbbbbbbbbbbbb"
)

// hostile is a record whose texts would control a terminal.
var hostile = record.Record{
	Time: time.Date(2026, 11, 23, 14, 0, 0, 500, time.UTC), Service: "bank", Node: "bank-9", Sequence: 1, Level: "error",
	Message: "\u009b2J\u202egone\u2028", CorrelationID: "hostile", Labels: []record.Label{{Key: "order_id", Value: "\u0090q\u009c=1"}},
}

// horizon is evidence of no more than that.
type horizon func() time.Time

func (h horizon) AsOf() (time.Time, error) { return h(), nil }
func (h horizon) For(asOf time.Time, _ iter.Seq[*record.Record]) journey.Evidence {
	return journey.Evidence{AsOf: asOf}
}

// answering is the API over a store with the contract's records.
func answering(t *testing.T, asOf horizon) *httptest.Server {
	t.Helper()
	st, err := embedded.Open(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	file, err := os.ReadFile("../../record/testdata/interleaved.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	folds := map[string]*journey.Fold{}
	for _, raw := range append(bytes.Split(bytes.TrimSpace(file), []byte("\n")), record.Append(nil, &hostile)) {
		e, err := store.NewEntry(raw)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := st.Put(t.Context(), []store.Entry{e}); err != nil || len(res.Rejected) > 0 {
			t.Fatal(res, err)
		}
		r, err := record.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if folds[e.Key] == nil {
			folds[e.Key] = &journey.Fold{}
		}
		folds[e.Key].Add(&r)
	}
	var summaries []store.Summary
	for key, f := range folds {
		s := f.Summary(journey.Evidence{})
		sum := sha256.Sum256([]byte(key))
		summaries = append(summaries, store.Summary{
			SummaryRef: store.SummaryRef{Day: s.Start.UTC().Truncate(24 * time.Hour), ID: store.SummaryID(sum[:16])}, Key: key, CorrelationID: s.CorrelationID,
			Verdict: string(s.Verdict), Completeness: string(s.Completeness), Kind: s.Kind, Release: s.Release, Start: s.Start, End: s.End, Services: s.Stations,
			Traces: s.Traces, Failed: s.Errors, OpenHops: s.OpenHops, State: f.Append(nil),
		})
	}
	if _, err := st.PutSummaries(t.Context(), summaries); err != nil {
		t.Fatal(err)
	}
	h, err := api.New(api.Config{Desk: query.New(query.Config{Store: st, Evidence: asOf}), Guard: access.New(access.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

var ofThisRun = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func TestEveryFormatOfEveryAnswer(t *testing.T) {
	s := answering(t, func() time.Time { return hostile.Time.Add(time.Hour) })
	environ := []string{"WAYBILL_SERVER=" + s.URL}
	for name, line := range map[string]string{
		"track.txt":            "track " + bought,
		"track-narrow.txt":     "track --timezone Asia/Tokyo --times rfc3339 " + bought,
		"track-colour.txt":     "track --color always " + bought,
		"track.json":           "track -o json " + bought,
		"track.jsonl":          "track -o jsonl " + bought,
		"track.html":           "track -o html hostile",
		"track.mmd":            "track -o mermaid " + bought,
		"track-raw.jsonl":      "track --raw hostile",
		"track-unsafe.jsonl":   "track --raw --unsafe-raw hostile",
		"track-hostile.txt":    "track hostile",
		"track-followed.txt":   "track --follow --timeout 30s " + bought,
		"track-followed.jsonl": "track --follow --timeout 30s --raw " + another,
		"diff.txt":             "track --diff " + another + " " + bought,
		"diff-usual.txt":       "track --diff usual " + bought,
		"diff.json":            "track -o json --diff " + another + " " + bought,
		"search.txt":           "search",
		"search-columns.txt":   "search --columns id,took,completeness -n 2",
		"search.csv":           "search -o csv",
		"search.json":          "search -o json -n 1",
		"search.jsonl":         "search -o jsonl",
		"search-none.json":     "search -o json verdict:stalled",
		"records.txt":          "search --records -l warn",
		"records.csv":          "search --records -o csv --columns time,message,label.order_id level:error",
		"records.json":         "search --records -o json --oldest-first -n 2 -s bank,game",
		"records.jsonl":        "search --records -o jsonl debited OR never",
	} {
		args := strings.Fields(line)
		env := environ
		if name == "track-narrow.txt" {
			env = append(env, "COLUMNS=44")
		}
		r := once(t, env, args...)
		golden(t, name, ofThisRun.ReplaceAllString(strings.ReplaceAll(fmt.Sprintf("%s\n---\n%s%d\n", r.stdout, r.stderr, r.code), "\x1b", "␛"), "SERVER"))
		if args[0] == "track" && strings.HasSuffix(name, ".json") && !json.Valid([]byte(r.stdout)) {
			t.Errorf("%s is no JSON", name)
		}
	}
}

func TestSearchSaysWhatItHasFound(t *testing.T) {
	s := answering(t, time.Now)
	f := func(code int, says string, line string) {
		t.Helper()
		r := once(t, nil, append(strings.Split(line, "|"), "--server", s.URL)...)
		if r.code != code || !strings.Contains(r.stderr, says) || code != 0 && r.stdout != "" {
			t.Errorf("%s: code %d, want %d; stderr lacks %q:\n%s\n%s", line, r.code, code, says, r.stderr, r.stdout)
		}
	}
	f(0, "shown 0", "search|verdict:stalled")
	f(exitNotFound, "nothing was found", "search|verdict:stalled|--fail-empty")
	f(0, "shown 1, and there are more: -n 0 shows all", "search|-n|1")
	f(0, "shown 3", "search|-n|0")
	f(0, "shown 39", "search|-r|-n|0|--since|2026-11-23|--until|2026-11-24T00:00:00Z")
	f(exitUsage, "no field \"colour\"", "search|level:error|colour:red")
	f(exitUsage, "  level:error colour:red\n              ^\n", "search|level:error|colour:red")
	f(exitUsage, "  (a OR b) since:\"yesterday\"\n", "search|a OR b|--since|yesterday")
	f(exitNotFound, "no records of nobody", "track|nobody")
	f(exitUsage, "several journeys have 019ab12c3d4e", "track|019ab12c3d4e")
	f(exitUsage, "\n  "+bought+"  2026-11-23 14:00:00 UTC  delivered  POST /purchases\n", "track|019ab12c3d4e")
	f(exitNotFound, "no records of nobody", "track|nobody|--follow|--timeout|20s")
	if r := once(t, nil, "search", "-q", "--server", s.URL); r.stderr != "" {
		t.Errorf("quiet search says %s", r.stderr)
	}
}

func TestATimeoutHasItsExitCode(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	for _, command := range [][]string{{"track", "a"}, {"search"}, {"tail"}, {"track", "-f", "a"}} {
		if r := once(t, nil, append(command, "--server", slow.URL, "--timeout", "50ms")...); r.code != exitTimeout || !strings.Contains(r.stderr, "--timeout has passed") {
			t.Errorf("%v: %+v", command, r)
		}
	}
}

func TestWhatComesAtTheSameTimeIsFollowedToItsEnd(t *testing.T) {
	states := []string{"in_transit", "in_transit", "delivered"}
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := min(asked, len(states)-1)
		asked++
		j := journey.Journey{CorrelationID: "a", Verdict: journey.Verdict(states[now]), Reason: "because", Start: hostile.Time, End: hostile.Time}
		for n := range now + 1 {
			r := record.Record{Time: hostile.Time, Service: "bank", Node: "n", Sequence: uint64(n + 1), CorrelationID: "a", Message: fmt.Sprintf("step %d", n)}
			raw := record.Append(nil, &r)
			r.Raw = raw
			j.Records = append(j.Records, &r)
		}
		later := hostile.Time.Add(time.Minute)
		j.AsOf = &later
		json.NewEncoder(w).Encode(j)
	}))
	defer s.Close()
	r := once(t, nil, "track", "-f", "a", "--server", s.URL, "--timeout", "30s")
	if want := "14:00:00.000       bank       step 0  …a\nIN TRANSIT  because\n14:00:00.000       bank       step 1  …a\n14:00:00.000       bank       step 2  …a\nDELIVERED  because\n"; r.code != 0 || r.stdout != want {
		t.Errorf("code %d, followed\n%s\nwant\n%s", r.code, r.stdout, want)
	}
}

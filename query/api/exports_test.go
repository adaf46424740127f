package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/collector/intake"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/embedded"
)

func journeyAt(t *testing.T, h http.Handler, id string) (j journey.Journey) {
	t.Helper()
	w := get(h, journeys+id)
	if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != 200 {
		t.Fatalf("%d %v %s", w.Code, err, w.Body)
	}
	return j
}

func TestAnExportIsReadInAgainAsTheSameJourney(t *testing.T) {
	h := serve(t, setup{Store: filled(t)})
	w := get(h, journeys+first+"/export")
	if w.Code != 200 || w.Header().Get("Content-Disposition") != `attachment; filename="waybill-`+first+`.ndjson"` || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Fatal(w.Code, w.Header())
	}
	lines := bytes.Split(bytes.TrimSuffix(w.Body.Bytes(), []byte("\n")), []byte("\n"))
	again := serve(t, setup{Store: recordsIn(t, lines...)})
	was, is := get(h, journeys+first), get(again, journeys+first)
	if was.Body.String() != is.Body.String() || len(lines) != 20 {
		t.Errorf("%d lines\n%s\n%s", len(lines), was.Body, is.Body)
	}
	if raw := get(h, journeys+first+"?raw=true"); raw.Body.String() != w.Body.String() || raw.Header().Get("Content-Disposition") != "" {
		t.Errorf("%v %s", raw.Header(), raw.Body)
	}
}

func TestAnExportIsFollowedByItsHash(t *testing.T) {
	server := httptest.NewServer(serve(t, setup{Store: filled(t)}))
	defer server.Close()
	for _, format := range []string{"ndjson", "otlp", "html"} {
		res, err := http.Get(server.URL + journeys + first + "/export?format=" + format)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		sum := sha256.Sum256(body.Bytes())
		if got := res.Trailer.Get("X-Waybill-Sha256"); got != hex.EncodeToString(sum[:]) || body.Len() == 0 {
			t.Errorf("%s: trailer %q of %d bytes", format, got, body.Len())
		}
	}
}

func TestThePageOfAnExportNeedsNothingElse(t *testing.T) {
	st := filled(t)
	h := serve(t, setup{Store: st})
	page := get(h, journeys+alias+"/export?format=html").Body.String()
	for _, never := range []string{"<script", "http://", "https://", "src=", "<b>mind", "onerror"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %s", never)
		}
	}
	lines := get(h, journeys+first+"?raw=true").Body.Bytes()
	whole := sha256.Sum256(lines)
	if !strings.Contains(page, hex.EncodeToString(whole[:])) {
		t.Error("the hash of the whole is not that of its lines")
	}
	hashes := regexp.MustCompile(`sha256 ([0-9a-f]{64})<`).FindAllStringSubmatch(page, -1)
	for i, line := range bytes.Split(bytes.TrimSpace(lines), []byte("\n")) {
		if sum := sha256.Sum256(line); i >= len(hashes) || hashes[i][1] != hex.EncodeToString(sum[:]) {
			t.Fatalf("hash of record %d is wrong", i)
		}
	}
	if !strings.Contains(page, "<strong>") || !strings.Contains(page, "never &lt;b&gt;mind") {
		t.Error("the page does not tell of the journey")
	}
}

// What OTLP cannot carry, such as the numbers that prove that nothing is missing, stays behind.
func TestOTLPIsReadInAgainAsTheSameWay(t *testing.T) {
	h := serve(t, setup{Store: filled(t)})
	exported := get(h, journeys+first+"/export?format=otlp").Body.String()
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	st, err := embedded.Open(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	c, err := collector.New(collector.Config{Brokers: []string{b.Addr()}, Store: st})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(t.Context()) }()
	t.Cleanup(func() { <-ended; c.Close() })
	in, err := intake.New(intake.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	for _, line := range strings.Split(strings.TrimSpace(exported), "\n") {
		path := "/v1/logs"
		if strings.HasPrefix(line, `{"resourceSpans"`) {
			path = "/v1/traces"
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(line))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if in.OTLP().ServeHTTP(w, r); w.Code != 200 || strings.Contains(w.Body.String(), "reject") {
			t.Fatalf("%d %s of %s", w.Code, w.Body, line)
		}
	}
	was := journeyAt(t, h, first)
	again := serve(t, setup{Store: st})
	shape := func(j journey.Journey) string {
		var out []string
		for _, hop := range j.Hops {
			if hop.Kind == "producer" { // part of the hop that sends, where nobody numbers records
				continue
			}
			out = append(out, fmt.Sprint(hop.Service, hop.Name, hop.Kind, hop.Parent != "", hop.Outcome))
		}
		for _, r := range j.Records {
			if r.Kind != record.KindHopStart && r.Kind != record.KindHopEnd {
				out = append(out, r.Service+": "+r.Message)
			}
		}
		slices.Sort(out)
		return strings.Join(out, "\n")
	}
	var is string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if w := get(again, journeys+first); w.Code == 200 {
			if is = shape(journeyAt(t, again, first)); is == shape(was) {
				return
			}
		}
	}
	t.Errorf("read in again\n%s\nwas\n%s", is, shape(was))
}

// long is a journey of n records.
func long(n int) [][]byte {
	lines := make([][]byte, n)
	for i := range lines {
		lines[i] = record.Append(nil, &record.Record{Time: time.Unix(1e9, int64(i)), Node: "n", Service: "s", Sequence: uint64(i + 1), CorrelationID: "long"})
	}
	return lines
}

func TestAWindowOfALongJourney(t *testing.T) {
	lines := long(10_500)
	h := serve(t, setup{Store: recordsIn(t, lines...)})
	var j struct {
		RecordCount int `json:"record_count"`
		RecordsFrom int `json:"records_from"`
		Records     []json.RawMessage
		Reason      string
	}
	for window, want := range map[string][2]int{"0,2": {0, 2}, "10200,50": {10_200, 50}, "10499,50": {10_499, 1}, "999999,5": {10_500, 0}} {
		w := get(h, journeys+"long?records="+window)
		if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || j.RecordCount != 10_500 || j.RecordsFrom != want[0] || len(j.Records) != want[1] || strings.Contains(j.Reason, "only the earliest") {
			t.Errorf("%s: %d of %d from %d, %s %v", window, len(j.Records), j.RecordCount, j.RecordsFrom, j.Reason, err)
		} else if want[1] > 0 && string(j.Records[0]) != string(lines[want[0]]) {
			t.Errorf("%s begins with %s", window, j.Records[0])
		}
	}
	if w := get(h, journeys+"long?raw=true"); w.Body.String() != string(bytes.Join(lines, []byte("\n")))+"\n" {
		t.Error("the whole is not as it was written")
	}
}

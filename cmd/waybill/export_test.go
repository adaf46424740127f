package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

// exported is how many records the journey has that is taken along.
func exported() int {
	if os.Getenv("TORTURE") != "" {
		return 1_000_000
	}
	return 20_000
}

// A long journey is streamed out, in memory that does not grow with it, and is the same after it
// was read in elsewhere.
func TestALongJourneyIsTakenElsewhere(t *testing.T) {
	const id = "a-long-journey"
	data := t.TempDir()
	writeLong(t, filepath.Join(data, "store"), id, exported())
	from := waybill(t, append([]string{"up"}, append(loopback(t), "--data", data)...)...)
	server := from.says(t, `query is running.* url=(\S+)`)
	before := resident(t, from.cmd.Process.Pid)

	there := waybill(t, append([]string{"up"}, loopback(t)...)...)
	collector := there.says(t, `collector is running.* admin=(\S+)`)
	elsewhere := there.says(t, `query is running.* url=(\S+)`)
	out := &importer{t: t, url: collector + "/api/v1/records"}
	sum := export(t, server, id, out)
	out.send()
	if out.lines != exported() {
		t.Errorf("%d records were exported, want %d", out.lines, exported())
	}
	const room = 300 // MiB; a million records are some 500
	if grown := resident(t, from.cmd.Process.Pid) - before; grown > room {
		t.Errorf("memory has grown by %.0f MiB, want at most %d", grown, room)
	} else {
		t.Logf("%d records: memory has grown by %.0f MiB", out.lines, grown)
	}

	eventually(t, 10*time.Minute, func() string {
		var stats struct{ Records int }
		fetch(t, elsewhere+"/api/v1/stats", &stats)
		if stats.Records < exported() {
			return fmt.Sprintf("%d records are stored", stats.Records)
		}
		return ""
	})
	if again := export(t, elsewhere, id, io.Discard); again != sum {
		t.Errorf("read in again, the journey's hash is %s, want %s", again, sum)
	}
	for _, window := range []string{"0,3", "10000,3", "19997,3"} {
		var was, is map[string]any
		fetch(t, server+"/api/v1/journeys/"+id+"?records="+window, &was)
		fetch(t, elsewhere+"/api/v1/journeys/"+id+"?records="+window, &is)
		for _, field := range []string{"correlation_id", "verdict", "start", "end", "record_count", "records", "hops", "stations"} {
			if a, b := fmt.Sprint(was[field]), fmt.Sprint(is[field]); a != b || was[field] == nil {
				t.Errorf("window %s: %s was\n%.500s\nand is\n%.500s", window, field, a, b)
			}
		}
	}
}

// writeLong fills a store with one journey.
func writeLong(t *testing.T, dir, id string, records int) {
	t.Helper()
	st, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	first := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	var page []store.Entry
	for n := range records {
		e, err := store.NewEntry(record.Append(nil, &record.Record{
			Time: first.Add(time.Duration(n) * time.Millisecond), Level: "info", Message: fmt.Sprintf("parcel %d was sorted", n),
			Service: fmt.Sprintf("depot%d", n%4), Node: fmt.Sprintf("depot%d-1", n%4), Sequence: uint64(n/4 + 1),
			CorrelationID: id, TraceID: strings.Repeat("ab", 16), SpanID: fmt.Sprintf("%016x", n%4+1),
		}))
		if err != nil {
			t.Fatal(err)
		}
		if page = append(page, e); len(page) == 5000 || n == records-1 {
			if _, err := st.Put(t.Context(), page); err != nil {
				t.Fatal(err)
			}
			page = page[:0]
		}
	}
}

// export writes a journey to w and returns its hash, which it has checked.
func export(t *testing.T, server, id string, w io.Writer) string {
	t.Helper()
	res, err := http.Get(server + "/api/v1/journeys/" + id + "/export")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	got := hex.EncodeToString(sum.Sum(nil))
	if said := res.Trailer.Get("X-Waybill-Sha256"); said != got {
		t.Errorf("the hash is %s, and the trailer says %q", got, said)
	}
	return got
}

func fetch(t *testing.T, url string, into any) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(url, res.Status, err)
	}
}

// importer posts lines in requests of a size that is taken.
type importer struct {
	t     *testing.T
	url   string
	part  []byte // begins with a whole line, and may end in the middle of one
	lines int
}

const importBytes = 8 << 20 // of the 16 MiB that one request may have

func (in *importer) Write(b []byte) (int, error) {
	if in.part = append(in.part, b...); len(in.part) >= importBytes {
		in.send()
	}
	return len(b), nil
}

func (in *importer) send() {
	end := bytes.LastIndexByte(in.part, '\n') + 1
	if end == 0 {
		return
	}
	in.lines += bytes.Count(in.part[:end], []byte("\n"))
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	z.Write(in.part[:end])
	z.Close()
	in.part = append(in.part[:0], in.part[end:]...)
	req, err := http.NewRequestWithContext(in.t.Context(), http.MethodPost, in.url, &body)
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Content-Encoding", "gzip")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	var taken struct {
		Refused int `json:"refused_count"`
	}
	if err := json.NewDecoder(res.Body).Decode(&taken); err != nil || res.StatusCode != http.StatusOK || taken.Refused > 0 {
		in.t.Fatal(res.Status, taken, err)
	}
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query/access"
)

// Records are seen in the tail and in their journey before any collector has stored one; and
// once, after one has.
func TestRecordsAreSeenBeforeTheStoreHasThem(t *testing.T) {
	p := startProduction(t)
	p.collector.kill(t)
	run := testservers.Name(t)
	in, err := instrument.Start(t.Context(), instrument.Config{Service: "writer", Brokers: p.brokers, Console: slog.DiscardHandler, Scoped: true, Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	tail := tailOf(t, p.url+"/api/v1/tail?q=label.run:"+run, "")
	ctx, _ := instrument.WithCorrelationID(context.Background(), run)
	for n := range 3 {
		in.Logger().InfoContext(ctx, "step", "run", run, "n", n)
	}
	var last string
	for n := range 3 {
		id, data := tail.next(t)
		if last = id; !strings.Contains(data, fmt.Sprintf(`"n":"%d"`, n)) {
			t.Fatalf("the tail shows %s, want number %d", data, n)
		}
	}
	seen := func() *journey.Journey {
		j := ask(t, p.url, run)
		if j == nil {
			return &journey.Journey{}
		}
		return j
	}
	if j := seen(); len(j.Records) != 3 || j.AsOf != nil && j.AsOf.After(time.Now()) {
		t.Errorf("before it is stored, the journey has %d records as of %v", len(j.Records), j.AsOf)
	}

	tail.close()
	in.Logger().InfoContext(ctx, "step", "run", run, "n", 3)
	if err := in.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := tailOf(t, p.url+"/api/v1/tail?q=label.run:"+run, last)
	if _, data := again.next(t); !strings.Contains(data, `"n":"3"`) {
		t.Errorf("after a cut the tail goes on with %s", data)
	}

	p.collect(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		j := seen()
		if len(j.Records) != 4 {
			t.Fatalf("the journey has %d records", len(j.Records))
		}
		if j.AsOf != nil && j.AsOf.After(j.End) { // it is stored now, or memory reaches down to what is
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the horizon stays at %v", j.AsOf)
		}
	}
}

// events are those of a tail.
type events struct {
	in    *bufio.Reader
	close func()
}

func tailOf(t *testing.T, url, lastID string) *events {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(req)
	for err == nil && res.StatusCode == http.StatusServiceUnavailable { // Kafka is not followed yet
		res.Body.Close()
		time.Sleep(20 * time.Millisecond)
		res, err = http.DefaultClient.Do(req)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	e := &events{in: bufio.NewReader(res.Body), close: func() { cancel(); res.Body.Close() }}
	t.Cleanup(e.close)
	return e
}

// next is the id and the data of the next record.
func (e *events) next(t *testing.T) (id, data string) {
	t.Helper()
	for event := ""; ; {
		line, err := e.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			event = value
		case "data":
			if event == "record" {
				return id, value
			}
		}
	}
}

// Who holds a token of the file may do what it says, and sees its services' records only.
func TestAFileOfTokensSaysWhoMayAsk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	tokens := map[string]string{}
	text := "tokens:\n"
	for name, more := range map[string]string{"reader": "role: read", "banker": "role: read\n    services: [bank]", "boss": "role: admin"} {
		minted, err := access.Mint(name, access.Read)
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = minted.Token
		text += fmt.Sprintf("  - name: %s\n    hash: %s\n    %s\n", name, minted.Hash, more)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	up := waybill(t, append([]string{"up", "--tokens-file", file, "--data", data, "--kafka-addr", "127.0.0.1:0"}, loopback(t)...)...)
	server := up.says(t, `query is running.* url=(\S+)`)
	broker := up.says(t, `collector is running.* brokers=\[(\S+)\]`)
	in, err := instrument.Start(t.Context(), instrument.Config{Service: "bank", Brokers: []string{broker}, Console: slog.DiscardHandler, Scoped: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := instrument.WithCorrelationID(context.Background(), "a")
	in.Logger().InfoContext(ctx, "debited")
	other, err := instrument.Start(t.Context(), instrument.Config{Service: "game", Brokers: []string{broker}, Console: slog.DiscardHandler, Scoped: true})
	if err != nil {
		t.Fatal(err)
	}
	other.Logger().InfoContext(ctx, "credited")
	for _, i := range []*instrument.Instrument{in, other} {
		if err := i.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	call := func(who, method, path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, server+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if who != "" {
			req.Header.Set("Authorization", "Bearer "+tokens[who])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	records := func(who string) int {
		var j journey.Journey
		if code, body := call(who, http.MethodGet, "/api/v1/journeys/a"); code != http.StatusOK || json.Unmarshal([]byte(body), &j) != nil {
			return -code
		}
		return len(j.Records)
	}
	for deadline := time.Now().Add(time.Minute); records("reader") != 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the reader sees %d", records("reader"))
		}
	}
	for who, want := range map[string]int{"boss": 2, "banker": 1, "": -401} {
		if got := records(who); got != want {
			t.Errorf("%q sees %d records, want %d", who, got, want)
		}
	}
	if code, body := call("reader", http.MethodDelete, "/api/v1/journeys/a"); code != http.StatusForbidden {
		t.Errorf("a reader erases: %d %s", code, body)
	}
	if _, body := call("banker", http.MethodGet, "/api/v1/me"); !strings.Contains(body, `"services":["bank"]`) {
		t.Errorf("the banker is %s", body)
	}
	if code, body := call("boss", http.MethodDelete, "/api/v1/journeys/a"); code != http.StatusNoContent {
		t.Errorf("the boss erases: %d %s", code, body)
	}
	if got := records("reader"); got != -404 { // out of memory, too
		t.Errorf("of what was erased the reader sees %d", got)
	}
}

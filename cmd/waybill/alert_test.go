package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
)

// inbox is a receiver that takes what it is sent.
type inbox struct {
	mu   sync.Mutex
	got  []string // status and keys of alerts
	test int
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n struct {
		Data struct {
			Alerts []struct{ Key, Status string }
		}
	}
	b, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	_ = json.Unmarshal(b, &n)
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, a := range n.Data.Alerts {
		if a.Key == "test" {
			in.test++
			continue
		}
		in.got = append(in.got, a.Status+" "+a.Key)
	}
	if len(n.Data.Alerts) == 0 {
		in.got = append(in.got, "not understood: "+string(b))
	}
}

func (in *inbox) has(what string) func() string {
	return func() string {
		in.mu.Lock()
		defer in.mu.Unlock()
		if slices.Contains(in.got, what) {
			return ""
		}
		return fmt.Sprintf("%s is not among %q", what, in.got)
	}
}

// An absence and a verdict are told to a webhook, and their end, though the process is killed between; the
// command line shows it, and a replay finds what was told.
func TestAlertsReachAWebhookAndOutliveTheProcess(t *testing.T) {
	in := &inbox{}
	receiver := httptest.NewServer(in)
	defer receiver.Close()
	rules := filepath.Join(t.TempDir(), "alerts.yaml")
	text := `
rules:
  - {name: not-credited, absence: {after: 'message == "debited"', expect: 'message == "credited"', within: 2s}, severity: critical}
  - {name: failed, journey: 'verdict == "exception" && visited("bank")'}
receivers: [{name: ops, webhook: {url: "` + receiver.URL + `"}, allow_private: true}]
route: {receiver: ops, group_by: [alert], group_interval: 100ms}
`
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := once(t, nil, "alert", "check", rules); r.code != 0 || !strings.Contains(r.stdout, "is right: 6 rules, 4 of them always there, and 1 receivers") {
		t.Fatalf("check: %d %s%s", r.code, r.stdout, r.stderr)
	}
	args := append([]string{"up", "--alerts", rules}, loopback(t)...)
	p := waybill(t, args...)
	collector, server := p.says(t, `collector is running.* admin=(\S+)`), p.says(t, `query is running.* url=(\S+)`)
	p.says(t, `alerts are running`)
	write := func(n uint64, key, message, outcome string) {
		t.Helper()
		r := record.Record{Time: time.Now(), Level: "info", Message: message, Service: "bank", Node: "bank-1", Sequence: n, CorrelationID: key}
		if outcome != "" {
			r.Kind, r.Declared = record.KindOutcome, outcome
		}
		res, err := http.Post(collector+"/api/v1/records", "application/x-ndjson", bytes.NewReader(append(record.Append(nil, &r), '\n')))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, _ := io.ReadAll(res.Body); res.StatusCode/100 != 2 {
			t.Fatalf("%s: %s", res.Status, b)
		}
	}
	eventually(t, 30*time.Second, func() string { // from when on alerts are of what comes
		r := once(t, nil, "alert", "rules", "--server", server)
		if strings.Contains(r.stdout, "not-credited") {
			return ""
		}
		return r.stdout + r.stderr
	})
	write(1, "a", "debited", "")
	write(2, "b", "gone wrong", record.Failed)
	eventually(t, 30*time.Second, in.has("firing not-credited/a"))
	eventually(t, 30*time.Second, in.has("firing failed/b"))
	p.kill(t)

	p = waybill(t, args...)
	collector, server = p.says(t, `collector is running.* admin=(\S+)`), p.says(t, `query is running.* url=(\S+)`)
	write(3, "a", "credited", "")
	eventually(t, 60*time.Second, in.has("resolved not-credited/a"))
	list := once(t, nil, "alert", "list", "--server", server)
	if list.code != 0 || !strings.Contains(list.stdout, "failed/b") || strings.Contains(list.stdout, "not-credited/a") {
		t.Errorf("list: %s%s", list.stdout, list.stderr)
	}
	if r := once(t, nil, "alert", "history", "--server", server); !strings.Contains(r.stdout, "not-credited/a") {
		t.Errorf("history: %s%s", r.stdout, r.stderr)
	}
	if r := once(t, nil, "alert", "test", "ops", "--server", server); r.code != 0 {
		t.Errorf("test: %s%s", r.stdout, r.stderr)
	}
	eventually(t, 10*time.Second, func() string {
		in.mu.Lock()
		defer in.mu.Unlock()
		return map[bool]string{true: "", false: "the test has not come"}[in.test == 1]
	})
	if r := once(t, nil, "alert", "deliveries", "--server", server); !strings.Contains(r.stdout, "delivered") || !strings.Contains(r.stdout, "Test of receiver ops") {
		t.Errorf("deliveries: %s%s", r.stdout, r.stderr)
	}
	res, err := http.Get(collector + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	metrics, err := io.ReadAll(res.Body)
	for _, name := range []string{"waybill_records_indexed_total", "waybill_alerts_steps_total", `waybill_alert_deliveries_total{outcome="delivered",receiver="ops"}`} {
		if !strings.Contains(string(metrics), name) || err != nil {
			t.Errorf("metrics of alerts and collector in one process lack %s, error %v", name, err)
		}
	}
	if r := once(t, nil, "alert", "silence", "add", "rule = failed", "--for", "1h", "--server", server); r.code != 0 {
		t.Errorf("silence: %s%s", r.stdout, r.stderr)
	}
	eventually(t, 10*time.Second, func() string {
		r := once(t, nil, "alert", "list", "--server", server)
		if strings.Contains(r.stdout, "firing, silenced") {
			return ""
		}
		return r.stdout + r.stderr
	})
	r := once(t, nil, "alert", "test", "--replay", "1h", "--alerts", rules, "--server", server)
	for _, want := range []string{"resolved  critical", "not-credited/a", "firing    warning", "failed/b"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("replay lacks %q:\n%s%s", want, r.stdout, r.stderr)
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if slices.Sort(in.got); len(slices.Compact(slices.Clone(in.got))) != 3 {
		t.Errorf("told is %q", in.got)
	}
}

func TestMisuseOfAlertsIsTold(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("rules:\n  - {name: x, journey: 'verdikt == \"stalled\"'}\nreceivers: [{name: ops, webhook: {}}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "rule x (line 2): the condition is wrong at column 1: unknown name verdikt", []string{"check", bad}},
		{exitUsage, "wants a file, not 0", []string{"check"}},
		{exitUsage, "want check, rules, list", []string{"nonsense"}},
		{exitUsage, "want add, list or end", []string{"silence", "x"}},
		{exitUsage, "want one such as severity = critical", []string{"silence", "add", "nonsense"}},
		{exitUsage, "wants a receiver, or --replay", []string{"test"}},
		{exitUsage, "name it with --alerts", []string{"test", "--replay", "1h"}},
		{exitUsage, "want text or json", []string{"list", "-o", "xml"}},
		{exitUnreachable, "no Waybill server answers", []string{"list", "--server", "http://127.0.0.1:1"}},
	} {
		r := once(t, nil, append([]string{"alert"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.says) {
			t.Errorf("alert %v: %d, %s; want %d, %q", c.args, r.code, r.stderr, c.code, c.says)
		}
	}
}

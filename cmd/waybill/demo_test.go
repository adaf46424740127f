package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/demo-services/shop"
	"github.com/waybill-log/waybill/journey"
)

func TestDemoOnceDelivers(t *testing.T) {
	p := waybill(t, append([]string{"demo", "--once", "-o", "json"}, loopback(t, demoServices...)...)...)
	var look firstLook
	if err := json.Unmarshal([]byte(p.firstLine(t)), &look); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if look.Verdict != journey.Delivered || len(look.CorrelationID) != 32 || !strings.HasSuffix(look.URL, "/?id="+look.CorrelationID) {
		t.Errorf("got %+v", look)
	}
}

func TestDemoFailsWithTheReasonWhenTimeIsUp(t *testing.T) {
	p := waybill(t, append([]string{"demo", "--once", "--within", "1ms"}, loopback(t, demoServices...)...)...)
	if code := p.wait(t); code != exitFailed || !strings.Contains(p.log(), "was not delivered within 1ms") {
		t.Errorf("exit code %d: %s", code, p.log())
	}
}

// What breaks ends as it is said to, and is turned back. The tour shows all of them.
func TestScenariosEndAsTheySay(t *testing.T) {
	for _, s := range shop.Scenarios() {
		if os.Getenv("TORTURE") == "" && !slices.Contains([]string{"withdrawn", "paused", "lost-header", "sick"}, s.Name) {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			args := append([]string{"demo", "--once", "-o", "json", "--scenario", s.Name, "--within", "2m"}, loopback(t, demoServices...)...)
			data := args[slices.Index(args, "--data")+1]
			p := waybill(t, args...)
			var look firstLook
			if err := json.Unmarshal([]byte(p.firstLine(t)), &look); err != nil {
				t.Fatal(err)
			}
			if code := p.wait(t); code != 0 || !slices.Contains(s.Ends, string(look.Verdict)) {
				t.Errorf("exit code %d, %s; want one of %v", code, look.Verdict, s.Ends)
			}
			if turned, err := os.ReadFile(filepath.Join(data, "demo", "dials.yaml")); err == nil && strings.TrimSpace(string(turned)) != "{}" {
				t.Errorf("dials stay as\n%s", turned)
			}
		})
	}
}

// One demo that keeps running, and everything a person may ask of it.
func TestADemoThatKeepsRunning(t *testing.T) {
	args := loopback(t)
	p := waybill(t, append([]string{"demo", "-o", "json", "--gateway-addr", "127.0.0.1:0", "--registry-addr", "127.0.0.1:0", "--bank-addr", "127.0.0.1:0", "--game-addr", "127.0.0.1:0"}, args...)...)
	var look firstLook
	if err := json.Unmarshal([]byte(p.firstLine(t)), &look); err != nil {
		t.Fatal(err)
	}
	server := strings.TrimSuffix(look.URL, "/?id="+look.CorrelationID)

	j := ask(t, server, look.CorrelationID)
	queues := 0
	for _, l := range j.Legs {
		if l.Transport == journey.OverKafka && l.Duration != nil && *l.Duration > 0 {
			queues++
		}
	}
	var stations []string
	for _, s := range j.Stations {
		stations = append(stations, s.Service)
	}
	if queues != 4 || !slices.Equal(stations, []string{"gateway", "bank", "game", "orders"}) || j.AsOf == nil {
		t.Errorf("%d queue times, stations %v, as of %v", queues, stations, j.AsOf)
	}

	// Any spelling finds it; track shows what the page shows.
	upper := strings.ToUpper(look.CorrelationID)
	for _, id := range []string{look.CorrelationID, upper, upper[:8] + "-" + upper[8:12] + "-" + upper[12:16] + "-" + upper[16:20] + "-" + upper[20:]} {
		r := once(t, nil, "track", "--server", server, id)
		for _, want := range []string{"DELIVERED  bank declared it delivered", look.CorrelationID, "gateway", "kafka shop.game partition", "in the queue", "points credited", "proved"} {
			if r.code != 0 || !strings.Contains(r.stdout, want) {
				t.Errorf("track %s: code %d, no %q in\n%s%s", id, r.code, want, r.stdout, r.stderr)
			}
		}
	}
	r := once(t, []string{"WAYBILL_SERVER=" + server}, "track", "-o", "json", look.CorrelationID)
	var got journey.Journey
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != 0 || got.Verdict != journey.Delivered {
		t.Errorf("track -o json: code %d, %v: %s", r.code, err, r.stdout)
	}

	if r := once(t, nil, "track", "--server", server, "nobody"); r.code != exitNotFound || r.stdout != "" || !strings.Contains(r.stderr, "no records of nobody have arrived") {
		t.Errorf("unknown ID: %+v", r)
	}
	res, err := http.Get(server + "/api/v1/journeys/nobody")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 404 || res.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(string(body), `"status":404`) {
		t.Errorf("%d %s %s", res.StatusCode, res.Header.Get("Content-Type"), body)
	}
	if r := once(t, nil, "health", server+"/readyz"); r.code != 0 {
		t.Errorf("health: %+v", r)
	}

	// Its folder and its addresses are taken.
	data := args[1]
	if r := once(t, nil, append([]string{"up"}, args...)...); r.code != exitFailed || !strings.Contains(r.stderr, data) || !strings.Contains(r.stderr, "is in use by process") {
		t.Errorf("folder taken: %+v", r)
	}
	other := loopback(t)
	other[slices.Index(other, "--query-addr")+1] = strings.TrimPrefix(server, "http://")
	if r := once(t, nil, append([]string{"up"}, other...)...); r.code != exitFailed || !strings.Contains(r.stderr, "is taken; stop what listens there or choose another with --query-addr") {
		t.Errorf("address taken: %+v", r)
	}

	if code := p.stop(t); code != 0 {
		t.Errorf("stopped with %d", code)
	}
	// What was stored is there after a restart.
	again := waybill(t, append([]string{"up"}, args...)...)
	server = again.says(t, `query is running.* url=(\S+)`)
	if amiss := delivered(t, server, look.CorrelationID); amiss != "" {
		t.Error(amiss)
	}
	if code := again.stop(t); code != 0 {
		t.Errorf("stopped with %d", code)
	}
}

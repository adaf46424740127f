package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// production is collector and query as processes of their own, on real Kafka
// and real Elasticsearch.
type production struct {
	servers   []string // settings that name the real servers
	brokers   []string
	group     string
	collector *process
	url       string
}

func startProduction(t *testing.T) *production {
	t.Helper()
	// One group for all runs: a new one would read again what all of them have written.
	p := &production{brokers: testservers.Kafka(t), group: "waybill-e2e"}
	p.servers = []string{
		"--kafka-brokers", strings.Join(p.brokers, ","), "--kafka-group", p.group,
		"--elasticsearch-urls", strings.Join(testservers.Elasticsearch(t), ","),
	}
	p.collect(t)
	query := waybill(t, append([]string{"serve", "--query-addr", "127.0.0.1:0"}, p.servers...)...)
	p.url = query.says(t, `query is running.* url=(\S+)`)
	return p
}

func (p *production) collect(t *testing.T) {
	t.Helper()
	p.collector = waybill(t, append([]string{"collect", "--collector-addr", "127.0.0.1:0", "--otlp-http-addr", "", "--otlp-grpc-addr", ""}, p.servers...)...)
	p.collector.says(t, "collector is running")
}

// shop starts the demo services alone and returns the gateway's URL.
func (p *production) shop(t *testing.T) (gateway string, first firstLook) {
	t.Helper()
	args := append([]string{"demo", "--server", p.url}, loopback(t, demoServices...)...)
	demo := waybill(t, append(args, p.servers[:2]...)...)
	var text strings.Builder
	lines := make(chan string)
	go func() {
		defer close(lines)
		b := make([]byte, 4096)
		for {
			n, err := demo.stdout.Read(b)
			text.Write(b[:n])
			if err != nil || strings.Contains(text.String(), "Buy again:") && strings.HasSuffix(text.String(), "/purchases\n") {
				lines <- text.String()
				return
			}
		}
	}()
	select {
	case out := <-lines:
		for line := range strings.Lines(out) {
			fields := strings.Fields(line)
			switch {
			case strings.HasPrefix(line, "Buy again:"):
				gateway = strings.TrimSuffix(fields[len(fields)-1], "/purchases")
			case strings.Contains(line, "tracking number"):
				first.CorrelationID = fields[len(fields)-1]
			}
		}
	case <-time.After(2 * time.Minute):
	}
	if gateway == "" || first.CorrelationID == "" {
		t.Fatalf("the demo services did not come up:\n%s\n%s", text.String(), demo.log())
	}
	return gateway, first
}

func buy(t *testing.T, gateway string) string {
	t.Helper()
	res, err := http.Post(gateway+"/purchases", "application/json", strings.NewReader(`{"user":"USER1","points":100}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var bought struct {
		CorrelationID string `json:"correlation_id"`
	}
	if err := json.NewDecoder(res.Body).Decode(&bought); err != nil || res.StatusCode != http.StatusAccepted {
		t.Fatalf("buy: %s %v", res.Status, err)
	}
	if bought.CorrelationID != res.Header.Get(instrument.HeaderCorrelationID) {
		t.Errorf("body says %s, header %s", bought.CorrelationID, res.Header.Get(instrument.HeaderCorrelationID))
	}
	return bought.CorrelationID
}

func TestAPurchaseOnRealKafkaAndElasticsearch(t *testing.T) {
	p := startProduction(t)
	gateway, first := p.shop(t)
	eventually(t, time.Minute, func() string { return delivered(t, p.url, first.CorrelationID) })

	j := ask(t, p.url, first.CorrelationID)
	var track []string
	for _, h := range j.Hops {
		track = append(track, h.Service+" "+h.Name)
	}
	want := []string{
		"gateway POST /purchases", "bank POST /orders", "bank send shop.orders",
		"game process shop.orders", "game send shop.confirmations", "bank process shop.confirmations",
	}
	if !slices.Equal(track, want) {
		t.Errorf("track %q\nwant  %q", track, want)
	}
	queues := 0
	for _, l := range j.Legs {
		if l.Transport == journey.OverKafka && l.Duration != nil && *l.Duration > 0 && l.Offset != nil {
			queues++
		}
	}
	if queues != 2 {
		t.Errorf("%d queue times, want 2: %+v", queues, j.Legs)
	}

	// What is refused is a journey too, and says so.
	res, err := http.Post(gateway+"/purchases", "application/json", strings.NewReader(`{"user":"USER1","points":-1}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	refused := res.Header.Get(instrument.HeaderCorrelationID)
	if res.StatusCode != http.StatusBadRequest || refused == "" {
		t.Fatalf("%s, correlation ID %q", res.Status, refused)
	}
	eventually(t, time.Minute, func() string {
		if j := ask(t, p.url, refused); j == nil || j.Verdict != journey.Exception || !strings.Contains(j.Reason, "gateway answered POST /purchases with 400 Bad Request") {
			return fmt.Sprintf("%+v", j)
		}
		return ""
	})

	// The caller's own ID is kept, in any spelling.
	req, _ := http.NewRequest(http.MethodPost, gateway+"/purchases", strings.NewReader(`{"user":"USER1","points":100}`))
	own := "Order-" + testservers.Name(t)
	req.Header.Set("X-Correlation-ID", own)
	req.Header.Set("Content-Type", "application/json")
	if res, err = http.DefaultClient.Do(req); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	eventually(t, time.Minute, func() string { return delivered(t, p.url, strings.ToLower(own)) })
}

// kills is how often the collector is killed in mid-flow.
func kills() int {
	if os.Getenv("TORTURE") != "" {
		return 50
	}
	return 4
}

// The collector is killed with SIGKILL while records flow, again and again. The
// oracle is what this test logged, not what any part counted.
func TestAKilledCollectorLosesAndDoublesNothing(t *testing.T) {
	p := startProduction(t)
	gateway, _ := p.shop(t)

	const perTick = 40
	journeys := 10 * kills() // so that none has more records than one answer
	run := testservers.Name(t)
	in, err := instrument.Start(t.Context(), instrument.Config{Service: "writer", Brokers: p.brokers, Console: slog.DiscardHandler, Scoped: true})
	if err != nil {
		t.Fatal(err)
	}
	written := make([]int, journeys) // records logged per journey
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // about 4,000 records a second
		defer close(done)
		for tick, n := time.NewTicker(10*time.Millisecond), 0; ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
			}
			for range perTick {
				i := n % journeys
				n++
				ctx, _ := instrument.WithCorrelationID(context.Background(), fmt.Sprintf("%s-%d", run, i))
				in.Logger().InfoContext(ctx, "step", "n", written[i])
				written[i]++
			}
		}
	}()
	var bought []string
	for range kills() {
		time.Sleep(time.Duration(200+rand.IntN(1500)) * time.Millisecond)
		bought = append(bought, buy(t, gateway))
		p.collector.kill(t)
		bought = append(bought, buy(t, gateway))
		p.collect(t)
	}
	close(stop)
	<-done
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := in.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if h := in.Health(); h.Refused != 0 {
		t.Fatalf("%d records refused by the buffer", h.Refused)
	}

	total := 0
	for i, want := range written {
		total += want
		id := fmt.Sprintf("%s-%d", run, i)
		var j *journey.Journey
		eventually(t, 2*time.Minute, func() string {
			if j = ask(t, p.url, id); j == nil || len(j.Records) < want {
				return fmt.Sprintf("%s has less than %d records", id, want)
			}
			return ""
		})
		once := map[string]bool{}
		for _, r := range j.Records {
			if r.Kind != record.KindLog || r.Node != in.Node() {
				t.Fatalf("not ours: %+v", r)
			}
			once[r.Labels[0].Value] = true
		}
		if len(j.Records) != want || len(once) != want {
			t.Errorf("%s: %d records, %d different; logged were %d", id, len(j.Records), len(once), want)
		}
	}
	for _, id := range bought {
		eventually(t, 2*time.Minute, func() string { return delivered(t, p.url, id) })
	}
	t.Logf("%d records in %d journeys and %d purchases through %d kills: each there once", total, journeys, len(bought), kills())
	if code := p.collector.stop(t); code != 0 {
		t.Errorf("the collector stopped with %d", code)
	}
}

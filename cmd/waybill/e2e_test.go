package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/shop"
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

// shop starts the demo services alone, and returns a customer of theirs and the first purchase.
func (p *production) shop(t *testing.T) (customer *shop.Visitor, first firstLook) {
	t.Helper()
	gateway := ""
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
			if err != nil || strings.Contains(text.String(), "Break it:") && strings.HasSuffix(text.String(), "/admin/\n") {
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
			case strings.HasPrefix(line, "The shop:"):
				gateway = strings.TrimSuffix(fields[2], "/")
			case strings.Contains(line, "tracking number"):
				first.CorrelationID = fields[len(fields)-1]
			}
		}
	case <-time.After(2 * time.Minute):
	}
	if gateway == "" || first.CorrelationID == "" {
		t.Fatalf("the demo services did not come up:\n%s\n%s", text.String(), demo.log())
	}
	customer = shop.NewVisitor(gateway)
	if err := customer.LogIn(t.Context(), "USER1"); err != nil {
		t.Fatal(err)
	}
	return customer, first
}

func buy(t *testing.T, customer *shop.Visitor) string {
	t.Helper()
	id, err := customer.Buy(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAPurchaseOnRealKafkaAndElasticsearch(t *testing.T) {
	p := startProduction(t)
	customer, first := p.shop(t)
	eventually(t, time.Minute, func() string { return delivered(t, p.url, first.CorrelationID) })

	j := ask(t, p.url, first.CorrelationID)
	var track []string
	for _, h := range j.Hops {
		track = append(track, h.Service+" "+h.Name)
	}
	want := []string{
		"gateway POST /v1/purchases", "bank POST /orders", "bank send shop.game", "game process shop.game", "game send shop.bank", "bank process shop.bank",
		"bank send shop.events", "bank send shop.game", "game process shop.game", "orders process shop.events",
	}
	slices.Sort(track[6:]) // what the bank's decision leads to, at the same time
	if !slices.Equal(track[:6], want[:6]) || !slices.Equal(track[6:], slices.Sorted(slices.Values(want[6:]))) {
		t.Errorf("track %q\nwant  %q", track, want)
	}
	queues := 0
	for _, l := range j.Legs {
		if l.Transport == journey.OverKafka && l.Duration != nil && *l.Duration > 0 && l.Offset != nil {
			queues++
		}
	}
	if queues != 4 {
		t.Errorf("%d queue times, want 4: %+v", queues, j.Legs)
	}

	// What is refused is a journey too, and says so.
	refused, err := customer.Buy(t.Context(), 100_001)
	if err == nil || refused == "" {
		t.Fatalf("%v, correlation ID %q", err, refused)
	}
	eventually(t, time.Minute, func() string {
		if j := ask(t, p.url, refused); j == nil || j.Verdict != journey.Exception || !strings.Contains(j.Reason, "gateway answered POST /v1/purchases with 400 Bad Request") {
			return fmt.Sprintf("%+v", j)
		}
		return ""
	})

	// The caller's own ID is kept, in any spelling.
	own := "Order-" + testservers.Name(t)
	customer.Header = http.Header{instrument.HeaderCorrelationID: {own}}
	if got := buy(t, customer); got != own {
		t.Errorf("the purchase is %s, want %s", got, own)
	}
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
	customer, _ := p.shop(t)

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
		bought = append(bought, buy(t, customer))
		p.collector.kill(t)
		bought = append(bought, buy(t, customer))
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

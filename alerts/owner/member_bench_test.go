package owner

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
)

// clocked is hooks that keep notifications in the journal, as real ones do, and measure.
type clocked struct {
	mu       sync.Mutex
	journals map[int32]alerts.Journal
	took     []time.Duration
}

func (c *clocked) Take(partition int32, j alerts.Journal, _ iter.Seq2[string, []byte]) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journals[partition] = j
	return nil
}
func (*clocked) Release(context.Context, int32) {}
func (c *clocked) Notify(ctx context.Context, n alerts.Notification) error {
	c.mu.Lock()
	j := c.journals[alerts.Place(n)]
	c.mu.Unlock()
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	j.Put("hook/waiting/ops/"+n.ID, b)
	if err := j.Flush(ctx); err != nil {
		return err
	}
	j.Delete("hook/waiting/ops/" + n.ID)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range n.Alerts {
		if a.Status == alerts.Firing {
			c.took = append(c.took, time.Since(a.StartsAt))
		}
	}
	return nil
}

// BenchmarkVerdictToHook writes 2,000 changes of verdicts a second, with 1,000 rules of which 20
// match each kind, and says how long it is from when a verdict was judged until its notification
// is queued durably. Half of the changes fire an alert, the others end it.
func BenchmarkVerdictToHook(b *testing.B) {
	brokers := testservers.Kafka(b)
	client, err := collector.Connect(brokers, instrument.Security{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		b.Fatal(err)
	}
	s := stage{topics: testservers.Name(b)}
	for _, topic := range []string{s.records(), s.journeys()} {
		if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 4, ReplicationFactor: 1}, false); err != nil {
			b.Fatal(err)
		}
	}
	var text strings.Builder
	text.WriteString("self: false\nreceivers: [{name: ops}]\nroute: {receiver: ops, group_by: [correlation_id], group_interval: 100ms}\nrules:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  - {name: r%d, journey: 'kind == \"POST /%d\" && verdict == \"stalled\" && visited(\"s%d\")', title: '{{.correlation_id}} stands still', text: '{{.reason}}'}\n", i, i%50, i/50)
	}
	path := filepath.Join(b.TempDir(), "alerts.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	watch, err := NewWatch(path, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	hooks := &clocked{journals: map[int32]alerts.Journal{}}
	view := NewView(client, s.state(), nil)
	m, err := New(Config{
		Brokers: brokers, Group: s.topics, Topic: s.state(), Records: s.records(), Journeys: s.journeys(), Rules: watch, Store: emptyStore{}, Evidence: upToDate{}, Hooks: hooks, View: view,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	all.Go(func() { view.Follow(ctx) })
	all.Go(func() { _ = m.Run(ctx) })
	defer func() { cancel(); all.Wait(); _ = m.Close() }()
	for m.Owned() < 4 {
		time.Sleep(10 * time.Millisecond)
	}
	producer, err := sarama.NewSyncProducer(brokers, client.Config())
	if err != nil {
		b.Fatal(err)
	}
	defer producer.Close()
	const each, every = 50, 25 * time.Millisecond // 2,000 a second
	for b.Loop() {
		tick := time.NewTicker(every)
		for round := range 400 {
			<-tick.C
			now := time.Now().UTC()
			var messages []*sarama.ProducerMessage
			for i := range each {
				n, v := round*each/2+i/2, journey.Stalled
				if i%2 == 1 { // what stalled two seconds ago
					n, v = n-80*each/2, journey.Delivered
				}
				key := fmt.Sprintf("%032d", n)
				body, err := json.Marshal(collector.News{Key: key, At: now, Summary: journey.Summary{
					CorrelationID: key, Verdict: v, Kind: fmt.Sprintf("POST /%d", max(0, n)%50), Stations: []string{"gateway", "s0"}, Since: &now, End: now, Reason: "nobody has picked up what bank sent",
				}})
				if err != nil {
					b.Fatal(err)
				}
				messages = append(messages, &sarama.ProducerMessage{Topic: s.journeys(), Key: sarama.StringEncoder(key), Value: sarama.ByteEncoder(body)})
			}
			if err := producer.SendMessages(messages); err != nil {
				b.Fatal(err)
			}
		}
		tick.Stop()
		time.Sleep(2 * time.Second)
	}
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	slices.Sort(hooks.took)
	at := func(q float64) float64 { return float64(hooks.took[int(q*float64(len(hooks.took)-1))].Milliseconds()) }
	b.ReportMetric(float64(len(hooks.took)), "told")
	b.ReportMetric(at(0.5), "ms-p50")
	b.ReportMetric(at(0.99), "ms-p99")
	b.ReportMetric(at(1), "ms-max")
}

// BenchmarkTakeOver is how long it takes to read the state of a partition with a quarter of a million
// absences that wait.
func BenchmarkTakeOver(b *testing.B) {
	brokers := testservers.Kafka(b)
	client, err := collector.Connect(brokers, instrument.Security{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	topic := testservers.Name(b)
	if err := EnsureTopic(client, topic, 1); err != nil {
		b.Fatal(err)
	}
	j, err := OpenJournal(b.Context(), client, topic, 0)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 250_000 {
		j.Put(fmt.Sprintf("w/absent/%032d", i), []byte(fmt.Sprintf("%016d", i)))
	}
	if err := j.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	rules, err := alerts.ParseRules([]byte(stageRules))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		next, err := OpenJournal(b.Context(), client, topic, 0)
		if err != nil {
			b.Fatal(err)
		}
		kept, err := Load(b.Context(), client, topic, 0, next.Fence())
		if err != nil {
			b.Fatal(err)
		}
		part := alerts.NewPart(alerts.PartConfig{Rules: rules}, func(yield func(string, []byte) bool) {
			for key, value := range kept {
				if !yield(key, value) {
					return
				}
			}
		})
		if part.Waiting() != 250_000 {
			b.Fatal(part.Waiting())
		}
	}
}

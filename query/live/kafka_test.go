package live

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
)

// seeded prints its seed, so that what fails can be run again: SEED=… go test.
func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if s := os.Getenv("SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func settings(t *testing.T) *sarama.Config {
	t.Helper()
	cfg, err := collector.KafkaConfig(instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// topic is one on a Kafka, and what has been written to it.
type topic struct {
	t        *testing.T
	name     string
	client   sarama.Client
	admin    sarama.ClusterAdmin
	producer sarama.SyncProducer
	written  int // records
}

func embedded(t *testing.T) *broker.Broker {
	t.Helper()
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func newTopic(t *testing.T, addr, name string, partitions int32) *topic {
	t.Helper()
	client, err := collector.Connect([]string{addr}, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	out := &topic{t: t, name: name, client: client}
	if out.admin, err = sarama.NewClusterAdminFromClient(client); err != nil {
		t.Fatal(err)
	}
	if partitions > 0 {
		out.create(partitions)
	}
	if out.producer, err = sarama.NewSyncProducerFromClient(client); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.producer.Close() })
	return out
}

func (p *topic) create(partitions int32) {
	p.t.Helper()
	byBroker := "LogAppendTime"
	err := p.admin.CreateTopic(p.name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: map[string]*string{"message.timestamp.type": &byBroker}}, false)
	if err != nil {
		p.t.Fatal(err)
	}
}

// write adds n records, of as many journeys.
func (p *topic) write(n int) {
	p.t.Helper()
	var some []*sarama.ProducerMessage
	for range n {
		key := fmt.Sprintf("id-%d", p.written)
		some = append(some, &sarama.ProducerMessage{Topic: p.name, Key: sarama.StringEncoder(key), Value: sarama.ByteEncoder(written("node", p.written, key))})
		p.written++
	}
	if err := p.producer.SendMessages(some); err != nil {
		p.t.Fatal(err)
	}
}

// follow runs a follower of a topic until the test ends, and waits until it follows.
func follow(t *testing.T, addr string, cfg Config) *Follower {
	t.Helper()
	f := run(t, addr, cfg)
	eventually(t, "it follows", func() bool { return f.Ready() == nil })
	return f
}

func run(t *testing.T, addr string, cfg Config) *Follower {
	t.Helper()
	cfg.Brokers, cfg.Kafka = []string{addr}, settings(t)
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan struct{})
	go func() { defer close(ran); f.Run(context.Background()) }()
	t.Cleanup(func() { f.Close(); <-ran })
	return f
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// seen is what a client has come to, over all its subscriptions.
type seen struct {
	token   string
	records map[string]int // how often each was shown
	skipped uint64
	gaps    []Gap
}

func newSeen() *seen { return &seen{records: map[string]int{}} }

func (s *seen) shown() (n int) {
	for _, times := range s.records {
		n += times
	}
	return n
}

// read takes up to n events of a subscription, or those until is says that it is enough.
func (s *seen) read(t *testing.T, sub *Subscription, n int, enough func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	before := s.skipped
	for n > 0 && !enough() {
		events, err := sub.Next(ctx)
		if err != nil {
			t.Fatalf("%v, with %d records shown, %d skipped", err, s.shown(), s.skipped)
		}
		for _, e := range events[:min(n, len(events))] {
			n--
			s.token = e.Token
			switch {
			case e.Record != nil:
				s.records[idOf(t, e.Record)]++
			case e.Receipt != nil:
				if e.Receipt.Shown+e.Receipt.Skipped != e.Receipt.Matched {
					t.Fatalf("%+v", *e.Receipt)
				}
				s.skipped = before + e.Receipt.Skipped
			default:
				s.gaps = append(s.gaps, *e.Gap)
			}
		}
	}
}

// messages is how many have been read since the topic began.
func (f *Follower) messages() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.partitions {
		n += int(p.next)
	}
	return n
}

func TestAfterRandomCutsThereIsNoHoleAndNoDouble(t *testing.T) {
	b := embedded(t)
	cuts(t, b.Addr(), newTopic(t, b.Addr(), "records", 4))
}

func TestAfterRandomCutsOnRealKafka(t *testing.T) {
	addr := testservers.Kafka(t)[0]
	cuts(t, addr, newTopic(t, addr, testservers.Name(t), 4))
}

// cuts has a client resume a hundred times while records are written: from its group's queue, from
// memory, and from Kafka where memory is too small.
func cuts(t *testing.T, addr string, topic *topic) {
	random := seeded(t)
	topic.write(50) // before anybody follows
	f := follow(t, addr, Config{Topic: topic.name, Bytes: 300 << 10})
	s, err := f.Subscribe(Request{Since: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	orders, total := make(chan int, 1000), 50
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		for n := range orders {
			topic.write(n)
		}
	}()
	defer func() { <-wrote }()
	defer close(orders)
	order := func(n int) {
		orders <- n
		total += n
	}
	c, replays := newSeen(), 0
	left := func() int { return total - c.shown() - int(c.skipped) }
	for cut := range size(100) {
		order(1 + random.IntN(100))
		c.read(t, s, 1+random.IntN(left()), func() bool { return left() == 0 })
		s.Close()
		if cut%10 == 9 { // a long time off
			order(800)
			eventually(t, "more is written than memory holds", func() bool { return f.messages() == total })
		}
		if s, err = f.Subscribe(Request{Resume: c.token}); err != nil {
			t.Fatal(err)
		}
		if b, ok := s.source.(*behind); ok && b.replay != nil {
			replays++
		}
	}
	c.read(t, s, total, func() bool { return left() == 0 })
	s.Close()
	for id, times := range c.records {
		if times != 1 {
			t.Errorf("%s was shown %d times", id, times)
		}
	}
	if len(c.records)+int(c.skipped) != total || len(c.gaps) > 0 {
		t.Errorf("%d shown and %d skipped of %d; gaps %v", len(c.records), c.skipped, total, c.gaps)
	}
	t.Logf("%d shown, %d skipped; %d cuts went on from Kafka", len(c.records), c.skipped, replays)
	if replays == 0 {
		t.Error("Kafka was never read again")
	}
}

package instrument_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// patience bounds every wait of a test.
const patience = 25 * time.Second

// quiet is a console that shows nothing.
var quiet = slog.NewJSONHandler(io.Discard, nil)

// kafka is an embedded broker with the topics that instances write to.
type kafka struct {
	*broker.Broker
	client   sarama.Client
	consumer sarama.Consumer
	readers  map[string]*reader
	decoded  map[*sarama.ConsumerMessage]record.Record
}

// startKafka opens a broker. Config entries are of waybill.records, "name=value".
func startKafka(t testing.TB, config ...string) *kafka {
	t.Helper()
	return openKafka(t, t.TempDir(), "127.0.0.1:0", config...)
}

func openKafka(t testing.TB, dir, addr string, config ...string) *kafka {
	t.Helper()
	b, err := broker.Open(broker.Config{Dir: dir, Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	k := &kafka{Broker: b, readers: map[string]*reader{}, decoded: map[*sarama.ConsumerMessage]record.Record{}}
	t.Cleanup(k.stop)
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.Producer.Return.Successes = true
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Consumer.MaxWaitTime = 20 * time.Millisecond
	cfg.Consumer.Fetch.Default = 4 << 20 // more than any batch
	if k.client, err = sarama.NewClient([]string{b.Addr()}, cfg); err != nil {
		t.Fatal(err)
	}
	if k.consumer, err = sarama.NewConsumerFromClient(k.client); err != nil {
		t.Fatal(err)
	}
	entries := map[string]*string{}
	for _, c := range config {
		name, value, _ := strings.Cut(c, "=")
		entries[name] = &value
	}
	k.createTopic(t, record.TopicRecords, entries)
	k.createTopic(t, record.TopicInstances, nil)
	return k
}

func (k *kafka) createTopic(t testing.TB, topic string, entries map[string]*string) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{k.Addr()}, k.client.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	err = admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1, ConfigEntries: entries}, false)
	if err != nil && !strings.Contains(err.Error(), "already exists") {
		t.Fatal(err)
	}
}

// stop stops the broker, once.
func (k *kafka) stop() {
	if k.consumer == nil {
		return
	}
	for _, r := range k.readers {
		r.Close()
	}
	k.consumer.Close()
	k.consumer = nil
	k.client.Close()
	k.Close()
}

// producer sends at once.
func (k *kafka) producer(t testing.TB) sarama.SyncProducer {
	t.Helper()
	p, err := sarama.NewSyncProducerFromClient(k.client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// messages reads a topic to its end, each partition in order of offset.
func (k *kafka) messages(t testing.TB, topic string) []*sarama.ConsumerMessage {
	t.Helper()
	if err := k.client.RefreshMetadata(topic); err != nil {
		t.Fatal(err)
	}
	partitions, err := k.client.Partitions(topic)
	if err != nil {
		t.Fatal(err)
	}
	var all []*sarama.ConsumerMessage
	for _, p := range partitions {
		end, err := k.client.GetOffset(topic, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k.reader(t, topic, p).to(t, end)...)
	}
	return all
}

// reader reads one partition and keeps what it has read.
type reader struct {
	sarama.PartitionConsumer
	read []*sarama.ConsumerMessage
}

func (k *kafka) reader(t testing.TB, topic string, partition int32) *reader {
	t.Helper()
	name := fmt.Sprint(topic, "/", partition)
	if k.readers[name] == nil {
		part, err := k.consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		k.readers[name] = &reader{PartitionConsumer: part}
	}
	return k.readers[name]
}

func (r *reader) to(t testing.TB, end int64) []*sarama.ConsumerMessage {
	t.Helper()
	for len(r.read) == 0 && end > 0 || len(r.read) > 0 && r.read[len(r.read)-1].Offset < end-1 {
		select {
		case m := <-r.Messages():
			r.read = append(r.read, m)
		case <-time.After(patience):
			t.Fatalf("a partition ends at %d, %d messages read", end, len(r.read))
		}
	}
	return r.read
}

// records is what an instance has written to Kafka, by event.sequence. A record
// that came twice is there twice.
func (k *kafka) records(t testing.TB, in *instrument.Instrument) []record.Record {
	t.Helper()
	flushed(t, in)
	var all []record.Record
	for _, m := range k.messages(t, record.TopicRecords) {
		r, ok := k.decoded[m]
		if !ok {
			var err error
			if r, err = record.Decode(m.Value); err != nil {
				t.Fatalf("%v\n%.2000s", err, m.Value)
			}
			if want := record.Key(r.CorrelationID); string(m.Key) != want {
				t.Errorf("message key %q, want %q", m.Key, want)
			}
			k.decoded[m] = r
		}
		if r.Node == in.Node() {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b record.Record) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return all
}

// last is the record written last.
func (k *kafka) last(t testing.TB, in *instrument.Instrument) record.Record {
	t.Helper()
	all := k.records(t, in)
	if len(all) == 0 {
		t.Fatal("no record in Kafka")
	}
	return all[len(all)-1]
}

// ledgers are an instance's ledgers in the order written.
func (k *kafka) ledgers(t testing.TB, in *instrument.Instrument) []record.Ledger {
	t.Helper()
	var all []record.Ledger
	for _, m := range k.messages(t, record.TopicInstances) {
		l, err := record.DecodeLedger(m.Value)
		if err != nil {
			t.Fatalf("%v\n%s", err, m.Value)
		}
		if string(m.Key) != l.Node {
			t.Errorf("ledger of %s has key %q", l.Node, m.Key)
		}
		if l.Node == in.Node() {
			all = append(all, l)
		}
	}
	return all
}

// service starts an instance that leaves the process's defaults alone and is
// shut down when the test ends.
func service(t testing.TB, cfg instrument.Config) *instrument.Instrument {
	t.Helper()
	if cfg.Service == "" {
		cfg.Service = "bank"
	}
	if cfg.Console == nil {
		cfg.Console = quiet
	}
	cfg.Scoped = true
	in, err := instrument.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, in) })
	return in
}

func (k *kafka) service(t testing.TB, name string) *instrument.Instrument {
	t.Helper()
	return service(t, instrument.Config{Service: name, Brokers: []string{k.Addr()}})
}

// unreached is an instance whose Kafka is not there.
func unreached(t testing.TB) *instrument.Instrument {
	t.Helper()
	return unreachedWith(t, instrument.Config{})
}

func unreachedWith(t testing.TB, cfg instrument.Config) *instrument.Instrument {
	t.Helper()
	cfg.Brokers = []string{freeAddr(t)}
	in := service(t, cfg)
	t.Cleanup(func() { in.Shutdown(done()) })
	return in
}

// done is a context that has ended.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// shutdown lets Kafka have what is left, and is not held up until its deadline.
func shutdown(t testing.TB, in *instrument.Instrument) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(in.Shutdown(ctx), ctx.Err()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// flushed waits until Kafka has every record of in.
func flushed(t testing.TB, in *instrument.Instrument) {
	t.Helper()
	until(t, "all records are in Kafka", func() bool {
		h := in.Health()
		return h.Unsettled == h.Last+1
	})
}

func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// freeAddr is an address on which nothing listens now.
func freeAddr(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// pick returns the records of one kind and span name.
func pick(all []record.Record, kind record.Kind, spanName string) []record.Record {
	return slices.DeleteFunc(slices.Clone(all), func(r record.Record) bool {
		return r.Kind != kind || spanName != "" && r.SpanName != spanName
	})
}

// one is the only record of that kind and span name.
func one(t testing.TB, all []record.Record, kind record.Kind, spanName string) record.Record {
	t.Helper()
	found := pick(all, kind, spanName)
	if len(found) != 1 {
		t.Fatalf("%d records are %s %q, want 1, in\n%s", len(found), kind, spanName, show(all))
	}
	return found[0]
}

// logged is the only log record with that message.
func logged(t testing.TB, all []record.Record, message string) record.Record {
	t.Helper()
	i := slices.IndexFunc(all, func(r record.Record) bool { return r.Message == message })
	if i < 0 {
		t.Fatalf("no record says %q in\n%s", message, show(all))
	}
	return all[i]
}

func label(r record.Record, key string) string {
	for _, l := range r.Labels {
		if l.Key == key {
			return l.Value
		}
	}
	return ""
}

func show(all []record.Record) string {
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "%.400s\n", r.Raw)
	}
	return b.String()
}

// wholeHop checks that the records of a hop are numbered 1 to n without a hole
// and that the last one counts them and what was sent.
func wholeHop(t testing.TB, all []record.Record, hop string, sends uint64) {
	t.Helper()
	var numbers []uint64
	var end record.Record
	for _, r := range all {
		if r.Hop() == hop {
			numbers = append(numbers, r.HopSequence)
			if r.Kind == record.KindHopEnd && r.SpanID == hop {
				end = r
			}
		} else if r.HopRecords != 0 && r.SpanID == hop {
			t.Errorf("a count on %s", r.Raw)
		}
	}
	for i, n := range numbers {
		if n != uint64(i+1) {
			t.Errorf("hop %s: numbers %v, want 1 to %d", hop, numbers, len(numbers))
			break
		}
	}
	if end.HopRecords != uint64(len(numbers)) || end.HopSends != sends {
		t.Errorf("hop %s counts %d records and %d sends, want %d and %d", hop, end.HopRecords, end.HopSends, len(numbers), sends)
	}
}

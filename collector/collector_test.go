package collector_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

func openBroker(t *testing.T) string {
	t.Helper()
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b.Addr()
}

func openStore(t *testing.T) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// start runs a collector until the returned function is called.
func start(t *testing.T, addr string, st store.Writer) (*collector.Collector, func()) {
	t.Helper()
	return startWith(t, collector.Config{Brokers: []string{addr}, Store: st, BatchRecords: 50})
}

func connect(t *testing.T, addr string) sarama.Client {
	t.Helper()
	client, err := collector.Connect([]string{addr}, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func producer(t *testing.T, client sarama.Client) sarama.SyncProducer {
	t.Helper()
	p, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func produce(t *testing.T, client sarama.Client, values ...[]byte) {
	t.Helper()
	p := producer(t, client)
	var messages []*sarama.ProducerMessage
	for i, v := range values {
		messages = append(messages, &sarama.ProducerMessage{
			Topic: record.TopicRecords, Key: sarama.StringEncoder(fmt.Sprint("key", i%7)), Value: sarama.ByteEncoder(v),
			Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("v")}},
		})
	}
	if err := p.SendMessages(messages); err != nil {
		t.Fatal(err)
	}
}

func line(node string, n int) []byte {
	return record.Append(nil, &record.Record{Time: time.Unix(1e9, int64(n)), Message: "m", Node: node, Sequence: uint64(n), CorrelationID: fmt.Sprint("key", n%7)})
}

func lines(node string, from, to int) (out [][]byte) {
	for n := from; n <= to; n++ {
		out = append(out, line(node, n))
	}
	return out
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func count(t *testing.T, s store.Reader) int64 {
	t.Helper()
	n, err := s.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lag is what the group has not committed yet.
func lag(t *testing.T, client sarama.Client) (n int64) {
	t.Helper()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	partitions, err := client.Partitions(record.TopicRecords)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := admin.ListConsumerGroupOffsets("waybill-collector", map[string][]int32{record.TopicRecords: partitions})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		end, err := client.GetOffset(record.TopicRecords, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		n += end - max(0, committed.GetBlock(record.TopicRecords, p).Offset)
	}
	return n
}

// letters reads the dead-letter topic until it has n.
func letters(t *testing.T, client sarama.Client, n int) (out []*sarama.ConsumerMessage) {
	t.Helper()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	partitions, err := client.Partitions(record.TopicDeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan *sarama.ConsumerMessage, 100)
	for _, p := range partitions {
		pc, err := consumer.ConsumePartition(record.TopicDeadLetters, p, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		defer pc.AsyncClose()
		go func() {
			for m := range pc.Messages() {
				all <- m
			}
		}()
	}
	for timeout := time.After(2 * time.Minute); len(out) < n; {
		select {
		case m := <-all:
			out = append(out, m)
		case <-timeout:
			t.Fatalf("%d dead letters, want %d", len(out), n)
		}
	}
	return out
}

func TestEveryRecordIsStoredOnceThoughItComesTwice(t *testing.T) {
	addr, st := openBroker(t), openStore(t)
	c, stop := start(t, addr, st)
	client := connect(t, addr)
	produce(t, client, lines("a", 1, 300)...)
	produce(t, client, lines("a", 200, 400)...)
	eventually(t, "all offsets committed", func() bool { return lag(t, client) == 0 })
	if n := count(t, st); n != 400 {
		t.Errorf("%d records stored, want 400", n)
	}
	balanced(t, c) // offsets are committed a moment before a batch is counted as done
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, _ := io.ReadAll(w.Body)
	for _, want := range []string{"received_total 501", "indexed_total 400", "duplicate_total 101", `dead_lettered_total{reason="conflict"} 0`, "in_flight 0"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("metrics lack %s:\n%s", want, body)
		}
	}

	// Another member goes on where this one stopped.
	stop()
	produce(t, client, lines("b", 1, 100)...)
	start(t, addr, st)
	eventually(t, "the rest", func() bool { return count(t, st) == 500 && lag(t, client) == 0 })
}

func TestPoisonIsDeadLetteredAndNeighboursAreNot(t *testing.T) {
	addr, st := openBroker(t), openStore(t)
	start(t, addr, st)
	client := connect(t, addr)
	poison := map[string]string{ // bytes → part of the reason
		"not json": "want '{'",
		"":         "ends too early",
		`{"a":1}`:  "no @timestamp",
		string(record.Append(nil, &record.Record{Time: time.Now().Add(25 * time.Hour), Message: "tomorrow", Node: "a", Sequence: 99})): "a clock is wrong",
		"{\"a\":\xff": "want a value",
		`{"@timestamp":"99999-01-01T00:00:00Z","event.id":"e"}`:                                                           "RFC 3339",
		`{"@timestamp":"2026-11-23T14:00:00Z","event.id":"e","message":1}`:                                                "message: want a string",
		`{"@timestamp":"2026-11-23T14:00:00Z","event.id":"e","x":` + strings.Repeat("[", 100_000) + `}`:                   "nested deeper",
		`{"@timestamp":"2026-11-23T14:00:00Z","event.id":"e","m":"` + strings.Repeat("a", 1_000_100) + `"}`:               "bytes, more than",
		string(record.Append(nil, &record.Record{Time: time.Unix(1e9, 0), Message: "another 3", Node: "a", Sequence: 3})): store.Conflict,
	}
	produce(t, client, lines("a", 1, 50)...)
	eventually(t, "the first fifty", func() bool { return count(t, st) == 50 })
	for bytes := range poison {
		produce(t, client, append(lines("b", 1, 20), []byte(bytes))...)
	}
	produce(t, client, lines("b", 21, 50)...)
	got := map[string]string{}
	for _, m := range letters(t, client, len(poison)) {
		headers := map[string]string{}
		for _, h := range m.Headers {
			headers[string(h.Key)] = string(h.Value)
		}
		if headers[collector.HeaderTopic] != record.TopicRecords || headers[collector.HeaderPartition] == "" || headers[collector.HeaderOffset] == "" || headers["h"] != "v" {
			t.Errorf("headers %v", headers)
		}
		if !strings.HasPrefix(string(m.Key), "key") {
			t.Errorf("key %q", m.Key)
		}
		got[string(m.Value)] = headers[collector.HeaderReason]
	}
	for bytes, reason := range poison {
		if !strings.Contains(got[bytes], reason) {
			t.Errorf("%.60q: reason %q, want %q", bytes, got[bytes], reason)
		}
	}
	eventually(t, "the neighbours", func() bool { return count(t, st) == 100 && lag(t, client) == 0 })
}

// faulty fails until it is healed.
type faulty struct {
	store.Writer
	mu   sync.Mutex
	err  error
	puts int
}

func (f *faulty) Put(ctx context.Context, entries []store.Entry) (store.Result, error) {
	f.mu.Lock()
	f.puts++
	err := f.err
	f.mu.Unlock()
	if err != nil {
		return store.Result{}, err
	}
	return f.Writer.Put(ctx, entries)
}

func TestNothingIsCommittedWhileTheStoreIsAway(t *testing.T) {
	addr, st := openBroker(t), openStore(t)
	f := &faulty{Writer: st, err: fmt.Errorf("%w: on holiday", store.ErrUnavailable)}
	c, _ := start(t, addr, f)
	client := connect(t, addr)
	produce(t, client, lines("a", 1, 100)...)
	eventually(t, "not ready", func() bool { return c.Ready() != nil })
	eventually(t, "tried again", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.puts > 4 })
	if got := lag(t, client); got != 100 {
		t.Errorf("%d of 100 not committed", got)
	}
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "on holiday") {
		t.Errorf("readyz %d %s", w.Code, w.Body)
	}
	f.mu.Lock()
	f.err = nil
	f.mu.Unlock()
	eventually(t, "all stored", func() bool { return count(t, st) == 100 && lag(t, client) == 0 && c.Ready() == nil })
}

func TestAnUnreachableBrokerIsNamed(t *testing.T) {
	_, err := collector.New(collector.Config{Brokers: []string{"127.0.0.1:1"}, Store: openStore(t)})
	if !errors.Is(err, collector.ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "--kafka-brokers") {
		t.Errorf("got %v", err)
	}
}

func TestTopicsHaveTheirSettings(t *testing.T) {
	addr := openBroker(t)
	client := connect(t, addr)
	for range 2 { // the second time they are there
		if err := collector.EnsureTopics(client, 3); err != nil {
			t.Fatal(err)
		}
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	topics, err := admin.ListTopics()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{record.TopicRecords, record.TopicDeadLetters, record.TopicInstances, record.TopicSelf} {
		if topics[name].NumPartitions != 3 || topics[name].ReplicationFactor != 1 {
			t.Errorf("%s: %+v", name, topics[name])
		}
	}
	if got := topics[record.TopicDeadLetters].ConfigEntries["max.message.bytes"]; got == nil || *got != "1114124" {
		t.Errorf("dead letters take %v bytes", got)
	}
	if got := topics[record.TopicInstances].ConfigEntries["cleanup.policy"]; got == nil || *got != "compact,delete" {
		t.Errorf("instances are cleaned up by %v", got)
	}
}

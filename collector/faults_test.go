package collector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// size is n, and ten times that under torture.
func size(n int) int {
	if os.Getenv("TORTURE") != "" {
		return 10 * n
	}
	return n
}

// ledger is what Kafka has taken, which is what must be stored: each once.
type ledger struct {
	mu    sync.Mutex
	taken map[string]bool // by event.id
}

// write produces records from several instances until n are taken, at most perSecond.
func (l *ledger) write(t *testing.T, brokers []string, n, perSecond int) {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.Producer.Return.Successes = true
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Retry.Max = 100
	cfg.Producer.Partitioner = sarama.NewMurmur2Partitioner
	p, err := sarama.NewSyncProducer(brokers, cfg)
	if err != nil {
		t.Error(err)
		return
	}
	defer p.Close()
	const perCall = 100
	for tick := time.NewTicker(time.Second * perCall / time.Duration(perSecond)); n > 0; n -= perCall {
		<-tick.C
		var batch []*sarama.ProducerMessage
		for range perCall {
			l.mu.Lock()
			id := len(l.taken) + 1
			l.taken[record.EventID("w", uint64(id))] = true
			l.mu.Unlock()
			batch = append(batch, message(line("w", id)))
		}
		if err := p.SendMessages(batch); err != nil {
			t.Error(err)
			return
		}
	}
}

func message(value []byte) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder(fmt.Sprint("key", rand.N(100))), Value: sarama.ByteEncoder(value)}
}

// memory is a store that holds identities, and answers as it is told to.
type memory struct {
	mu     sync.Mutex
	held   map[string][]byte
	puts   int
	answer func(put int, entries []store.Entry) (settle int, err error) // how many to settle; nil: all
}

func newMemory() *memory { return &memory{held: map[string][]byte{}} }

func (m *memory) Put(_ context.Context, entries []store.Entry) (store.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	n, err := len(entries), error(nil)
	if m.answer != nil {
		n, err = m.answer(m.puts, entries)
	}
	var res store.Result
	for i, e := range entries {
		was, there := m.held[e.ID]
		switch {
		case i >= n:
			res.Unsettled = append(res.Unsettled, i)
		case !there:
			m.held[strings.Clone(e.ID)] = bytes.Clone(e.Raw)
			res.Stored++
		case bytes.Equal(was, e.Raw):
			res.Present++
		default:
			res.Rejected = append(res.Rejected, store.Rejection{Index: i, Reason: store.Conflict})
		}
	}
	return res, err
}

// whole fails unless the store holds what the ledger says, and no more.
func (m *memory) whole(t *testing.T, l *ledger) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	lost := 0
	for id := range l.taken {
		if m.held[id] == nil {
			lost++
		}
	}
	if lost > 0 || len(m.held) != len(l.taken) {
		t.Errorf("%d records taken, %d stored, %d lost", len(l.taken), len(m.held), lost)
	}
	t.Logf("%d records: 0 lost, 0 doubled, in %d puts", len(l.taken), m.puts)
}

func newLedger() *ledger { return &ledger{taken: map[string]bool{}} }

func startWith(t *testing.T, cfg collector.Config) (*collector.Collector, func()) {
	t.Helper()
	c, err := collector.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, c.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return c, stop
}

// balanced fails unless every message that was read is accounted for.
func balanced(t *testing.T, c *collector.Collector) {
	t.Helper()
	eventually(t, "nothing in flight", func() bool { return meter(t, c, "waybill_records_in_flight") == 0 })
	var sum float64
	for _, name := range []string{"indexed", "duplicate", "dead_lettered", "expired", "left"} {
		sum += meter(t, c, "waybill_records_"+name+"_total")
	}
	if got := meter(t, c, "waybill_records_received_total"); got != sum {
		t.Errorf("received %v, accounted for %v", got, sum)
	}
}

func meter(t *testing.T, c *collector.Collector, name string) (sum float64) {
	t.Helper()
	families, err := c.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
			return sum
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// A store that is away, slow, full, or settles only part: nothing is lost, and
// what was settled is not given again.
func TestWhateverTheStoreAnswersNothingIsLost(t *testing.T) {
	away := fmt.Errorf("%w: connection refused", store.ErrUnavailable)
	for name, later := range map[string]func(put, n int) int{ // how many of n are for later
		"away":                 func(put, n int) int { return n * max(0, 1-put/6) },
		"half of it now":       func(_, n int) int { return n / 2 },
		"one in ten for later": func(_, n int) int { return n / 10 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, st, l := openBroker(t), newMemory(), newLedger()
			st.answer = func(put int, e []store.Entry) (int, error) {
				if n := later(put, len(e)); n > 0 {
					return len(e) - n, away
				}
				return len(e), nil
			}
			c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, BatchRecords: 100})
			l.write(t, []string{addr}, size(1000), 5000)
			client := connect(t, addr)
			eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
			st.whole(t, l)
			balanced(t, c)
			if meter(t, c, "waybill_records_duplicate_total") != 0 {
				t.Error("what had been settled was given again")
			}
		})
	}
	t.Run("stored, and no answer", func(t *testing.T) {
		t.Parallel()
		addr, st, l := openBroker(t), newMemory(), newLedger()
		c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: &forgetful{memory: st}, BatchRecords: 100})
		l.write(t, []string{addr}, size(1000), 5000)
		client := connect(t, addr)
		eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
		st.whole(t, l)
		balanced(t, c)
	})
}

// forgetful stores every third batch and says it did not.
type forgetful struct {
	*memory
	calls atomic.Int64
}

func (f *forgetful) Put(ctx context.Context, entries []store.Entry) (store.Result, error) {
	res, err := f.memory.Put(ctx, entries)
	if f.calls.Add(1)%3 == 1 {
		return store.Result{}, fmt.Errorf("%w: connection reset", store.ErrUnavailable)
	}
	return res, err
}

// Records come up to five times and in another order.
func TestRepeatedAndShuffledRecordsAreStoredOnce(t *testing.T) {
	addr, st, l := openBroker(t), newMemory(), newLedger()
	c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st})
	client := connect(t, addr)
	var values [][]byte
	for n := 1; n <= size(2000); n++ {
		l.taken[record.EventID("w", uint64(n))] = true
		for range 1 + rand.N(5) {
			values = append(values, line("w", n))
		}
	}
	for i := range values { // within a thousand
		j := i + rand.N(min(1000, len(values)-i))
		values[i], values[j] = values[j], values[i]
	}
	produce(t, client, values...)
	again := len(values) * 3 / 10
	eventually(t, "the first pass", func() bool { return lag(t, client) == 0 })
	produce(t, client, values[:again]...)
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	st.whole(t, l)
	balanced(t, c)
	if got, want := meter(t, c, "waybill_records_duplicate_total"), len(values)+again-len(l.taken); got != float64(want) {
		t.Errorf("%v duplicates, want %d", got, want)
	}
}

// One message in a hundred is poison: each is a dead letter with its reason, and
// none holds its neighbours up.
func TestPoisonAmongRecordsHoldsNothingUp(t *testing.T) {
	const ok = `"@timestamp":"2026-01-01T00:00:00Z","event.id":"p"`
	poison := [][]byte{
		[]byte(`{`), []byte(`{` + ok + `,"message":"` + "\xff\xfe" + `"}`), []byte(`{` + ok + `,"x":NaN}`),
		[]byte(`{` + ok + `,"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`),
		[]byte(`{"@timestamp":"0000-01-01T00:00:00Z","event.id":"p"}`), []byte(`{"@timestamp":"99999-01-01T00:00:00Z","event.id":"p"}`),
		[]byte(`{` + ok + `,"` + strings.Repeat("k", 1_000_000) + `":1}`), manyFields(ok, 100_000),
	}
	addr, st, l := openBroker(t), newMemory(), newLedger()
	c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st})
	client := connect(t, addr)
	n := size(2000)
	var values [][]byte
	for i := 1; i <= n; i++ {
		l.taken[record.EventID("w", uint64(i))] = true
		values = append(values, line("w", i))
		if i%100 == 0 {
			values = append(values, poison[i/100%len(poison)])
		}
	}
	produce(t, client, values...)
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	st.whole(t, l)
	balanced(t, c)
	for _, m := range letters(t, client, n/100) {
		if reason(m) == "" {
			t.Errorf("no reason for %.60q", m.Value)
		}
	}
}

func manyFields(start string, n int) []byte {
	b := []byte("{" + start)
	for i := range n {
		b = fmt.Appendf(b, `,"%d":1`, i)
	}
	return append(b, '}')
}

func reason(m *sarama.ConsumerMessage) string {
	for _, h := range m.Headers {
		if string(h.Key) == collector.HeaderReason {
			return string(h.Value)
		}
	}
	return ""
}

// The largest message a topic takes, and a batch that is small only while it is
// compressed, become dead letters that fit theirs.
func TestADeadLetterAlwaysFitsItsTopic(t *testing.T) {
	addr, st := openBroker(t), newMemory()
	c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st})
	client := connect(t, addr)
	cfg := *client.Config()
	cfg.Producer.MaxMessageBytes = 64 << 20
	cfg.Producer.Compression = sarama.CompressionZSTD
	p, err := sarama.NewSyncProducer([]string{addr}, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	random := make([]byte, 1_040_000) // does not compress
	for i := range random {
		random[i] = byte(rand.N(256))
	}
	for _, value := range [][]byte{random, bytes.Repeat([]byte("x"), 10<<20)} {
		if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: record.TopicRecords, Value: sarama.ByteEncoder(value), Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: bytes.Repeat([]byte("v"), 4000)}}}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[int]bool{}
	for _, m := range letters(t, client, 2) {
		got[len(m.Value)] = true
		if !strings.Contains(reason(m), "want '{'") && !strings.Contains(reason(m), "bytes, more than") {
			t.Errorf("reason %q", reason(m))
		}
	}
	if !got[len(random)] || !got[10<<20] {
		t.Errorf("letters of %v bytes", got)
	}
	eventually(t, "committed", func() bool { return lag(t, client) == 0 })
	balanced(t, c)
}

// A topic for dead letters that somebody else has made too small holds what fits.
func TestALetterTooLargeForItsTopicIsCut(t *testing.T) {
	addr, st := openBroker(t), newMemory()
	client := connect(t, addr)
	startWith(t, collector.Config{Brokers: []string{addr}, Store: st})
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	small := "20000"
	set := map[string]sarama.IncrementalAlterConfigsEntry{"max.message.bytes": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &small}}
	if err := admin.IncrementalAlterConfig(sarama.TopicResource, record.TopicDeadLetters, set, false); err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 100_000)
	for i := range random {
		random[i] = byte(rand.N(256))
	}
	produce(t, client, random, line("a", 1))
	m := letters(t, client, 1)[0]
	all, err := collector.Letters(t.Context(), client, 0)
	if err != nil || len(all) != 1 || all[0].Cut != len(random) || len(all[0].Value) == 0 || !bytes.HasPrefix(random, m.Value) {
		t.Errorf("%d letters, %d of %d bytes, %v", len(all), len(m.Value), all[0].Cut, err)
	}
	if err := collector.Replay(producer(t, client), all[0]); err == nil || !strings.Contains(err.Error(), "of 100000 bytes: the whole message lies at waybill.records/") {
		t.Errorf("a replay of a part: %v", err)
	}
	eventually(t, "committed", func() bool { return lag(t, client) == 0 })
}

// Members come and go each moment: every record is stored, and no partition is idle for long.
func TestMembersComeAndGo(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(12, record.TopicRecords))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	brokers := cluster.ListenAddrs()
	st, l := newMemory(), newLedger()
	var writing atomic.Bool
	writing.Store(true)
	go func() {
		l.write(t, brokers, size(8000), 2000)
		writing.Store(false)
	}()
	var stops []func()
	changes := 0
	join := func() {
		_, stop := startWith(t, collector.Config{Brokers: brokers, Store: st})
		stops = append(stops, stop)
	}
	join()
	for up := true; writing.Load(); changes++ { // 1 → 6 → 1
		time.Sleep(300 * time.Millisecond)
		if up {
			join()
		} else {
			stops[0]()
			stops = stops[1:]
		}
		up = len(stops) < 2 || up && len(stops) < 6
	}
	client := connect(t, brokers[0])
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	st.whole(t, l)
	t.Logf("%d changes of members", changes)
}

// Leaders and coordinators move, and requests fail that were or were not carried out.
func TestLeadersAndCoordinatorsMove(t *testing.T) {
	const brokers, partitions = 3, 6
	cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.SeedTopics(partitions, record.TopicRecords))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	st, l := newMemory(), newLedger()
	c, _ := startWith(t, collector.Config{Brokers: cluster.ListenAddrs(), Store: st})
	sometimes := func(kmsg.Request) bool { return rand.N(20) == 0 }
	for _, f := range []kfake.Fault{
		{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: -1, When: sometimes},
		{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.RequestTimedOut, Count: -1, When: sometimes},
		{Keys: []kmsg.Key{kmsg.OffsetCommit, kmsg.Heartbeat}, Err: kerr.NotCoordinator, Count: -1, When: sometimes},
	} {
		defer cluster.Fault(f).Remove()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.write(t, cluster.ListenAddrs(), size(6000), 2000)
	}()
	moves := 0
	for writing := true; writing; moves++ {
		select {
		case <-done:
			writing = false
		case <-time.After(100 * time.Millisecond):
		}
		if err := cluster.MoveTopicPartition(record.TopicRecords, rand.N[int32](partitions), rand.N[int32](brokers)); err != nil {
			t.Fatal(err)
		}
		if moves%10 == 9 {
			cluster.RehashCoordinators()
		}
	}
	client := connect(t, cluster.ListenAddrs()[0])
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	st.whole(t, l)
	balanced(t, c)
	t.Logf("%d moves of leaders", moves)
}

// Kafka's retention was shorter than the collectors were away.
func TestARangeKafkaDroppedIsReportedAndPassed(t *testing.T) {
	addr, st := openBroker(t), newMemory()
	_, stop := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, Partitions: 1})
	client := connect(t, addr)
	produce(t, client, lines("a", 1, 10)...)
	eventually(t, "the first ten", func() bool { return lag(t, client) == 0 })
	stop()
	produce(t, client, lines("a", 11, 30)...)
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.DeleteRecords(record.TopicRecords, map[int32]int64{0: 25}); err != nil {
		t.Fatal(err)
	}
	var log safeBuffer
	c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, Logger: log.logger()})
	eventually(t, "what is left", func() bool { return lag(t, client) == 0 })
	if len(st.held) != 15 || st.held["a-26"] == nil {
		t.Errorf("%d records stored", len(st.held))
	}
	if got := meter(t, c, "waybill_records_dropped_by_kafka_total"); got != 15 {
		t.Errorf("%v dropped, want 15", got)
	}
	if !strings.Contains(log.String(), "Kafka dropped offsets 10 to 24 of waybill.records/0") {
		t.Errorf("log: %s", log.String())
	}
	all, err := collector.Letters(t.Context(), client, 0)
	if err != nil || len(all) != 1 || all[0].SourceOffset != 10 || all[0].Until != 25 || len(all[0].Value) != 0 {
		t.Errorf("letters %+v, %v", all, err)
	}
	if err := collector.Replay(producer(t, client), all[0]); err == nil || !strings.Contains(err.Error(), "nothing to replay") {
		t.Errorf("replay: %v", err)
	}
}

// A topic that was deleted and made anew is read from its start.
func TestATopicMadeAnewIsReadFromItsStart(t *testing.T) {
	addr, st := openBroker(t), newMemory()
	_, stop := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, Partitions: 1})
	client := connect(t, addr)
	produce(t, client, lines("a", 1, 10)...)
	eventually(t, "the first ten", func() bool { return lag(t, client) == 0 })
	stop()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.DeleteTopic(record.TopicRecords); err != nil {
		t.Fatal(err)
	}
	if err := collector.EnsureTopics(client, 1); err != nil {
		t.Fatal(err)
	}
	if err := client.RefreshMetadata(); err != nil {
		t.Fatal(err)
	}
	produce(t, client, lines("b", 1, 3)...)
	startWith(t, collector.Config{Brokers: []string{addr}, Store: st})
	eventually(t, "the new records", func() bool { st.mu.Lock(); defer st.mu.Unlock(); return len(st.held) == 13 })
}

// A stopping collector settles and commits what is in flight: nothing is read twice.
func TestAStopSettlesWhatIsInFlight(t *testing.T) {
	addr, st, l := openBroker(t), newMemory(), newLedger()
	var slow atomic.Bool
	slow.Store(true)
	st.answer = func(_ int, e []store.Entry) (int, error) {
		if slow.Load() {
			time.Sleep(300 * time.Millisecond)
		}
		return len(e), nil
	}
	c, stop := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, BatchRecords: 100})
	l.write(t, []string{addr}, 2000, 100_000)
	eventually(t, "the first batch", func() bool { return meter(t, c, "waybill_records_indexed_total") > 0 })
	stop()
	balanced(t, c)
	slow.Store(false)
	next, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st})
	client := connect(t, addr)
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	st.whole(t, l)
	if n := meter(t, next, "waybill_records_duplicate_total"); n != 0 {
		t.Errorf("%v records were stored and not committed", n)
	}
}

// Old records expire where the store no longer keeps their day.
func TestOldRecordsExpire(t *testing.T) {
	addr, st := openBroker(t), newMemory()
	c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, Retention: 30 * 24 * time.Hour})
	client := connect(t, addr)
	recent := record.Append(nil, &record.Record{Time: time.Now().Add(-29 * 24 * time.Hour), Message: "m", Node: "b", Sequence: 1})
	produce(t, client, append(lines("a", 1, 10), recent)...)
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	if len(st.held) != 1 || meter(t, c, "waybill_records_expired_total") != 10 {
		t.Errorf("%d stored, %v expired", len(st.held), meter(t, c, "waybill_records_expired_total"))
	}
	balanced(t, c)
}

// Many partitions share the room there is for batches in flight.
func TestBytesInFlightAreBounded(t *testing.T) {
	addr, st, l := openBroker(t), newMemory(), newLedger()
	const partitions, room, perBatch = 12, 3, 50
	if err := collector.EnsureTopics(connect(t, addr), partitions); err != nil {
		t.Fatal(err)
	}
	l.write(t, []string{addr}, 5000, 100_000)
	var now, most atomic.Int64
	gate := make(chan struct{})
	c, _ := startWith(t, collector.Config{
		Brokers: []string{addr}, BatchRecords: perBatch, BatchWait: 2 * time.Second, BatchBytes: 64 << 10, InFlightBytes: room * 64 << 10,
		Store: writerFunc(func(ctx context.Context, e []store.Entry) (store.Result, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			select {
			case <-gate:
				return st.Put(ctx, e)
			case <-ctx.Done():
				return store.Result{}, ctx.Err()
			}
		}),
	})
	// A claim has two batches at most, one of which waits for the other.
	eventually(t, "three batches of at least two claims", func() bool {
		return meter(t, c, "waybill_records_in_flight") >= room*perBatch && now.Load() >= 2
	})
	if held := meter(t, c, "waybill_records_in_flight"); held > room*perBatch {
		t.Errorf("%v records in flight, room is for %d batches of %d", held, room, perBatch)
	}
	close(gate)
	client := connect(t, addr)
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	st.whole(t, l)
	if n := most.Load(); n > room {
		t.Errorf("%d batches at once, room is for %d", n, room)
	}
}

type writerFunc func(context.Context, []store.Entry) (store.Result, error)

func (f writerFunc) Put(ctx context.Context, e []store.Entry) (store.Result, error) { return f(ctx, e) }

// One correlation ID with very many records shares its partition's way with nobody else's.
func TestAHugeJourneyDoesNotHoldUpItsNeighbours(t *testing.T) {
	addr, st := openBroker(t), newMemory()
	var released atomic.Bool
	client := connect(t, addr)
	if err := collector.EnsureTopics(client, 4); err != nil {
		t.Fatal(err)
	}
	p, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var huge []*sarama.ProducerMessage
	for n := range size(20_000) {
		huge = append(huge, &sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder("huge"), Value: sarama.ByteEncoder(line("huge", n+1))})
	}
	if err := p.SendMessages(huge); err != nil {
		t.Fatal(err)
	}
	produce(t, client, lines("other", 1, 700)...)
	startWith(t, collector.Config{Brokers: []string{addr}, BatchRecords: 200, Store: writerFunc(func(ctx context.Context, e []store.Entry) (store.Result, error) {
		if strings.HasPrefix(e[0].ID, "huge") && strings.HasPrefix(e[len(e)-1].ID, "huge") {
			for !released.Load() && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
		}
		return st.Put(ctx, e)
	})})
	eventually(t, "the neighbours in other partitions", func() bool {
		st.mu.Lock()
		defer st.mu.Unlock()
		others := 0
		for id := range st.held {
			if strings.HasPrefix(id, "other") {
				others++
			}
		}
		return others >= 400 // 7 keys over 4 partitions, one of which is held up
	})
	released.Store(true)
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	if len(st.held) != len(huge)+700 {
		t.Errorf("%d stored", len(st.held))
	}
}

// A dead letters' topic that somebody made too small is given room at start.
func TestTheDeadLettersTopicIsGivenRoom(t *testing.T) {
	addr := openBroker(t)
	client := connect(t, addr)
	if err := collector.EnsureTopics(client, 1); err != nil {
		t.Fatal(err)
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	large := "5000000"
	set := map[string]sarama.IncrementalAlterConfigsEntry{"max.message.bytes": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &large}}
	if err := admin.IncrementalAlterConfig(sarama.TopicResource, record.TopicRecords, set, false); err != nil {
		t.Fatal(err)
	}
	startWith(t, collector.Config{Brokers: []string{addr}, Store: newMemory()})
	topics, err := admin.ListTopics()
	if err != nil {
		t.Fatal(err)
	}
	if got := topics[record.TopicDeadLetters].ConfigEntries["max.message.bytes"]; got == nil || *got != "5065536" {
		t.Errorf("dead letters take %v bytes", got)
	}
}

package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// sendOrders sends n messages to one partition, each of its own journey Order-i.
func sendOrders(t *testing.T, k *kafka, in *instrument.Instrument, topic string, n int) {
	t.Helper()
	cfg := *k.client.Config()
	cfg.Producer.Partitioner = sarama.NewManualPartitioner
	producer, err := sarama.NewSyncProducer([]string{k.Addr()}, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for i := range n {
		ctx, _ := instrument.WithCorrelationID(context.Background(), fmt.Sprint("Order-", i))
		if _, _, err := in.Send(ctx, producer, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
}

// consumers is a consumer group of one member, until the test ends.
func (k *kafka) consumers(t *testing.T, group, topic string, h sarama.ConsumerGroupHandler) (stop func()) {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	cfg.Consumer.MaxWaitTime = 20 * time.Millisecond
	cfg.Consumer.Group.Rebalance.Retry.Backoff = 10 * time.Millisecond
	g, err := sarama.NewConsumerGroup([]string{k.Addr()}, group, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var consuming sync.WaitGroup
	consuming.Go(func() {
		for ctx.Err() == nil {
			if err := g.Consume(ctx, []string{topic}, h); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		consuming.Wait()
		g.Close()
	})
	t.Cleanup(stop)
	return stop
}

// committed is how far a group has come in partition 0.
func (k *kafka) committed(t *testing.T, group, topic string) int64 {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{k.Addr()}, k.client.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	offsets, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
	if err != nil {
		t.Fatal(err)
	}
	return offsets.GetBlock(topic, 0).Offset
}

// attempts are what the hops of one message say: "attempt outcome", in order.
func attempts(all []record.Record, offset int64) (out []string) {
	for _, r := range pick(all, record.KindHopEnd, "process orders") {
		if r.Messaging.Offset == offset {
			out = append(out, fmt.Sprint(r.Messaging.Attempt, " ", r.Outcome))
		}
	}
	return out
}

func TestAMessageNotHandledComesAgain(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "bank")
	sendOrders(t, k, in, "orders", 3)
	var mu sync.Mutex
	var handled []string
	tries, all := 0, make(chan struct{})
	h := in.ConsumerGroupHandler("g", func(ctx context.Context, m *sarama.ConsumerMessage) error {
		mu.Lock()
		defer mu.Unlock()
		if m.Offset == 1 {
			if tries++; tries < 3 {
				return errors.New("not yet")
			}
		}
		if handled = append(handled, instrument.CorrelationID(ctx)); len(handled) == 3 {
			close(all)
		}
		return nil
	})
	stop := k.consumers(t, "g", "orders", h)
	wait(t, all)
	stop()
	if want := []string{"Order-0", "Order-1", "Order-2"}; !slices.Equal(handled, want) {
		t.Errorf("handled %v, want %v", handled, want)
	}
	if got := k.committed(t, "g", "orders"); got != 3 {
		t.Errorf("committed %d, want 3", got)
	}
	records := k.records(t, in)
	if got, want := attempts(records, 1), []string{"0 failure", "2 failure", "3 success"}; !slices.Equal(got, want) {
		t.Errorf("attempts %v, want %v", got, want)
	}
	for _, offset := range []int64{0, 2} {
		if got, want := attempts(records, offset), []string{"0 success"}; !slices.Equal(got, want) {
			t.Errorf("attempts of %d: %v, want %v", offset, got, want)
		}
	}
	for _, r := range pick(records, record.KindHopEnd, "process orders") {
		if r.Messaging.Group != "g" || r.CorrelationID != fmt.Sprint("Order-", r.Messaging.Offset) || r.ParentID == "" {
			t.Errorf("got %s", r.Raw)
		}
		wholeHop(t, records, r.SpanID, 0)
	}
}

func wait(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatal("waited in vain")
	}
}

// A member that stops with a message unhandled has not marked it.
func TestOnlyWhatIsHandledIsMarked(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "bank")
	sendOrders(t, k, in, "orders", 3)
	reached := make(chan struct{}, 100)
	h := in.ConsumerGroupHandler("g", func(ctx context.Context, m *sarama.ConsumerMessage) error {
		if m.Offset < 2 {
			return nil
		}
		reached <- struct{}{}
		<-ctx.Done() // until the member stops
		return ctx.Err()
	})
	stop := k.consumers(t, "g", "orders", h)
	wait(t, reached)
	stop()
	if got := k.committed(t, "g", "orders"); got != 2 {
		t.Errorf("committed %d, want 2", got)
	}
	// The next member gets it, as a first attempt: having been stopped is none.
	again := make(chan struct{})
	stop = k.consumers(t, "g", "orders", &watched{h, again})
	wait(t, reached)
	stop()
	if got := attempts(k.records(t, in), 2); len(got) != 2 || got[0] != "0 failure" || got[1] != "0 failure" {
		t.Errorf("attempts %v", got)
	}
}

// watched is a handler with a Setup of its own.
type watched struct {
	sarama.ConsumerGroupHandler
	up chan struct{}
}

func (w *watched) Setup(sarama.ConsumerGroupSession) error {
	close(w.up)
	return nil
}

func TestAMessageIsRetriedInPlaceAndThenSkipped(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "bank")
	sendOrders(t, k, in, "orders", 3)
	cause, last := errors.New("no money"), make(chan struct{})
	dead := &fake{}
	var times []time.Time
	h := in.ConsumerGroupHandler("g", func(_ context.Context, m *sarama.ConsumerMessage) error {
		switch m.Offset {
		case 1:
			times = append(times, time.Now())
			return cause
		case 2:
			close(last)
		}
		return nil
	}, instrument.RetryInPlace(10*time.Millisecond, 20*time.Millisecond), instrument.SkipAfter(4, func(ctx context.Context, m *sarama.ConsumerMessage, err error) error {
		if !errors.Is(err, cause) || m.Offset != 1 {
			t.Errorf("skipped %d for %v", m.Offset, err)
		}
		_, _, err = in.Send(ctx, dead, &sarama.ProducerMessage{Topic: "orders.dead", Value: sarama.ByteEncoder(m.Value)})
		return err
	}))
	up := make(chan struct{}) // closed twice, it panics: there is one session only
	stop := k.consumers(t, "g", "orders", &watched{h, up})
	wait(t, last)
	stop()
	if got := k.committed(t, "g", "orders"); got != 3 {
		t.Errorf("committed %d, want 3", got)
	}
	for i, least := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond} {
		if len(times) != 4 || times[i+1].Sub(times[i]) < least {
			t.Fatalf("attempts at %v, want %v after number %d", times, least, i+1)
		}
	}
	all := k.records(t, in)
	if got, want := attempts(all, 1), []string{"0 failure", "2 failure", "3 failure", "4 failure"}; !slices.Equal(got, want) {
		t.Errorf("attempts %v, want %v", got, want)
	}
	r := one(t, all, record.KindHopEnd, "send orders.dead")
	if r.CorrelationID != "Order-1" || len(dead.sent) != 1 {
		t.Errorf("%d sent: %s", len(dead.sent), r.Raw)
	}
	wholeHop(t, all, r.Hop(), 1)
}

// Without a way to skip, the message is not lost: the session ends with the error.
func TestASkipThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	cause, full := errors.New("no money"), errors.New("no room")
	skips := 0
	h := in.ConsumerGroupHandler("g", func(context.Context, *sarama.ConsumerMessage) error { return cause },
		instrument.SkipAfter(2, func(context.Context, *sarama.ConsumerMessage, error) error {
			if skips++; skips < 2 {
				return full
			}
			return nil
		}))
	f := func(marked int, wants ...error) {
		t.Helper()
		s := &session{ctx: context.Background()}
		err := h.ConsumeClaim(s, newClaim(&sarama.ConsumerMessage{Topic: "orders", Offset: 7}))
		for _, want := range wants {
			if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "handle orders/0 at offset 7: ") {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		if len(wants) == 0 && err != nil || len(s.marked) != marked {
			t.Errorf("%v, marked %v", err, s.marked)
		}
	}
	f(0, cause)
	f(0, cause, full)
	f(1)
	f(0, cause) // what came before is forgotten
	if got, want := attempts(k.records(t, in), 7), []string{"0 failure", "2 failure", "3 failure", "0 failure"}; !slices.Equal(got, want) {
		t.Errorf("attempts %v, want %v", got, want)
	}
}

// session is one of a consumer group that marks in memory.
type session struct {
	sarama.ConsumerGroupSession
	ctx    context.Context
	marked []int64
}

func (s *session) Context() context.Context { return s.ctx }
func (s *session) MarkMessage(m *sarama.ConsumerMessage, _ string) {
	s.marked = append(s.marked, m.Offset)
}

// messages are a claim, and a partition consumer, of what is in it.
type messages struct {
	sarama.ConsumerGroupClaim
	sarama.PartitionConsumer
	c chan *sarama.ConsumerMessage
}

func newClaim(all ...*sarama.ConsumerMessage) *messages {
	m := &messages{c: make(chan *sarama.ConsumerMessage, len(all))}
	for _, one := range all {
		m.c <- one
	}
	close(m.c)
	return m
}

func (m *messages) Messages() <-chan *sarama.ConsumerMessage { return m.c }
func (m *messages) HighWaterMarkOffset() int64               { return 0 }

func TestAPartitionIsConsumedUntilTheEnd(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "bank")
	sendOrders(t, k, in, "orders", 3)
	consume := func(ctx context.Context, handle func(context.Context, *sarama.ConsumerMessage) error) (sarama.PartitionConsumer, error) {
		pc, err := k.consumer.ConsumePartition("orders", 0, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		return pc, in.Consume(ctx, pc, handle)
	}

	ctx, cancel := context.WithCancel(context.Background())
	var ids []string
	pc, err := consume(ctx, func(ctx context.Context, m *sarama.ConsumerMessage) error {
		if ids = append(ids, instrument.CorrelationID(ctx)); m.Offset == 2 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || !slices.Equal(ids, []string{"Order-0", "Order-1", "Order-2"}) {
		t.Errorf("%v after %v", err, ids)
	}
	pc.Close()

	cause := errors.New("no money")
	pc, err = consume(context.Background(), func(_ context.Context, m *sarama.ConsumerMessage) error {
		if m.Offset == 1 {
			return cause
		}
		return nil
	})
	if !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "handle orders/0 at offset 1: ") {
		t.Errorf("got %v", err)
	}
	pc.Close()

	if err := in.Consume(context.Background(), newClaim(&sarama.ConsumerMessage{Topic: "orders", Offset: 8}), func(context.Context, *sarama.ConsumerMessage) error { return nil }); err != nil {
		t.Errorf("closed: %v", err)
	}
	if err := in.Consume(done(), newClaim(&sarama.ConsumerMessage{Topic: "orders", Offset: 9}), func(context.Context, *sarama.ConsumerMessage) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	all := k.records(t, in)
	for offset, want := range []string{"0 success,0 success", "0 success,0 failure", "0 success", 8: "0 success", 9: ""} {
		if got := strings.Join(attempts(all, int64(offset)), ","); got != want {
			t.Errorf("attempts of %d: %s, want %s", offset, got, want)
		}
	}
}

func TestMessagesHandledTogetherAreHopsOfTheirOwnJourneys(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	producer := &fake{}
	var batch []*sarama.ConsumerMessage
	for i := range 5 {
		ctx, _ := instrument.WithCorrelationID(context.Background(), fmt.Sprint("Order-", i))
		if _, _, err := in.Send(ctx, producer, &sarama.ProducerMessage{Topic: "orders"}); err != nil {
			t.Fatal(err)
		}
		m := received(producer.sent[i])
		m.Offset = int64(i)
		batch = append(batch, m)
	}
	var invoice trace.Span
	err := in.ProcessAll(context.Background(), batch, "g", func(ctx context.Context, all []instrument.Received) error {
		if instrument.CorrelationID(ctx) != "" || len(all) != len(batch) {
			t.Errorf("journey %q of %d", instrument.CorrelationID(ctx), len(all))
		}
		ctxs := []context.Context{context.Background()}
		for i, r := range all {
			in.Logger().InfoContext(r.Context, fmt.Sprint("handled ", i))
			if r.Message != batch[i] {
				t.Errorf("message %d is another", i)
			}
			ctxs = append(ctxs, r.Context)
		}
		links := in.Links(ctxs...)
		if len(links) != len(all) { // the first context has no span
			t.Errorf("links %v", links)
		}
		ctx, invoice = tracer(in).Start(ctx, "invoice", trace.WithLinks(links...))
		_, _, err := in.Send(ctx, producer, &sarama.ProducerMessage{Topic: "invoices"})
		invoice.End()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := k.records(t, in)
	hops := pick(all, record.KindHopEnd, "process orders")
	slices.SortFunc(hops, func(a, b record.Record) int { return int(a.Messaging.Offset - b.Messaging.Offset) })
	links := one(t, all, record.KindHopStart, "invoice").Links
	if len(hops) != 5 || len(links) != 5 {
		t.Fatalf("%d hops, links %v", len(hops), links)
	}
	for i, r := range hops {
		if want := fmt.Sprint("Order-", i); r.CorrelationID != want || r.Outcome != record.Success || r.Messaging.Group != "g" {
			t.Errorf("message %d: %s", i, r.Raw)
		}
		wholeHop(t, all, r.SpanID, 0)
		if l := logged(t, all, fmt.Sprint("handled ", i)); l.Hop() != r.SpanID || l.CorrelationID != r.CorrelationID {
			t.Errorf("message %d: %s", i, l.Raw)
		}
		if want := (record.Link{TraceID: r.TraceID, SpanID: r.SpanID, CorrelationID: r.CorrelationID}); links[i] != want {
			t.Errorf("link %+v, want %+v", links[i], want)
		}
	}
	wholeHop(t, all, invoice.SpanContext().SpanID().String(), 1)
}

func TestMessagesNotHandledTogetherAllFail(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	batch := []*sarama.ConsumerMessage{{Topic: "orders", Offset: 1}, {Topic: "orders", Offset: 2}}
	cause := errors.New("no money")
	if err := in.ProcessAll(context.Background(), batch, "g", func(context.Context, []instrument.Received) error { return cause }); !errors.Is(err, cause) {
		t.Errorf("returned %v", err)
	}
	func() {
		defer func() {
			if p := recover(); p != "out of mind" {
				t.Errorf("recovered %v", p)
			}
		}()
		in.ProcessAll(context.Background(), batch, "g", func(context.Context, []instrument.Received) error { panic("out of mind") })
	}()
	var got []string
	for _, r := range pick(k.records(t, in), record.KindHopEnd, "") {
		got = append(got, fmt.Sprint(r.Messaging.Offset, r.Outcome, r.Error.Message))
	}
	slices.Sort(got)
	if want := []string{"1failureno money", "1failureout of mind", "2failureno money", "2failureout of mind"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// So that time in the queue is known of producers that write no hops.
func TestAHopKnowsWhenItsMessageWasSent(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	f := func(at time.Time, want string) {
		t.Helper()
		if err := in.Process(context.Background(), &sarama.ConsumerMessage{Topic: "orders", Timestamp: at}, "g", func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
		all := k.records(t, in)
		for _, r := range all[len(all)-2:] {
			if got := label(r, "messaging.message.timestamp"); got != want {
				t.Errorf("%v: %q, want %q", at, got, want)
			}
		}
	}
	f(time.Date(2026, 11, 23, 18, 0, 0, 123000000, time.FixedZone("", 3600)), "2026-11-23T17:00:00.123Z")
	f(time.UnixMilli(0), "1970-01-01T00:00:00Z")
	f(time.Time{}, "")
	f(time.UnixMilli(1<<62), "")
}

func TestMessagesSentTogetherEndEachForItself(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "shop")
	ctx, visit := tracer(in).Start(foreign(in), "buy", trace.WithSpanKind(trace.SpanKindServer))
	shared := make([]sarama.RecordHeader, 1, 10)
	shared[0] = sarama.RecordHeader{Key: []byte("tenant"), Value: []byte("t1")}
	var all []*sarama.ProducerMessage
	for range 5 {
		all = append(all, &sarama.ProducerMessage{Topic: "orders", Headers: shared, Value: sarama.StringEncoder("x")})
	}
	all[2].Value = tooLong("orders").Value
	err := in.SendAll(ctx, k.producer(t), all)
	visit.End()
	var failed sarama.ProducerErrors
	if !errors.As(err, &failed) || len(failed) != 1 || failed[0].Msg != all[2] {
		t.Fatalf("returned %v", err)
	}
	records := k.records(t, in)
	wholeHop(t, records, visit.SpanContext().SpanID().String(), 5)
	bySpan := map[string]record.Record{}
	for _, r := range pick(records, record.KindHopEnd, "send orders") {
		bySpan[r.SpanID] = r
	}
	if len(bySpan) != 5 {
		t.Fatalf("%d sends", len(bySpan))
	}
	for i, m := range all {
		var parent string
		for _, h := range m.Headers {
			if string(h.Key) == "traceparent" {
				parent = string(h.Value)
			}
		}
		r, ok := bySpan[strings.Split(parent+"--", "-")[2]]
		if !ok || r.CorrelationID != "Order-7" || len(m.Headers) != 4 {
			t.Errorf("message %d has headers %s", i, m.Headers)
		}
		if good := i != 2; good != (r.Outcome == record.Success) || good != r.Messaging.HasOffset || good && (r.Messaging.Offset != m.Offset || r.Messaging.Partition != m.Partition) {
			t.Errorf("message %d: %s", i, r.Raw)
		}
	}

	cause := errors.New("no leader")
	if err := in.SendAll(context.Background(), &fake{err: cause}, []*sarama.ProducerMessage{{Topic: "a"}, {Topic: "b"}}); !errors.Is(err, cause) {
		t.Errorf("returned %v", err)
	}
	for _, name := range []string{"send a", "send b"} {
		if r := one(t, k.records(t, in), record.KindHopEnd, name); r.Outcome != record.Failure || r.Error.Message != "no leader" {
			t.Errorf("got %s", r.Raw)
		}
	}
	if err := in.SendAll(context.Background(), &fake{}, nil); err != nil {
		t.Error(err)
	}
}

func TestHostileMessagesDoNoHarm(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	n := 0
	for _, key := range []string{"x-correlation-id", "TraceParent", "tracestate", "baggage", "messaging.message.conversation_id", strings.Repeat("k", 1<<20), "\xff", ""} {
		for _, value := range hostile {
			m := &sarama.ConsumerMessage{Topic: "orders", Headers: []*sarama.RecordHeader{nil, {Key: []byte(key), Value: []byte(value)}, {Key: []byte(key)}, {Key: []byte(key), Value: []byte(value)}}}
			err := in.Process(context.Background(), m, "g", func(ctx context.Context) error {
				id, out := instrument.CorrelationID(ctx), &fake{}
				if !record.ValidID(id) {
					t.Errorf("%.20q %.20q: journey %q", key, value, id)
				}
				_, _, err := in.Send(ctx, out, &sarama.ProducerMessage{Topic: "next", Headers: []sarama.RecordHeader{{Key: []byte(key), Value: []byte(value)}}})
				for _, h := range out.sent[0].Headers {
					if string(h.Key) == "x-correlation-id" && string(h.Value) != id {
						t.Errorf("%.20q %.20q: passed on %q", key, value, h.Value)
					}
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			n++
		}
	}
	if ends := pick(k.records(t, in), record.KindHopEnd, "process orders"); len(ends) != n || n == 0 {
		t.Errorf("%d hops of %d messages", len(ends), n)
	}
}

package instrument_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// async is a producer of sarama's, and its configuration.
func (k *kafka) async(t *testing.T, successes, failures bool) (*sarama.Config, sarama.AsyncProducer) {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.Producer.Return.Successes, cfg.Producer.Return.Errors = successes, failures
	cfg.Producer.Retry.Max = 0
	cfg.ChannelBufferSize = 0 // nothing settles that nobody reads
	p, err := sarama.NewAsyncProducer([]string{k.Addr()}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return cfg, p
}

// tooLong is a message that sarama refuses.
func tooLong(topic string) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(make([]byte, 2<<20))}
}

func TestAMessageSentWithoutWaitingEndsWithItsOffsetOrError(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "shop")
	p := in.AsyncProducer(k.async(t, true, true))
	ctx, visit := tracer(in).Start(context.Background(), "buy", trace.WithSpanKind(trace.SpanKindServer))
	const n = 50
	settled := map[any]*sarama.ProducerMessage{}
	var refused []*sarama.ProducerError
	var reading sync.WaitGroup
	reading.Go(func() {
		for m := range p.Successes() {
			settled[m.Metadata] = m
		}
	})
	reading.Go(func() {
		for f := range p.Errors() {
			refused = append(refused, f)
		}
	})
	for i := range n {
		if err := p.Send(ctx, &sarama.ProducerMessage{Topic: "orders", Value: sarama.StringEncoder("x"), Metadata: i}); err != nil {
			t.Fatal(err)
		}
	}
	long := tooLong("orders")
	long.Metadata = "long"
	if err := p.Send(ctx, long); err != nil {
		t.Fatal(err)
	}
	p.AsyncClose()
	reading.Wait()
	if err := p.Send(ctx, &sarama.ProducerMessage{Topic: "orders"}); !errors.Is(err, sarama.ErrShuttingDown) {
		t.Errorf("sent after the end: %v", err)
	}
	visit.End()

	if len(settled) != n || len(refused) != 1 || refused[0].Msg != long || long.Metadata != "long" {
		t.Fatalf("%d settled, refused %v", len(settled), refused)
	}
	all := k.records(t, in)
	places := map[string]bool{}
	failures := 0
	for _, r := range pick(all, record.KindHopEnd, "send orders") {
		if r.SpanKind != "producer" || r.HopID != visit.SpanContext().SpanID().String() || r.CorrelationID != visit.SpanContext().TraceID().String() {
			t.Errorf("got %s", r.Raw)
		}
		if r.Outcome == record.Success && r.Messaging.HasOffset {
			places[fmt.Sprint(r.Messaging.Partition, "/", r.Messaging.Offset)] = true
		} else if !r.Messaging.HasOffset {
			failures++
		}
	}
	for _, m := range settled {
		if place := fmt.Sprint(m.Partition, "/", m.Offset); !places[place] {
			t.Errorf("no span ends at %s", place)
		}
	}
	if len(places) != n || failures != 2 { // the long one and the one after the end
		t.Errorf("%d spans with an offset, %d failures", len(places), failures)
	}
	for _, m := range k.messages(t, "orders") {
		if ids := headerValues(m, "x-correlation-id"); len(ids) != 1 || ids[0] != visit.SpanContext().TraceID().String() {
			t.Errorf("journeys %q", ids)
		}
	}
}

func headerValues(m *sarama.ConsumerMessage, key string) (values []string) {
	for _, h := range m.Headers {
		if string(h.Key) == key {
			values = append(values, string(h.Value))
		}
	}
	return values
}

func TestAMessageWhoseEndNobodyTellsEndsWhenItIsHandedOver(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "shop")
	f := func(successes, failures bool) {
		t.Helper()
		before := len(k.records(t, in))
		p := in.AsyncProducer(k.async(t, successes, failures))
		ctx, visit := tracer(in).Start(context.Background(), "buy", trace.WithSpanKind(trace.SpanKindServer))
		good, long := &sarama.ProducerMessage{Topic: "orders", Metadata: 1}, tooLong("orders")
		long.Metadata = 2
		for _, m := range []*sarama.ProducerMessage{good, long} {
			if err := p.Send(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if ends := pick(k.records(t, in)[before:], record.KindHopEnd, "send orders"); len(ofKind(ends, "producer")) != 2 {
			t.Errorf("handed over, and ended are\n%s", show(ends))
		}
		if successes {
			if m := <-p.Successes(); m != good || m.Metadata != 1 {
				t.Errorf("settled %+v", m)
			}
		}
		if failures {
			if m := (<-p.Errors()).Msg; m != long || m.Metadata != 2 {
				t.Errorf("refused %+v", m)
			}
		}
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		visit.End()
		all := k.records(t, in)[before:]
		wholeHop(t, all, visit.SpanContext().SpanID().String(), 2)
		producers, internals := ofKind(pick(all, record.KindHopEnd, "send orders"), "producer"), ofKind(pick(all, record.KindHopEnd, "send orders"), "internal")
		for _, r := range producers {
			if r.Outcome != record.Success || r.Messaging.HasOffset {
				t.Errorf("got %s", r.Raw)
			}
		}
		switch {
		case len(producers) != 2:
			t.Errorf("%d sends", len(producers))
		case !failures:
			if len(internals) != 0 {
				t.Errorf("failures from nowhere: %s", show(internals))
			}
		case len(internals) != 1 || internals[0].Outcome != record.Failure || internals[0].ParentID != producers[1].SpanID || internals[0].Error.Message == "":
			t.Errorf("of the failure: %s", show(internals))
		}
	}
	f(false, true)
	f(true, false)
	f(false, false)
}

// ofKind are the records of spans of one kind.
func ofKind(all []record.Record, kind string) (found []record.Record) {
	for _, r := range all {
		if r.SpanKind == kind {
			found = append(found, r)
		}
	}
	return found
}

func TestCloseReturnsWhatKafkaDoesNotHave(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "shop")
	p := in.AsyncProducer(k.async(t, true, true))
	long := tooLong("orders")
	for _, m := range []*sarama.ProducerMessage{{Topic: "orders"}, long, {Topic: "orders"}} {
		if err := p.Send(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	var failed sarama.ProducerErrors
	if err := p.Close(); !errors.As(err, &failed) || len(failed) != 1 || failed[0].Msg != long {
		t.Errorf("close: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if got := len(k.messages(t, "orders")); got != 2 {
		t.Errorf("%d messages", got)
	}
}

// stuck is a producer that takes no message.
type stuck struct {
	sarama.AsyncProducer
	input     chan *sarama.ProducerMessage
	successes chan *sarama.ProducerMessage
	failures  chan *sarama.ProducerError
}

func (s *stuck) Input() chan<- *sarama.ProducerMessage     { return s.input }
func (s *stuck) Successes() <-chan *sarama.ProducerMessage { return s.successes }
func (s *stuck) Errors() <-chan *sarama.ProducerError      { return s.failures }

func (s *stuck) AsyncClose() {
	close(s.input) // as sarama does: who hands over now panics
	close(s.successes)
	close(s.failures)
}

func TestSendWaitsNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "shop")
	s := &stuck{input: make(chan *sarama.ProducerMessage), successes: make(chan *sarama.ProducerMessage), failures: make(chan *sarama.ProducerError)}
	p := in.AsyncProducer(nil, s)
	ctx, cancel := context.WithCancel(context.Background())
	results := make(chan error)
	m := &sarama.ProducerMessage{Topic: "orders", Metadata: "mine"}
	go func() { results <- p.Send(ctx, m) }()
	cancel()
	if err := <-results; !errors.Is(err, context.Canceled) || m.Metadata != "mine" {
		t.Errorf("%v, metadata %v", err, m.Metadata)
	}
	if r := k.last(t, in); r.Outcome != record.Failure || r.Error.Message != "context canceled" {
		t.Errorf("got %s", r.Raw)
	}

	const n = 20
	before := in.Health().Last
	for range n {
		go func() { results <- p.Send(context.Background(), &sarama.ProducerMessage{Topic: "orders"}) }()
	}
	until(t, "all are sending", func() bool { return in.Health().Last == before+n })
	p.AsyncClose()
	for range n {
		if err := <-results; !errors.Is(err, sarama.ErrShuttingDown) {
			t.Errorf("got %v", err)
		}
	}
}

// Not parallel: nobody else has such producers.
func TestAnAsyncProducerLeavesNoGoroutine(t *testing.T) {
	k := startKafka(t)
	k.createTopic(t, "orders", nil)
	in := k.service(t, "shop")
	running := func() int {
		stacks := make([]byte, 4<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return bytes.Count(stacks, []byte("created by github.com/waybill-log/waybill/instrument.(*Instrument).AsyncProducer"))
	}
	for _, returned := range [][2]bool{{true, true}, {false, true}, {true, false}, {false, false}} {
		p := in.AsyncProducer(k.async(t, returned[0], returned[1]))
		if err := p.Send(context.Background(), &sarama.ProducerMessage{Topic: "orders"}); err != nil {
			t.Fatal(err)
		}
		if n := running(); n != 2 {
			t.Errorf("%d goroutines, want 2", n)
		}
		p.Close()
		until(t, "no goroutine is left", func() bool { return running() == 0 })
	}
}

// echoing is a producer whose Kafka has every message at once.
type echoing struct {
	sarama.AsyncProducer
	input     chan *sarama.ProducerMessage
	successes chan *sarama.ProducerMessage
	failures  chan *sarama.ProducerError
}

func answering(cfg *sarama.Config) sarama.AsyncProducer {
	e := &echoing{
		input:     make(chan *sarama.ProducerMessage),
		successes: make(chan *sarama.ProducerMessage, cfg.ChannelBufferSize),
		failures:  make(chan *sarama.ProducerError),
	}
	go func() {
		defer close(e.failures)
		defer close(e.successes)
		for m := range e.input {
			e.successes <- m
		}
	}()
	return e
}

func (e *echoing) Input() chan<- *sarama.ProducerMessage     { return e.input }
func (e *echoing) Successes() <-chan *sarama.ProducerMessage { return e.successes }
func (e *echoing) Errors() <-chan *sarama.ProducerError      { return e.failures }
func (e *echoing) AsyncClose()                               { close(e.input) }

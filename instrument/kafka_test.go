package instrument_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

func TestAJourneyGoesOverAMessage(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.createTopic(t, "shop.orders", nil)
	shop, bank := k.service(t, "shop"), k.service(t, "bank")

	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	ctx, visit := tracer(shop).Start(ctx, "buy", trace.WithSpanKind(trace.SpanKindServer))
	m := &sarama.ProducerMessage{Topic: "shop.orders", Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder("{}"), Headers: []sarama.RecordHeader{
		{Key: []byte("Message-ID"), Value: []byte("m1")}, {Key: []byte("X-Correlation-ID"), Value: []byte("stale")}, {Key: []byte("TRACEPARENT"), Value: []byte("stale")},
	}}
	partition, offset, err := shop.Send(ctx, k.producer(t), m)
	if err != nil {
		t.Fatal(err)
	}
	visit.End()

	received := k.messages(t, "shop.orders")
	if len(received) != 1 || received[0].Partition != partition || received[0].Offset != offset {
		t.Fatalf("received %+v", received)
	}
	headers := map[string]string{}
	for _, h := range received[0].Headers {
		if _, twice := headers[strings.ToLower(string(h.Key))]; twice {
			t.Errorf("header %s is there twice", h.Key)
		}
		headers[string(h.Key)] = string(h.Value)
	}
	if headers["x-correlation-id"] != "Order-7" || headers["baggage"] != "correlation.id=Order-7" || headers["Message-ID"] != "m1" {
		t.Errorf("headers %v", headers)
	}
	err = bank.Process(context.Background(), received[0], "bank-group", func(ctx context.Context) error {
		if id := instrument.CorrelationID(ctx); id != "Order-7" {
			t.Errorf("handling journey %q", id)
		}
		bank.Logger().InfoContext(ctx, "debited")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	above, below := k.records(t, shop), k.records(t, bank)
	wholeHop(t, above, visit.SpanContext().SpanID().String(), 1)
	send := one(t, above, record.KindHopEnd, "send shop.orders")
	want := record.Messaging{System: "kafka", Operation: "send", Topic: "shop.orders", Partition: partition, Offset: offset, HasOffset: true}
	if send.Messaging != want || send.SpanKind != "producer" || send.Outcome != record.Success {
		t.Errorf("send: %s", send.Raw)
	}
	if want := fmt.Sprintf("00-%s-%s-01", send.TraceID, send.SpanID); headers["traceparent"] != want {
		t.Errorf("traceparent %q, want %q", headers["traceparent"], want)
	}
	want.Operation, want.Group = "process", "bank-group"
	for _, kind := range []record.Kind{record.KindHopStart, record.KindHopEnd} {
		r := one(t, below, kind, "process shop.orders")
		if r.Messaging != want || r.SpanKind != "consumer" || r.CorrelationID != "Order-7" || r.TraceID != send.TraceID || r.ParentID != send.SpanID {
			t.Errorf("%s: %s", kind, r.Raw)
		}
		wholeHop(t, below, r.SpanID, 0)
	}
}

// fake is a producer that answers at once.
type fake struct {
	sarama.SyncProducer
	sent []*sarama.ProducerMessage
	err  error
}

func (f *fake) SendMessage(m *sarama.ProducerMessage) (int32, int64, error) {
	f.sent = append(f.sent, m)
	return 1, int64(len(f.sent) - 1), f.err
}

func (f *fake) SendMessages(all []*sarama.ProducerMessage) error {
	f.sent = append(f.sent, all...)
	return f.err
}

// received is a sent message as its consumer gets it.
func received(m *sarama.ProducerMessage) *sarama.ConsumerMessage {
	out := &sarama.ConsumerMessage{Topic: m.Topic, Partition: 1}
	for _, h := range m.Headers {
		out.Headers = append(out.Headers, &h)
	}
	return out
}

func TestAMessageNotSentIsAFailedHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "shop")
	cause := errors.New("no leader")
	if _, _, err := in.Send(context.Background(), &fake{err: cause}, &sarama.ProducerMessage{Topic: "orders"}); !errors.Is(err, cause) {
		t.Errorf("returned %v", err)
	}
	r := k.last(t, in)
	if r.Outcome != record.Failure || r.Error != (record.Error{Type: "*errors.errorString", Message: "no leader"}) || r.Messaging.HasOffset || r.HopSends != 1 {
		t.Errorf("got %s", r.Raw)
	}
}

func TestAMessageNotHandledIsAFailedHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	cause := fmt.Errorf("debit: %w", errors.New("no money"))
	if err := in.Process(context.Background(), &sarama.ConsumerMessage{Topic: "orders"}, "g", func(context.Context) error { return cause }); !errors.Is(err, cause) {
		t.Errorf("returned %v", err)
	}
	if r := k.last(t, in); r.Kind != record.KindHopEnd || r.Level != "error" || r.Outcome != record.Failure || r.Error != (record.Error{Type: "*fmt.wrapError", Message: "debit: no money"}) {
		t.Errorf("got %s", r.Raw)
	}

	func() {
		defer func() {
			if p := recover(); p != "out of mind" {
				t.Errorf("recovered %v", p)
			}
		}()
		in.Process(context.Background(), &sarama.ConsumerMessage{Topic: "orders"}, "g", func(context.Context) error { panic("out of mind") })
	}()
	if r := k.last(t, in); r.Kind != record.KindHopEnd || r.Outcome != record.Failure || r.Error != (record.Error{Type: "string", Message: "out of mind"}) {
		t.Errorf("got %s", r.Raw)
	}
}

func TestEachMessageOfABatchIsAHopOfItsOwnJourney(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	shop, bank := k.service(t, "shop"), k.service(t, "bank")
	producer := &fake{}
	for i := range 5 {
		ctx, _ := instrument.WithCorrelationID(context.Background(), fmt.Sprint("Order-", i))
		if _, _, err := shop.Send(ctx, producer, &sarama.ProducerMessage{Topic: "orders"}); err != nil {
			t.Fatal(err)
		}
	}
	for i, m := range producer.sent {
		err := bank.Process(context.Background(), received(m), "g", func(ctx context.Context) error {
			bank.Logger().InfoContext(ctx, fmt.Sprint("handled ", i))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	above, below := k.records(t, shop), k.records(t, bank)
	sent, hops := pick(above, record.KindHopEnd, ""), pick(below, record.KindHopEnd, "")
	if len(hops) != 5 || len(sent) != 5 {
		t.Fatalf("%d hops of %d sends", len(hops), len(sent))
	}
	for i, r := range hops {
		if want := fmt.Sprint("Order-", i); r.CorrelationID != want || r.ParentID != sent[i].SpanID || r.TraceID != sent[i].TraceID {
			t.Errorf("message %d: %s", i, r.Raw)
		}
		wholeHop(t, below, r.SpanID, 0)
		if l := logged(t, below, fmt.Sprint("handled ", i)); l.Hop() != r.SpanID || l.CorrelationID != r.CorrelationID {
			t.Errorf("message %d: %s", i, l.Raw)
		}
	}
}

func TestHeadersAreReadInAnyCaseAndTheLastCounts(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	header := func(key, value string) *sarama.RecordHeader {
		return &sarama.RecordHeader{Key: []byte(key), Value: []byte(value)}
	}
	f := func(want string, headers ...*sarama.RecordHeader) {
		t.Helper()
		err := in.Process(context.Background(), &sarama.ConsumerMessage{Topic: "t", Headers: headers}, "g", func(ctx context.Context) error {
			if got := instrument.CorrelationID(ctx); got != want {
				t.Errorf("journey %q, want %q", got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	f("b", header("x-correlation-id", "a"), header("x-correlation-id", "b"))
	f("b", header("X-Correlation-ID", "a"), header("x-CORRELATION-id", "b"))
	f("a", header("x-correlation-id", "b"), header("X-CORRELATION-ID", "a"))
	f("c", header("Baggage", "correlation.id=c"))
	f("d", header("Messaging.Message.Conversation_ID", "d"))
	f(callerTrace, header("TraceParent", traceparent))
	f(callerTrace, header("traceparent", strings.Replace(traceparent, "0af", "fff", 1)), header("TRACEPARENT", traceparent))
}

// A message that is sent again, by a retry of the caller, names its new span.
func TestAMessageSentAgainCarriesNoOldHeaders(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	producer, m := &fake{}, &sarama.ProducerMessage{Topic: "orders"}
	for _, id := range []string{"a", "b"} {
		ctx, _ := instrument.WithCorrelationID(context.Background(), id)
		if _, _, err := in.Send(ctx, producer, m); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.Headers) != 3 {
		t.Errorf("headers %s", m.Headers)
	}
	for _, h := range m.Headers {
		if string(h.Key) == "x-correlation-id" && !bytes.Equal(h.Value, []byte("b")) {
			t.Errorf("%s is %s", h.Key, h.Value)
		}
	}
}

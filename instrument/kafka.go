package instrument

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const (
	attrPartition = "messaging.destination.partition.id"
	attrOffset    = "messaging.kafka.offset"
	attrAttempt   = "messaging.message.attempt"
	attrTimestamp = "messaging.message.timestamp" // when it was sent, so that time in the queue is known of foreign producers too
)

// Send sends one message within the journey of ctx. The message's headers
// carry the journey on; partition and offset are on record.
func (in *Instrument) Send(ctx context.Context, producer sarama.SyncProducer, m *sarama.ProducerMessage) (partition int32, offset int64, err error) {
	span := in.sending(ctx, m)
	defer span.End()
	partition, offset, err = producer.SendMessage(m)
	if err != nil {
		fail(span, err)
		return partition, offset, err
	}
	sent(span, partition, offset)
	return partition, offset, nil
}

// SendAll sends messages within the journey of ctx, each as Send does. The error
// is the producer's own: sarama.ProducerErrors names the messages not sent.
func (in *Instrument) SendAll(ctx context.Context, producer sarama.SyncProducer, messages []*sarama.ProducerMessage) error {
	spans := make([]trace.Span, len(messages))
	for i, m := range messages {
		spans[i] = in.sending(ctx, m)
		defer spans[i].End() // directly, as in Process
	}
	err := producer.SendMessages(messages)
	var some sarama.ProducerErrors
	each := errors.As(err, &some)
	for i, m := range messages {
		j := slices.IndexFunc(some, func(failed *sarama.ProducerError) bool { return failed.Msg == m })
		switch {
		case j >= 0:
			fail(spans[i], some[j].Err)
		case err != nil && !each:
			fail(spans[i], err)
		default:
			sent(spans[i], m.Partition, m.Offset)
		}
	}
	return err
}

// sending begins the span of a message sent and puts its headers on.
func (in *Instrument) sending(ctx context.Context, m *sarama.ProducerMessage) trace.Span {
	ctx, span := in.tracer.Start(ctx, "send "+m.Topic, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.destination.name", m.Topic),
	))
	h := sendHeaders{slices.Grow(slices.Clone(m.Headers), 4)} // a caller may share its headers among messages
	in.propagator.Inject(ctx, &h)
	m.Headers = h.headers
	return span
}

func sent(span trace.Span, partition int32, offset int64) {
	span.SetAttributes(attribute.String(attrPartition, strconv.Itoa(int(partition))), attribute.Int64(attrOffset, offset))
}

// Process handles one received message as a hop of the journey its headers
// name. The error of handle is on record and returned.
func (in *Instrument) Process(ctx context.Context, m *sarama.ConsumerMessage, group string, handle func(context.Context) error) error {
	return in.process(ctx, m, group, 1, handle)
}

// process is Process for a message that has come attempt times.
func (in *Instrument) process(ctx context.Context, m *sarama.ConsumerMessage, group string, attempt int, handle func(context.Context) error) error {
	ctx, span := in.processing(ctx, m, group, attempt)
	defer span.End() // last, and directly: it puts a panic on record and lets it go on
	returned := false
	defer failUnless(&returned, span)
	err := handle(ctx)
	returned = true
	if err != nil {
		fail(span, err)
	}
	return err
}

// processing begins the hop of a message received. group may be empty.
func (in *Instrument) processing(ctx context.Context, m *sarama.ConsumerMessage, group string, attempt int) (context.Context, trace.Span) {
	attrs := append(make([]attribute.KeyValue, 0, 8),
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.destination.name", m.Topic),
		attribute.String(attrPartition, strconv.Itoa(int(m.Partition))),
		attribute.Int64(attrOffset, m.Offset),
	)
	if group != "" {
		attrs = append(attrs, attribute.String("messaging.consumer.group.name", group))
	}
	if attempt > 1 {
		attrs = append(attrs, attribute.Int(attrAttempt, attempt))
	}
	if t := m.Timestamp.UTC(); !t.IsZero() && t.Year() >= 0 && t.Year() <= 9999 { // what RFC 3339 can write
		attrs = append(attrs, attribute.String(attrTimestamp, t.Format(time.RFC3339Nano)))
	}
	ctx = in.propagator.Extract(ctx, receivedHeaders(m.Headers))
	return in.tracer.Start(ctx, "process "+m.Topic, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attrs...))
}

// fail puts an error of the caller's on record. It may have no words: a nil
// pointer in an error, say.
func fail(span trace.Span, err error) {
	text, panicked := words(err)
	note(span, err, text, panicked)
	span.SetStatus(codes.Error, text)
}

// noteError is span.RecordError for an error of the caller's.
func noteError(span trace.Span, err error) {
	text, panicked := words(err)
	note(span, err, text, panicked)
}

func note(span trace.Span, err error, text string, panicked bool) {
	if !panicked {
		span.RecordError(err)
		return
	}
	span.AddEvent("exception", trace.WithAttributes(attribute.String("exception.type", typeName(err)), attribute.String("exception.message", text)))
}

// words is what err says.
func words(err error) (text string, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			text, panicked = panicText(err, p), true
		}
	}()
	return err.Error(), false
}

// failUnless is deferred around a handler: one that panics does not return.
func failUnless(returned *bool, span trace.Span) {
	if !*returned {
		span.SetStatus(codes.Error, "handler did not return")
	}
}

// named reports whether a header's key is name, which is ASCII, in any case.
func named(key []byte, name string) bool {
	return len(key) == len(name) && strings.EqualFold(string(key), name)
}

// sendHeaders writes a message's headers, lower case, each key once.
type sendHeaders struct{ headers []sarama.RecordHeader }

func (h *sendHeaders) Set(key, value string) {
	key = strings.ToLower(key)
	h.headers = slices.DeleteFunc(h.headers, func(header sarama.RecordHeader) bool { return named(header.Key, key) })
	h.headers = append(h.headers, sarama.RecordHeader{Key: []byte(key), Value: []byte(value)})
}

func (h *sendHeaders) Get(key string) (value string) {
	for _, header := range h.headers {
		if named(header.Key, key) {
			value = string(header.Value)
		}
	}
	return value
}

func (h *sendHeaders) Keys() []string {
	keys := make([]string, len(h.headers))
	for i, header := range h.headers {
		keys[i] = string(header.Key)
	}
	return keys
}

// receivedHeaders reads a message's headers in any case; the last of equal ones wins.
type receivedHeaders []*sarama.RecordHeader

func (h receivedHeaders) Get(key string) string {
	for _, header := range slices.Backward(h) {
		if header != nil && named(header.Key, key) {
			return string(header.Value)
		}
	}
	return ""
}

func (h receivedHeaders) Set(string, string) {}

func (h receivedHeaders) Keys() []string {
	keys := make([]string, 0, len(h))
	for _, header := range h {
		if header != nil {
			keys = append(keys, string(header.Key))
		}
	}
	return keys
}

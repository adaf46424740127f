package instrument

import (
	"context"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const (
	attrPartition = "messaging.destination.partition.id"
	attrOffset    = "messaging.kafka.offset"
	attrAttempt   = "messaging.message.attempt"
)

// Send sends one message within the journey of ctx. The message's headers
// carry the journey on; partition and offset are on record.
func (in *Instrument) Send(ctx context.Context, producer sarama.SyncProducer, m *sarama.ProducerMessage) (partition int32, offset int64, err error) {
	ctx, span := in.tracer.Start(ctx, "send "+m.Topic, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.destination.name", m.Topic),
	))
	defer span.End()
	in.propagator.Inject(ctx, (*sendHeaders)(m))
	partition, offset, err = producer.SendMessage(m)
	if err != nil {
		fail(span, err)
		return partition, offset, err
	}
	span.SetAttributes(attribute.String(attrPartition, strconv.Itoa(int(partition))), attribute.Int64(attrOffset, offset))
	return partition, offset, nil
}

// Process handles one received message as a hop of the journey its headers
// name. The error of handle is on record and returned.
func (in *Instrument) Process(ctx context.Context, m *sarama.ConsumerMessage, group string, handle func(context.Context) error) error {
	ctx = in.propagator.Extract(ctx, receivedHeaders(m.Headers))
	ctx, span := in.tracer.Start(ctx, "process "+m.Topic, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.destination.name", m.Topic),
		attribute.String("messaging.consumer.group.name", group),
		attribute.String(attrPartition, strconv.Itoa(int(m.Partition))),
		attribute.Int64(attrOffset, m.Offset),
	))
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

func fail(span trace.Span, err error) {
	span.RecordError(err)
	span.SetStatus(codes.Error, err.Error())
}

// failUnless is deferred around a handler: one that panics does not return.
func failUnless(returned *bool, span trace.Span) {
	if !*returned {
		span.SetStatus(codes.Error, "handler did not return")
	}
}

// sendHeaders writes a message's headers, lower case, each key once.
type sendHeaders sarama.ProducerMessage

func (h *sendHeaders) Set(key, value string) {
	key = strings.ToLower(key)
	kept := h.Headers[:0:0]
	for _, header := range h.Headers {
		if !strings.EqualFold(string(header.Key), key) {
			kept = append(kept, header)
		}
	}
	kept = append(kept, sarama.RecordHeader{Key: []byte(key), Value: []byte(value)})
	h.Headers = kept
}

func (h *sendHeaders) Get(key string) (value string) {
	for _, header := range h.Headers {
		if strings.EqualFold(string(header.Key), key) {
			value = string(header.Value)
		}
	}
	return value
}

func (h *sendHeaders) Keys() []string {
	keys := make([]string, len(h.Headers))
	for i, header := range h.Headers {
		keys[i] = string(header.Key)
	}
	return keys
}

// receivedHeaders reads a message's headers in any case; the last of equal ones wins.
type receivedHeaders []*sarama.RecordHeader

func (h receivedHeaders) Get(key string) (value string) {
	for _, header := range h {
		if strings.EqualFold(string(header.Key), key) {
			value = string(header.Value)
		}
	}
	return value
}

func (h receivedHeaders) Set(string, string) {}

func (h receivedHeaders) Keys() []string {
	keys := make([]string, len(h))
	for i, header := range h {
		keys[i] = string(header.Key)
	}
	return keys
}

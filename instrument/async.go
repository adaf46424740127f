package instrument

import (
	"context"
	"sync"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// AsyncProducer sends messages within journeys, as Send does, and does not wait
// for Kafka. What sarama asks of the user of its own holds here: read Successes
// and Errors where they are returned, and close it. Safe for concurrent use.
type AsyncProducer struct {
	in        *Instrument
	producer  sarama.AsyncProducer
	settled   bool // spans end when Kafka has answered, not when it is handed the message
	offsets   bool // Kafka's answer names the offset
	successes chan *sarama.ProducerMessage
	errors    chan *sarama.ProducerError

	sends   sync.RWMutex // held for reading by every Send
	closing chan struct{}
	once    sync.Once
}

// AsyncProducer makes p send within journeys. cfg is what p was made with, nil
// for sarama's default. p must not be used otherwise. While it has a message, the
// message's Metadata is not the caller's; it is again in Successes and Errors.
//
// A message's span ends with its offset or error. Where cfg does not return both
// successes and errors, it ends when p has taken the message, without an
// offset, and an error that is returned later is a failed span below it.
func (in *Instrument) AsyncProducer(cfg *sarama.Config, p sarama.AsyncProducer) *AsyncProducer {
	if cfg == nil {
		cfg = sarama.NewConfig()
	}
	a := &AsyncProducer{
		in: in, producer: p, closing: make(chan struct{}),
		settled:   cfg.Producer.Return.Successes && cfg.Producer.Return.Errors,
		offsets:   cfg.Producer.RequiredAcks != sarama.NoResponse,
		successes: make(chan *sarama.ProducerMessage, cfg.ChannelBufferSize),
		errors:    make(chan *sarama.ProducerError, cfg.ChannelBufferSize),
	}
	go a.readSuccesses()
	go a.readErrors()
	return a
}

// handed goes through the producer in place of a message's Metadata.
type handed struct {
	ctx      context.Context // of the message's span
	metadata any
}

// Send hands m over within the journey of ctx. It waits until the producer takes
// it or ctx ends, or returns sarama.ErrShuttingDown after Close.
func (a *AsyncProducer) Send(ctx context.Context, m *sarama.ProducerMessage) error {
	a.sends.RLock()
	defer a.sends.RUnlock()
	span := a.in.sending(ctx, m)
	metadata := m.Metadata
	m.Metadata = &handed{trace.ContextWithSpan(ctx, span), metadata}
	var err error
	select {
	case <-a.closing: // alone first: both may be ready
		err = sarama.ErrShuttingDown
	default:
		select {
		case a.producer.Input() <- m: // m is the producer's from here on
			if !a.settled {
				span.End()
			}
			return nil
		case <-a.closing:
			err = sarama.ErrShuttingDown
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	m.Metadata = metadata
	fail(span, err)
	span.End()
	return err
}

// Successes are the messages that Kafka has, with their own Metadata.
func (a *AsyncProducer) Successes() <-chan *sarama.ProducerMessage { return a.successes }

// Errors are the messages that Kafka does not have, with their own Metadata.
func (a *AsyncProducer) Errors() <-chan *sarama.ProducerError { return a.errors }

// AsyncClose takes no more messages and lets those taken settle; then Successes
// and Errors are closed. Read them until then.
func (a *AsyncProducer) AsyncClose() {
	a.once.Do(func() {
		close(a.closing)
		a.sends.Lock() // the producer's input is closed: nobody may be waiting to hand it a message
		a.producer.AsyncClose()
		a.sends.Unlock()
	})
}

// Close is AsyncClose that waits, and returns as sarama.ProducerErrors what
// Kafka does not have.
func (a *AsyncProducer) Close() error {
	a.AsyncClose()
	go func() {
		for range a.successes { // nobody else may be reading
		}
	}()
	var failed sarama.ProducerErrors
	for f := range a.errors {
		failed = append(failed, f)
	}
	if len(failed) > 0 {
		return failed
	}
	return nil
}

func (a *AsyncProducer) readSuccesses() {
	defer close(a.successes)
	for m := range a.producer.Successes() {
		if h := restore(m); h != nil && a.settled {
			span := trace.SpanFromContext(h.ctx)
			if a.offsets {
				sent(span, m.Partition, m.Offset)
			}
			span.End()
		}
		a.successes <- m
	}
}

func (a *AsyncProducer) readErrors() {
	defer close(a.errors)
	for f := range a.producer.Errors() {
		if h := restore(f.Msg); h != nil {
			a.failed(h, f)
		}
		a.errors <- f
	}
}

func (a *AsyncProducer) failed(h *handed, f *sarama.ProducerError) {
	span := trace.SpanFromContext(h.ctx)
	if !a.settled { // its own has ended, as a success; this one is no second send
		_, span = a.in.tracer.Start(h.ctx, "send "+f.Msg.Topic, trace.WithAttributes(
			attribute.String("messaging.system", "kafka"), attribute.String("messaging.destination.name", f.Msg.Topic)))
	}
	fail(span, f.Err)
	span.End()
}

// restore gives a message its own Metadata back.
func restore(m *sarama.ProducerMessage) *handed {
	h, ok := m.Metadata.(*handed)
	if ok {
		m.Metadata = h.metadata
	}
	return h
}

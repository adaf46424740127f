package instrument

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// outsideLabel is where a caller's correlation ID stands that was not adopted.
const outsideLabel = "correlation.outside"

// EdgeOption says how requests come in.
type EdgeOption func(*edge)

type edge struct{ untrusted bool }

// Untrusted is for the edge that strangers call: their IDs are not adopted. A
// request begins a trace and a journey of its own, named in its response. What
// the caller sent stays findable: its span as a link of the hop, its correlation
// ID as the hop's label correlation.outside. Its baggage is dropped.
func Untrusted() EdgeOption { return func(e *edge) { e.untrusted = true } }

// reader reads the headers of requests: trace context and baggage into the
// context, the rest beside it.
type reader interface {
	read(context.Context, propagation.TextMapCarrier) (context.Context, correlation)
}

// reader is that of this edge.
func (in *Instrument) reader(options []EdgeOption) reader {
	var e edge
	for _, o := range options {
		o(&e)
	}
	if e.untrusted {
		return outside{in.propagator}
	}
	return in.propagator
}

// caller is one who is not trusted.
type caller struct {
	span trace.SpanContext
	id   string // correlation ID
}

// outside reads headers and adopts nothing.
type outside struct{ *propagator }

func (p outside) read(ctx context.Context, carrier propagation.TextMapCarrier) (context.Context, correlation) {
	theirs := p.context(context.Background(), carrier)
	c := &caller{span: trace.SpanContextFromContext(theirs), id: p.id(theirs, ctx, carrier)}
	return ctx, correlation{in: p.in, caller: c}
}

// fromOutside notes the caller that is not trusted on the span that serves it.
func fromOutside(c *correlation, s sdktrace.ReadWriteSpan) {
	if c.caller == nil || s.SpanKind() != trace.SpanKindServer || s.Parent().IsValid() {
		return
	}
	if c.caller.span.IsValid() {
		s.AddLink(trace.Link{SpanContext: c.caller.span})
	}
	if c.caller.id != "" {
		s.SetAttributes(attribute.String(outsideLabel, c.caller.id))
	}
}

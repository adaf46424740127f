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

// reader is what reads the headers of requests at this edge.
func (in *Instrument) reader(options []EdgeOption) propagation.TextMapPropagator {
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

func (p outside) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if h, ok := carrier.(propagation.HeaderCarrier); ok {
		carrier = header(h)
	}
	theirs := p.context(context.Background(), carrier)
	c := &caller{span: trace.SpanContextFromContext(theirs), id: p.id(theirs, ctx, carrier)}
	return context.WithValue(ctx, contextKey{}, correlation{in: p.in, caller: c})
}

// fromOutside notes the caller that is not trusted on the span that serves it.
func fromOutside(ctx context.Context, s sdktrace.ReadWriteSpan) {
	if s.SpanKind() != trace.SpanKindServer || s.Parent().IsValid() {
		return
	}
	c, _ := ctx.Value(contextKey{}).(correlation)
	if c.caller == nil {
		return
	}
	if c.caller.span.IsValid() {
		s.AddLink(trace.Link{SpanContext: c.caller.span})
	}
	if c.caller.id != "" {
		s.SetAttributes(attribute.String(outsideLabel, c.caller.id))
	}
}

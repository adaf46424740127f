package instrument

import (
	"context"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// Names under which a correlation ID travels.
const (
	HeaderCorrelationID = "x-correlation-id" // HTTP and Kafka
	baggageMember       = "correlation.id"
)

type contextKey struct{}

// correlation is what a context carries beside the span: the service instance
// working on it, and the ID where it is not the trace's.
type correlation struct {
	in     *Instrument
	id     string
	saga   *record.Saga
	caller *caller // who is not trusted
}

// carried is what ctx, which may be nil, carries.
func carried(ctx context.Context) (c correlation) {
	if ctx != nil {
		c, _ = ctx.Value(contextKey{}).(correlation)
	}
	return c
}

// WithCorrelationID returns a context whose records and outgoing calls carry
// id. An ID that is not 1 to 128 visible ASCII characters is refused: the
// context is returned as it was, and false.
func WithCorrelationID(ctx context.Context, id string) (context.Context, bool) {
	if !record.ValidID(id) {
		return ctx, false
	}
	c := carried(ctx)
	c.id = id
	return context.WithValue(ctx, contextKey{}, c), true
}

// CorrelationID is the tracking number of the work that ctx belongs to, empty
// outside any journey.
func CorrelationID(ctx context.Context) string {
	if ctx == nil {
		return ""
	}
	c := carried(ctx)
	if c.id != "" {
		return c.id
	}
	if id := baggage.FromContext(ctx).Member(baggageMember).Value(); record.ValidID(id) {
		return id
	}
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		return sc.TraceID().String()
	}
	return ""
}

// FromContext returns the service instance that works on ctx; nil where ctx has
// come through none. It is how code below Echo, Handler or Process finds the
// instance where a process holds several.
func FromContext(ctx context.Context) *Instrument {
	c := carried(ctx)
	return c.in
}

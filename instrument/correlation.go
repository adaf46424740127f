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
	in       *Instrument
	id       string
	saga     *record.Saga
	caller   *caller   // who is not trusted
	exchange *exchange // of the span that begins; nil: it is none of HTTP, or has begun
}

// carried is a context with a correlation, in one piece of memory.
type carried struct {
	context.Context
	correlation
}

// Value implements context.Context.
func (c *carried) Value(key any) any {
	if key == (contextKey{}) {
		return &c.correlation
	}
	return c.Context.Value(key)
}

// carriedBy is the correlation of ctx, which may be nil, and must not be changed;
// a zero one where it has none.
func carriedBy(ctx context.Context) *correlation {
	if ctx == nil {
		return &uncarried
	}
	if c, _ := ctx.Value(contextKey{}).(*correlation); c != nil {
		return c
	}
	return &uncarried
}

var uncarried correlation

// WithCorrelationID returns a context whose records and outgoing calls carry
// id. An ID that is not 1 to 128 visible ASCII characters is refused: the
// context is returned as it was, and false.
func WithCorrelationID(ctx context.Context, id string) (context.Context, bool) {
	if !record.ValidID(id) {
		return ctx, false
	}
	c := *carriedBy(ctx)
	c.id = id
	return &carried{ctx, c}, true
}

// CorrelationID is the tracking number of the work that ctx belongs to, empty
// outside any journey.
func CorrelationID(ctx context.Context) string {
	if ctx == nil {
		return ""
	}
	if c := carriedBy(ctx); c.id != "" {
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
	return carriedBy(ctx).in
}

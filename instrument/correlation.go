package instrument

import (
	"context"
	"log/slog"

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
	caller *caller // who is not trusted
}

// WithCorrelationID returns a context whose records and outgoing calls carry
// id. An ID that is not 1 to 128 visible ASCII characters is refused: the
// context is returned as it was, and false.
func WithCorrelationID(ctx context.Context, id string) (context.Context, bool) {
	if !record.ValidID(id) {
		return ctx, false
	}
	c, _ := ctx.Value(contextKey{}).(correlation)
	c.id = id
	return context.WithValue(ctx, contextKey{}, c), true
}

// CorrelationID is the tracking number of the work that ctx belongs to, empty
// outside any journey.
func CorrelationID(ctx context.Context) string {
	c, _ := ctx.Value(contextKey{}).(correlation)
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

// correlated shows the correlation ID on the console.
type correlated struct{ slog.Handler }

func (h correlated) Handle(ctx context.Context, r slog.Record) error {
	if id := CorrelationID(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("correlation.id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{h.Handler.WithAttrs(attrs)}
}

func (h correlated) WithGroup(name string) slog.Handler { return correlated{h.Handler.WithGroup(name)} }

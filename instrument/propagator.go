package instrument

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"

	"github.com/waybill-log/waybill/record"
)

// conversationHeader names the correlation ID where OpenTelemetry's messaging
// conventions are written as headers.
const conversationHeader = "messaging.message.conversation_id"

// propagator carries the correlation ID beside W3C trace context and baggage,
// so that any OpenTelemetry instrumentation of a service carries it too.
//
// Reading, the ID is x-correlation-id, else the baggage member correlation.id,
// else messaging.message.conversation_id, else the incoming trace ID, else the
// trace ID that the next span mints. A refused value is logged by length and hash only.
type propagator struct {
	in      *Instrument
	trace   propagation.TraceContext
	baggage propagation.Baggage
}

func (p propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	p.trace.Inject(ctx, carrier)
	id, in := p.in.hops.at(ctx)
	p.in.hops.handOn(ctx, id, in)
	if id != "" {
		carrier.Set(HeaderCorrelationID, id)
		if member, err := baggage.NewMemberRaw(baggageMember, id); err == nil {
			if b, err := baggage.FromContext(ctx).SetMember(member); err == nil {
				ctx = baggage.ContextWithBaggage(ctx, b)
			}
		}
	}
	p.baggage.Inject(ctx, carrier)
}

func (p propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if h, ok := carrier.(propagation.HeaderCarrier); ok {
		carrier = lastHeader{h}
	}
	ctx = p.baggage.Extract(p.trace.Extract(ctx, carrier), carrier)
	c := correlation{in: p.in}
	for _, id := range [...]string{
		carrier.Get(HeaderCorrelationID),
		baggage.FromContext(ctx).Member(baggageMember).Value(),
		carrier.Get(conversationHeader),
	} {
		if record.ValidID(id) {
			c.id = id
			break
		}
		if id != "" {
			sum := sha256.Sum256([]byte(id))
			p.in.logger.WarnContext(ctx, "correlation ID refused", "length", len(id), "sha256", hex.EncodeToString(sum[:8]))
		}
	}
	return context.WithValue(ctx, contextKey{}, c)
}

func (p propagator) Fields() []string {
	return append(append(p.trace.Fields(), p.baggage.Fields()...), HeaderCorrelationID)
}

// lastHeader reads the last of equal HTTP headers; HeaderCarrier reads the first.
type lastHeader struct{ propagation.HeaderCarrier }

func (h lastHeader) Get(key string) string {
	values := h.Values(key)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

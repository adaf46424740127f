package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// Tracking is the tracking number of a notification: the correlation ID of the journey that its
// deliveries are. Each receiver is a saga in it, with those that stand in for it.
func Tracking(id string) string {
	if tracking := "alert-" + id; record.ValidID(tracking) {
		return tracking
	}
	return "alert-" + hashName(id)
}

// step is what deliveries are in their saga.
const step = "deliver"

const tracerName = "github.com/waybill-log/waybill/alerts/hook"

// trail is a context in the journey of p, behind what was before.
func (m *Manager) trail(ctx context.Context, p *parcel) context.Context {
	in := m.cfg.Instrument
	carried := propagation.MapCarrier{instrument.HeaderCorrelationID: p.Delivery.Tracking}
	maps.Copy(carried, p.Carried)
	return instrument.Saga(in.Propagator().Extract(ctx, carried), p.meantFor(), step, instrument.Forward)
}

// queued begins the journey of p, or the part of it that goes to one receiver.
func (m *Manager) queued(p *parcel) {
	if m.cfg.Instrument == nil {
		return
	}
	ctx, span := m.cfg.Instrument.TracerProvider().Tracer(tracerName).Start(m.trail(context.Background(), p), "queue for "+p.Delivery.Receiver)
	defer span.End()
	m.cfg.Instrument.Logger().InfoContext(ctx, "notification queued", "receiver", p.Delivery.Receiver, "notification", p.Delivery.ID,
		"group", p.Notification.Group, "alert_status", p.Notification.Status, "alerts", len(p.Notification.Alerts))
	carried := propagation.MapCarrier{}
	m.cfg.Instrument.Propagator().Inject(ctx, carried)
	p.Carried = carried
}

// hop makes an attempt one of the journey. The caller ends it with what came.
func (m *Manager) hop(ctx context.Context, p *parcel) (context.Context, func(*answer)) {
	if m.cfg.Instrument == nil {
		return ctx, func(*answer) {}
	}
	ctx, span := m.cfg.Instrument.TracerProvider().Tracer(tracerName).Start(m.trail(ctx, p), "deliver to "+p.Delivery.Receiver,
		trace.WithAttributes(attribute.String("receiver", p.Delivery.Receiver), attribute.Int("attempt", p.Delivery.Tries+1)))
	return ctx, func(a *answer) {
		if a.err != nil {
			span.SetStatus(codes.Error, a.reason())
		} else {
			instrument.Delivered(ctx)
		}
		span.End()
	}
}

// call is a request or a message of an attempt. The path of a URL may be a secret, so only the host is
// on record. header may be nil.
func (m *Manager) call(ctx context.Context, name, host string, header http.Header) (context.Context, func(status int, err error)) {
	if m.cfg.Instrument == nil {
		return ctx, func(int, error) {}
	}
	ctx, span := m.cfg.Instrument.TracerProvider().Tracer(tracerName).Start(ctx, name+" "+host, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("server.address", host)))
	if header != nil {
		span.SetAttributes(attribute.String("http.request.method", name))
		m.cfg.Instrument.Propagator().Inject(ctx, propagation.HeaderCarrier(header))
	}
	return ctx, func(status int, err error) {
		if header != nil && status > 0 {
			span.SetAttributes(attribute.Int("http.response.status_code", status))
		}
		if err != nil {
			span.SetStatus(codes.Error, cut(escaped(err.Error()), maxReason))
		}
		span.End()
	}
}

// ended counts what p has come to, and declares it failed where nobody stands in.
func (m *Manager) ended(p *parcel) {
	d := &p.Delivery
	m.meters.ended(d)
	if m.cfg.Instrument == nil || d.Outcome != Failed {
		return
	}
	ctx := m.trail(context.Background(), p)
	if d.Fallback != "" {
		m.cfg.Instrument.Logger().WarnContext(ctx, "receiver did not take it, and another gets it", "receiver", d.Receiver, "fallback", d.Fallback, "reason", d.Reason)
		return
	}
	instrument.Failed(ctx, fmt.Errorf("%s did not take it: %w", d.Receiver, errors.New(d.Reason)))
}

// gathered says in the journey of each member that it goes on in another one.
func (m *Manager) gathered(members []*parcel, all *parcel) {
	m.meters.gathered.WithLabelValues(all.Delivery.Receiver).Add(float64(len(members)))
	if m.cfg.Instrument == nil {
		return
	}
	for _, p := range members {
		instrument.Returned(m.trail(context.Background(), p), "gathered with others into "+all.Delivery.Tracking)
	}
	m.cfg.Instrument.Logger().WarnContext(m.trail(context.Background(), all), "notifications gathered, since they are more than the ceiling",
		slog.String("receiver", all.Delivery.Receiver), slog.Int("gathered", len(members)))
}

package instrument

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// hop is one visit to this service: the span that opened it and all spans and
// records below it in this process.
type hop struct {
	root     trace.SpanID
	sequence uint64 // records written so far; guarded by the shipper's lock
	sends    atomic.Uint64
}

// hops turns spans into hop records. It is the SDK's span processor, and must
// see unsampled spans too, hence sdktrace.AlwaysRecord.
type hops struct {
	in    *Instrument
	shard [16]struct {
		sync.RWMutex
		open map[trace.SpanID]*span
	}
}

func newHops(in *Instrument) *hops {
	h := &hops{in: in}
	for i := range h.shard {
		h.shard[i].open = map[trace.SpanID]*span{}
	}
	return h
}

// of returns what is known of an open span of this process; nil: it is none.
func (h *hops) of(id trace.SpanID) *span {
	s := &h.shard[id[0]&15]
	s.RLock()
	defer s.RUnlock()
	return s.open[id]
}

// at returns the correlation ID of ctx and the span it is in: an open one of
// this process, or the one above where it has ended. That span is of another
// journey where WithCorrelationID was called inside a hop: what is written then
// belongs to no hop, since it would be missing among the hop's numbers.
func (h *hops) at(ctx context.Context) (id string, in *span) {
	above := trace.SpanFromContext(ctx)
	sc := above.SpanContext()
	if sc.IsRemote() { // it may be open in this very process: an outbox's relay is no part of the request
		return CorrelationID(ctx), nil
	}
	if in = h.of(sc.SpanID()); in == nil {
		in = h.notOpen(above)
	}
	if in != nil && carriedBy(ctx).id == "" {
		return in.id, in
	}
	return CorrelationID(ctx), in
}

// notOpen returns the span above one that has ended. One that has not even
// begun here is a matter of set-up, which Health tells.
func (h *hops) notOpen(s trace.Span) *span {
	known, is := s.(sdktrace.ReadOnlySpan)
	_, sdk := h.in.provider.(*sdktrace.TracerProvider)
	switch {
	case h.in.ship == nil:
	case !is && s.SpanContext().IsValid() && !s.IsRecording():
		h.in.unrecorded.Do(func() { h.in.warnings.add(warnUnrecorded) })
	case is && h.in.own == nil && s.IsRecording() && sdk && s.TracerProvider() == h.in.provider:
		h.in.unseen.Do(func() { h.in.warnings.add(warnUnseen) })
	}
	if is && !visits(known.SpanKind()) && !known.Parent().IsRemote() {
		return h.of(known.Parent().SpanID())
	}
	return nil
}

// place is where a log record belongs.
type place struct {
	key  string // Kafka's
	hop  *hop   // nil: none
	saga *record.Saga
	open *span // has the context encoded; nil: it is what follows

	correlationID, traceID, spanID, hopID string
}

// context is that of log records, encoded.
func (p *place) context() []byte {
	if p.open != nil {
		return p.open.encoded[:p.open.end.hop]
	}
	return record.AppendContext(nil, &record.Record{CorrelationID: p.correlationID, CorrelationKey: p.key, TraceID: p.traceID, SpanID: p.spanID, HopID: p.hopID})
}

func (p *place) show(dst []byte) []byte {
	if p.open != nil {
		return p.open.appendShown(dst)
	}
	dst = record.AppendField(dst, "correlation.id", p.correlationID)
	return record.AppendField(dst, "trace.id", p.traceID)
}

// place finds where a record written in ctx belongs.
func (h *hops) place(ctx context.Context) (p place) {
	if ctx == nil { // slog passes one on, but those who call a handler may not
		return p
	}
	c := carriedBy(ctx)
	sc := trace.SpanContextFromContext(ctx)
	if sc.HasSpanID() && !sc.IsRemote() {
		if open := h.of(sc.SpanID()); open != nil && (c.id == "" || c.id == open.id) {
			return place{key: open.key, hop: open.hop, saga: either(c.saga, open.saga), open: open}
		}
	}
	id, in := h.at(ctx)
	p.correlationID, p.saga = id, c.saga
	if id != "" {
		p.key = record.Key(id)
	}
	if sc.HasTraceID() {
		p.traceID = sc.TraceID().String()
		// A span of the caller, or one of another journey, is a hop that this record
		// would open and nothing would end.
		if !sc.IsRemote() && (in == nil || in.of(id)) {
			p.spanID = sc.SpanID().String()
		}
		if in.of(id) && in.hop.root != sc.SpanID() {
			p.hopID = in.hop.root.String()
		}
	}
	if in.of(id) {
		p.hop, p.saga = in.hop, either(c.saga, in.saga)
	}
	return p
}

func either(a, b *record.Saga) *record.Saga {
	if a != nil {
		return a
	}
	return b
}

// visits reports whether a span of this kind always opens a hop.
func visits(kind trace.SpanKind) bool {
	return kind == trace.SpanKindServer || kind == trace.SpanKindConsumer
}

// sends reports whether a span of this kind is itself a call or a message.
func sends(kind trace.SpanKind) bool {
	return kind == trace.SpanKindClient || kind == trace.SpanKindProducer
}

// handOn counts work that a hop hands on with its context alone, such as a
// message written to an outbox: a send too, whose span comes later.
func (h *hops) handOn(ctx context.Context, id string, in *span) {
	above, ok := trace.SpanFromContext(ctx).(sdktrace.ReadOnlySpan)
	if ok && in.of(id) && !sends(above.SpanKind()) {
		in.hop.sends.Add(1)
	}
}

// OnStart writes hop.start.
func (h *hops) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	if h.in.ship == nil { // disabled
		return
	}
	c := carriedBy(ctx)
	fromOutside(c, s)
	sc, kind := s.SpanContext(), s.SpanKind()
	id, above := h.at(ctx)
	if id == "" {
		id = sc.TraceID().String()
	}
	opened := c.exchange.span()
	opened.begin(id, sc, s.Parent().SpanID(), above, visits(kind))
	opened.saga, opened.exchange = c.saga, c.exchange
	if sends(kind) {
		opened.hop.sends.Add(1)
	}
	var r record.Record
	h.read(&r, s, opened, kind)
	shard := &h.shard[opened.self[0]&15]
	shard.Lock()
	shard.open[opened.self] = opened
	shard.Unlock()

	r.Time, r.Kind, r.Message = h.in.skewed(s.StartTime()), record.KindHopStart, r.SpanName
	h.write(&r, opened, false)
}

// OnEnd writes hop.end; that of the span which opened the hop closes its count.
func (h *hops) OnEnd(s sdktrace.ReadOnlySpan) {
	id := s.SpanContext().SpanID()
	shard := &h.shard[id[0]&15]
	shard.Lock()
	opened, ok := shard.open[id]
	delete(shard.open, id)
	shard.Unlock()
	if !ok {
		return
	}
	opened.ended.Store(true)
	var r record.Record
	h.read(&r, s, opened, s.SpanKind())
	r.Time, r.Kind, r.Message = h.in.skewed(s.EndTime()), record.KindHopEnd, r.SpanName
	r.Duration, r.Outcome = s.EndTime().Sub(s.StartTime()), record.Success
	if status := s.Status(); status.Code == codes.Error {
		r.Outcome, r.Level = record.Failure, "error"
		r.Error.Message = h.in.redact.text(status.Description)
	}
	for _, event := range s.Events() {
		if event.Name == "exception" {
			for _, a := range event.Attributes {
				switch a.Key {
				case "exception.type":
					r.Error.Type = strings.TrimPrefix(a.Value.AsString(), ".") // the SDK writes ".string" for panic("…")
				case "exception.message":
					r.Error.Message = h.in.redact.text(a.Value.AsString())
				}
			}
		}
	}
	h.write(&r, opened, opened.hop == &opened.own)
}

// Shutdown and ForceFlush have nothing to do: the shipper is the Instrument's.
func (*hops) Shutdown(context.Context) error   { return nil }
func (*hops) ForceFlush(context.Context) error { return nil }

package instrument

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
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

// span is what must be known of an open span. The zero span is none.
type span struct {
	hop     *hop
	id      string // correlation ID
	key     string // record.Key(id)
	context []byte // of its log records, encoded
	shown   []byte // of those on the console
	saga    *record.Saga
}

// of reports whether the span is one of the journey named id.
func (s span) of(id string) bool { return s.hop != nil && record.SameID(s.id, id) }

// hops turns spans into hop records. It is the SDK's span processor, and must
// see unsampled spans too, hence sdktrace.AlwaysRecord.
type hops struct {
	in    *Instrument
	shard [16]struct {
		sync.RWMutex
		open map[trace.SpanID]span
	}
}

func newHops(in *Instrument) *hops {
	h := &hops{in: in}
	for i := range h.shard {
		h.shard[i].open = map[trace.SpanID]span{}
	}
	return h
}

// of returns what is known of an open span of this process.
func (h *hops) of(id trace.SpanID) (span, bool) {
	s := &h.shard[id[0]&15]
	s.RLock()
	defer s.RUnlock()
	found, ok := s.open[id]
	return found, ok
}

// at returns the correlation ID of ctx and the span it is in: an open one of
// this process, or the one above where it has ended. That span is of another
// journey where WithCorrelationID was called inside a hop: what is written then
// belongs to no hop, since it would be missing among the hop's numbers.
func (h *hops) at(ctx context.Context) (id string, in span) {
	above := trace.SpanFromContext(ctx)
	if above.SpanContext().IsRemote() { // it may be open in this very process: an outbox's relay is no part of the request
		return CorrelationID(ctx), span{}
	}
	in, ok := h.of(above.SpanContext().SpanID())
	if !ok {
		in, ok = h.notOpen(above)
	}
	if c, _ := ctx.Value(contextKey{}).(correlation); ok && c.id == "" {
		return in.id, in
	}
	return CorrelationID(ctx), in
}

// notOpen returns the span above one that has ended. One that has not even
// begun here is a matter of set-up, which Health tells.
func (h *hops) notOpen(s trace.Span) (span, bool) {
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
	return span{}, false
}

// place is where a log record belongs.
type place struct {
	key     string // Kafka's
	hop     *hop   // nil: none
	saga    *record.Saga
	context []byte        // encoded; nil: record has it
	shown   []byte        // what the console shows of it
	record  record.Record // only what record.AppendContext reads
}

func (p *place) append(dst []byte) []byte {
	if p.context != nil {
		return append(dst, p.context...)
	}
	return record.AppendContext(dst, &p.record)
}

func (p *place) show(dst []byte) []byte {
	if p.context != nil {
		return append(dst, p.shown...)
	}
	return appendShown(dst, &p.record)
}

func appendShown(dst []byte, r *record.Record) []byte {
	dst = record.AppendField(dst, "correlation.id", r.CorrelationID)
	return record.AppendField(dst, "trace.id", r.TraceID)
}

// place finds where a record written in ctx belongs.
func (h *hops) place(ctx context.Context) (p place) {
	if ctx == nil { // slog passes one on, but those who call a handler may not
		return p
	}
	c, _ := ctx.Value(contextKey{}).(correlation)
	sc := trace.SpanContextFromContext(ctx)
	if sc.HasSpanID() && !sc.IsRemote() {
		if open, ok := h.of(sc.SpanID()); ok && (c.id == "" || c.id == open.id) {
			return place{key: open.key, hop: open.hop, saga: either(c.saga, open.saga), context: open.context, shown: open.shown}
		}
	}
	id, in := h.at(ctx)
	p.record.CorrelationID, p.saga = id, c.saga
	if id != "" {
		p.key = record.Key(id)
	}
	if sc.HasTraceID() {
		p.record.TraceID = sc.TraceID().String()
		// A span of the caller, or one of another journey, is a hop that this record
		// would open and nothing would end.
		if !sc.IsRemote() && (in.hop == nil || in.of(id)) {
			p.record.SpanID = sc.SpanID().String()
		}
		if in.of(id) && in.hop.root != sc.SpanID() {
			p.record.HopID = in.hop.root.String()
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
func (h *hops) handOn(ctx context.Context, id string, in span) {
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
	fromOutside(ctx, s)
	id := s.SpanContext().SpanID()
	opened := span{hop: &hop{root: id}}
	var above span
	if opened.id, above = h.at(ctx); above.of(opened.id) && !visits(s.SpanKind()) {
		opened.hop = above.hop
	}
	if opened.id == "" {
		opened.id = s.SpanContext().TraceID().String()
	}
	opened.key = record.Key(opened.id)
	c, _ := ctx.Value(contextKey{}).(correlation)
	opened.saga = c.saga
	if sends(s.SpanKind()) {
		opened.hop.sends.Add(1)
	}
	r := h.record(s, opened)
	logs := record.Record{CorrelationID: opened.id, CorrelationKey: opened.key, TraceID: r.TraceID, SpanID: r.SpanID, HopID: r.HopID}
	opened.context, opened.shown = record.AppendContext(nil, &logs), appendShown(nil, &logs)
	shard := &h.shard[id[0]&15]
	shard.Lock()
	shard.open[id] = opened
	shard.Unlock()

	r.Time, r.Kind, r.Message = s.StartTime(), record.KindHopStart, r.SpanName
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
	r := h.record(s, opened)
	r.Time, r.Kind, r.Message = s.EndTime(), record.KindHopEnd, r.SpanName
	r.Duration, r.Outcome = s.EndTime().Sub(s.StartTime()), record.Success
	if s.Status().Code == codes.Error {
		r.Outcome, r.Level = record.Failure, "error"
		r.Error.Message = h.in.redact.text(s.Status().Description)
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
	h.write(&r, opened, opened.hop.root == id)
}

// write ships a hop record. One that is refused is counted by the shipper.
func (h *hops) write(r *record.Record, opened span, last bool) {
	if !datable(r.Time) {
		r.Labels = append(r.Labels, record.Label{Key: "waybill.time", Value: r.Time.Format(time.RFC3339Nano)})
		r.Time = time.Now()
	}
	c := calls.Get().(*call)
	c.record = fit(record.AppendHead(c.record[:0], r), r)
	_ = h.in.ship.accept(c.record, opened.key, laneError, opened.hop, last)
	c.done()
}

// Shutdown and ForceFlush have nothing to do: the shipper is the Instrument's.
func (*hops) Shutdown(context.Context) error   { return nil }
func (*hops) ForceFlush(context.Context) error { return nil }

func (h *hops) record(s sdktrace.ReadOnlySpan, opened span) record.Record {
	r := h.in.base(s.StartTime())
	sc := s.SpanContext()
	r.Level = "info"
	r.CorrelationID, r.CorrelationKey = opened.id, opened.key
	if opened.saga != nil {
		r.Saga = *opened.saga
	}
	r.TraceID, r.SpanID = sc.TraceID().String(), sc.SpanID().String()
	if s.Parent().HasSpanID() {
		r.ParentID = s.Parent().SpanID().String()
	}
	if opened.hop.root != sc.SpanID() {
		r.HopID = opened.hop.root.String()
	}
	r.SpanName, r.SpanKind = h.in.redact.text(s.Name()), s.SpanKind().String()
	for _, link := range s.Links() {
		if len(r.Links) == maxLinks {
			r.Labels = append(r.Labels, record.Label{Key: "waybill.cut", Value: "more than " + strconv.Itoa(maxLinks) + " links"})
			break
		}
		l := record.Link{TraceID: link.SpanContext.TraceID().String(), SpanID: link.SpanContext.SpanID().String()}
		for _, a := range link.Attributes {
			if a.Key == baggageMember {
				l.CorrelationID = a.Value.AsString()
			}
		}
		r.Links = append(r.Links, l)
	}
	for _, a := range s.Attributes() {
		if len(r.Labels) == maxLabels { // the SDK's own limit may be off
			r.Labels = append(r.Labels, record.Label{Key: "waybill.cut", Value: "more than " + strconv.Itoa(maxLabels) + " labels"})
			break
		}
		h.setAttribute(&r, a)
	}
	return r
}

// setAttribute puts an attribute of the OpenTelemetry semantic conventions into
// its field; others become labels.
func (h *hops) setAttribute(r *record.Record, a attribute.KeyValue) {
	switch a.Key {
	case "http.request.method":
		r.HTTP.Method = a.Value.AsString()
	case "http.route":
		r.HTTP.Route = a.Value.AsString()
	case "url.path":
		r.HTTP.Path = h.in.redact.text(a.Value.AsString())
	case "url.full":
		if u, err := url.Parse(a.Value.AsString()); err == nil {
			r.HTTP.Path = h.in.redact.text(u.Path)
		}
	case "http.response.status_code":
		r.HTTP.Status = int(a.Value.AsInt64())
	case "messaging.system":
		r.Messaging.System = a.Value.AsString()
	case "messaging.operation.type":
		r.Messaging.Operation = a.Value.AsString()
	case "messaging.destination.name":
		r.Messaging.Topic = a.Value.AsString()
	case attrPartition: // a string by the conventions, a number in some libraries
		if n, err := strconv.ParseInt(a.Value.String(), 10, 32); err == nil {
			r.Messaging.Partition = int32(n)
		}
	case attrOffset:
		r.Messaging.Offset, r.Messaging.HasOffset = a.Value.AsInt64(), true
	case "messaging.consumer.group.name":
		r.Messaging.Group = a.Value.AsString()
	case attrAttempt:
		r.Messaging.Attempt = int(a.Value.AsInt64())
	case "server.port", "network.peer.address", "network.peer.port", "client.address", "client.port",
		"network.protocol.version", "network.protocol.name", "url.scheme", "user_agent.original",
		"http.request.body.size", "http.response.body.size":
		// of the connection, not of the journey
	case "error.type":
		if kind := a.Value.String(); kind != strconv.Itoa(r.HTTP.Status) {
			r.Error.Type = kind
		}
	default:
		value := redacted
		if !h.in.redact.key(string(a.Key)) {
			value = h.in.redact.text(a.Value.String())
		}
		r.Labels = append(r.Labels, record.Label{Key: string(a.Key), Value: value})
	}
}

package intake

import (
	"cmp"
	"strconv"
	"strings"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/waybill-log/waybill/record"
)

// spans maps spans. Its error is a *refusal of them all.
func (m *mapper) spans(req *coltrace.ExportTraceServiceRequest) error {
	for _, r := range req.GetResourceSpans() { // first what tells the correlation IDs of traces, whatever the order
		known := claimed(claim{}, r.GetResource().GetAttributes(), true)
		for _, s := range r.GetScopeSpans() {
			for _, sp := range s.GetSpans() {
				m.learn(sp.GetTraceId(), claimed(known, sp.GetAttributes(), false))
			}
		}
	}
	for _, r := range req.GetResourceSpans() {
		m.from(r.GetResource())
		for _, s := range r.GetScopeSpans() {
			m.of(s.GetScope())
			for _, sp := range s.GetSpans() {
				if err := m.span(sp); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// span writes hop.start, the span's events, and hop.end, as instrument does for
// its own spans. journey.Build finds the hop that a span is part of.
func (m *mapper) span(s *trace.Span) error {
	traceID, spanID := hexID(s.GetTraceId(), 16), hexID(s.GetSpanId(), 8)
	if traceID == "" || spanID == "" {
		m.refused++
		m.why = cmp.Or(m.why, "a span has no trace ID of 16 bytes and span ID of 8 bytes")
		return nil
	}
	identity := "span:" + traceID + "-" + spanID
	began, ended := nanos(s.GetStartTimeUnixNano()), nanos(s.GetEndTimeUnixNano())

	d := &m.draft
	m.hop(d, s, traceID, spanID)
	claim := d.claim
	d.at(m.received, began, ended)
	d.Kind, d.Level, d.ID = record.KindHopStart, "info", identity+"-start"
	if err := m.write(d); err != nil {
		return err
	}
	for i, e := range s.GetEvents() {
		d.from(&m.scope.draft)
		d.claim = claim
		d.take(e.GetAttributes())
		d.TraceID, d.SpanID = traceID, spanID
		d.at(m.received, nanos(e.GetTimeUnixNano()), ended, began)
		d.Level, d.Message, d.ID = "info", e.GetName(), identity+"-event-"+strconv.Itoa(i)
		d.label("event.name", e.GetName())
		d.dropped(e.GetDroppedAttributesCount())
		if e.GetName() == "exception" { // https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
			d.Level, d.Message = "error", cmp.Or(d.Error.Message, d.Error.Type, d.Message)
		}
		if err := m.write(d); err != nil {
			return err
		}
	}
	m.hop(d, s, traceID, spanID)
	d.at(m.received, ended, began)
	d.Kind, d.Level, d.ID, d.Outcome = record.KindHopEnd, "info", identity+"-end", record.Success
	if ended.After(began) && !began.IsZero() {
		d.Duration = ended.Sub(began)
	}
	if status := s.GetStatus(); status.GetCode() == trace.Status_STATUS_CODE_ERROR {
		d.Outcome, d.Level = record.Failure, "error"
		d.Error.Message = cmp.Or(status.GetMessage(), d.Error.Message)
		d.exceptions(s.GetEvents())
	}
	return m.write(d)
}

// hop begins a record of a span with what its start and its end have in common.
func (m *mapper) hop(d *draft, s *trace.Span, traceID, spanID string) {
	d.from(&m.scope.draft)
	d.take(s.GetAttributes())
	d.dropped(s.GetDroppedAttributesCount())
	d.TraceID, d.SpanID, d.ParentID = traceID, spanID, hexID(s.GetParentSpanId(), 8)
	d.SpanName, d.SpanKind = record.Cut(s.GetName(), maxName), kindOf(s.GetKind())
	d.Message = d.SpanName
	for i, l := range s.GetLinks() {
		if i == maxLinks {
			d.cut("more than " + strconv.Itoa(maxLinks) + " links")
			break
		}
		link := record.Link{TraceID: hexID(l.GetTraceId(), 16), SpanID: hexID(l.GetSpanId(), 8)}
		for _, a := range l.GetAttributes() {
			if id := a.GetValue().GetStringValue(); a.GetKey() == attrCorrelationID && record.ValidID(id) {
				link.CorrelationID = id
			}
		}
		if link != (record.Link{}) {
			d.Links = append(d.Links, link)
		}
	}
}

// exceptions takes the error of the last exception that a span recorded.
func (d *draft) exceptions(events []*trace.Span_Event) {
	for _, e := range events {
		if e.GetName() != "exception" {
			continue
		}
		for _, a := range e.GetAttributes() {
			switch text := textOf(a.GetValue()); a.GetKey() {
			case "exception.type":
				d.Error.Type = record.Cut(strings.TrimPrefix(text, "."), maxName) // the Go SDK writes ".string" for panic("…")
			case "exception.message":
				d.Error.Message = text
			}
		}
	}
}

// kindOf is the kind as instrument writes it. Unspecified ones are internal, by
// trace.proto.
func kindOf(k trace.Span_SpanKind) string {
	switch k {
	case trace.Span_SPAN_KIND_SERVER:
		return "server"
	case trace.Span_SPAN_KIND_CLIENT:
		return "client"
	case trace.Span_SPAN_KIND_PRODUCER:
		return "producer"
	case trace.Span_SPAN_KIND_CONSUMER:
		return "consumer"
	default:
		return "internal"
	}
}

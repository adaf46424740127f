package intake

import (
	"cmp"
	"strconv"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/waybill-log/waybill/record"
)

// mapper turns one OTLP request into a batch.
type mapper struct {
	*batch
	traces   *traces
	received time.Time
	source   draft // what the resource and the scope say
	content  digest
	draft    draft // of the record at hand
	buffer   []byte

	refused int64
	why     string // of the first one refused
}

// of begins with the records of a resource and a scope.
func (m *mapper) of(r *resource.Resource, s *common.InstrumentationScope) {
	canonical(r.GetAttributes())
	canonical(s.GetAttributes())
	m.source = draft{resource: true}
	m.source.take(r.GetAttributes())
	m.source.take(s.GetAttributes())
	m.source.Logger = record.Cut(cmp.Or(s.GetName(), m.source.Logger), maxName)
	if v := s.GetVersion(); v != "" {
		m.source.label("otel.scope.version", v)
	}
	m.source.resource = false
	m.content.Reset()
	m.buffer = m.content.message(r, m.buffer)
	m.buffer = m.content.message(s, m.buffer)
	m.buffer = m.content.Sum(m.buffer[:0])
}

// logs maps log records. Its error is a *refusal of them all.
func (m *mapper) logs(req *collogs.ExportLogsServiceRequest) error {
	for _, r := range req.GetResourceLogs() { // first what tells the correlation IDs of traces, whatever the order
		for _, s := range r.GetScopeLogs() {
			for _, l := range s.GetLogRecords() {
				m.learn(hexID(l.GetTraceId(), 16), r.GetResource().GetAttributes(), l.GetAttributes())
			}
		}
	}
	for _, r := range req.GetResourceLogs() {
		for _, s := range r.GetScopeLogs() {
			m.of(r.GetResource(), s.GetScope())
			source := append([]byte(nil), m.buffer...)
			for _, l := range s.GetLogRecords() {
				if err := m.log(l, source); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// learn notes the correlation ID that the attributes of a span or record tell of its trace.
func (m *mapper) learn(trace string, resource, own []*common.KeyValue) {
	if trace == "" {
		return
	}
	var c claim
	for _, a := range resource {
		c.note(a.GetKey(), a.GetValue().GetStringValue(), true)
	}
	for _, a := range own {
		c.note(a.GetKey(), a.GetValue().GetStringValue(), false)
	}
	id, _ := c.id()
	m.traces.learn(trace, id)
}

func (m *mapper) log(l *logs.LogRecord, source []byte) error {
	d := &m.draft
	d.from(&m.source)
	canonical(l.GetAttributes())
	canonicalValue(l.GetBody())
	d.take(l.GetAttributes())
	d.at(m.received, nanos(l.GetTimeUnixNano()), nanos(l.GetObservedTimeUnixNano()))
	d.Level = levelOf(l.GetSeverityNumber(), l.GetSeverityText())
	d.Message = textOf(l.GetBody())
	d.spanIDs(l.GetTraceId(), l.GetSpanId())
	if name := l.GetEventName(); name != "" {
		d.label("event.name", name)
	}
	d.dropped(l.GetDroppedAttributesCount())
	if d.uid != "" {
		d.ID = named(d.uid)
	} else {
		m.content.Reset()
		m.content.add(source)
		m.buffer = m.content.message(l, m.buffer)
		if d.undated {
			m.content.time(m.received)
		}
		d.ID = m.id(m.content)
	}
	return m.write(d)
}

// dropped says how many attributes the sender has left out.
func (d *draft) dropped(attributes uint32) {
	if attributes > 0 {
		d.label("otel.dropped_attributes_count", strconv.FormatUint(uint64(attributes), 10))
	}
}

func (m *mapper) write(d *draft) error {
	d.finish()
	m.traces.correlate(d)
	return m.put(&d.Record)
}

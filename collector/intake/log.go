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

// mapper turns one OTLP request into a batch. What a resource or a scope says is
// mapped once, however many records it has.
type mapper struct {
	*batch
	traces   *traces
	received time.Time
	content  digest
	buffer   []byte

	resource, scope origin
	draft           draft // of the record at hand

	refused int64
	why     string // of the first one refused
}

// origin is what records of one resource, or of one scope in it, have in common.
type origin struct {
	draft draft
	sum   []byte // of its content
}

// from begins with a resource.
func (m *mapper) from(r *resource.Resource) {
	canonical(r.GetAttributes())
	m.resource.draft = draft{resource: true}
	m.resource.draft.take(r.GetAttributes())
	m.content.Reset()
	m.buffer = m.content.message(r, m.buffer)
	m.resource.sum = m.content.Sum(m.resource.sum[:0])
}

// of begins with a scope of that resource.
func (m *mapper) of(s *common.InstrumentationScope) {
	canonical(s.GetAttributes())
	d := &m.scope.draft
	d.from(&m.resource.draft)
	d.take(s.GetAttributes())
	d.resource = false
	d.Logger = record.Cut(cmp.Or(s.GetName(), d.Logger), maxName)
	if v := s.GetVersion(); v != "" {
		d.label("otel.scope.version", v)
	}
	m.content.Reset()
	m.content.add(m.resource.sum)
	m.buffer = m.content.message(s, m.buffer)
	m.scope.sum = m.content.Sum(m.scope.sum[:0])
}

// logs maps log records. Its error is a *refusal of them all.
func (m *mapper) logs(req *collogs.ExportLogsServiceRequest) error {
	for _, r := range req.GetResourceLogs() { // first what tells the correlation IDs of traces, whatever the order
		known := claimed(claim{}, r.GetResource().GetAttributes(), true)
		for _, s := range r.GetScopeLogs() {
			for _, l := range s.GetLogRecords() {
				m.learn(l.GetTraceId(), claimed(known, l.GetAttributes(), false))
			}
		}
	}
	for _, r := range req.GetResourceLogs() {
		m.from(r.GetResource())
		for _, s := range r.GetScopeLogs() {
			m.of(s.GetScope())
			for _, l := range s.GetLogRecords() {
				if err := m.log(l); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// claimed adds to a claim what texts among attributes say.
func claimed(c claim, attributes []*common.KeyValue, resource bool) claim {
	for _, a := range attributes {
		c.note(a.GetKey(), a.GetValue().GetStringValue(), resource)
	}
	return c
}

func (m *mapper) learn(trace []byte, c claim) {
	id, _ := c.id()
	m.traces.learn(hexID(trace, 16), id)
}

func (m *mapper) log(l *logs.LogRecord) error {
	d := &m.draft
	d.from(&m.scope.draft)
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
		m.content.add(m.scope.sum)
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

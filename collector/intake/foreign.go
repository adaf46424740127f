package intake

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Foreign is a record in the making, of a service that does not import
// instrument: made of names and values in whatever convention. It shares memory
// with the texts it is given, and is made to be used again.
type Foreign struct {
	draft
	meanings map[string]meaning
	picked   [meanings]member
	rest     []member
}

// member is one name and its value, as they were written.
type member struct {
	name, value string
	rank        int // of the name among those that mean the same
}

// meaning is what a name stands for. Where several names of one line mean the
// same, the one of the lowest rank counts.
type meaning struct{ what, rank int }

const (
	meansTime = iota
	meansMessage
	meansLevel
	meansLogger
	meansService
	meansTrace
	meansSpan
	meansParent
	meansID
	meansError
	meansType
	meansStack
	meanings
)

// NewForeign is for one line after another.
func NewForeign() *Foreign {
	f := &Foreign{meanings: map[string]meaning{}}
	for what, names := range [meanings][]string{
		meansTime: timeNames, meansMessage: messageNames, meansLevel: levelNames, meansLogger: loggerNames, meansService: serviceNames,
		meansTrace: traceNames, meansSpan: spanNames, meansParent: parentNames, meansID: idNames,
		meansError: errorNames, meansType: typeNames, meansStack: stackNames,
	} {
		for rank, name := range names {
			f.meanings[name] = meaning{what, rank}
		}
	}
	return f
}

// Also has further names stand for what one that is known already does, behind it.
func (f *Foreign) Also(known string, names ...string) {
	m := f.meanings[known]
	for i, name := range names {
		f.meanings[name] = meaning{m.what, 100 + i}
	}
}

// Reset begins another record.
func (f *Foreign) Reset() {
	labels, links, cuts := f.Labels[:0], f.Links[:0], f.cuts[:0]
	f.draft = draft{}
	f.Labels, f.Links, f.cuts = labels, links, cuts
	f.picked = [meanings]member{}
	f.rest = f.rest[:0]
}

// Add takes one member of a line, of a group by its dotted name.
func (f *Foreign) Add(name, value string) {
	m, known := f.meanings[name]
	switch {
	case name == "correlation.key": // it would be that of an ID; the ID says it
		return
	case !known, value == "null":
		f.rest = append(f.rest, member{name: name, value: value})
		return
	}
	at := &f.picked[m.what]
	switch {
	case at.name == "":
	case at.rank <= m.rank:
		f.rest = append(f.rest, member{name: name, value: value})
		return
	default:
		f.rest = append(f.rest, *at)
	}
	*at = member{name, value, m.rank}
}

// Told is the time as it was written; empty where there is none.
func (f *Foreign) Told() string { return f.picked[meansTime].value }

// Text is the message so far.
func (f *Foreign) Text() string { return cmp.Or(f.picked[meansMessage].value, f.Message) }

// Value is the value of a member by its name; empty where there is none.
func (f *Foreign) Value(name string) string {
	for i := range f.picked {
		if f.picked[i].name == name {
			return f.picked[i].value
		}
	}
	for i := range f.rest {
		if f.rest[i].name == name {
			return f.rest[i].value
		}
	}
	return ""
}

// Label adds a label as it is.
func (f *Foreign) Label(name, value string) { f.label(name, value) }

// Finish maps what was added. An ID that is given goes before those of the line;
// a record without any has that of its trace.
func (f *Foreign) Finish(t time.Time, id string) *record.Record {
	f.Time = t
	f.Message = f.Text()
	if level := f.picked[meansLevel].value; level != "" {
		f.Level = levelNamed(level)
	}
	f.claim[byAttribute] = f.picked[meansID].value
	f.place(meansTrace, 32, &f.TraceID)
	f.place(meansSpan, 16, &f.SpanID)
	f.place(meansParent, 16, &f.ParentID)
	if f.TraceID == "" {
		f.SpanID, f.ParentID = "", ""
	}
	for _, known := range [...]struct {
		what int
		key  string
	}{{meansService, "service.name"}, {meansLogger, "log.logger"}, {meansType, "error.type"}, {meansError, "error.message"}, {meansStack, "error.stack_trace"}} {
		if m := &f.picked[known.what]; m.name != "" {
			f.set(known.key, m.value)
		}
	}
	for i := range f.rest {
		name := f.rest[i].name
		for _, c := range containers {
			if inner, in := strings.CutPrefix(name, c); in && inner != "" {
				name = inner
				break
			}
		}
		if name == "log.record.uid" { // where the line stands is what names it
			f.label(name, f.rest[i].value)
			continue
		}
		f.set(name, f.rest[i].value)
	}
	f.finish()
	known, refused := f.claim.id()
	if refused != "" && id == "" {
		f.label("waybill.correlation", refused)
	}
	f.CorrelationID = cmp.Or(id, known, f.TraceID)
	return &f.Record
}

// place reads an ID into its field. What is none becomes a label.
func (f *Foreign) place(what, digits int, field *string) {
	m := &f.picked[what]
	if m.name == "" {
		return
	}
	if *field = hexText(m.value, m.name, digits); *field == "" {
		f.label(m.name, m.value)
	}
}

// Level is log.level for a name that a logging library uses.
func Level(name string) string { return levelNamed(name) }

// Exported maps one export of OTLP/JSON: a line of a file as the OpenTelemetry
// Collector's file exporter writes it. A record without a usable time gets
// undated. Records that their senders have named, and those of spans, have
// their event.id; the others have one by their content, which is the same for equal ones.
func Exported(line []byte, undated time.Time) ([]record.Record, error) {
	l := newBudget(exportedBytes).lease()
	defer l.release()
	s := &signals[0]
	switch start := string(line[:min(len(line), 1<<10)]); {
	case strings.Contains(start, `"resourceLogs"`):
	case strings.Contains(start, `"resourceSpans"`):
		s = &signals[1]
	default:
		return nil, errors.New("neither resourceLogs nor resourceSpans")
	}
	req, err := s.decode(typeJSON, line, l)
	if err != nil {
		return nil, err
	}
	m := &mapper{batch: &batch{memory: l, most: exportedBytes, equal: map[string]int{}}, traces: newTraces(maxRecords), received: undated, content: newDigest()}
	if err := s.mapping(m, req); err != nil {
		return nil, err
	}
	var records []record.Record
	for _, message := range m.messages {
		value, _ := message.Value.Encode()
		r, err := record.Decode(value)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	if m.refused > 0 && len(records) == 0 {
		return nil, errors.New(m.why)
	}
	return records, nil
}

// exportedBytes bounds what one exported line takes in memory.
const exportedBytes = 64 << 20

// Shortened notes what was left out of the line before it was read.
func (f *Foreign) Shortened(what string) { f.cut(what) }

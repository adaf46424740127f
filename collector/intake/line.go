package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// maxLine bounds a line in bytes: a longer message than a record takes is cut,
// and what is more than twice as long is refused.
const maxLine = 2 * record.MaxBytes

// Names under which lines carry what records have; the first that is there counts.
var (
	timeNames    = []string{"@timestamp", "timestamp", "time", "ts"}
	messageNames = []string{"message", "msg", "body"}
	levelNames   = []string{"log.level", "level", "severity", "severity_text", "severityText"}
	loggerNames  = []string{"log.logger", "logger"}
	serviceNames = []string{"service.name", "service"}
	traceNames   = []string{"trace_id", "trace.id", "traceId", "traceID", "traceid", "X-B3-TraceId", "x-b3-traceid", "dd.trace_id"}
	spanNames    = []string{"span_id", "span.id", "spanId", "spanID", "spanid", "X-B3-SpanId", "x-b3-spanid", "dd.span_id"}
	parentNames  = []string{"parent_span_id", "parent.id", "parentSpanId", "parent_id"}
	idNames      = []string{attrCorrelationID, "correlation_id", "correlationId", "correlationID", "x-correlation-id", "X-Correlation-ID", "X-Correlation-Id"}
	uidNames     = []string{"event.id", "log.record.uid"}
	errorNames   = []string{"error.message", "error", "err.message", "err"}
	typeNames    = []string{"error.type", "err.type"}
	stackNames   = []string{"error.stack_trace", "error.stack", "err.stack", "stack_trace", "stacktrace"}
)

// containers are groups whose members are labels by themselves.
var containers = []string{"labels.", "attributes.", "resource.attributes."}

// line holds the members of one JSON object by dotted key.
type line map[string]string

// parseLine reads one JSON object. Its error says why it is none.
func parseLine(text []byte) (line, error) {
	var members map[string]json.RawMessage
	if text[0] != '{' {
		return nil, errors.New("not a JSON object")
	}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	l := line{}
	l.group("", members, 1)
	if len(l) == 0 {
		return nil, errors.New("an object without members")
	}
	return l, nil
}

// group adds members in the order of their keys, so that of {"a":{"b":1},"a.b":2}
// always the same one counts.
func (l line) group(prefix string, members map[string]json.RawMessage, depth int) {
	for _, key := range slices.Sorted(maps.Keys(members)) {
		value := members[key]
		var inner map[string]json.RawMessage
		if value[0] == '{' && depth < maxDepth && json.Unmarshal(value, &inner) == nil && len(inner) > 0 {
			l.group(record.Cut(prefix+key, maxKey)+".", inner, depth+1)
			continue
		}
		l[prefix+key] = textOfJSON(value)
	}
}

// textOfJSON is a string's content, and of any other value its text.
func textOfJSON(value json.RawMessage) string {
	var text string
	if value[0] == '"' && json.Unmarshal(value, &text) == nil {
		return text
	}
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	return b.String()
}

// pick removes what is there under the first of the names; null is not there.
func (l line) pick(names []string) (value, name string) {
	for _, name := range names {
		if value, ok := l[name]; ok && value != "null" {
			delete(l, name)
			return value, name
		}
	}
	return "", ""
}

// draft maps a line. Its error says why it cannot be used.
func (l line) draft(d *draft, received time.Time) error {
	content := newDigest()
	for _, key := range slices.Sorted(maps.Keys(l)) {
		content.add([]byte(key))
		content.add([]byte(l[key]))
	}
	if err := l.time(d, received); err != nil {
		return err
	}
	d.Message, _ = l.pick(messageNames)
	level, _ := l.pick(levelNames)
	d.Level = levelNamed(level)
	if d.claim[byAttribute], _ = l.pick(idNames); d.claim[byAttribute] == "" {
		delete(l, "correlation.key")
	}
	l.ids(d)
	for _, f := range [...]struct {
		names []string
		key   string
	}{{serviceNames, "service.name"}, {loggerNames, "log.logger"}, {typeNames, "error.type"}, {errorNames, "error.message"}, {stackNames, "error.stack_trace"}} {
		if value, name := l.pick(f.names); name != "" {
			d.set(f.key, value)
		}
	}
	uid, _ := l.pick(uidNames)
	for _, key := range slices.Sorted(maps.Keys(l)) {
		name := key
		for _, c := range containers {
			if rest, in := strings.CutPrefix(key, c); in && rest != "" {
				name = rest
				break
			}
		}
		d.set(name, l[key])
	}
	if uid != "" {
		d.ID = named(uid)
		return nil
	}
	if d.undated {
		content.time(received)
	}
	d.content = content
	return nil
}

func (l line) time(d *draft, received time.Time) error {
	text, name := l.pick(timeNames)
	if name == "" {
		d.at(received)
		return nil
	}
	t, ok := parseTime(text)
	if !ok {
		return fmt.Errorf("%s: %q is not a time: want RFC 3339, or a number since 1970", name, record.Cut(text, 64))
	}
	d.at(received, t)
	return nil
}

// layouts are what is written beside RFC 3339; without a zone it is UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700"}

// parseTime reads a time as text, or as a number of seconds, milliseconds,
// microseconds or nanoseconds since 1970, told apart by their size.
func parseTime(text string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, strings.Replace(text, ",", ".", 1)); err == nil {
			return t, true
		}
	}
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > 1<<53 {
			return time.Time{}, false
		}
		n, fraction = int64(f), ""
	}
	digits := 9 // below a unit of n
	for size := int64(100_000_000_000); digits > 0 && (n >= size || n <= -size); size *= 1000 {
		digits -= 3
	}
	scale := int64(math.Pow10(9 - digits)) // units in a second
	below, _ := strconv.ParseInt((fraction + "000000000")[:digits], 10, 64)
	return time.Unix(n/scale, n%scale*int64(math.Pow10(digits))+below), true
}

// ids sets where the record belongs. An ID that is none becomes a label.
func (l line) ids(d *draft) {
	for _, id := range [...]struct {
		names  []string
		digits int
		field  *string
	}{{traceNames, 32, &d.TraceID}, {spanNames, 16, &d.SpanID}, {parentNames, 16, &d.ParentID}} {
		text, name := l.pick(id.names)
		switch {
		case name == "":
		case hexText(text, name, id.digits) == "":
			d.label(name, text)
		default:
			*id.field = hexText(text, name, id.digits)
		}
	}
	if d.TraceID == "" {
		d.SpanID, d.ParentID = "", ""
	}
}

// hexText is an ID as records have it: dd.* are decimal where they are of 64
// bits, and IDs of 64 bits stand on the right of a trace ID. Empty: it is none.
func hexText(text, name string, digits int) string {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil && strings.HasPrefix(name, "dd.") && len(text) <= 20 {
		text = fmt.Sprintf("%016x", n)
	}
	text = strings.ToLower(strings.ReplaceAll(text, "-", ""))
	if len(text) == 16 && digits == 32 {
		text = strings.Repeat("0", 16) + text
	}
	if len(text) != digits || strings.Trim(text, "0123456789abcdef") != "" || strings.Trim(text, "0") == "" {
		return ""
	}
	return text
}

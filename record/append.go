package record

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// timeLayout keeps all nine digits, so that equal lengths sort as text.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// Append writes r to dst as one JSON object in canonical field order and
// returns the extended slice. Invalid UTF-8 becomes U+FFFD.
func Append(dst []byte, r *Record) []byte {
	return AppendTail(AppendHead(dst, r), r)
}

// AppendHead writes everything that is known before a record has its numbers.
// The object is left open: [AppendTail] ends it. A shipping buffer encodes the
// head outside its lock and the tail, a few digits, inside it.
func AppendHead(dst []byte, r *Record) []byte {
	dst = append(dst, `{"@timestamp":"`...)
	dst = r.Time.UTC().AppendFormat(dst, timeLayout)
	dst = append(dst, '"')
	dst = appendField(dst, "log.level", r.Level)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, r.Message)
	kind, version := r.Kind, r.Version
	if kind == "" {
		kind = KindLog
	}
	if version == 0 {
		version = Version
	}
	dst = appendField(dst, "waybill.kind", string(kind))
	dst = appendInt(dst, "waybill.version", int64(version))

	dst = appendField(dst, "service.name", r.Service)
	dst = appendField(dst, "service.version", r.ServiceVer)
	dst = appendField(dst, "service.environment", r.Environment)
	dst = appendField(dst, "service.node.name", r.Node)

	if r.CorrelationID != "" {
		key := r.CorrelationKey
		if key == "" {
			key = Key(r.CorrelationID)
		}
		dst = appendField(dst, "correlation.id", r.CorrelationID)
		dst = appendField(dst, "correlation.key", key)
	}
	dst = appendField(dst, "trace.id", r.TraceID)
	dst = appendField(dst, "span.id", r.SpanID)
	dst = appendField(dst, "parent.id", r.ParentID)
	dst = appendField(dst, "hop.id", r.HopID)
	dst = appendField(dst, "span.name", r.SpanName)
	dst = appendField(dst, "span.kind", r.SpanKind)
	dst = appendField(dst, "event.outcome", r.Outcome)
	if r.Kind == KindHopEnd {
		dst = appendInt(dst, "event.duration", int64(r.Duration))
	}
	dst = appendField(dst, "waybill.outcome", r.Declared)

	dst = appendField(dst, "http.request.method", r.HTTP.Method)
	dst = appendField(dst, "http.route", r.HTTP.Route)
	dst = appendField(dst, "url.path", r.HTTP.Path)
	if r.HTTP.Status != 0 {
		dst = appendInt(dst, "http.response.status_code", int64(r.HTTP.Status))
	}

	dst = appendField(dst, "messaging.system", r.Messaging.System)
	dst = appendField(dst, "messaging.operation.type", r.Messaging.Operation)
	dst = appendField(dst, "messaging.destination.name", r.Messaging.Topic)
	if r.Messaging.HasOffset {
		dst = append(dst, `,"messaging.destination.partition.id":"`...)
		dst = strconv.AppendInt(dst, int64(r.Messaging.Partition), 10)
		dst = append(dst, '"')
		dst = appendInt(dst, "messaging.kafka.offset", r.Messaging.Offset)
	}
	dst = appendField(dst, "messaging.consumer.group.name", r.Messaging.Group)
	if r.Messaging.Attempt != 0 {
		dst = appendInt(dst, "messaging.message.attempt", int64(r.Messaging.Attempt))
	}

	dst = appendField(dst, "saga.id", r.Saga.ID)
	dst = appendField(dst, "saga.step", r.Saga.Step)
	dst = appendField(dst, "saga.phase", r.Saga.Phase)

	dst = appendField(dst, "log.logger", r.Logger)
	dst = appendField(dst, "log.origin.file.name", r.Origin.File)
	if r.Origin.Line != 0 {
		dst = appendInt(dst, "log.origin.file.line", int64(r.Origin.Line))
	}
	dst = appendField(dst, "log.origin.function", r.Origin.Function)

	dst = appendField(dst, "error.type", r.Error.Type)
	dst = appendField(dst, "error.message", r.Error.Message)
	dst = appendField(dst, "error.stack_trace", r.Error.Stack)

	dst = appendLinks(dst, r.Links)
	return appendLabels(dst, r.Labels)
}

// AppendTail writes the numbers of r and closes the object.
func AppendTail(dst []byte, r *Record) []byte {
	dst = appendUint(dst, "hop.sequence", r.HopSequence)
	if r.HopRecords != 0 {
		dst = appendUint(dst, "hop.records", r.HopRecords)
		dst = append(dst, `,"hop.sends":`...)
		dst = strconv.AppendUint(dst, r.HopSends, 10)
	}
	dst = appendUint(dst, "event.sequence", r.Sequence)
	switch {
	case r.ID != "":
		dst = appendField(dst, "event.id", r.ID)
	case r.Sequence != 0:
		dst = append(dst, `,"event.id":`...)
		dst = appendString(dst, r.Node)
		dst[len(dst)-1] = '-'
		dst = strconv.AppendUint(dst, r.Sequence, 10)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

func appendLinks(dst []byte, links []Link) []byte {
	if len(links) == 0 {
		return dst
	}
	dst = append(dst, `,"links":[`...)
	for i, l := range links {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		n := len(dst)
		dst = appendField(dst, "trace.id", l.TraceID)
		dst = appendField(dst, "span.id", l.SpanID)
		dst = appendField(dst, "correlation.id", l.CorrelationID)
		if len(dst) > n {
			dst = append(dst[:n], dst[n+1:]...) // the leading comma
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendLabels(dst []byte, labels []Label) []byte {
	if len(labels) == 0 {
		return dst
	}
	dst = append(dst, `,"labels":{`...)
	first := true
	for i, l := range labels {
		if overwritten(labels, i) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendString(dst, LabelKey(l.Key))
		dst = append(dst, ':')
		dst = appendString(dst, l.Value)
	}
	return append(dst, '}')
}

// overwritten reports whether a later label has the key of label i.
// Labels are few, and bounded where they come from outside.
func overwritten(labels []Label, i int) bool {
	key := LabelKey(labels[i].Key)
	for _, l := range labels[i+1:] {
		if LabelKey(l.Key) == key {
			return true
		}
	}
	return false
}

// LabelKey is the form in which a label's key is written: control characters
// become \xNN as text and an empty key "\x", since Elasticsearch refuses the
// whole document for a NUL in a key of a flattened field. Invalid UTF-8 becomes U+FFFD.
func LabelKey(key string) string {
	if key == "" {
		return `\x`
	}
	clean := true
	for _, c := range key {
		if c < 0x20 || c == 0x7F || c == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return key
	}
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(key)+8)
	for _, c := range key {
		if c < 0x20 || c == 0x7F {
			out = append(out, '\\', 'x', hex[c>>4], hex[c&0xF])
			continue
		}
		out = utf8.AppendRune(out, c)
	}
	return string(out)
}

func appendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return appendString(dst, value)
}

func appendInt(dst []byte, name string, value int64) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return strconv.AppendInt(dst, value, 10)
}

func appendUint(dst []byte, name string, value uint64) []byte {
	if value == 0 {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return strconv.AppendUint(dst, value, 10)
}

// appendString writes s as a JSON string (RFC 8259).
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
			i++
			start = i
			continue
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// FormatTime renders t as records carry it.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

package record

import (
	"math/bits"
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
//
// What it is put together from may be called by itself, by a writer that has
// some of the parts encoded already.
func AppendHead(dst []byte, r *Record) []byte {
	dst = AppendStart(dst, r.Time, r.Level, r.Message)
	dst = AppendService(dst, r)
	return AppendDetails(AppendContext(dst, r), r)
}

// AppendDetails writes what stands behind a record's context in its head.
func AppendDetails(dst []byte, r *Record) []byte {
	dst = AppendField(dst, "span.name", r.SpanName)
	dst = AppendField(dst, "span.kind", r.SpanKind)
	dst = AppendDeclaration(dst, r)
	if r.Kind == KindHopEnd {
		dst = appendInt(dst, "event.duration", int64(r.Duration))
	}

	dst = AppendField(dst, "http.request.method", r.HTTP.Method)
	dst = AppendField(dst, "http.route", r.HTTP.Route)
	dst = AppendField(dst, "url.path", r.HTTP.Path)
	if r.HTTP.Status != 0 {
		dst = appendInt(dst, "http.response.status_code", int64(r.HTTP.Status))
	}

	if r.Messaging != (Messaging{}) {
		dst = appendMessaging(dst, &r.Messaging)
	}
	if r.Saga != (Saga{}) {
		dst = AppendSaga(dst, r.Saga)
	}
	dst = AppendField(dst, "log.logger", r.Logger)
	if r.Origin != (Origin{}) {
		dst = AppendOrigin(dst, r.Origin)
	}
	if r.Error != (Error{}) {
		dst = AppendError(dst, r.Error)
	}
	dst = appendLinks(dst, r.Links)
	dst = appendLabels(dst, r.Labels)
	version := r.Version
	if version == 0 {
		version = Version
	}
	return appendKind(dst, r.Kind, version)
}

func appendMessaging(dst []byte, m *Messaging) []byte {
	dst = AppendField(dst, "messaging.system", m.System)
	dst = AppendField(dst, "messaging.operation.type", m.Operation)
	dst = AppendField(dst, "messaging.destination.name", m.Topic)
	if m.HasOffset {
		dst = append(dst, `,"messaging.destination.partition.id":"`...)
		dst = strconv.AppendInt(dst, int64(m.Partition), 10)
		dst = append(dst, '"')
		dst = appendInt(dst, "messaging.kafka.offset", m.Offset)
	}
	dst = AppendField(dst, "messaging.consumer.group.name", m.Group)
	if m.Attempt != 0 {
		dst = appendInt(dst, "messaging.message.attempt", int64(m.Attempt))
	}
	return dst
}

// AppendStart opens the object.
func AppendStart(dst []byte, t time.Time, level, message string) []byte {
	dst = append(AppendTime(append(dst, timeName...), t), '"')
	dst = AppendField(dst, "log.level", level)
	dst = append(dst, `,"message":`...)
	return AppendString(dst, message)
}

const timeName = `{"@timestamp":"`

// AppendService writes what is the same in all records of an instance.
func AppendService(dst []byte, r *Record) []byte {
	dst = AppendField(dst, "service.name", r.Service)
	dst = AppendField(dst, "service.version", r.ServiceVer)
	dst = AppendField(dst, "service.environment", r.Environment)
	return AppendField(dst, "service.node.name", r.Node)
}

// AppendContext writes what is the same in all log records of a span.
func AppendContext(dst []byte, r *Record) []byte {
	if r.CorrelationID != "" {
		key := r.CorrelationKey
		if key == "" {
			key = Key(r.CorrelationID)
		}
		dst = AppendField(dst, "correlation.id", r.CorrelationID)
		dst = AppendField(dst, "correlation.key", key)
	}
	dst = AppendField(dst, "trace.id", r.TraceID)
	dst = AppendField(dst, "span.id", r.SpanID)
	dst = AppendField(dst, "parent.id", r.ParentID)
	return AppendField(dst, "hop.id", r.HopID)
}

// AppendDeclaration writes how a hop ended, or what the application says of the
// journey.
func AppendDeclaration(dst []byte, r *Record) []byte {
	dst = AppendField(dst, "event.outcome", r.Outcome)
	dst = AppendField(dst, "waybill.outcome", r.Declared)
	dst = AppendField(dst, "waybill.reason", r.Reason)
	dst = AppendField(dst, "expect.station", r.Expect.Station)
	if r.Expect.Within != 0 {
		dst = appendInt(dst, "expect.within", int64(r.Expect.Within))
	}
	dst = AppendField(dst, "alias.name", r.Alias.Name)
	return AppendField(dst, "alias.value", r.Alias.Value)
}

// AppendSaga writes the saga.* fields.
func AppendSaga(dst []byte, s Saga) []byte {
	dst = AppendField(dst, "saga.id", s.ID)
	dst = AppendField(dst, "saga.step", s.Step)
	return AppendField(dst, "saga.phase", s.Phase)
}

// AppendOrigin writes the log.origin.* fields.
func AppendOrigin(dst []byte, o Origin) []byte {
	dst = AppendField(dst, "log.origin.file.name", o.File)
	if o.Line != 0 {
		dst = appendInt(dst, "log.origin.file.line", int64(o.Line))
	}
	return AppendField(dst, "log.origin.function", o.Function)
}

// AppendError writes the error.* fields.
func AppendError(dst []byte, e Error) []byte {
	dst = AppendField(dst, "error.type", e.Type)
	dst = AppendField(dst, "error.message", e.Message)
	return AppendField(dst, "error.stack_trace", e.Stack)
}

// AppendKind writes waybill.kind and waybill.version, the last fields of a head.
func AppendKind(dst []byte, kind Kind) []byte { return appendKind(dst, kind, Version) }

func appendKind(dst []byte, kind Kind, version int) []byte {
	if kind == "" {
		kind = KindLog
	}
	dst = AppendField(dst, "waybill.kind", string(kind))
	return appendInt(dst, "waybill.version", int64(version))
}

// AppendTail writes the numbers of r and closes the object.
func AppendTail(dst []byte, r *Record) []byte {
	n := r.numbers()
	if r.ID == "" && plain(r.Node) == len(r.Node) {
		return AppendNumbers(dst, r.Node, n)
	}
	dst = appendHopNumbers(dst, n)
	id := r.ID
	if n.Sequence != 0 {
		dst = strconv.AppendUint(append(dst, `,"event.sequence":`...), n.Sequence, 10)
		if id == "" {
			id = EventID(r.Node, r.Sequence)
		}
	}
	return append(AppendField(dst, "event.id", id), '}')
}

// Numbers are what a record gets when a shipping buffer accepts it.
type Numbers struct {
	Sequence, HopSequence, HopRecords, HopSends uint64 // as in Record
}

func (r *Record) numbers() Numbers {
	return Numbers{r.Sequence, r.HopSequence, r.HopRecords, r.HopSends}
}

// AppendNumbers is AppendTail for a record of node, which needs no escape.
func AppendNumbers(dst []byte, node string, n Numbers) []byte {
	dst = appendHopNumbers(dst, n)
	if n.Sequence == 0 {
		return append(dst, '}')
	}
	dst = append(dst, `,"event.sequence":`...)
	digits := len(dst)
	dst = strconv.AppendUint(dst, n.Sequence, 10)
	end := len(dst)
	dst = append(append(append(dst, `,"event.id":"`...), node...), '-')
	return append(append(dst, dst[digits:end]...), `"}`...)
}

func appendHopNumbers(dst []byte, n Numbers) []byte {
	if n.HopSequence != 0 {
		dst = strconv.AppendUint(append(dst, `,"hop.sequence":`...), n.HopSequence, 10)
	}
	if n.HopRecords != 0 {
		dst = strconv.AppendUint(append(dst, `,"hop.records":`...), n.HopRecords, 10)
		dst = strconv.AppendUint(append(dst, `,"hop.sends":`...), n.HopSends, 10)
	}
	return dst
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
		dst = AppendField(dst, "trace.id", l.TraceID)
		dst = AppendField(dst, "span.id", l.SpanID)
		dst = AppendField(dst, "correlation.id", l.CorrelationID)
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
	var last map[string]int // of each key; nil where looking is cheaper
	if len(labels) > fewLabels {
		last = make(map[string]int, len(labels))
		for i := range labels {
			last[LabelKey(labels[i].Key)] = i
		}
	}
	dst = append(dst, `,"labels":{`...)
	first := true
	for i, l := range labels {
		key := LabelKey(l.Key)
		if last != nil && last[key] != i || last == nil && overwritten(labels[i+1:], key) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendString(dst, key)
		dst = append(dst, ':')
		dst = AppendString(dst, l.Value)
	}
	return append(dst, '}')
}

// fewLabels are compared with each other; of more, which foreign records may
// have, that would take the time of their number squared.
const fewLabels = 32

// overwritten reports whether a later label has the same key.
func overwritten(later []Label, key string) bool {
	for _, l := range later {
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

// AppendField writes one text field with its leading comma; nothing where value
// is empty. The name is written as it is.
func AppendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return AppendString(dst, value)
}

func appendInt(dst []byte, name string, value int64) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return strconv.AppendInt(dst, value, 10)
}

// AppendString writes s as a JSON string (RFC 8259).
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := plain(s); i < len(s); i += plain(s[i:]) {
		c := s[i]
		if c < utf8.RuneSelf {
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

// plain counts the leading bytes of s that are ASCII and that JSON writes as
// they are.
func plain(s string) int {
	i := plainWords(s)
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// plainWords is plain but for the bytes behind the last eight. It looks at eight
// at a time: up to and with the first byte that is not so, the high bit of each byte
// of bad tells (Hacker's Delight §6-1, zero bytes in a word).
func plainWords(s string) (i int) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(s)-i >= 8; i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, backslash := w^'"'*ones, w^'\\'*ones
		if bad := (w | (w - 0x20*ones) | (quote - ones) | (backslash - ones)) & highs; bad != 0 {
			return i + bits.TrailingZeros64(bad)/8
		}
	}
	return i
}

// AppendTime writes t as records carry it.
func AppendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	if year := t.Year(); year < 0 || year > 9999 {
		return t.AppendFormat(dst, timeLayout)
	}
	return append(appendNano(appendSecond(dst, t), uint32(t.Nanosecond())), 'Z')
}

// appendSecond writes t up to the point of the second.
func appendSecond(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendPair(appendPair(dst, year/100), year%100)
	dst = appendPair(append(dst, '-'), int(month))
	dst = appendPair(append(dst, '-'), day)
	dst = appendPair(append(dst, 'T'), hour)
	dst = appendPair(append(dst, ':'), minute)
	dst = appendPair(append(dst, ':'), second)
	return append(dst, '.')
}

// Clock is AppendTime for times that come in order: what is the same in a second
// is written once.
type Clock struct {
	second int64
	text   []byte // of second, up to its point; empty: none yet
}

// AppendStart is [AppendStart] for a level that needs no escape.
func (c *Clock) AppendStart(dst []byte, t time.Time, level, message string) []byte {
	if second := t.Unix(); second != c.second || len(c.text) == 0 {
		c.second, c.text = second, c.text[:0]
		if second < minSecond || second > maxSecond {
			return AppendStart(dst, t, level, message)
		}
		c.text = appendSecond(c.text, t.UTC())
	}
	dst = append(append(dst, timeName...), c.text...)
	dst = append(appendNano(dst, uint32(t.Nanosecond())), `Z","log.level":"`...)
	dst = append(append(dst, level...), `","message":`...)
	return AppendString(dst, message)
}

// minSecond and maxSecond bound the years 0 to 9999.
const (
	minSecond = -62_167_219_200
	maxSecond = 253_402_300_799
)

// pairs are the numbers 00 to 99.
const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839" +
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879" +
	"8081828384858687888990919293949596979899"

func appendPair(dst []byte, n int) []byte { return append(dst, pairs[2*n:2*n+2]...) }

// appendNano writes nine digits.
func appendNano(dst []byte, n uint32) []byte {
	a, b, c, d := n/10_000_000, n/100_000%100, n/1000%100, n/10%100
	return append(dst, pairs[2*a], pairs[2*a+1], pairs[2*b], pairs[2*b+1], pairs[2*c], pairs[2*c+1], pairs[2*d], pairs[2*d+1], byte('0'+n%10))
}

// FormatTime renders t as records carry it.
func FormatTime(t time.Time) string { return string(AppendTime(nil, t)) }

package instrument

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// attributes gathers what the attributes of a log call say. Labels are encoded
// at once, as record.Append does; of equal keys the last counts.
type attributes struct {
	labels   []byte // "a":"1","b":"2"
	count    int    // of labels
	groups   int    // entered so far
	full     bool   // no more labels
	seen     uint64 // a bit for each key there, which others share
	err      record.Error
	said     *declaration
	panicked func() // told of a value that panics
}

// Bounds on the labels of one record; what is over is cut and marked.
const (
	maxKey        = 256       // bytes
	maxValue      = 32 << 10  // bytes as encoded
	maxLabels     = 512       // each key is compared with those before
	maxDepth      = 16        // groups in groups: a LogValuer may return itself in one
	maxGroups     = 4096      // and do so several times in each
	maxLinks      = 512       // of a hop
	manyBytes     = 256 << 10 // of labels, after which values are cut to shortValue
	shortValue    = 1 << 10
	maxLabelBytes = 640 << 10
)

// reset begins with what a logger has from With.
func (a *attributes) reset(with *attributes) {
	a.labels = append(a.labels[:0], with.labels...)
	a.count, a.groups, a.full, a.seen = with.count, 0, with.full, with.seen
	a.err, a.said, a.panicked = with.err, with.said, with.panicked
}

// clone is a copy that shares nothing that add writes to.
func (a *attributes) clone() attributes {
	b := attributes{}
	b.reset(a)
	return b
}

// add takes one attribute in open groups, each followed by a dot. Groups become
// dotted labels, an error the record's.
func (a *attributes) add(prefix string, attr slog.Attr, depth int) {
	value, kind := attr.Value, attr.Value.Kind()
	if kind == slog.KindLogValuer {
		value = value.Resolve()
		kind = value.Kind()
	}
	switch kind {
	case slog.KindGroup:
		if attr.Key != "" {
			prefix += attr.Key + "."
		}
		if depth == maxDepth {
			a.label(prefix, "", slog.StringValue("!DEPTH: more than "+strconv.Itoa(maxDepth)+" groups"), slog.KindString)
			return
		}
		if a.groups++; a.groups > maxGroups {
			a.label("", "waybill.cut", slog.StringValue("more than "+strconv.Itoa(maxGroups)+" groups"), slog.KindString)
			a.full = true
		}
		for _, member := range value.Group() {
			if a.full {
				return
			}
			a.add(prefix, member, depth+1)
		}
		return
	case slog.KindAny:
		switch v := value.Any().(type) {
		case nil:
			if attr.Key == "" {
				return
			}
		case *declaration:
			a.said = v
			return
		case error:
			if prefix == "" && (attr.Key == "error" || attr.Key == "err") {
				a.err = record.Error{Type: typeName(v), Message: record.Bounded(a.text(v), maxValue)}
				return
			}
		}
	}
	a.label(prefix, attr.Key, value, kind)
}

// label encodes one label.
func (a *attributes) label(prefix, name string, value slog.Value, kind slog.Kind) {
	if a.full {
		return
	}
	if a.count == maxLabels || len(a.labels) > maxLabelBytes {
		prefix, name, value, kind = "", "waybill.cut", slog.StringValue("more than "+strconv.Itoa(a.count)+" labels"), slog.KindString
		a.full = true
	}
	b := a.labels
	if len(b) > 0 {
		b = append(b, ',')
	}
	start := len(b)
	if name == "" || len(prefix)+len(name) > maxKey || !plainKey(prefix) || !plainKey(name) {
		prefix, name = "", record.LabelKey(record.Cut(prefix+name, maxKey))
		b = append(record.AppendString(b, name), ':')
	} else {
		b = append(append(append(append(b, '"'), prefix...), name...), `":`...)
	}
	first := name[0]
	if prefix != "" {
		first = prefix[0]
	}
	bit := uint64(1) << ((7*(len(prefix)+len(name)) + 3*int(first) + int(name[len(name)-1])) & 63)
	if a.seen&bit != 0 {
		b = a.forget(b, start)
	}
	a.seen |= bit
	a.count++
	a.labels = a.value(b, value, kind)
}

// forget removes the label with the key that b ends in, which begins at last,
// if there is one.
func (a *attributes) forget(b []byte, last int) []byte {
	for at := 0; at < last; {
		colon := textEnd(b, at)
		next := textEnd(b, colon+1) + 1 // behind the comma
		if bytes.Equal(b[at:colon+1], b[last:]) {
			a.count--
			return append(b[:at], b[next:]...)
		}
		at = next
	}
	return b
}

// textEnd is behind the JSON string that begins at b[at].
func textEnd(b []byte, at int) int {
	for at++; b[at] != '"'; at++ {
		if b[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// plainKey reports whether a key needs no escape.
func plainKey(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7F {
			return false
		}
	}
	return true
}

// value encodes a value as text, without losing a digit.
func (a *attributes) value(b []byte, v slog.Value, kind slog.Kind) []byte {
	switch kind {
	case slog.KindString:
		return appendValue(b, v.String())
	case slog.KindAny:
		return appendValue(b, a.text(v.Any()))
	}
	b = append(b, '"')
	switch kind {
	case slog.KindInt64:
		b = strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		b = strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		b = strconv.AppendFloat(b, v.Float64(), 'g', -1, 64)
	case slog.KindBool:
		b = strconv.AppendBool(b, v.Bool())
	case slog.KindDuration:
		b = append(b, v.Duration().String()...)
	case slog.KindTime:
		b = v.Time().AppendFormat(b, time.RFC3339Nano)
	default:
		b = append(b, v.String()...)
	}
	return append(b, '"')
}

func appendValue(b []byte, s string) []byte {
	limit := maxValue
	if len(b) > manyBytes {
		limit = shortValue
	}
	return record.AppendString(b, record.Bounded(s, limit))
}

// text renders a value of any type. One that panics says so, as with slog's own
// handlers.
func (a *attributes) text(v any) (s string) {
	defer func() {
		if p := recover(); p != nil {
			if s = panicText(v, p); s != nilText {
				a.panicked()
			}
		}
	}()
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case []byte:
		return string(v)
	case encoding.TextMarshaler:
		if b, err := v.MarshalText(); err == nil {
			return string(b)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprintf("%T cannot be shown", v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

const nilText = "<nil>"

// panicText is what is shown of a value that panicked with p. What p is made of
// is not: it may contain itself, or panic too.
func panicText(v, p any) (s string) {
	if v := reflect.ValueOf(v); v.Kind() == reflect.Pointer && v.IsNil() {
		return nilText
	}
	s = fmt.Sprintf("!PANIC: %T", p)
	defer func() { _ = recover() }()
	switch p := p.(type) {
	case string:
		return "!PANIC: " + p
	case error:
		return "!PANIC: " + p.Error()
	case fmt.Stringer:
		return "!PANIC: " + p.String()
	}
	return s
}

// typeName is the type of an error, as %T writes it.
func typeName(err error) string {
	if named, ok := err.(interface{ typeName() string }); ok {
		return named.typeName()
	}
	return reflect.TypeOf(err).String()
}

// append writes what was gathered behind a record's other fields.
func (a *attributes) append(dst []byte) []byte {
	dst = record.AppendError(dst, a.err)
	if len(a.labels) == 0 {
		return dst
	}
	return append(append(append(dst, labelsOpen...), a.labels...), labelsEnd...)
}

var labelsOpen, labelsEnd = []byte(`,"labels":{`), []byte(`}`)

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
	keys     []key
	groups   int  // entered so far
	full     bool // no more labels
	err      record.Error
	said     *declaration
	panicked func() // told of a value that panics
}

// key is where a label lies in attributes.labels: its key in quotes from start
// to end.
type key struct{ start, end int }

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
	a.labels, a.keys = append(a.labels[:0], with.labels...), append(a.keys[:0], with.keys...)
	a.groups = 0
	a.full, a.err, a.said, a.panicked = with.full, with.err, with.said, with.panicked
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
	value := attr.Value
	if value.Kind() == slog.KindLogValuer {
		value = value.Resolve()
	}
	switch value.Kind() {
	case slog.KindGroup:
		if attr.Key != "" {
			prefix += attr.Key + "."
		}
		if depth == maxDepth {
			a.label(prefix, "", slog.StringValue("!DEPTH: more than "+strconv.Itoa(maxDepth)+" groups"))
			return
		}
		if a.groups++; a.groups > maxGroups {
			a.cut("more than " + strconv.Itoa(maxGroups) + " groups")
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
				a.err = record.Error{Type: typeName(v), Message: bounded(a.text(v), maxValue)}
				return
			}
		}
	}
	a.label(prefix, attr.Key, value)
}

// label encodes one label.
func (a *attributes) label(prefix, name string, value slog.Value) {
	if a.full {
		return
	}
	if len(a.keys) == maxLabels || len(a.labels) > maxLabelBytes {
		a.cut("more than " + strconv.Itoa(len(a.keys)) + " labels")
		return
	}
	a.write(prefix, name, value)
}

// cut takes no more labels, and says why.
func (a *attributes) cut(why string) {
	if !a.full {
		a.full = true
		a.write("", "waybill.cut", slog.StringValue(why))
	}
}

func (a *attributes) write(prefix, name string, value slog.Value) {
	start := len(a.labels)
	if start > 0 {
		a.labels = append(a.labels, ',')
	}
	k := key{start: len(a.labels)}
	if n := len(prefix) + len(name); 0 < n && n <= maxKey && plainKey(prefix) && plainKey(name) {
		a.labels = append(append(append(append(a.labels, '"'), prefix...), name...), '"')
	} else {
		a.labels = record.AppendString(a.labels, record.LabelKey(cut(prefix+name, maxKey)))
	}
	k.end = len(a.labels)
	a.labels = append(a.labels, ':')
	a.value(value)
	a.forget(&k)
	a.keys = append(a.keys, k)
}

// forget removes an earlier label with the key of the last one, k.
func (a *attributes) forget(k *key) {
	last := a.labels[k.start:k.end]
	for i, other := range a.keys {
		if other.end-other.start != len(last) || !bytes.Equal(a.labels[other.start:other.end], last) {
			continue
		}
		next := k.start
		if i+1 < len(a.keys) {
			next = a.keys[i+1].start
		}
		gone := next - other.start // with the comma behind it
		a.labels = append(a.labels[:other.start], a.labels[next:]...)
		a.keys = append(a.keys[:i], a.keys[i+1:]...)
		for j := i; j < len(a.keys); j++ {
			a.keys[j].start -= gone
			a.keys[j].end -= gone
		}
		k.start -= gone
		k.end -= gone
		return
	}
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
func (a *attributes) value(v slog.Value) {
	switch v.Kind() {
	case slog.KindString:
		limit := maxValue
		if len(a.labels) > manyBytes {
			limit = shortValue
		}
		a.labels = record.AppendString(a.labels, bounded(v.String(), limit))
		return
	case slog.KindAny:
		a.value(slog.StringValue(a.text(v.Any())))
		return
	}
	a.labels = append(a.labels, '"')
	switch v.Kind() {
	case slog.KindInt64:
		a.labels = strconv.AppendInt(a.labels, v.Int64(), 10)
	case slog.KindUint64:
		a.labels = strconv.AppendUint(a.labels, v.Uint64(), 10)
	case slog.KindFloat64:
		a.labels = strconv.AppendFloat(a.labels, v.Float64(), 'g', -1, 64)
	case slog.KindBool:
		a.labels = strconv.AppendBool(a.labels, v.Bool())
	case slog.KindDuration:
		a.labels = append(a.labels, v.Duration().String()...)
	case slog.KindTime:
		a.labels = v.Time().AppendFormat(a.labels, time.RFC3339Nano)
	default:
		a.labels = append(a.labels, v.String()...)
	}
	a.labels = append(a.labels, '"')
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
	dst = append(dst, `,"labels":{`...)
	dst = append(dst, a.labels...)
	return append(dst, '}')
}

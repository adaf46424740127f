package instrument

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/waybill-log/waybill/record"
)

// Bounds on one record; what is over is cut and marked.
const (
	maxMessage = 256 << 10 // bytes as encoded
	cutMark    = "…[cut]"
)

// tailBytes is room for what record.AppendTail writes: five numbers of up to 20
// digits, their names, and the node's name once more.
const tailBytes = 256

// datable reports whether a record can carry t: from 1970 to 2262, as
// record.Decode has it.
func datable(t time.Time) bool {
	s := t.Unix()
	return s > 0 && s < math.MaxInt64/int64(time.Second)
}

// bounded keeps as much of s as takes limit bytes in JSON, and marks what is cut.
func bounded(s string, limit int) string {
	if 6*len(s) <= limit { // the longest escape
		return s
	}
	n := 0
	for i, c := range s {
		switch {
		case c < 0x20:
			n += 6
		case c == '"' || c == '\\':
			n += 2
		default:
			n += utf8.RuneLen(c)
		}
		if n > limit {
			return s[:i] + cutMark
		}
	}
	return s
}

// fit cuts r step by step until its encoding, numbers included, is no longer
// than record.MaxBytes. The bounds above alone do not do that: a byte of text may
// take six in JSON, and 512 labels of 32 KiB are 16 MiB.
func fit(dst []byte, r *record.Record) []byte {
	for _, shorten := range [...]func(*record.Record){shortenTexts, dropLabels} {
		if len(dst)+tailBytes <= record.MaxBytes {
			break
		}
		shorten(r)
		dst = record.AppendHead(dst[:0], r)
	}
	return dst
}

// shortenTexts leaves at most 128 KiB of text outside the labels, so 768 KiB of JSON.
func shortenTexts(r *record.Record) {
	for _, long := range [...]*string{&r.Message, &r.Error.Message, &r.Error.Stack} {
		*long = cut(*long, 32<<10)
	}
	for _, name := range [...]*string{
		&r.SpanName, &r.Error.Type, &r.HTTP.Method, &r.HTTP.Route, &r.HTTP.Path, &r.Messaging.System, &r.Messaging.Operation,
		&r.Messaging.Topic, &r.Messaging.Group, &r.Origin.File, &r.Origin.Function,
	} {
		*name = cut(*name, 2<<10)
	}
	labels := make([]record.Label, len(r.Labels)) // r's may be shared with its logger
	for i, l := range r.Labels {
		labels[i] = record.Label{Key: cut(l.Key, maxKey), Value: cut(l.Value, 1<<10)}
	}
	r.Labels = labels
}

func dropLabels(r *record.Record) {
	r.Labels, r.Links = []record.Label{{Key: "waybill.cut", Value: "labels and links"}}, nil
}

// cut keeps the first limit bytes of s, less a character that they would split.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	s = strings.TrimSuffix(s, cutMark)
	end := min(limit, len(s))
	for back := 0; back < utf8.UTFMax-1 && end < len(s) && end > 0 && !utf8.RuneStart(s[end]); back++ {
		end--
	}
	return s[:end] + cutMark
}

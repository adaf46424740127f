package record

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// CutMark ends a text that was cut.
const CutMark = "…[cut]"

// Datable reports whether a record can carry t: from 1970 to 2262, as [Decode]
// has it.
func Datable(t time.Time) bool {
	s := t.Unix()
	return s > 0 && s < math.MaxInt64/int64(time.Second)
}

// Bounded keeps as much of s as takes limit bytes in JSON, and marks what is cut.
func Bounded(s string, limit int) string {
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
			return s[:i] + CutMark
		}
	}
	return s
}

// Fit encodes r behind dst, and cuts it step by step until that and room for
// [AppendTail], in bytes, are no longer than MaxBytes; dst is what AppendHead has
// made of it. Bounds on single fields do not do that: a byte of text may take
// six in JSON, and 512 labels of 32 KiB are 16 MiB.
func Fit(dst []byte, r *Record, room int) []byte {
	for _, shorten := range [...]func(*Record){shortenTexts, dropLabels} {
		if len(dst)+room <= MaxBytes {
			break
		}
		shorten(r)
		dst = AppendHead(dst[:0], r)
	}
	return dst
}

// shortenTexts leaves at most 128 KiB of text outside the labels, so 768 KiB of JSON.
func shortenTexts(r *Record) {
	for _, long := range [...]*string{&r.Message, &r.Error.Message, &r.Error.Stack} {
		*long = Cut(*long, 32<<10)
	}
	for _, name := range [...]*string{
		&r.SpanName, &r.Error.Type, &r.HTTP.Method, &r.HTTP.Route, &r.HTTP.Path, &r.Messaging.System, &r.Messaging.Operation,
		&r.Messaging.Topic, &r.Messaging.Group, &r.Origin.File, &r.Origin.Function,
	} {
		*name = Cut(*name, 2<<10)
	}
	labels := make([]Label, len(r.Labels)) // r's may be shared with its logger
	for i, l := range r.Labels {
		labels[i] = Label{Key: Cut(l.Key, 256), Value: Cut(l.Value, 1<<10)}
	}
	r.Labels = labels
}

func dropLabels(r *Record) {
	r.Labels, r.Links = []Label{{Key: "waybill.cut", Value: "labels and links"}}, nil
}

// Cut keeps the first limit bytes of s, less a character that they would split.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	s = strings.TrimSuffix(s, CutMark)
	end := min(limit, len(s))
	for back := 0; back < utf8.UTFMax-1 && end < len(s) && end > 0 && !utf8.RuneStart(s[end]); back++ {
		end--
	}
	return s[:end] + CutMark
}

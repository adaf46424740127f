package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hazard reports whether a character could move a terminal's cursor, begin a sequence that
// it obeys, or reorder a line: control characters (C0, C1), and Unicode's line, paragraph and
// direction marks.
func hazard(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 || r == unicode.ReplacementChar
}

// Clean is a text as a terminal may show it: one line, with a dot for each hazard.
func Clean(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case hazard(r):
			return '·'
		}
		return r
	}, s)
}

func isPlain[T string | []byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// JSON lets JSON through to w and says what is hazardous in its texts by escapes, so that it
// means the same.
func JSON(w io.Writer) io.Writer {
	return &guard{to: w, instead: func(r rune) string {
		if r == '\n' || r == '\t' {
			return string(r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}}
}

// HTML lets HTML through to w, with character references for what is hazardous. A control
// character has none, and becomes a dot.
func HTML(w io.Writer) io.Writer {
	return &guard{to: w, instead: func(r rune) string {
		switch {
		case r == '\n' || r == '\t':
			return string(r)
		case unicode.IsControl(r):
			return "·"
		}
		return fmt.Sprintf("&#x%x;", r)
	}}
}

// guard replaces hazards in what is written through it.
type guard struct {
	to      io.Writer
	instead func(r rune) string
	out     []byte
	begun   []byte // a character whose end has not come
}

func (g *guard) Write(b []byte) (int, error) {
	in := b
	if len(g.begun) > 0 {
		in = slices.Concat(g.begun, b)
	}
	g.out = g.out[:0]
	for len(in) > 0 {
		n := 0
		for n < len(in) && in[n] >= ' ' && in[n] < 0x7f {
			n++
		}
		g.out = append(g.out, in[:n]...)
		if in = in[n:]; len(in) == 0 {
			break
		}
		if !utf8.FullRune(in) {
			break
		}
		r, size := utf8.DecodeRune(in)
		if hazard(r) {
			g.out = append(g.out, g.instead(r)...)
		} else {
			g.out = append(g.out, in[:size]...)
		}
		in = in[size:]
	}
	g.begun = append([]byte(nil), in...)
	if _, err := g.to.Write(g.out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// AppendJSON appends JSON as [JSON] lets it through.
func AppendJSON(dst, raw []byte) []byte {
	if isPlain(raw) {
		return append(dst, raw...)
	}
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		switch {
		case r == '\n' || r == '\r': // between values only: a record is one line
			dst = append(dst, ' ')
		case hazard(r):
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, raw[:size]...)
		}
		raw = raw[size:]
	}
	return dst
}

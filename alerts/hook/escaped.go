package hook

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what the history has of requests and answers.
const (
	maxRequestHead = 1 << 10
	maxAnswerHead  = 1 << 10
)

// escaped is s as it may be shown: what moves a cursor, turns text around or is not UTF-8 is written
// out, such as \x1b. Newlines and tabs stay.
func escaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n' || r == '\t' || unicode.IsGraphic(r) && (r != utf8.RuneError || n > 1):
			b.WriteString(s[i : i+n])
		case r == '\r' && strings.HasPrefix(s[i:], "\r\n"):
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i])|0x100, 16)[1:])
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	return b.String()
}

// head is the first bytes of what was sent or answered, for the history.
func head(s string, most int, hidden mask) string {
	s = escaped(hidden.hide(s))
	return cut(s, most)
}

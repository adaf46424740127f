package format

import (
	"strconv"
	"strings"

	"github.com/waybill-log/waybill/collector/intake"
)

// logfmt reads key=value pairs (https://brandur.org/logfmt).
type logfmt struct{}

func (*logfmt) Parse(text string, f *intake.Foreign) bool {
	pairs := 0
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" {
			return pairs > 0
		}
		end := strings.IndexAny(text, "= \t\"")
		switch {
		case end == 0, end > 0 && text[end] == '"':
			return false
		case end < 0 || text[end] != '=': // a word alone is true
			if end < 0 {
				end = len(text)
			}
			f.Add(text[:end], "true")
			text = text[end:]
			continue
		}
		key := text[:end]
		value, rest, ok := logfmtValue(text[end+1:])
		if !ok {
			return false
		}
		f.Add(key, value)
		text = rest
		pairs++
	}
}

// logfmtValue reads a value, which may be quoted as in Go or JSON.
func logfmtValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, " \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], true
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			rest = text[i+1:]
			if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
				return "", "", false
			}
			if strings.IndexByte(text[1:i], '\\') < 0 {
				return text[1:i], rest, true
			}
			value, err := strconv.Unquote(text[:i+1])
			if err != nil { // an escape of another language
				value = text[1:i]
			}
			return value, rest, true
		}
	}
	return "", "", false
}

// likeLogfmt reports whether a line is more than likely logfmt: it begins with a
// pair, and has what each such line has.
func likeLogfmt(text string) bool {
	key, _, found := strings.Cut(text, "=")
	if !found || key == "" || strings.ContainsAny(key, " \t\"'[]{}()<>,;") {
		return false
	}
	for _, known := range [...]string{"level=", "lvl=", "msg=", "message=", "severity="} {
		if i := strings.Index(text, known); i == 0 || i > 0 && text[i-1] == ' ' {
			return true
		}
	}
	return false
}

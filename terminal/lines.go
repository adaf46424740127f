package terminal

import (
	"bytes"
	"encoding/json"
	"regexp"

	"github.com/waybill-log/waybill/record"
)

// Format says what becomes of a record.
type Format string

// Formats of records.
const (
	Text   Format = "text"
	Indent Format = "json"  // over several lines
	Raw    Format = "jsonl" // as written, one a line
)

// Lines makes a line, or several, of each record. It is not safe for concurrent use.
type Lines struct {
	Style    Style
	Format   Format // empty: Text
	Template *Template

	Include   []*regexp.Regexp // what people read of a record has to match one of these; none: all do
	Exclude   []*regexp.Regexp // and none of these
	Highlight []*regexp.Regexp

	services map[string]string // as they stand in a line
	column   int               // what they take
}

// Append appends what is shown of a record. It shows nothing of one that Include and Exclude leave out.
func (l *Lines) Append(dst, raw []byte) (out []byte, shown bool, err error) {
	filtered := len(l.Include)+len(l.Exclude) > 0
	if l.Template == nil && !filtered && (l.Format == Raw || l.Format == Indent) {
		return l.json(dst, raw), true, nil
	}
	r, err := record.Decode(raw)
	if err != nil {
		return dst, false, err
	}
	body := ""
	if filtered || l.Template == nil {
		plain := Style{Unsafe: l.Style.Unsafe}
		body = plain.message(&r)
	}
	if filtered && !l.wants(body) {
		return dst, false, nil
	}
	switch {
	case l.Template != nil:
		dst, err = l.Template.append(dst, &l.Style, &r)
		return dst, err == nil, err
	case l.Format == Raw || l.Format == Indent:
		return l.json(dst, raw), true, nil
	}
	return l.text(dst, &r, body), true, nil
}

// Wanted reports whether Include and Exclude leave a record in.
func (l *Lines) Wanted(raw []byte) (bool, error) {
	if len(l.Include)+len(l.Exclude) == 0 {
		return true, nil
	}
	r, err := record.Decode(raw)
	if err != nil {
		return false, err
	}
	return l.wants((&Style{Unsafe: l.Style.Unsafe}).message(&r)), nil
}

func (l *Lines) wants(body string) bool {
	return (len(l.Include) == 0 || matchesOne(l.Include, body)) && !matchesOne(l.Exclude, body)
}

func matchesOne(of []*regexp.Regexp, text string) bool {
	for _, re := range of {
		if re.MatchString(text) {
			return true
		}
	}
	return false
}

func (l *Lines) json(dst, raw []byte) []byte {
	from := len(dst)
	if l.Style.Unsafe {
		dst = append(dst, raw...)
	} else {
		dst = AppendJSON(dst, raw)
	}
	if l.Format == Indent {
		var b bytes.Buffer
		if json.Indent(&b, dst[from:], "", "  ") == nil {
			dst = append(dst[:from], b.Bytes()...)
		}
	}
	return append(dst, '\n')
}

func (l *Lines) text(dst []byte, r *record.Record, body string) []byte {
	s := &l.Style
	if s.Times == Clock || s.Times == "" {
		dst = s.in(r.Time).AppendFormat(dst, "15:04:05.000")
	} else {
		dst = append(dst, s.time(r.Time)...)
	}
	dst = append(dst, ' ')
	dst = s.appendLevel(dst, r.Level)
	dst = append(dst, ' ')
	dst = append(dst, l.service(r.Service)...)
	dst = append(dst, ' ')
	dst = l.marked(dst, body)
	if r.CorrelationID != "" {
		dst = append(dst, "  "...)
		dst = append(dst, s.paint(dim, "…"+s.text(lastOf(r.CorrelationID)))...)
	}
	return append(dst, '\n')
}

// lastOf is the end of an ID, by which it is tracked.
func lastOf(id string) string { return id[max(0, len(id)-8):] }

var levelColours = map[string]string{"error": bold + ";" + red, "warn": bold + ";" + yellow, "debug": dim, "trace": dim}

var levelWords = map[string]string{"error": "ERROR", "warn": "WARN ", "info": "INFO ", "debug": "DEBUG", "trace": "TRACE", "": "     "}

func (s *Style) appendLevel(dst []byte, level string) []byte {
	word, known := levelWords[level]
	if !known {
		word = pad(s.text(level), 5)
	}
	return append(dst, s.paint(levelColours[level], word)...)
}

const (
	maxServices = 1000 // remembered
	maxColumn   = 20
)

// service is a name as it stands in a line; the column grows with the names.
func (l *Lines) service(name string) string {
	if painted, ok := l.services[name]; ok {
		return painted
	}
	text := l.Style.text(name)
	if w := min(Columns(text), maxColumn); w > l.column || l.services == nil || len(l.services) >= maxServices {
		l.column = max(w, l.column, 10)
		l.services = map[string]string{}
	}
	painted := l.Style.paint(ofService(name), pad(text, l.column))
	l.services[name] = painted
	return painted
}

// marked appends a text with what is to be highlighted.
func (l *Lines) marked(dst []byte, text string) []byte {
	if !l.Style.Colour || len(l.Highlight) == 0 {
		return append(dst, text...)
	}
	in := make([]bool, len(text)+1)
	for _, re := range l.Highlight {
		for _, at := range re.FindAllStringIndex(text, -1) {
			for i := at[0]; i < at[1]; i++ {
				in[i] = true
			}
		}
	}
	for from := 0; from < len(text); {
		to := from + 1
		for to < len(text) && in[to] == in[from] {
			to++
		}
		if in[from] {
			dst = append(dst, l.Style.paint(marked, text[from:to])...)
		} else {
			dst = append(dst, text[from:to]...)
		}
		from = to
	}
	return dst
}

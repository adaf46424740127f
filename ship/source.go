package ship

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/waybill-log/waybill/collector/intake"
)

// Source says where in a line, or in its file's path, something stands.
type Source struct {
	Name  string // of what is found: the group's, or the field's last part
	field string
	fixed string
	re    *regexp.Regexp
	path  bool // re is matched with the path
}

// ParseIDSource reads where an ID stands: json:FIELD, path:REGEXP, or a regexp that is
// matched with the message, then with the whole line.
func ParseIDSource(text string) (Source, error) {
	if s, ok, err := parseSource(text); ok || err != nil {
		return s, err
	}
	return matched(strings.TrimPrefix(text, "re:"), false)
}

// ParseNameSource reads where a name stands: json:FIELD, path:REGEXP, re:REGEXP, or the name itself.
func ParseNameSource(text string) (Source, error) {
	if s, ok, err := parseSource(text); ok || err != nil {
		return s, err
	}
	if expression, ok := strings.CutPrefix(text, "re:"); ok {
		return matched(expression, false)
	}
	if text == "" {
		return Source{}, fmt.Errorf("an empty name; want a name, json:FIELD, path:REGEXP or re:REGEXP")
	}
	return Source{fixed: text}, nil
}

func parseSource(text string) (s Source, ok bool, err error) {
	if expression, ok := strings.CutPrefix(text, "path:"); ok {
		s, err = matched(expression, true)
		return s, true, err
	}
	for _, prefix := range [...]string{"json:", "field:"} {
		if field, ok := strings.CutPrefix(text, prefix); ok {
			if field == "" {
				return s, true, fmt.Errorf("%q names no field; want for instance json:ctx.request_id", text)
			}
			return Source{Name: field[strings.LastIndexByte(field, '.')+1:], field: field}, true, nil
		}
	}
	return s, false, nil
}

func matched(expression string, path bool) (Source, error) {
	re, err := regexp.Compile(expression)
	if err != nil || expression == "" {
		return Source{}, fmt.Errorf("%q is no regular expression (%w); want one such as req-[0-9a-f-]+, or json:FIELD", expression, err)
	}
	name := "id"
	if re.NumSubexp() > 0 && re.SubexpNames()[1] != "" {
		name = re.SubexpNames()[1]
	}
	return Source{Name: name, re: re, path: path}, nil
}

// ofPath is what a path says; empty: nothing.
func (s *Source) ofPath(path string) string {
	switch {
	case s.fixed != "":
		return s.fixed
	case s.path:
		return first(s.re, path)
	}
	return ""
}

// ofLine is what a line says; empty: nothing.
func (s *Source) ofLine(f *intake.Foreign, line string) string {
	switch {
	case s.field != "":
		return f.Value(s.field)
	case s.re == nil || s.path:
		return ""
	}
	if found := first(s.re, f.Text()); found != "" || len(f.Text()) == len(line) {
		return found
	}
	return first(s.re, line)
}

// all are the ones that a line or its path says, in their order.
func (s *Source) all(f *intake.Foreign, line, path string, most int) (found []string) {
	switch {
	case s.path:
		return []string{s.ofPath(path)}
	case s.re == nil:
		return []string{s.ofLine(f, line)}
	}
	text := f.Text()
	if !s.re.MatchString(text) {
		text = line
	}
	for _, at := range s.re.FindAllStringSubmatchIndex(text, most) {
		found = append(found, group(text, at))
	}
	return found
}

// first is the first group of the first match, or all of it where there is no group.
func first(re *regexp.Regexp, text string) string {
	at := re.FindStringSubmatchIndex(text)
	if at == nil {
		return ""
	}
	return group(text, at)
}

func group(text string, at []int) string {
	for i := 2; i < len(at); i += 2 {
		if at[i] >= 0 {
			return text[at[i]:at[i+1]]
		}
	}
	if len(at) > 2 {
		return ""
	}
	return text[at[0]:at[1]]
}

package alerts

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Matcher asks for one label of an alert, as Alertmanager writes it: severity = critical,
// team != web, rule =~ "bank-.*", shop !~ "test|demo". A label that an alert lacks is empty.
type Matcher struct {
	Label, Operator, Value string
	pattern                *regexp.Regexp
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.-]{0,127}$`)

// maxMatchers bounds those of one route, silence or side of an inhibition.
const maxMatchers = 20

// ParseMatcher reads one.
func ParseMatcher(text string) (Matcher, error) {
	if len(text) > 1024 {
		return Matcher{}, fmt.Errorf("matcher %.20q…: longer than 1024 bytes", text)
	}
	at := strings.IndexAny(text, "=!")
	if at < 0 {
		return Matcher{}, fmt.Errorf(`matcher %q: want one such as severity = critical, with =, !=, =~ or !~`, text)
	}
	m := Matcher{Label: strings.TrimSpace(text[:at])}
	rest := text[at:]
	for _, op := range [...]string{"=~", "!~", "!=", "="} {
		if strings.HasPrefix(rest, op) {
			m.Operator, m.Value = op, strings.TrimSpace(rest[len(op):])
			break
		}
	}
	if m.Operator == "" || !labelName.MatchString(m.Label) {
		return Matcher{}, fmt.Errorf(`matcher %q: want one such as severity = critical, with =, !=, =~ or !~`, text)
	}
	if strings.HasPrefix(m.Value, `"`) {
		if err := json.Unmarshal([]byte(m.Value), &m.Value); err != nil {
			return Matcher{}, fmt.Errorf("matcher %q: its value does not end with its quote", text)
		}
	}
	if strings.HasSuffix(m.Operator, "~") {
		if err := checkPattern(m.Value); err != nil {
			return Matcher{}, fmt.Errorf("matcher %q: %w", text, err)
		}
		pattern, err := regexp.Compile("^(?:" + m.Value + ")$")
		if err != nil {
			return Matcher{}, fmt.Errorf("matcher %q: %w", text, err)
		}
		m.pattern = pattern
	}
	return m, nil
}

// String is what ParseMatcher reads.
func (m Matcher) String() string {
	value, _ := json.Marshal(m.Value)
	return m.Label + m.Operator + string(value)
}

// MarshalText implements encoding.TextMarshaler.
func (m Matcher) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Matcher) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMatcher(string(b))
	return err
}

// accepts reports whether a label's value is what is asked for.
func (m *Matcher) accepts(value string) bool {
	switch m.Operator {
	case "=":
		return value == m.Value
	case "!=":
		return value != m.Value
	case "=~":
		return m.pattern.MatchString(value)
	}
	return !m.pattern.MatchString(value)
}

// Matchers ask for several labels; all of them have to match.
type Matchers []Matcher

func parseMatchers(texts []string) (out Matchers, err error) {
	if len(texts) > maxMatchers {
		return nil, fmt.Errorf("more than %d matchers", maxMatchers)
	}
	for _, text := range texts {
		m, err := ParseMatcher(text)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (ms Matchers) match(labels func(string) string) bool {
	for i := range ms {
		if !ms[i].accepts(labels(ms[i].Label)) {
			return false
		}
	}
	return true
}

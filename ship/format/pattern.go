package format

import (
	"errors"
	"regexp"

	"github.com/waybill-log/waybill/collector/intake"
)

// pattern reads a line by an expression whose named groups are its members.
type pattern struct {
	re    *regexp.Regexp
	names []string
}

func newPattern(re *regexp.Regexp) (*pattern, error) {
	if re == nil {
		return nil, errors.New("a pattern needs an expression")
	}
	for _, name := range re.SubexpNames() {
		if name != "" {
			return &pattern{re, re.SubexpNames()}, nil
		}
	}
	return nil, errors.New(`the pattern has no named group: write for instance (?P<time>\S+) (?P<level>\w+) (?P<message>.*)`)
}

func (p *pattern) Parse(text string, f *intake.Foreign) bool {
	at := p.re.FindStringSubmatchIndex(text)
	if at == nil {
		return false
	}
	for i, name := range p.names {
		if name != "" && at[2*i] >= 0 {
			f.Add(name, text[at[2*i]:at[2*i+1]])
		}
	}
	if f.Text() == "" {
		f.Message = text
	}
	return true
}

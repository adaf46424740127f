package format

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/waybill-log/waybill/collector/intake"
)

// Parser reads one line, and says whether it is of its format. It may have added
// to f what it read of a line that is not. A parser is for one goroutine.
type Parser interface {
	Parse(text string, f *intake.Foreign) bool
}

// Names of formats.
const (
	Auto    = "auto"
	JSON    = "json"
	ECS     = "ecs" // JSON with the names of the Elastic Common Schema
	Logfmt  = "logfmt"
	OTLP    = "otlp" // exports of OTLP/JSON; read by intake.Exported, since a line is many records
	CLF     = "clf"
	Syslog  = "syslog"
	Docker  = "docker" // json-file around any other
	CRI     = "cri"    // the same of Kubernetes
	Text    = "text"   // a time, perhaps a level, and words
	Pattern = "pattern"
)

// Names lists the formats that can be asked for.
func Names() []string {
	return []string{Auto, JSON, ECS, Logfmt, OTLP, CLF, "combined", Syslog, Docker, CRI, Text}
}

// Options say what a parser cannot know.
type Options struct {
	Pattern *regexp.Regexp // of Pattern, with at least one named group
	Times   Times          // of Text
}

// New returns the parser of a format; of what Docker and CRI wrap where it is one of these.
func New(name string, o Options) (Parser, error) {
	switch name {
	case JSON, ECS:
		return &jsonParser{}, nil
	case Logfmt:
		return &logfmt{}, nil
	case CLF:
		return clf{}, nil
	case Syslog:
		return &syslog{}, nil
	case Docker, CRI:
		return &inner{text: text{o.Times}}, nil
	case Text, OTLP:
		return text{o.Times}, nil
	case Pattern:
		return newPattern(o.Pattern)
	}
	return nil, fmt.Errorf("format %q: want one of %s", name, strings.Join(Names(), ", "))
}

// Canonical is the one name of a format; empty if there is none such.
func Canonical(name string) string {
	switch {
	case name == "combined":
		return CLF
	case slices.Contains(Names(), name):
		return name
	}
	return ""
}

// inner reads what a container has written: JSON, logfmt or text.
type inner struct {
	json   jsonParser
	logfmt logfmt
	text   text
}

func (p *inner) Parse(line string, f *intake.Foreign) bool {
	if strings.HasPrefix(line, "{") && p.json.Parse(line, f) {
		return true
	}
	if likeLogfmt(line) {
		f.Reset()
		if p.logfmt.Parse(line, f) {
			return true
		}
	}
	f.Reset()
	return p.text.Parse(line, f)
}

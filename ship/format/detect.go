package format

import (
	"strings"

	"github.com/waybill-log/waybill/collector/intake"
)

// maxSample bounds how many lines tell a format.
const maxSample = 50

// Detect is the format that most of a file's first lines have; Text if none has.
func Detect(lines []string) string {
	var some []string
	for _, line := range lines {
		if strings.TrimSpace(line) != "" && len(some) < maxSample {
			some = append(some, line)
		}
	}
	f := intake.NewForeign()
	is := func(name string) func(string) bool {
		p, _ := New(name, Options{})
		return func(line string) bool {
			f.Reset()
			return p.Parse(line, f)
		}
	}
	docker, json, logfmt := NewUnwrapper(Docker), is(JSON), is(Logfmt)
	for _, known := range []struct {
		name string
		has  func(string) bool
	}{
		{OTLP, func(line string) bool {
			return strings.HasPrefix(line, `{"resourceLogs"`) || strings.HasPrefix(line, `{"resourceSpans"`)
		}},
		{Docker, func(line string) bool { _, ok := docker.Unwrap(line); return ok && strings.Contains(line, `"stream"`) }},
		{CRI, func(line string) bool { _, ok := unwrapCRI(line); return ok }},
		{ECS, func(line string) bool { return json(line) && f.Value("@timestamp") != "" && f.Value("log.level") != "" }},
		{JSON, json},
		{Syslog, is(Syslog)},
		{CLF, is(CLF)},
		{Logfmt, func(line string) bool { return likeLogfmt(line) && logfmt(line) }},
	} {
		n := 0
		for _, line := range some {
			if known.has(line) {
				n++
			}
		}
		if 2*n > len(some) {
			return known.name
		}
	}
	return Text
}

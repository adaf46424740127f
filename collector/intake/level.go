package intake

import (
	"strconv"
	"strings"

	logs "go.opentelemetry.io/proto/otlp/logs/v1"

	"github.com/waybill-log/waybill/record"
)

// levelOf maps a severity, else its text, to log.level.
func levelOf(n logs.SeverityNumber, text string) string {
	switch {
	case n <= 0 || n > 24:
		return levelNamed(text)
	case n <= 4:
		return "trace"
	case n <= 8:
		return "debug"
	case n <= 12:
		return "info"
	case n <= 16:
		return "warn"
	default:
		return "error"
	}
}

// levels are names that logging libraries and syslog use, by their beginnings.
var levels = []struct{ name, level string }{
	{"trace", "trace"}, {"verbose", "trace"}, {"debug", "debug"}, {"info", "info"}, {"notice", "info"}, {"warn", "warn"},
	{"err", "error"}, {"fatal", "error"}, {"crit", "error"}, {"panic", "error"}, {"alert", "error"}, {"emerg", "error"}, {"severe", "error"},
}

// levelNamed maps a name, or a number as pino and bunyan write it, to log.level;
// what it does not know stays as it is.
func levelNamed(text string) string {
	name := strings.ToLower(strings.TrimSpace(text))
	for _, l := range levels {
		if strings.HasPrefix(name, l.name) {
			return l.level
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 10 && n <= 60 {
		return [...]string{"trace", "debug", "info", "warn", "error", "error"}[n/10-1]
	}
	return record.Cut(name, 32)
}

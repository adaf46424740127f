package format

import (
	"strconv"
	"strings"

	"github.com/waybill-log/waybill/collector/intake"
)

// syslog reads messages of RFC 5424 and RFC 3164, and the lines that syslog
// daemons make of them: without a priority, or with the time of RFC 3339.
type syslog struct{ json jsonParser }

var (
	severities = [...]string{"error", "error", "error", "error", "warn", "info", "info", "debug"} // RFC 5424 §6.2.1, as log.level
	facilities = [...]string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
)

func (p *syslog) Parse(text string, f *intake.Foreign) bool {
	rest, ok := priority(text, f)
	if !ok {
		return false
	}
	if behind, found := strings.CutPrefix(rest, "1 "); found && rest != text {
		return p.new(behind, f)
	}
	return p.old(rest, len(rest) < len(text), f)
}

// priority reads <PRI>, where there is one.
func priority(text string, f *intake.Foreign) (rest string, ok bool) {
	if !strings.HasPrefix(text, "<") {
		return text, true
	}
	digits, _, found := strings.Cut(text[1:min(len(text), 6)], ">")
	n, err := strconv.Atoi(digits)
	if !found || err != nil || n < 0 || n >= 8*len(facilities) {
		return text, false
	}
	rest = text[len(digits)+2:]
	f.Level = severities[n%8]
	f.Add("syslog.facility", facilities[n/8])
	return rest, true
}

// new reads RFC 5424 behind its version.
func (p *syslog) new(text string, f *intake.Foreign) bool {
	var header [5]string // TIMESTAMP HOSTNAME APP-NAME PROCID MSGID
	for i := range header {
		var found bool
		if header[i], text, found = strings.Cut(text, " "); !found || header[i] == "" {
			return false
		}
	}
	if given(f, "timestamp", header[0]); header[0] != "-" {
		if _, n, ok := iso(header[0], nil); !ok || n != len(header[0]) {
			return false
		}
	}
	given(f, "service.node.name", header[1])
	given(f, "service.name", header[2])
	given(f, "process.pid", header[3])
	given(f, "syslog.msgid", header[4])
	message, ok := structured(text, f)
	if !ok {
		return false
	}
	p.message(strings.TrimPrefix(message, "\ufeff"), f)
	return true
}

// structured reads structured data: [id name="value" …]…, or a dash.
func structured(text string, f *intake.Foreign) (message string, ok bool) {
	if behind, found := strings.CutPrefix(text, "-"); found {
		return strings.TrimPrefix(behind, " "), true
	}
	for strings.HasPrefix(text, "[") {
		end := strings.IndexAny(text, " ]")
		if end < 2 {
			return "", false
		}
		id := text[1:end]
		text = text[end:]
		for strings.HasPrefix(text, " ") {
			name, behind, found := strings.Cut(text[1:], "=")
			value, behind, ok := quoted(behind)
			if !found || !ok || name == "" {
				return "", false
			}
			if strings.IndexByte(value, '\\') >= 0 { // RFC 5424 §6.3.3
				value = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\]`, `]`).Replace(value)
			}
			f.Add(id+"."+name, value)
			text = behind
		}
		if !strings.HasPrefix(text, "]") {
			return "", false
		}
		text = text[1:]
	}
	return strings.TrimPrefix(text, " "), text == "" || text[0] == ' '
}

// old reads RFC 3164: a time, a host, a tag and the message. Without a priority, only the tag tells it from
// other lines that begin with a time.
func (p *syslog) old(text string, prioritized bool, f *intake.Foreign) bool {
	n := stampLen(text)
	if n == 0 {
		if _, m, ok := iso(text, nil); ok && m >= 20 { // with a zone, as rsyslog writes it
			n = m
		}
	}
	if n == 0 || n >= len(text) || text[n] != ' ' {
		return false
	}
	f.Add("timestamp", text[:n])
	host, rest, found := strings.Cut(text[n+1:], " ")
	if !found || host == "" || levelOf(host) != "" {
		return false
	}
	f.Add("service.node.name", host)
	end := strings.IndexAny(rest, ":[ ")
	if end > 0 && end <= 64 && rest[end] != ' ' {
		tag, behind := rest[:end], rest[end:]
		if pid, after, ok := strings.Cut(behind, "]"); ok && strings.HasPrefix(pid, "[") && len(pid) < 32 {
			f.Add("process.pid", pid[1:])
			behind = after
		}
		if after, ok := strings.CutPrefix(behind, ":"); ok {
			f.Add("service.name", tag)
			rest = strings.TrimPrefix(after, " ")
			prioritized = true
		}
	}
	if !prioritized {
		return false
	}
	p.message(rest, f)
	return true
}

// message takes JSON apart, with the cookie @cee: or without.
func (p *syslog) message(text string, f *intake.Foreign) {
	f.Message = text
	if object := strings.TrimPrefix(strings.TrimPrefix(text, "@cee:"), " "); strings.HasPrefix(object, "{") && p.json.object(object) != nil {
		p.json.Parse(object, f)
	}
}

// stampLen is how long a time such as "Nov  3 04:05:06.789" at the front is; 0: there is none.
func stampLen(text string) int {
	if len(text) < 15 || text[3] != ' ' || text[6] != ' ' || text[9] != ':' || text[12] != ':' || text[0] < 'A' || text[0] > 'Z' {
		return 0
	}
	n := 15
	if n < len(text) && text[n] == '.' {
		for n++; n < len(text) && text[n] >= '0' && text[n] <= '9'; n++ {
		}
	}
	return n
}

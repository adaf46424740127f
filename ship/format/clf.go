package format

import (
	"strings"

	"github.com/waybill-log/waybill/collector/intake"
)

// clf reads the Common Log Format, and what Apache and nginx call combined; what stands
// behind that is kept as one label.
type clf struct{}

func (clf) Parse(text string, f *intake.Foreign) bool {
	host, rest, ok := strings.Cut(text, " ")
	ident, rest, ok2 := strings.Cut(rest, " ")
	user, rest, ok3 := strings.Cut(rest, " [")
	told, rest, ok4 := strings.Cut(rest, "] ")
	request, rest, ok5 := quoted(rest)
	if !ok || !ok2 || !ok3 || !ok4 || !ok5 || host == "" || strings.ContainsAny(user, `"`) || len(told) < 20 || told[2] != '/' {
		return false
	}
	status, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	size, rest, _ := strings.Cut(rest, " ")
	if len(status) != 3 || strings.Trim(status, "0123456789") != "" {
		return false
	}
	f.Add("timestamp", told)
	f.Message = request + " " + status
	f.Level = levelOfStatus(status)
	method, target, found := strings.Cut(request, " ")
	if found {
		target, _, _ = strings.Cut(target, " ")
		path, search, _ := strings.Cut(target, "?")
		f.Add("http.request.method", method)
		f.Add("url.path", path)
		given(f, "url.query", search)
	}
	f.Add("http.response.status_code", status)
	given(f, "client.address", host)
	given(f, "client.ident", ident)
	given(f, "user.name", user)
	given(f, "http.response.body.size", size)
	if referrer, behind, ok := quoted(rest); ok {
		given(f, "http.request.referrer", referrer)
		rest = behind
		if agent, behind, ok := quoted(strings.TrimLeft(rest, " ")); ok {
			given(f, "user_agent.original", agent)
			rest = behind
		}
	}
	given(f, "clf.rest", strings.TrimSpace(rest))
	return true
}

// given adds what is there: a dash stands for nothing.
func given(f *intake.Foreign, name, value string) {
	if value != "" && value != "-" {
		f.Add(name, value)
	}
}

// quoted cuts a text in quotes off the front; quotes in it are escaped by a backslash.
func quoted(text string) (inside, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		return "", text, false
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[1:i], text[i+1:], true
		}
	}
	return "", text, false
}

func levelOfStatus(status string) string {
	switch {
	case status >= "500":
		return "error"
	case status >= "400":
		return "warn"
	}
	return "info"
}

package filter

import (
	"maps"
	"slices"
	"strings"
)

// known values of fields, for completion.
var knownValues = map[string][]string{
	"level": levels, "verdict": verdicts, "type": {"log", "hop.start", "hop.end", "outcome", "expect", "alias"}, "outcome": {"success", "failure"},
	"status": {"2xx", "3xx", "4xx", "5xx"}, "since": {"5m", "15m", "1h", "1d"}, "until": {"5m", "15m", "1h", "1d"},
}

// Complete is what the last condition of a query may become: the names of fields, and values
// where the few that there are are known.
func Complete(text string) (out []string) {
	at := strings.LastIndexAny(text, " (") + 1
	if strings.HasPrefix(text[at:], "-") {
		at++
	}
	before, typed := text[:at], text[at:]
	name, value, named := strings.Cut(typed, ":")
	if named {
		for _, v := range knownValues[name] {
			if strings.HasPrefix(v, value) {
				out = append(out, before+name+":"+v)
			}
		}
		return out
	}
	all := []string{"label."}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		all = append(all, n+":")
	}
	for _, n := range slices.Sorted(maps.Keys(journeyConditions)) {
		all = append(all, n+":")
	}
	for _, n := range all {
		if strings.HasPrefix(n, typed) {
			out = append(out, before+n)
		}
	}
	return out
}

package filter

import (
	"slices"
	"strings"
)

// examples of values that nobody can list, for completion.
var examples = map[string][]string{"status": {"2xx", "3xx", "4xx", "5xx"}, "since": {"5m", "15m", "1h", "1d"}, "until": {"5m", "15m", "1h", "1d"}}

// Complete is what the last condition of a query may become: the names of fields, and values
// where the few that there are are known.
func Complete(text string) (out []string) {
	at := strings.LastIndexAny(text, " (") + 1
	if strings.HasPrefix(text[at:], "-") {
		at++
	}
	before, typed := text[:at], text[at:]
	if name, value, ok := strings.Cut(typed, ":"); ok {
		for _, v := range append(valuesOf(name), examples[name]...) {
			if strings.HasPrefix(v, value) {
				out = append(out, before+name+":"+v)
			}
		}
		return out
	}
	var fields, journeys []string
	for i := range named {
		switch n := &named[i]; {
		case strings.HasSuffix(n.Name, "."): // it goes on with a label's key
			out = append(out, n.Name)
		case n.OfJourney():
			journeys = append(journeys, n.Name+":")
		default:
			fields = append(fields, n.Name+":")
		}
	}
	slices.Sort(fields)
	slices.Sort(journeys)
	out = slices.DeleteFunc(slices.Concat(out, fields, journeys), func(name string) bool { return !strings.HasPrefix(name, typed) })
	for i := range out {
		out[i] = before + out[i]
	}
	return out
}

func valuesOf(name string) []string {
	if n := find(name); n != nil {
		return slices.Clone(n.Values)
	}
	return nil
}

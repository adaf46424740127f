package alerts

import (
	"iter"
	"strings"
)

// index finds the rules that may concern something, by a field that each of them wants to
// have one of some values: of a thousand rules, few are asked.
type index struct {
	by    map[string]map[string][]*Rule // field → value → rules
	order []string                      // fields
	rest  []*Rule                       // that any fact may concern
}

// recordFields are those that tell records apart, the most telling first.
var recordFields = []string{"message", "error_type", "span", "step", "topic", "declared", "service", "level", "kind"}

func isLabel(field string) bool { return strings.HasPrefix(field, "labels.") }

// add takes a rule under the first field that its condition needs.
func (x *index) add(r *Rule, c *condition, fields ...string) {
	for _, field := range fields {
		values := c.wants(field)
		if len(values) == 0 {
			continue
		}
		if x.by == nil {
			x.by = map[string]map[string][]*Rule{}
		}
		if x.by[field] == nil {
			x.by[field] = map[string][]*Rule{}
			x.order = append(x.order, field)
		}
		for _, value := range values {
			x.by[field][value] = append(x.by[field][value], r)
		}
		return
	}
	x.rest = append(x.rest, r)
}

func (x *index) empty() bool { return len(x.order) == 0 && len(x.rest) == 0 }

// facts are what conditions are asked about.
type facts interface {
	// values are those of a field; the slice is the next call's.
	values(field string) []string
}

// candidates are the rules that may concern what has these values. A rule comes twice where
// its condition names a value twice, or where a field has several of its values.
func (x *index) candidates(has facts) iter.Seq[*Rule] {
	return func(yield func(*Rule) bool) {
		for _, field := range x.order {
			of := x.by[field]
			for _, value := range has.values(field) {
				for _, r := range of[value] {
					if !yield(r) {
						return
					}
				}
			}
		}
		for _, r := range x.rest {
			if !yield(r) {
				return
			}
		}
	}
}

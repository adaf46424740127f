package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/waybill-log/waybill/record"
)

// maxValue is the index template's ignore_above, in UTF-16 code units, as
// Elasticsearch counts: a longer value of a keyword field is kept, not found.
const maxValue = 1024

// Matcher decides whether records match a tree. It may be used concurrently.
type Matcher struct {
	root   Node
	fields []tested
}

// tested is a field and what is asked of it.
type tested struct {
	name  string // without LabelPrefix
	label bool
	kind  Kind
	leaf  []int
	test  []func(text string) bool
}

// NewMatcher prepares a tree that Check has accepted.
func NewMatcher(root Node) *Matcher {
	m := &Matcher{root: root}
	leaves := 0
	m.prepare(root, &leaves)
	return m
}

// prepare numbers the leaves in the order in which eval meets them.
func (m *Matcher) prepare(n Node, leaves *int) {
	switch n := n.(type) {
	case And:
		for _, c := range n {
			m.prepare(c, leaves)
		}
	case Or:
		for _, c := range n {
			m.prepare(c, leaves)
		}
	case Not:
		m.prepare(n.Node, leaves)
	case Term:
		m.add(n.Field, n.test(), leaves)
	case In:
		values := make(map[string]bool, len(n.Values))
		for _, value := range n.Values {
			values[value] = true
		}
		m.add(n.Field, func(text string) bool { return values[text] }, leaves)
	case Prefix:
		m.add(n.Field, func(text string) bool { return strings.HasPrefix(text, n.Value) }, leaves)
	case Range:
		m.add(n.Field, n.holds, leaves)
	case Exists:
		m.add(n.Field, func(string) bool { return true }, leaves)
	case Phrase:
		m.add(n.Field, newFinder(n).in, leaves)
	case Contains:
		m.add(n.Field, func(text string) bool { return strings.Contains(text, n.Text) }, leaves)
	}
}

func (t Term) test() func(string) bool {
	if k, _ := KindOf(t.Field); k != Number {
		return func(text string) bool { return text == t.Value }
	}
	want, _ := strconv.ParseInt(t.Value, 10, 64)
	return Range{Min: want, Max: want}.holds
}

func (r Range) holds(digits string) bool {
	n, err := strconv.ParseInt(digits, 10, 64)
	return err == nil && r.Min <= n && n <= r.Max
}

func (m *Matcher) add(field string, test func(string) bool, leaves *int) {
	kind, _ := KindOf(field)
	name, label := strings.CutPrefix(field, LabelPrefix)
	i := 0
	for i < len(m.fields) && (m.fields[i].name != name || m.fields[i].label != label) {
		i++
	}
	if i == len(m.fields) {
		m.fields = append(m.fields, tested{name: name, label: label, kind: kind})
	}
	f := &m.fields[i]
	f.leaf, f.test = append(f.leaf, *leaves), append(f.test, test)
	*leaves++
}

// Match decides one record that record.Scan has accepted.
func (m *Matcher) Match(raw []byte) bool {
	var found outcome
	left := len(m.fields)
	if left > 0 {
		record.Walk(raw, func(v record.Value) bool {
			for i := range m.fields {
				if f := &m.fields[i]; f.name == v.Key && f.label == v.Label {
					f.decide(v, &found)
					left--
					break
				}
			}
			return left > 0
		})
	}
	return m.root == nil || found.eval(m.root)
}

func (f *tested) decide(v record.Value, found *outcome) {
	if v.Number != (f.kind == Number) || f.kind == Keyword && TooLong(v.Text) {
		return
	}
	for i, test := range f.test {
		if test(v.Text) {
			n := f.leaf[i]
			found.leaves[n/64] |= 1 << (n % 64)
		}
	}
}

// TooLong reports whether a value of a keyword field is kept and not found.
func TooLong(value string) bool {
	if len(value) <= maxValue {
		return false
	}
	units := utf8.RuneCountInString(value)
	for i := range len(value) {
		if value[i] >= 0xF0 { // opens a character beyond the basic plane
			units++
		}
	}
	return units > maxValue
}

// outcome is which leaves a record matches.
type outcome struct {
	leaves [MaxNodes / 64]uint64
	next   int
}

// eval goes through the whole tree, since it counts leaves as it goes.
func (o *outcome) eval(n Node) bool {
	switch n := n.(type) {
	case And:
		all := true
		for _, c := range n {
			all = o.eval(c) && all
		}
		return all
	case Or:
		one := false
		for _, c := range n {
			one = o.eval(c) || one
		}
		return one
	case Not:
		return !o.eval(n.Node)
	}
	i := o.next
	o.next++
	return o.leaves[i/64]&(1<<(i%64)) != 0
}

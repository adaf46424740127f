package alerts

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

type inhibitionYAML struct {
	Source []string `yaml:"source"`
	Target []string `yaml:"target"`
	Equal  []string `yaml:"equal"`
}

// Inhibition keeps alerts quiet (targets) while others fire (sources) that have the same
// values of some labels. An alert that is both does not inhibit.
type Inhibition struct {
	Source Matchers `json:"source"`
	Target Matchers `json:"target"`
	Equal  []string `json:"equal"`
	Line   int      `json:"line"`
}

func readInhibition(n *yaml.Node) (*Inhibition, error) {
	var y inhibitionYAML
	fail := func(err error) (*Inhibition, error) { return nil, fmt.Errorf("inhibit (line %d): %w", n.Line, err) }
	if err := strictly(n, &y); err != nil {
		return fail(err)
	}
	source, err := parseMatchers(y.Source)
	if err != nil {
		return fail(err)
	}
	target, err := parseMatchers(y.Target)
	if err != nil {
		return fail(err)
	}
	if len(source) == 0 || len(target) == 0 || len(y.Equal) > maxBy {
		return fail(fmt.Errorf("want matchers in source and in target, and at most %d labels in equal", maxBy))
	}
	return &Inhibition{Source: source, Target: target, Equal: y.Equal, Line: n.Line}, nil
}

// keeps reports whether a source keeps a target quiet.
func (i *Inhibition) keeps(source, target func(string) string) bool {
	if !i.Source.match(source) || !i.Target.match(target) || i.Source.match(target) && i.Target.match(source) {
		return false
	}
	for _, label := range i.Equal {
		if source(label) != target(label) {
			return false
		}
	}
	return true
}

// checkCircle refuses rules that could keep each other quiet, so that nobody is told of any.
// Labels that are not known before an alert fires may have any value.
func checkCircle(rules []*Rule, inhibitions []*Inhibition) error {
	c := circles{inhibitions: inhibitions, targets: make([][]*Rule, len(inhibitions)), through: make([]bool, len(inhibitions)), state: map[*Rule]int{}}
	for i, in := range inhibitions {
		for _, r := range rules {
			if in.Target.mayMatch(r) {
				c.targets[i] = append(c.targets[i], r)
			}
		}
	}
	for _, r := range rules {
		if err := c.visit(r); err != nil {
			return err
		}
	}
	return nil
}

// circles goes from each rule to those that it keeps quiet.
type circles struct {
	inhibitions []*Inhibition
	targets     [][]*Rule     // of each inhibition
	through     []bool        // inhibitions all of whose targets have been visited
	state       map[*Rule]int // 1: on the way, 2: visited
	way         []string
}

func (c *circles) visit(r *Rule) error {
	if c.state[r] != 0 {
		return nil
	}
	c.state[r] = 1
	c.way = append(c.way, r.Name)
	for i, in := range c.inhibitions {
		if c.through[i] || !in.Source.mayMatch(r) {
			continue
		}
		for _, to := range c.targets[i] {
			if to == r || in.Target.mustMatch(r) && in.Source.mustMatch(to) {
				continue
			}
			if c.state[to] == 1 {
				return fmt.Errorf("inhibit (line %d): rules keep each other quiet in a circle, %s: nobody would be told of any", in.Line, circle(c.way, to.Name))
			}
			if err := c.visit(to); err != nil {
				return err
			}
		}
		c.through[i] = true
	}
	c.state[r] = 2
	c.way = c.way[:len(c.way)-1]
	return nil
}

func circle(way []string, back string) string {
	for i, name := range way {
		if name == back {
			way = way[i:]
			break
		}
	}
	return strings.Join(append(way[:len(way):len(way)], back), " → ")
}

// certain is what is known of a rule's label before its alerts fire.
func (r *Rule) certain(label string) (value string, known bool) {
	switch label {
	case "rule":
		return r.Name, true
	case "severity":
		return r.Severity, true
	case "alert", "correlation_id":
		return "", false
	}
	if w := r.labels[label]; w != nil {
		return w.plain, w.template == nil
	}
	return "", label != r.GroupBy && !slices.Contains(r.by, label) && (r.Kind != OnLoss || label != "service" && label != "instance")
}

func (ms Matchers) mayMatch(r *Rule) bool {
	for i := range ms {
		if value, known := r.certain(ms[i].Label); known && !ms[i].accepts(value) {
			return false
		}
	}
	return true
}

func (ms Matchers) mustMatch(r *Rule) bool {
	for i := range ms {
		if value, known := r.certain(ms[i].Label); !known || !ms[i].accepts(value) {
			return false
		}
	}
	return true
}

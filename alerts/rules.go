package alerts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Bounds of a file of rules.
const (
	maxRulesBytes = 4 << 20
	maxRules      = 5000

	maxInhibitions = 100
)

type fileYAML struct {
	Self      *bool       `yaml:"self"`
	Rules     []yaml.Node `yaml:"rules"`
	Receivers yaml.Node   `yaml:"receivers"`
	Route     yaml.Node   `yaml:"route"`
	Inhibit   []yaml.Node `yaml:"inhibit"`
}

// Rules are what one file says. They do not change; a file that is read again gives others.
type Rules struct {
	Rules       []*Rule
	Route       *Route
	Inhibitions []*Inhibition
	Receivers   yaml.Node // as it stands in the file; alerts/hook reads it. Zero: there is none

	byName   map[string]*Rule
	journeys index // of rules on journeys
	records  index // of rules on records
	afters   index // of absences, by what begins them
	expects  index // of absences, by what ends them
	labels   bool  // some condition on records asks for labels
}

// ReadRules reads a file.
func ReadRules(path string) (*Rules, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxRulesBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	rules, err := ParseRules(b)
	if err != nil {
		return nil, fmt.Errorf("rules in %s: %w", path, err)
	}
	return rules, nil
}

// ParseRules reads what a file holds. An error names each rule that is wrong, and its line.
// Nothing at all gives the rules that are always there.
func ParseRules(b []byte) (*Rules, error) {
	if len(b) > maxRulesBytes {
		return nil, fmt.Errorf("they are longer than %d bytes", maxRulesBytes)
	}
	var document yaml.Node
	var y fileYAML
	d := yaml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if err == nil {
		if err := strictly(document.Content[0], &y); err != nil {
			return nil, err
		}
		if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
			return nil, errors.New("there is a second document in it: leave out the ---")
		}
	}
	return newRules(&y)
}

func newRules(y *fileYAML) (*Rules, error) {
	rs := &Rules{Receivers: y.Receivers, Route: rootRoute(), byName: map[string]*Rule{}}
	if len(y.Rules) > maxRules {
		return nil, fmt.Errorf("%d rules are more than %d", len(y.Rules), maxRules)
	}
	var errs []error
	for i := range y.Rules {
		r, err := readRule(&y.Rules[i])
		if err == nil && rs.byName[r.Name] != nil {
			err = wrong("rule", r.Name, r.Line, fmt.Errorf("line %d has a rule of this name: rename one", rs.byName[r.Name].Line))
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rs.add(r)
	}
	if y.Self == nil || *y.Self {
		for _, r := range selfRules() {
			if rs.byName[r.Name] == nil {
				rs.add(r)
			}
		}
	}
	if len(y.Inhibit) > maxInhibitions {
		return nil, fmt.Errorf("%d inhibitions are more than %d", len(y.Inhibit), maxInhibitions)
	}
	for i := range y.Inhibit {
		in, err := readInhibition(&y.Inhibit[i])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rs.Inhibitions = append(rs.Inhibitions, in)
	}
	if err := checkCircle(rs.Rules, rs.Inhibitions); err != nil {
		errs = append(errs, err)
	}
	if y.Route.Kind != 0 {
		reader := routeReader{receivers: map[string]bool{}}
		for _, name := range ReceiverNames(&y.Receivers) {
			reader.receivers[name] = true
		}
		route, err := reader.read(&y.Route, rs.Route, 0)
		if err != nil {
			errs = append(errs, err)
		} else {
			rs.Route = route
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	rs.index()
	return rs, nil
}

func (rs *Rules) add(r *Rule) {
	rs.byName[r.Name] = r
	rs.Rules = append(rs.Rules, r)
}

// Of is the rule of a name; nil: there is none.
func (rs *Rules) Of(name string) *Rule { return rs.byName[name] }

// ReceiverNames are the names in a list of receivers, whatever else stands there.
func ReceiverNames(n *yaml.Node) (out []string) {
	for _, one := range n.Content {
		if name := scalarOf(one, "name"); name != "" && n.Kind == yaml.SequenceNode {
			out = append(out, name)
		}
	}
	return out
}

// Names of the rules that are always there, unless the file says self: false or has one of
// the name.
const (
	SelfLag         = "waybill-lag"
	SelfLoss        = "waybill-loss"
	SelfDeadLetters = "waybill-deadletters"
	SelfStore       = "waybill-store"
)

func selfRules() []*Rule {
	rules := []*ruleYAML{
		{
			Name: SelfLag, Lag: &lagYAML{Above: 2 * time.Minute}, For: time.Minute, Severity: Critical, Title: "Waybill is {{.value}} s behind",
			Text: "Records that services have shipped are not stored yet: answers are old, and nothing that is missing is told. Are the collectors running, and does the store answer?",
		},
		{
			Name: SelfLoss, Loss: &lossYAML{}, Title: "{{.value}} records of {{.service}} are lost",
			Text: "The instance {{.instance}} shipped them, and the store does not have them. See waybill deadletters and the collectors' log.",
		},
		{
			Name: SelfDeadLetters, DeadLetters: &deadLettersYAML{}, Title: "{{.value}} records could not be stored",
			Text: "They are kept as dead letters, each with its reason: see waybill deadletters.",
		},
		{
			Name: SelfStore, Store: &storeYAML{Away: 30 * time.Second}, Severity: Critical, Title: "Waybill's store does not answer",
			Text: "Records wait in Kafka until it does.",
		},
	}
	var out []*Rule
	for _, y := range rules {
		r, err := newRule(y, 0)
		if err != nil {
			panic(err) // they are constants, and a test reads them
		}
		out = append(out, r)
	}
	return out
}

// index prepares finding the rules that may concern something.
func (rs *Rules) index() {
	for _, r := range rs.Rules {
		switch r.Kind {
		case OnJourney:
			rs.journeys.add(r, r.condition, "kind", "stations", "verdict")
		case OnRecord:
			rs.records.add(r, r.condition, recordFields...)
			rs.labels = rs.labels || r.condition.labels || slices.ContainsFunc(r.by, isLabel)
		case OnAbsence:
			rs.afters.add(r, r.after, recordFields...)
			rs.expects.add(r, r.expect, recordFields...)
			rs.labels = rs.labels || r.after.labels || r.expect.labels
		}
	}
}

package alerts

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/filter"
)

// Kinds of rules.
const (
	OnJourney     = "journey"     // a condition on what a journey has come to
	OnAbsence     = "absence"     // what must follow under the same ID does not
	OnRecord      = "record"      // each record that a condition holds for
	OnThreshold   = "threshold"   // how many records a query finds
	OnLoss        = "loss"        // records of an instance that are lost
	OnDeadLetters = "deadletters" // messages that could not be stored
	OnLag         = "lag"         // how far what is stored is behind
	OnStore       = "store"       // the store does not answer
)

// Severities, the worst first.
const (
	Critical = "critical"
	Warning  = "warning"
	Info     = "info"
)

// ruleYAML is a rule as it stands in the file.
type ruleYAML struct {
	Name string `yaml:"name"`

	Journey     string           `yaml:"journey"`
	Absence     *absenceYAML     `yaml:"absence"`
	Record      string           `yaml:"record"`
	Threshold   *thresholdYAML   `yaml:"threshold"`
	Loss        *lossYAML        `yaml:"loss"`
	DeadLetters *deadLettersYAML `yaml:"deadletters"`
	Lag         *lagYAML         `yaml:"lag"`
	Store       *storeYAML       `yaml:"store"`

	By   []string      `yaml:"by"`
	Keep time.Duration `yaml:"keep"`
	For  time.Duration `yaml:"for"`
	Each time.Duration `yaml:"every"`

	Severity string            `yaml:"severity"`
	Labels   map[string]string `yaml:"labels"`
	Title    string            `yaml:"title"`
	Text     string            `yaml:"text"`
	Runbook  string            `yaml:"runbook"`
}

type absenceYAML struct {
	After  string        `yaml:"after"`
	Expect string        `yaml:"expect"`
	Within time.Duration `yaml:"within"`
}

type thresholdYAML struct {
	Query  string        `yaml:"query"`
	Window time.Duration `yaml:"window"`
	By     string        `yaml:"by"`
	Above  *int64        `yaml:"above"`
	Below  *int64        `yaml:"below"`
}

type lossYAML struct {
	Above int64 `yaml:"above"`
}

type deadLettersYAML struct {
	Above  int64         `yaml:"above"`
	Window time.Duration `yaml:"window"`
}

type lagYAML struct {
	Above time.Duration `yaml:"above"`
}

type storeYAML struct {
	Away time.Duration `yaml:"away"`
}

// Rule is a rule that has been checked.
type Rule struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"`
	About    string            `json:"about"` // what it asks, in one line
	Severity string            `json:"severity"`
	Labels   map[string]string `json:"labels"`
	Line     int               `json:"line"` // in the file; 0: it is always there
	For      time.Duration     `json:"for"`  // how long a condition must hold

	Window  time.Duration `json:"window"`   // of a threshold, or of dead letters
	Asks    string        `json:"query"`    // of a threshold: which records are counted
	GroupBy string        `json:"group_by"` // of a threshold: an alert for each value of this field
	Every   time.Duration `json:"every"`    // how often it is asked; 0: at once
	Above   *int64        `json:"above"`    // fires for a value above
	Below   *int64        `json:"below"`    // or below

	condition     *condition // of a journey or record
	after, expect *condition
	within        time.Duration
	by            []string      // of a record: an alert for each
	keep          time.Duration // how long after its last record a record's alert ends
	query         filter.Node   // nil: every record

	labels               map[string]*wording
	title, text, runbook *wording
}

// Query is which records a threshold counts; nil: all.
func (r *Rule) Query() filter.Node { return r.query }

// Scheduled reports whether the rule is asked from time to time.
func (r *Rule) Scheduled() bool { return r.Every > 0 }

// Bounds of what a rule may say.
const (
	minEvery  = time.Second
	maxEvery  = 24 * time.Hour
	maxWindow = 24 * time.Hour
	maxWithin = 7 * 24 * time.Hour
	maxBy     = 8
)

var ruleName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`)

// reserved labels are set from the alert itself.
var reserved = []string{"rule", "severity", "alert", "correlation_id"}

func newRule(y *ruleYAML, line int) (*Rule, error) {
	r := &Rule{Name: y.Name, Line: line, Severity: cmp.Or(y.Severity, Warning), For: y.For, Labels: map[string]string{}, labels: map[string]*wording{}}
	if !ruleName.MatchString(r.Name) {
		return nil, fmt.Errorf("its name is %.100q, want 1 to 64 letters, digits, -, _ or .", r.Name)
	}
	if !slices.Contains([]string{Critical, Warning, Info}, r.Severity) {
		return nil, fmt.Errorf("severity is %q, want critical, warning or info", cut(r.Severity, 64))
	}
	if y.For < 0 || y.For > maxWithin {
		return nil, fmt.Errorf("for is %s, want up to %s", y.For, maxWithin)
	}
	sample, err := r.kind(y)
	if err != nil {
		return nil, err
	}
	if err := r.schedule(y); err != nil {
		return nil, err
	}
	if (len(y.By) > 0 || y.Keep != 0) && r.Kind != OnRecord {
		return nil, errors.New("by and keep are for rules on records")
	}
	return r, r.words(y, sample)
}

// kind reads the one thing that the rule asks, and gives a sample of what its templates get.
func (r *Rule) kind(y *ruleYAML) (sample map[string]any, err error) {
	given := 0
	for _, is := range []bool{y.Journey != "", y.Absence != nil, y.Record != "", y.Threshold != nil, y.Loss != nil, y.DeadLetters != nil, y.Lag != nil, y.Store != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, fmt.Errorf("it asks %d things, want one of journey, absence, record, threshold, loss, deadletters, lag or store", given)
	}
	value := map[string]any{"value": int64(0), "labels": map[string]string{}, "service": "", "instance": ""}
	switch {
	case y.Journey != "":
		r.Kind, r.About = OnJourney, y.Journey
		r.condition, err = newCondition(y.Journey, &journeyFacts{})
		f := journeyFacts{}
		f.from(&Change{Summary: journey.Summary{Stations: []string{"bank"}}})
		return f.shown(), err
	case y.Absence != nil:
		return r.absence(y.Absence)
	case y.Record != "":
		return r.record(y)
	case y.Threshold != nil:
		return value, r.threshold(y.Threshold)
	case y.Loss != nil:
		r.Kind, r.Above, r.About = OnLoss, &y.Loss.Above, fmt.Sprintf("an instance has lost more than %d records", y.Loss.Above)
	case y.DeadLetters != nil:
		d := y.DeadLetters
		d.Window = cmp.Or(d.Window, 5*time.Minute)
		r.Kind, r.Above, r.Window, r.About = OnDeadLetters, &d.Above, d.Window, fmt.Sprintf("more than %d dead letters in %s", d.Above, d.Window)
		if d.Window < minEvery || d.Window > maxWindow {
			return nil, fmt.Errorf("window is %s, want %s to %s", d.Window, minEvery, maxWindow)
		}
	case y.Lag != nil:
		above := int64(y.Lag.Above.Seconds())
		r.Kind, r.Above, r.About = OnLag, &above, fmt.Sprintf("what is stored is more than %s behind", y.Lag.Above)
		if y.Lag.Above < time.Second {
			return nil, fmt.Errorf("lag above %s: want at least 1s", y.Lag.Above)
		}
	default:
		if y.Store.Away < 0 || y.Store.Away > maxWindow {
			return nil, fmt.Errorf("store away for %s: want 0 to %s", y.Store.Away, maxWindow)
		}
		above := int64(0)
		r.Kind, r.Above, r.For, r.About = OnStore, &above, max(r.For, y.Store.Away), "the store does not answer"
	}
	if *r.Above < 0 {
		return nil, fmt.Errorf("above is %d, want at least 0", *r.Above)
	}
	return value, nil
}

func (r *Rule) absence(y *absenceYAML) (map[string]any, error) {
	r.Kind, r.within, r.About = OnAbsence, y.Within, fmt.Sprintf("after %s expect %s within %s", y.After, y.Expect, y.Within)
	if y.Within < 100*time.Millisecond || y.Within > maxWithin {
		return nil, fmt.Errorf("absence within %s: want 100ms to %s", y.Within, maxWithin)
	}
	if r.For != 0 {
		return nil, errors.New("an absence has no for: within says how long")
	}
	var err error
	if r.after, err = newCondition(y.After, &recordFacts{}); err != nil {
		return nil, fmt.Errorf("after: %w", err)
	}
	if r.expect, err = newCondition(y.Expect, &recordFacts{}); err != nil {
		return nil, fmt.Errorf("expect: %w", err)
	}
	return sampleRecord(), nil
}

func sampleRecord() map[string]any {
	f := recordFacts{}
	f.from(&record.Record{}, true)
	return f.shown()
}

func (r *Rule) record(y *ruleYAML) (_ map[string]any, err error) {
	r.Kind, r.About, r.by, r.keep = OnRecord, y.Record, y.By, cmp.Or(y.Keep, 5*time.Minute)
	if r.For != 0 {
		return nil, errors.New("a rule on records has no for: it fires at once; count them with a threshold")
	}
	if r.keep < time.Second || r.keep > maxWithin {
		return nil, fmt.Errorf("keep is %s, want 1s to %s", r.keep, maxWithin)
	}
	if len(r.by) > maxBy {
		return nil, fmt.Errorf("by names more than %d fields", maxBy)
	}
	for _, field := range r.by {
		if _, ok := (&recordFacts{}).value(field); !ok {
			return nil, fmt.Errorf("by %q: no such field; want service, instance, level, span, topic, error_type, correlation_id or labels.NAME", cut(field, 64))
		}
	}
	r.condition, err = newCondition(y.Record, &recordFacts{})
	return sampleRecord(), err
}

func (r *Rule) threshold(y *thresholdYAML) error {
	r.Kind, r.Window, r.Asks, r.GroupBy, r.Above, r.Below = OnThreshold, y.Window, y.Query, y.By, y.Above, y.Below
	bound := ""
	switch {
	case (y.Above == nil) == (y.Below == nil):
		return errors.New("a threshold has either above or below")
	case y.Above != nil:
		bound = fmt.Sprintf("above %d", *y.Above)
	default:
		bound = fmt.Sprintf("below %d", *y.Below)
	}
	if y.Window < minEvery || y.Window > maxWindow {
		return fmt.Errorf("window is %s, want %s to %s", y.Window, minEvery, maxWindow)
	}
	if y.By != "" && !filter.Faceted(y.By) {
		return fmt.Errorf("by %q: its values cannot be counted; want service.name, service.node.name, log.level, event.outcome, span.name or error.type", cut(y.By, 64))
	}
	if y.By != "" && y.Below != nil {
		return errors.New("below goes without by: who wrote nothing has no value")
	}
	search, err := filter.Parse(y.Query, time.Time{})
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	if !search.From.IsZero() || !search.Until.IsZero() || !search.Journey.IsZero() {
		return errors.New("query: it is about records; say the time with window, and ask about journeys with a rule on journeys")
	}
	if filter.HasContains(search.Records) {
		return errors.New("query: records that contain a text cannot be counted; ask for words")
	}
	r.query = search.Records
	r.About = strings.TrimSpace(fmt.Sprintf("%s in %s %s", cmp.Or(y.Query, "records"), y.Window, bound))
	return nil
}

func (r *Rule) schedule(y *ruleYAML) error {
	switch r.Kind {
	case OnJourney, OnAbsence, OnRecord:
		if y.Each != 0 {
			return fmt.Errorf("every is not for rules on %s: they are asked at once", r.Kind)
		}
		return nil
	}
	if r.Every = y.Each; r.Every == 0 {
		r.Every = min(max(r.Window/5, 15*time.Second), time.Minute)
	}
	if r.Every < minEvery || r.Every > maxEvery {
		return fmt.Errorf("every is %s, want %s to %s", r.Every, minEvery, maxEvery)
	}
	return nil
}

// words checks the templates.
func (r *Rule) words(y *ruleYAML, sample map[string]any) (err error) {
	sample["rule"], sample["severity"] = r.Name, r.Severity
	for _, w := range []struct {
		name, text string
		limit      int
		to         **wording
	}{
		{"title", cmp.Or(y.Title, titles[r.Kind]), maxTitle, &r.title}, {"text", cmp.Or(y.Text, texts[r.Kind]), maxText, &r.text}, {"runbook", y.Runbook, maxTitle, &r.runbook},
	} {
		if *w.to, err = newWording(w.text, w.limit, sample); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	if len(y.Labels) > 32 {
		return errors.New("more than 32 labels")
	}
	for _, name := range slices.Sorted(maps.Keys(y.Labels)) {
		if !labelName.MatchString(name) || slices.Contains(reserved, name) {
			return fmt.Errorf("label %q: want a name of letters, digits, _, . and -, and none of %s, which each alert has", cut(name, 64), strings.Join(reserved, ", "))
		}
		if r.labels[name], err = newWording(y.Labels[name], 256, sample); err != nil {
			return fmt.Errorf("label %s: %w", name, err)
		}
		r.Labels[name] = y.Labels[name]
	}
	return nil
}

// titles and texts are what a rule says that words nothing itself.
var (
	titles = map[string]string{
		OnJourney: "{{.rule}}: {{.correlation_id}} is {{.verdict}}", OnAbsence: "{{.rule}}: {{.correlation_id}}", OnRecord: "{{.rule}}: {{.service}}: {{.message}}",
		OnThreshold: "{{.rule}}: {{.value}}", OnLoss: "{{.rule}}: {{.value}} records of {{.instance}} are lost", OnDeadLetters: "{{.rule}}: {{.value}} dead letters",
		OnLag: "{{.rule}}: {{.value}} s behind", OnStore: "{{.rule}}: the store does not answer",
	}
	texts = map[string]string{
		OnJourney: "{{.reason}}", OnAbsence: "{{.service}}: {{.message}}; what should have followed has not", OnRecord: "{{.message}}",
	}
)

// sameAs reports whether two rules of one name wait for the same.
func (r *Rule) sameAs(o *Rule) bool {
	return r.Kind == o.Kind && r.About == o.About && r.Every == o.Every && r.GroupBy == o.GroupBy && slices.Equal(r.by, o.by)
}

// fires reports whether a value is what the rule waits for.
func (r *Rule) fires(value int64) bool {
	return r.Above != nil && value > *r.Above || r.Below != nil && value < *r.Below
}

// wrong says which rule an error is about.
func wrong(what, name string, line int, err error) error {
	if name == "" {
		return fmt.Errorf("%s (line %d): %w", what, line, err)
	}
	return fmt.Errorf("%s %s (line %d): %w", what, cut(name, 64), line, err)
}

func readRule(n *yaml.Node) (*Rule, error) {
	var y ruleYAML
	name := scalarOf(n, "name")
	if err := strictly(n, &y); err != nil {
		return nil, wrong("rule", name, n.Line, err)
	}
	r, err := newRule(&y, n.Line)
	if err != nil {
		return nil, wrong("rule", name, n.Line, err)
	}
	return r, nil
}

// scalarOf is a value of a mapping that may be wrong otherwise.
func scalarOf(n *yaml.Node, key string) string {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == key && n.Content[i+1].Kind == yaml.ScalarNode {
			return n.Content[i+1].Value
		}
	}
	return ""
}

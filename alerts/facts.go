package alerts

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// Change is a journey whose verdict is another one than before; collector.News says so.
type Change struct {
	Key string          // correlation key
	Was journey.Verdict // as it was announced last; empty: never
	At  time.Time       // when it was judged
	journey.Summary
}

// Bounds of what conditions and templates are given.
const (
	maxFact  = 8192 // bytes of a text that a condition is asked about
	maxShown = 1024 // bytes of one that is shown
	maxList  = 100  // stations, aliases, labels
)

// journeyFacts is what a condition on journeys may ask.
type journeyFacts struct {
	Verdict       string            `expr:"verdict"`
	Was           string            `expr:"was"` // the verdict before; empty: there was none
	Reason        string            `expr:"reason"`
	Completeness  string            `expr:"completeness"`
	Kind          string            `expr:"kind"`
	Release       string            `expr:"release"`
	CorrelationID string            `expr:"correlation_id"`
	Stations      []string          `expr:"stations"`
	Aliases       map[string]string `expr:"aliases"`
	Hops          int               `expr:"hops"`
	OpenHops      int               `expr:"open_hops"`
	Errors        bool              `expr:"errors"` // some record is of level error
	Took          time.Duration     `expr:"took"`

	one [1]string
}

// values implements facts.
func (f *journeyFacts) values(field string) []string {
	switch field {
	case "stations":
		return f.Stations
	case "kind":
		f.one[0] = f.Kind
	case "verdict":
		f.one[0] = f.Verdict
	case "was":
		f.one[0] = f.Was
	case "release":
		f.one[0] = f.Release
	case "completeness":
		f.one[0] = f.Completeness
	default:
		return nil
	}
	return f.one[:]
}

func (f *journeyFacts) from(c *Change) {
	*f = journeyFacts{
		Verdict: string(c.Verdict), Was: string(c.Was), Reason: cut(c.Reason, maxFact), Completeness: string(c.Completeness), Kind: cut(c.Kind, maxFact),
		Release: cut(c.Release, maxFact), CorrelationID: c.CorrelationID, Stations: c.Stations[:min(len(c.Stations), maxList)],
		Hops: c.Hops, OpenHops: c.OpenHops, Errors: c.Errors, Took: c.End.Sub(c.Start),
	}
	if len(c.Aliases) > 0 {
		f.Aliases = make(map[string]string, len(c.Aliases))
		for _, a := range c.Aliases[:min(len(c.Aliases), maxList)] {
			f.Aliases[a.Name] = cut(a.Value, maxFact)
		}
	}
}

// shown is what a template may show.
func (f *journeyFacts) shown() map[string]any {
	aliases := make(map[string]string, len(f.Aliases))
	for name, value := range f.Aliases {
		aliases[cut(name, maxShown)] = cut(value, maxShown)
	}
	return map[string]any{
		"verdict": f.Verdict, "was": f.Was, "reason": cut(f.Reason, maxShown), "completeness": f.Completeness, "kind": cut(f.Kind, maxShown), "release": cut(f.Release, maxShown),
		"correlation_id": f.CorrelationID, "stations": f.Stations, "aliases": aliases, "hops": f.Hops, "open_hops": f.OpenHops, "errors": f.Errors, "took": f.Took.String(), "labels": map[string]string{},
	}
}

// recordFacts is what a condition on records may ask.
type recordFacts struct {
	Service       string            `expr:"service"`
	Version       string            `expr:"version"`
	Environment   string            `expr:"environment"`
	Instance      string            `expr:"instance"`
	Level         string            `expr:"level"`
	Message       string            `expr:"message"`
	Logger        string            `expr:"logger"`
	Kind          string            `expr:"kind"` // log, hop.start, hop.end, outcome, expect, alias
	CorrelationID string            `expr:"correlation_id"`
	Span          string            `expr:"span"`
	SpanKind      string            `expr:"span_kind"`
	Outcome       string            `expr:"outcome"`  // of a hop that ended: success or failure
	Declared      string            `expr:"declared"` // delivered, returned or failed
	Took          time.Duration     `expr:"took"`     // of a hop that ended
	Method        string            `expr:"method"`
	Route         string            `expr:"route"`
	Status        int               `expr:"status"`
	Topic         string            `expr:"topic"`
	Group         string            `expr:"group"`
	Attempt       int               `expr:"attempt"`
	Step          string            `expr:"step"` // of a saga
	Phase         string            `expr:"phase"`
	ErrorType     string            `expr:"error_type"`
	ErrorMessage  string            `expr:"error_message"`
	Labels        map[string]string `expr:"labels"`

	one [1]string
}

// values implements facts.
func (f *recordFacts) values(field string) []string {
	switch field {
	case "kind":
		f.one[0] = f.Kind
	case "declared":
		f.one[0] = f.Declared
	default:
		value, ok := f.value(field)
		if !ok || isLabel(field) {
			return nil
		}
		f.one[0] = value
	}
	return f.one[:]
}

// from reads a record; with labels too, which are read from its bytes.
func (f *recordFacts) from(r *record.Record, labels bool) {
	*f = recordFacts{
		Service: cut(r.Service, maxFact), Version: cut(r.ServiceVer, maxFact), Environment: cut(r.Environment, maxFact), Instance: cut(r.Node, maxFact), Level: cut(r.Level, maxFact),
		Message: cut(r.Message, maxFact), Logger: cut(r.Logger, maxFact), Kind: cmp.Or(string(r.Kind), string(record.KindLog)), CorrelationID: r.CorrelationID,
		Span: cut(r.SpanName, maxFact), SpanKind: r.SpanKind, Outcome: r.Outcome, Declared: r.Declared, Took: r.Duration,
		Method: cut(r.HTTP.Method, maxFact), Route: cut(r.HTTP.Route, maxFact), Status: r.HTTP.Status, Topic: cut(r.Messaging.Topic, maxFact), Group: cut(r.Messaging.Group, maxFact),
		Attempt: r.Messaging.Attempt, Step: cut(r.Saga.Step, maxFact), Phase: r.Saga.Phase, ErrorType: cut(r.Error.Type, maxFact), ErrorMessage: cut(r.Error.Message, maxFact),
	}
	if !labels {
		return
	}
	f.Labels = map[string]string{}
	for _, l := range r.Labels {
		if len(f.Labels) < maxList {
			f.Labels[l.Key] = cut(l.Value, maxFact)
		}
	}
	if len(r.Labels) == 0 && r.Raw != nil {
		record.Walk(r.Raw, func(v record.Value) bool {
			if v.Label {
				f.Labels[strings.Clone(v.Key)] = strings.Clone(cut(v.Text, maxFact))
			}
			return len(f.Labels) < maxList
		})
	}
}

// value is a field by its name, as group-by names it; false: there is no such field.
func (f *recordFacts) value(field string) (string, bool) {
	if key, ok := strings.CutPrefix(field, "labels."); ok && key != "" {
		return f.Labels[key], true
	}
	switch field {
	case "service":
		return f.Service, true
	case "version":
		return f.Version, true
	case "environment":
		return f.Environment, true
	case "instance":
		return f.Instance, true
	case "level":
		return f.Level, true
	case "message":
		return f.Message, true
	case "logger":
		return f.Logger, true
	case "span":
		return f.Span, true
	case "topic":
		return f.Topic, true
	case "group":
		return f.Group, true
	case "route":
		return f.Route, true
	case "step":
		return f.Step, true
	case "error_type":
		return f.ErrorType, true
	case "correlation_id":
		return f.CorrelationID, true
	}
	return "", false
}

func (f *recordFacts) shown() map[string]any {
	labels := make(map[string]string, len(f.Labels))
	for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
		labels[cut(key, maxShown)] = cut(f.Labels[key], maxShown)
	}
	show := func(text string) string { return cut(text, maxShown) }
	return map[string]any{
		"service": show(f.Service), "version": show(f.Version), "environment": show(f.Environment), "instance": show(f.Instance), "level": show(f.Level), "message": show(f.Message), "logger": show(f.Logger),
		"kind": f.Kind, "correlation_id": f.CorrelationID, "span": show(f.Span), "outcome": f.Outcome, "declared": f.Declared, "took": f.Took.String(), "method": show(f.Method), "route": show(f.Route),
		"status": f.Status, "topic": show(f.Topic), "group": show(f.Group), "attempt": f.Attempt, "step": show(f.Step), "phase": f.Phase,
		"error_type": show(f.ErrorType), "error_message": show(f.ErrorMessage), "labels": labels,
	}
}

// cut shortens a text to at most n bytes, between characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

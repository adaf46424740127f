package filter

import (
	"slices"
	"strings"

	"github.com/waybill-log/waybill/record"
)

// Named is what a condition of a query can name.
type Named struct {
	Name    string   // as people write it; one that ends in a dot goes on with the key of a label
	Field   string   // of records; empty: it is about journeys or times
	About   string   // what it is, for people
	Example string   // a condition
	Values  []string // those there are; nil: any

	// read is for conditions that hold for the whole query; nil: it is about a field.
	read func(p *parser, at int, op string, values []value) error
}

// levels, in their order.
var levels = []string{"trace", "debug", "info", "warn", "error"}

// verdicts are those of package journey, which is above this one.
var verdicts = []string{"stalled", "exception", "in_transit", "returned", "delivered", "unconfirmed"}

// named are all, in the order in which people are told of them. A field's own name is understood, too.
var named = []Named{
	{Name: "service", Field: "service.name", About: "service that wrote the record", Example: "service:bank"},
	{Name: "level", Field: "log.level", About: "how bad it is; levels have an order", Example: "level>=warn", Values: levels},
	{Name: "message", Field: "message", About: "words of the message", Example: `message:"not enough"`},
	{Name: "error", Field: "error.message", About: "words of the error's message", Example: "error:refused"},
	{Name: "operation", Field: "span.name", About: "what a hop did", Example: `operation:"POST /purchases"`},
	{Name: "topic", Field: "messaging.destination.name", About: "topic that a hop wrote to or read", Example: "topic:shop.orders"},
	{Name: "status", Field: "http.response.status_code", About: "HTTP status that a hop answered with", Example: "status:5xx"},
	{Name: "duration", Field: "event.duration", About: "how long a hop took", Example: "duration>2s"},
	{Name: "outcome", Field: "event.outcome", About: "how a hop ended", Example: "outcome:failure", Values: []string{record.Success, record.Failure}},
	{Name: "type", Field: "waybill.kind", About: "what the record reports", Example: "type:hop.end", Values: []string{
		string(record.KindLog), string(record.KindHopStart), string(record.KindHopEnd), string(record.KindOutcome), string(record.KindExpect), string(record.KindAlias),
	}},
	{Name: "label.", Field: LabelPrefix, About: "what a service logged beside the message", Example: "label.order_id:42"},
	{Name: "id", Field: "correlation.key", About: "correlation ID, in any spelling", Example: "id:4bf92f3577b34da6a3ce929d0e0e4736"},
	{Name: "alias", Field: "alias.value", About: "another name of the journey, such as an order's number", Example: "alias:1234567"},
	{Name: "trace", Field: "trace.id", About: "trace ID", Example: "trace:4bf92f3577b34da6a3ce929d0e0e4736"},
	{Name: "saga", Field: "saga.id", About: "saga that the record is part of", Example: "saga:s-1"},
	{Name: "version", Field: "service.version", About: "version of the service", Example: "version:1.4.0"},
	{Name: "instance", Field: "service.node.name", About: "run of the service", Example: "instance:bank-19ab*"},
	{Name: "sequence", Field: "event.sequence", About: "the record's number in its instance", Example: "sequence:10..20"},
	{Name: "error.type", Field: "error.type", About: "type of the error", Example: "error.type:*"},

	{Name: "verdict", About: "verdict on the journey", Example: "verdict:(stalled OR exception)", Values: verdicts, read: (*parser).verdict},
	{Name: "visited", About: "service that the journey came to", Example: "visited:bank", read: func(p *parser, at int, op string, values []value) error {
		v, err := p.sole(at, "visited", op, values)
		p.search.Journey.Visited = append(p.search.Journey.Visited, v)
		return err
	}},
	{Name: "kind", About: "operation of the journey's first hop", Example: `kind:"POST /purchases"`, read: func(p *parser, at int, op string, values []value) error {
		return p.set(&p.search.Journey.Kind, at, "kind", op, values)
	}},
	{Name: "release", About: "version of the service that began the journey", Example: "release:1.4.0", read: func(p *parser, at int, op string, values []value) error {
		return p.set(&p.search.Journey.Release, at, "release", op, values)
	}},
	{Name: "took", About: "how long the journey took", Example: "took>2s", read: (*parser).took},
	{Name: "since", About: "from when on: how long ago, or a time", Example: "since:15m", read: func(p *parser, at int, op string, values []value) error {
		return p.moment(&p.search.From, at, "since", op, values)
	}},
	{Name: "until", About: "until when: how long ago, or a time", Example: "until:2026-11-24T10:00:00Z", read: func(p *parser, at int, op string, values []value) error {
		return p.moment(&p.search.Until, at, "until", op, values)
	}},
}

// All is what conditions can name, in the order in which people are told of it.
func All() []Named { return slices.Clone(named) }

// Words are those of the language, which stand between conditions.
func Words() []string { return []string{"AND", "OR", "NOT"} }

// OfJourney reports whether it is about journeys or times, so that it holds for the whole query.
func (n *Named) OfJourney() bool { return n.Field == "" }

// Kind is how its field is searched; 0: it is about journeys or times.
func (n *Named) Kind() Kind {
	if n.Field == LabelPrefix {
		return Keyword
	}
	kind, _ := KindOf(n.Field)
	return kind
}

// Operators are those that may stand behind it.
func (n *Named) Operators() []string {
	switch kind := n.Kind(); {
	case n.Name == "took":
		return []string{">", "<", ">=", "<="}
	case n.Field == "log.level" || kind == Number:
		return []string{":", ">", "<", ">=", "<="}
	case kind == Text:
		return []string{":", "~"}
	}
	return []string{":"}
}

// find is what a name means; nil: nothing.
func find(name string) *Named {
	if i := slices.IndexFunc(named, func(n Named) bool { return n.Name == name }); i >= 0 && !strings.HasSuffix(name, ".") {
		return &named[i]
	}
	if key, label := strings.CutPrefix(name, "label."); label {
		name = LabelPrefix + key
	}
	if _, ok := KindOf(name); ok {
		return &Named{Field: name}
	}
	return nil
}

// known names all, for people.
func known() string {
	var fields, journeys []string
	for i := range named {
		switch n := &named[i]; {
		case n.OfJourney():
			journeys = append(journeys, n.Name)
		case n.Field == LabelPrefix:
			fields = append(fields, n.Name+"key")
		default:
			fields = append(fields, n.Name)
		}
	}
	return strings.Join(fields, ", ") + ", and of journeys " + strings.Join(journeys, ", ")
}

// Facets are the fields whose values can be counted.
func Facets() (fields []string) {
	for i := range named {
		if Faceted(named[i].Field) {
			fields = append(fields, named[i].Field)
		}
	}
	return fields
}

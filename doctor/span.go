package doctor

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Span is one call, message or visit, as its records tell of it.
type Span struct {
	Service string
	Kind    string // client, producer: it sends; server, consumer: it receives
	Name    string
	ID      string // correlation ID as it was written
	Trace   string
	Span    string
	Parent  string

	Method, Path, Host string // of HTTP; Host is whom it was sent to
	Route              string // of a server
	Topic              string
	Partition          int32
	Offset             int64
	Placed             bool // Partition and Offset are known

	Start, End time.Time // by the service's clock; End is zero while it is open
	Unanswered bool      // a call that failed before there was an answer: it may have come nowhere

	// Values are what the records of a visit hold in fields of their own, and its aliases. Bounded.
	Values []Value
}

// Value is one field of a record.
type Value struct{ Field, Text string }

// sends reports whether s went out to somebody.
func (s *Span) sends() bool { return s.Kind == "client" || s.Kind == "producer" }

// receives reports whether s came in from somebody.
func (s *Span) receives() bool { return s.Kind == "server" || s.Kind == "consumer" }

// maxValues bounds what is kept of a visit's fields.
const maxValues = 64

type spanKey struct{ trace, span string }

// Spans gathers the spans of records in any order.
func Spans(records iter.Seq[record.Record]) []Span {
	known := map[spanKey]*Span{}
	var order []*Span
	fields := map[spanKey][]Value{}
	for r := range records {
		key := spanKey{r.TraceID, r.SpanID}
		if r.SpanID == "" {
			continue
		}
		if r.Kind == record.KindHopStart || r.Kind == record.KindHopEnd {
			s := known[key]
			if s == nil {
				s = &Span{}
				known[key], order = s, append(order, s)
			}
			s.learn(&r)
		}
		visit := spanKey{r.TraceID, r.Hop()}
		if kept := fields[visit]; len(kept) < maxValues {
			fields[visit] = append(kept, valuesOf(&r)...)
		}
	}
	out := make([]Span, 0, len(order))
	for _, s := range order {
		if s.receives() {
			s.Values = fields[spanKey{s.Trace, s.Span}]
		}
		out = append(out, *s)
	}
	slices.SortStableFunc(out, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return out
}

// learn takes what one of the span's two records says.
func (s *Span) learn(r *record.Record) {
	keep := func(to *string, value string) {
		if value != "" {
			*to = value
		}
	}
	keep(&s.Service, r.Service)
	keep(&s.Kind, r.SpanKind)
	keep(&s.Name, r.SpanName)
	keep(&s.ID, r.CorrelationID)
	keep(&s.Trace, r.TraceID)
	keep(&s.Span, r.SpanID)
	keep(&s.Parent, r.ParentID)
	keep(&s.Method, r.HTTP.Method)
	keep(&s.Path, r.HTTP.Path)
	keep(&s.Route, r.HTTP.Route)
	keep(&s.Topic, r.Messaging.Topic)
	if r.Messaging.HasOffset {
		s.Partition, s.Offset, s.Placed = r.Messaging.Partition, r.Messaging.Offset, true
	}
	for _, l := range r.Labels {
		if l.Key == "server.address" {
			s.Host = l.Value
		}
	}
	if r.Kind == record.KindHopStart {
		s.Start = r.Time
		return
	}
	s.End = r.Time
	s.Unanswered = r.SpanKind == "client" && r.Outcome == record.Failure && r.HTTP.Status == 0
	if s.Start.IsZero() {
		s.Start = r.Time.Add(-r.Duration)
	}
}

func valuesOf(r *record.Record) []Value {
	var out []Value
	for _, l := range r.Labels {
		if len(l.Value) >= shortest && len(l.Value) <= record.MaxIDLen {
			out = append(out, Value{l.Key, l.Value})
		}
	}
	if r.Alias.Value != "" {
		out = append(out, Value{r.Alias.Name, r.Alias.Value})
	}
	return out
}

// shortest is how short a text may be and still name one request: less is found by chance.
const shortest = 8

// holds finds the field of a visit that has an ID, whatever its case and its dashes.
func (s *Span) holds(id string) (field string, ok bool) {
	if len(id) < shortest {
		return "", false
	}
	for _, v := range s.Values {
		if plain(v.Text) == plain(id) {
			return v.Field, true
		}
	}
	return "", false
}

// plain is an ID without what people and programs change about it.
func plain(id string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune("-{}\"' ", r) {
			return -1
		}
		return r
	}, id))
}

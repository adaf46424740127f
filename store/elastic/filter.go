package elastic

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// query is one of Elasticsearch's: one of its fields is set.
type query struct {
	Bool        *boolQuery          `json:"bool,omitempty"`
	Term        map[string]any      `json:"term,omitempty"` // string or int64
	Terms       map[string][]string `json:"terms,omitempty"`
	Prefix      map[string]string   `json:"prefix,omitempty"`
	Range       map[string]bounds   `json:"range,omitempty"`
	Exists      *existsQuery        `json:"exists,omitempty"`
	MatchPhrase map[string]words    `json:"match_phrase,omitempty"`
	Intervals   map[string]interval `json:"intervals,omitempty"`
	MatchAll    *struct{}           `json:"match_all,omitempty"`
	MatchNone   *struct{}           `json:"match_none,omitempty"`
}

type boolQuery struct {
	Filter             []query `json:"filter,omitempty"`
	Should             []query `json:"should,omitempty"`
	MustNot            []query `json:"must_not,omitempty"`
	MinimumShouldMatch int     `json:"minimum_should_match,omitempty"`
}

// bounds hold an int64, or a text that may be a time.
type bounds struct {
	GTE any `json:"gte,omitempty"`
	LTE any `json:"lte,omitempty"`
	LT  any `json:"lt,omitempty"`
}

type existsQuery struct {
	Field string `json:"field"`
}

// words have been found here, and only spaces part them. The tokenizer of an index
// would be made anew for each index and thread that searches.
type words struct {
	Query    string `json:"query"`
	Analyzer string `json:"analyzer"`
	MaxGaps  *int   `json:"max_gaps,omitempty"`
	Ordered  bool   `json:"ordered,omitempty"`
}

func newWords(text []string) words {
	return words{Query: strings.Join(text, " "), Analyzer: "whitespace"}
}

// interval is a phrase whose last word only begins one. Elasticsearch's own query
// for that, match_phrase_prefix, leaves out all but some of these words; this one fails
// where there are too many.
type interval struct {
	AllOf  *allOf           `json:"all_of,omitempty"`
	Match  *words           `json:"match,omitempty"`
	Prefix *intervalsPrefix `json:"prefix,omitempty"`
}

type allOf struct {
	Ordered   bool       `json:"ordered"`
	MaxGaps   int        `json:"max_gaps"`
	Intervals []interval `json:"intervals"`
}

type intervalsPrefix struct {
	Prefix string `json:"prefix"`
}

func term(field string, value any) query { return query{Term: map[string]any{field: value}} }
func every() query                       { return query{MatchAll: &struct{}{}} }
func none() query                        { return query{MatchNone: &struct{}{}} }

// wanted is what a query of ours asks for, or more where a Contains is in it.
func wanted(q *store.Query) query {
	parts := make([]query, 0, 2)
	if q.Filter != nil {
		parts = append(parts, compile(q.Filter, true))
	}
	if within, any := during("@timestamp", q.From, q.Until); any {
		parts = append(parts, within)
	}
	switch len(parts) {
	case 0:
		return every()
	case 1:
		return parts[0]
	}
	return query{Bool: &boolQuery{Filter: parts}}
}

// during is a field's range of time; any is false where it holds every one.
// Elasticsearch refuses times that no date_nanos can hold.
func during(field string, from, until time.Time) (q query, any bool) {
	first, last := time.Unix(0, 0), time.Unix(0, math.MaxInt64)
	var b bounds
	switch {
	case from.After(last), !until.IsZero() && !until.After(first):
		return none(), true
	case from.After(first):
		b.GTE = timeText(from)
	}
	if !until.IsZero() && !until.After(last) {
		b.LT = timeText(until)
	}
	return query{Range: map[string]bounds{field: b}}, b != bounds{}
}

func timeText(t time.Time) string { return string(record.AppendTime(nil, t.UTC())) }

// compile translates a tree that filter.Check has accepted. No query finds what
// contains a text: in its place stands every record where more may be found than is
// asked for, and none where less may be.
func compile(n filter.Node, more bool) query {
	switch n := n.(type) {
	case filter.And:
		if len(n) > 0 {
			return query{Bool: &boolQuery{Filter: compileAll(n, more)}}
		}
		return every()
	case filter.Or:
		if len(n) > 0 {
			return query{Bool: &boolQuery{Should: compileAll(n, more), MinimumShouldMatch: 1}}
		}
		return none()
	case filter.Not:
		return query{Bool: &boolQuery{MustNot: []query{compile(n.Node, !more)}}}
	case filter.Term:
		if kind, _ := filter.KindOf(n.Field); kind == filter.Number {
			number, _ := strconv.ParseInt(n.Value, 10, 64) // as Check has seen
			return term(n.Field, number)
		}
		return term(n.Field, n.Value)
	case filter.In:
		if len(n.Values) == 0 {
			return none()
		}
		return query{Terms: map[string][]string{n.Field: n.Values}}
	case filter.Prefix:
		return prefix(n.Field, n.Value)
	case filter.Range:
		return query{Range: map[string]bounds{n.Field: {GTE: n.Min, LTE: n.Max}}}
	case filter.Exists:
		if strings.HasPrefix(n.Field, filter.LabelPrefix) {
			return prefix(n.Field, "") // exists would take a label's * for a pattern
		}
		return query{Exists: &existsQuery{n.Field}}
	case filter.Phrase:
		return phrase(n)
	}
	if more {
		return every()
	}
	return none()
}

func compileAll(nodes []filter.Node, more bool) []query {
	all := make([]query, len(nodes))
	for i, n := range nodes {
		all[i] = compile(n, more)
	}
	return all
}

func prefix(field, value string) query { return query{Prefix: map[string]string{field: value}} }

func phrase(p filter.Phrase) query {
	text := p.Words()
	last := len(text) - 1
	switch {
	case last == 0 && p.Prefix:
		return prefix(p.Field, text[0])
	case last == 0:
		return term(p.Field, text[0])
	case !p.Prefix:
		return query{MatchPhrase: map[string]words{p.Field: newWords(text)}}
	}
	first := newWords(text[:last])
	first.MaxGaps, first.Ordered = new(int), true
	return query{Intervals: map[string]interval{p.Field: {AllOf: &allOf{Ordered: true, Intervals: []interval{
		{Match: &first}, {Prefix: &intervalsPrefix{text[last]}},
	}}}}}
}

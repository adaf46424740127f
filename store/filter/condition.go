package filter

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// condition reads what stands behind a name and its operator.
func (p *parser) condition(at int, name, op string, top bool) (Node, error) {
	if name == "" {
		return nil, p.fail(at, "%s wants the name of a field before it; to look for the text, put it in quotes", op)
	}
	about := find(name)
	if about == nil {
		return nil, p.fail(at, "no field %.40q; there are %s; to look for the text, put it in quotes", name, known())
	}
	field := about.Field
	values, err := p.values(op)
	switch {
	case err != nil:
		return nil, err
	case about.OfJourney() && !top:
		return nil, p.fail(at, "%s says which journeys or which time is meant, so it stands outside parentheses, OR and NOT", name)
	case about.OfJourney():
		p.journeyAt = at
		return nil, about.read(p, at, op, values)
	case len(values) > 1 && field == "log.level" || len(values) > 1 && isKeyword(field) && !slices.ContainsFunc(values, func(v value) bool { return v.beginning }):
		return p.oneOf(at, field, values)
	}
	var either Or
	for _, v := range values {
		node, err := p.field(field, op, v)
		if err != nil {
			return nil, err
		}
		either = append(either, node)
	}
	if len(either) == 1 {
		return either[0], nil
	}
	return either, p.spend(at, 1)
}

func isKeyword(field string) bool {
	kind, _ := KindOf(field)
	return kind == Keyword
}

// values reads one value, or several in parentheses, with OR or nothing between them.
func (p *parser) values(op string) ([]value, error) {
	open := p.at
	if p.at == len(p.text) || p.text[p.at] != '(' {
		v, err := p.value()
		if err == nil && v.text == "" && !v.quoted && !v.beginning {
			err = p.fail(open, "a value is missing behind %s", op)
		}
		return []value{v}, err
	}
	if op != ":" {
		return nil, p.fail(open, "%s wants one value", op)
	}
	var values []value
	for p.at++; ; {
		p.space()
		switch {
		case p.at == len(p.text):
			return nil, p.fail(open, "a ( without its ); close it, or put it in quotes")
		case p.text[p.at] == ')' && len(values) == 0:
			return nil, p.fail(open, "no value stands between these parentheses")
		case p.text[p.at] == ')':
			p.at++
			return values, nil
		case p.text[p.at] == '(' || p.peekKeyword("AND") || p.peekKeyword("NOT"):
			return nil, p.fail(p.at, "behind a field's name, parentheses hold values with OR between them, such as (a OR b)")
		case len(values) > 0 && p.keyword("OR"):
			continue
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if values = append(values, v); len(values) > maxClauses {
			return nil, p.fail(v.at, "more than %d values; ask in several queries", maxClauses)
		}
	}
}

// oneOf is a condition that a keyword has one of some values.
func (p *parser) oneOf(at int, field string, values []value) (Node, error) {
	in := In{Field: field}
	for _, v := range values {
		in.Values = append(in.Values, spelled(field, v.text))
	}
	return p.checked(at, in)
}

// spelled is a value as records have it.
func spelled(field, text string) string {
	switch field {
	case "correlation.key":
		return record.Key(text)
	case "trace.id", "log.level":
		return strings.ToLower(text)
	}
	return text
}

func (p *parser) field(field, op string, v value) (Node, error) {
	if v.beginning && v.text == "" && !v.quoted {
		if op != ":" {
			return nil, p.fail(v.at, "a star says that the field is there, and stands behind a colon")
		}
		return p.checked(v.at, Exists{Field: field})
	}
	kind, _ := KindOf(field)
	switch {
	case op == "~" && kind == Text:
		if v.beginning {
			v.text += "*"
		}
		return p.checked(v.at, Contains{Field: field, Text: v.text})
	case op == "~":
		return nil, p.fail(v.at, "%s is no text; write it with a colon", field)
	case kind == Number:
		return p.number(field, op, v)
	case field == "log.level" && op != ":":
		return p.levels(op, v)
	case op != ":":
		return nil, p.fail(v.at, "%s has no order; write it with a colon", field)
	case kind == Text:
		return p.checked(v.at, Phrase{Field: field, Text: v.text, Prefix: v.beginning})
	case v.beginning:
		return p.checked(v.at, Prefix{Field: field, Value: spelled(field, v.text)})
	}
	return p.checked(v.at, Term{Field: field, Value: spelled(field, v.text)})
}

func (p *parser) levels(op string, v value) (Node, error) {
	at := slices.Index(levels, strings.ToLower(v.text))
	if at < 0 || v.beginning {
		return nil, p.fail(v.at, "levels are %s", strings.Join(levels, ", "))
	}
	in := In{Field: "log.level"}
	for i, level := range levels {
		if compares(i, op, at) {
			in.Values = append(in.Values, level)
		}
	}
	return p.checked(v.at, in)
}

func compares(a int, op string, b int) bool {
	switch op {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

// number is a condition on a number: a comparison, a value, two with .. between them, or a
// class of status codes such as 5xx.
func (p *parser) number(field, op string, v value) (Node, error) {
	if v.beginning {
		return nil, p.fail(v.at, "%s is a number, which has no beginning; give a range such as 1..9", field)
	}
	first, last, isRange := strings.Cut(v.text, "..")
	if class, ok := strings.CutSuffix(strings.ToLower(v.text), "xx"); ok && field == "http.response.status_code" && op == ":" {
		first, last, isRange = class+"00", class+"99", true
	}
	if isRange && op != ":" {
		return nil, p.fail(v.at, "%s wants one value, not a range", op)
	}
	low, err := p.integer(field, v.at, first)
	if err != nil {
		return nil, err
	}
	high := low
	if isRange {
		if high, err = p.integer(field, v.at+len(first)+2, last); err != nil {
			return nil, err
		}
		if high < low {
			return nil, p.fail(v.at, "the range ends before it begins; write the smaller value first")
		}
	}
	switch op {
	case ">":
		low, high = low+1, math.MaxInt64
	case ">=":
		high = math.MaxInt64
	case "<":
		low, high = math.MinInt64, low-1
	case "<=":
		low = math.MinInt64
	}
	if low == high && op == ":" {
		return p.checked(v.at, Term{Field: field, Value: strconv.FormatInt(low, 10)})
	}
	return p.checked(v.at, Range{Field: field, Min: low, Max: high})
}

// integer reads a whole number, or a duration where the field is one. It leaves room
// for the number beside it.
func (p *parser) integer(field string, at int, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && field == "event.duration" {
		d, ok := duration(text)
		if !ok {
			return 0, p.fail(min(at, len(p.text)), "%.40q is no duration; write one as 150ms, 2s, 5m, 1h or 3d", text)
		}
		return int64(d), nil
	}
	if err != nil || n == math.MaxInt64 || n == math.MinInt64 {
		return 0, p.fail(min(at, len(p.text)), "%.40q is no whole number of 63 bits; write %s", text, numbers(field))
	}
	return n, nil
}

// numbers are examples of what a field may be, for people.
func numbers(field string) string {
	if field == "http.response.status_code" {
		return "404, 500..503 or 5xx"
	}
	return "42 or 10..20"
}

// duration reads a time as Go spells it, or in days or weeks.
func duration(text string) (time.Duration, bool) {
	day := 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day} {
		if digits, ok := strings.CutSuffix(text, suffix); ok {
			n, err := strconv.ParseUint(digits, 10, 32)
			return time.Duration(n) * unit, err == nil && n <= uint64(math.MaxInt64/unit)
		}
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0 && d < math.MaxInt64
}

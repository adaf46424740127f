package filter

import (
	"slices"
	"strings"
	"time"
)

// Journey is what a query asks of the journey that a record is part of. Empty fields
// ask for any.
type Journey struct {
	Verdicts        []string // one of these
	Visited         []string // services, all of them
	Kind            string   // operation of its first hop
	Release         string   // version of the service that began it
	Longer, Shorter time.Duration
}

// IsZero reports whether j asks for nothing.
func (j *Journey) IsZero() bool {
	return len(j.Verdicts) == 0 && len(j.Visited) == 0 && j.Kind == "" && j.Release == "" && j.Longer == 0 && j.Shorter == 0
}

func (p *parser) verdict(at int, op string, values []value) error {
	if op != ":" || p.search.Journey.Verdicts != nil {
		return p.fail(at, "write one verdict:(a OR b)")
	}
	for _, v := range values {
		name := strings.ReplaceAll(strings.ToLower(v.text), " ", "_")
		if name == "failed" {
			name = "exception"
		}
		if !slices.Contains(verdicts, name) || v.beginning {
			return p.fail(v.at, "verdicts are %s", strings.Join(verdicts, ", "))
		}
		p.search.Journey.Verdicts = append(p.search.Journey.Verdicts, name)
	}
	return nil
}

// sole is the value of a condition that takes one, as it stands.
func (p *parser) sole(at int, name, op string, values []value) (string, error) {
	v := values[0]
	switch {
	case op != ":":
		return "", p.fail(at, "%s has no order; write it with a colon", name)
	case len(values) > 1 || v.beginning || v.text == "":
		return "", p.fail(v.at, "%s wants one value, and all of it", name)
	}
	return v.text, nil
}

func (p *parser) set(to *string, at int, name, op string, values []value) (err error) {
	if *to != "" {
		return p.fail(at, "%s stands here twice", name)
	}
	*to, err = p.sole(at, name, op, values)
	return err
}

func (p *parser) took(at int, op string, values []value) error {
	d, ok := duration(values[0].text)
	j := &p.search.Journey
	switch {
	case !ok || d == 0:
		return p.fail(values[0].at, "%.40q is no duration; write one as 150ms, 2s, 5m, 1h or 3d", values[0].text)
	case strings.HasPrefix(op, ">"):
		j.Longer = max(j.Longer, d)
	case strings.HasPrefix(op, "<") && j.Shorter > 0:
		j.Shorter = min(j.Shorter, d)
	case strings.HasPrefix(op, "<"):
		j.Shorter = d
	default:
		return p.fail(at, "journeys take about as long as they take; write took>2s or took<2s")
	}
	return nil
}

// moment reads a time, or how long ago it was.
func (p *parser) moment(to *time.Time, at int, name, op string, values []value) error {
	text, err := p.sole(at, name, op, values)
	if err != nil {
		return err
	}
	p.timeAt = at
	if !to.IsZero() {
		return p.fail(at, "%s stands here twice", name)
	}
	if ago, ok := duration(text); ok && ago < 200*365*24*time.Hour {
		*to = p.now.Add(-ago)
		return nil
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
			*to = t.UTC()
			return nil
		}
	}
	return p.fail(values[0].at, "%.40q is no time; write how long ago as 15m, 2h or 3d, or 2006-01-02T15:04:05Z, from 1970 on", text)
}

package alerts

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// Taken is where a message was read.
type Taken struct {
	Source string // topic and partition
	Offset int64
	Time   time.Time // by Kafka's clock
}

// Reading is how far a source was read; false: it never was.
func (p *Part) Reading(source string) (Reading, bool) {
	r := p.place.Sources[source]
	if r == nil {
		return Reading{}, false
	}
	return *r, true
}

// Start has a source read from an offset, which is written down: whoever comes next goes on there.
func (p *Part) Start(source string, offset int64) {
	p.place.Sources[source] = &Reading{From: offset, Applied: offset}
	p.mark(placeKey)
}

// CaughtUp reports whether all that was applied once has been read again, so that what it
// disarms is disarmed.
func (p *Part) CaughtUp(source string, next int64) bool {
	r := p.place.Sources[source]
	return r == nil || next >= r.Applied
}

// fresh notes that a message was read; false: it was applied before.
func (p *Part) fresh(m *Taken) bool {
	r := p.place.Sources[m.Source]
	if r == nil {
		p.Start(m.Source, m.Offset)
		r = p.place.Sources[m.Source]
	}
	if m.Offset < r.Applied {
		return false
	}
	r.Applied = m.Offset + 1
	p.mark(placeKey)
	return true
}

// Change takes in a journey whose verdict has changed.
func (p *Part) Change(c *Change, m *Taken) {
	if !p.fresh(m) {
		return
	}
	p.late(c)
	f := &p.journeys
	f.from(c)
	var matched []*Rule
	for r := range p.rules.journeys.candidates(f) {
		if !slices.Contains(matched, r) && p.ask(r, r.condition, f) {
			matched = append(matched, r)
		}
	}
	for _, a := range slices.Clone(p.bySubject[c.Key]) {
		if c.At.Before(a.Judged) {
			continue // of a journey in several partitions, late news may come first
		}
		if slices.ContainsFunc(matched, func(r *Rule) bool { return r.Name == a.Rule }) {
			a.Judged = c.At
			if a.Status != Resolved {
				continue
			}
		} else if a.Status != Resolved {
			p.resolve(a, over(c, a))
		}
	}
	shown := sync.OnceValue(f.shown)
	for _, r := range matched {
		if a := p.alerts[r.Name+"/"+c.Key]; a != nil && c.At.Before(a.Judged) {
			continue
		}
		p.hold(begin{rule: r, subject: strings.Clone(c.Key), at: when(c), judged: c.At, id: c.CorrelationID, shown: shown})
	}
}

// when is since when a journey is what it is: as its records have it, if they do, so that
// whoever judges them again says the same.
func when(c *Change) time.Time {
	switch {
	case c.Since != nil:
		return *c.Since
	case !c.End.IsZero() && c.Verdict != journey.Stalled:
		return c.End
	}
	return c.At
}

// over is when what an alert was about had changed.
func over(c *Change, a *alert) time.Time {
	if c.End.After(a.StartsAt) {
		return c.End
	}
	return c.At
}

// Record takes in a record. Its texts may share memory that is used again.
func (p *Part) Record(rec *record.Record, m *Taken, now time.Time) {
	fresh := p.fresh(m)
	if p.rules.records.empty() && p.rules.afters.empty() {
		return
	}
	f := &p.records
	f.from(rec, p.rules.labels)
	if rec.CorrelationKey != "" {
		for r := range p.rules.expects.candidates(f) {
			if p.expects(r, rec) && p.ask(r, r.expect, f) {
				p.disarm(r, rec)
			}
		}
		for r := range p.rules.afters.candidates(f) {
			if p.ask(r, r.after, f) {
				p.arm(r, rec, m, now)
			}
		}
	}
	if !fresh {
		return
	}
	for r := range p.rules.records.candidates(f) {
		if p.ask(r, r.condition, f) {
			p.recorded(r, rec, f, now)
		}
	}
}

// expects reports whether something of a rule waits for a journey, or has fired.
func (p *Part) expects(r *Rule, rec *record.Record) bool {
	if _, waits := p.waits.known[waitKey{r, rec.CorrelationKey}]; waits {
		return true
	}
	return p.alerts[r.Name+"/"+rec.CorrelationKey] != nil
}

// recorded has a record's alert fire, or go on.
func (p *Part) recorded(r *Rule, rec *record.Record, f *recordFacts, now time.Time) {
	subject := cut(rec.ID, maxSubject)
	labels := make(map[string]string, len(r.by))
	if len(r.by) > 0 {
		values := make([]string, len(r.by))
		for i, field := range r.by {
			values[i], _ = f.value(field)
			labels[field] = strings.Clone(cut(values[i], 256))
		}
		subject = subjectOf(values)
	}
	until := now.Add(r.keep).UTC()
	if a := p.alerts[r.Name+"/"+subject]; a != nil && a.Status == Firing {
		if until.Sub(*a.Until) >= time.Second {
			a.Until = &until
			p.mark(alertKeys + a.key)
		}
		return
	}
	id := ""
	if len(r.by) == 0 || slices.Contains(r.by, "correlation_id") {
		id = rec.CorrelationID
	}
	p.hold(begin{rule: r, subject: strings.Clone(subject), at: rec.Time, judged: now, id: strings.Clone(id), labels: labels, shown: f.shown, until: &until})
}

// Sample is what a rule that is asked from time to time was answered.
type Sample struct {
	Labels map[string]string
	Value  int64
}

// Asked is when a rule was last asked; zero: never.
func (p *Part) Asked(r *Rule) time.Time { return p.asked[r.Name] }

// Sampled takes in what a rule was answered about a time. What is not named is zero.
func (p *Part) Sampled(r *Rule, at time.Time, samples []Sample) {
	p.asked[r.Name] = at
	p.mark(askedKeys + r.Name)
	wrong := map[string]bool{}
	for _, s := range samples {
		if !r.fires(s.Value) {
			continue
		}
		var values []string
		labels := map[string]string{}
		for _, name := range sortedKeys(s.Labels) {
			labels[name] = cut(s.Labels[name], 256)
			values = append(values, labels[name])
		}
		subject := subjectOf(values)
		wrong[r.Name+"/"+subject] = true
		a := p.hold(begin{rule: r, subject: subject, at: at, judged: at, labels: labels, shown: func() map[string]any {
			return map[string]any{"value": s.Value, "labels": labels, "service": labels["service"], "instance": labels["instance"]}
		}})
		if a != nil && a.Status == Pending && at.Sub(a.StartsAt) >= r.For {
			p.fire(a)
		}
	}
	for a := range p.byRule[r.Name] {
		if !wrong[a.key] {
			p.resolve(a, at)
		}
	}
}

// Pass has done what time alone does: read says through when the changes of journeys are
// known, and so whether a condition has held for long enough.
func (p *Part) Pass(now, read time.Time) {
	for a := range p.holding {
		if r := p.rules.Of(a.Rule); r != nil && !read.Before(a.StartsAt.Add(r.For)) {
			p.fire(a)
		}
	}
	for {
		at, a, ok := p.ending.pop(now.UnixNano())
		if !ok {
			return
		}
		switch {
		case a.Status != Firing || a.Until == nil || p.alerts[a.key] != a:
		case a.Until.UnixNano() > at && a.Until.After(now):
			p.ending.push(a.Until.UnixNano(), a)
		default:
			p.resolve(a, *a.Until)
		}
	}
}

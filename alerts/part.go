package alerts

import (
	"cmp"
	"encoding/json"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Part is the alerts of one partition: what is wrong, who was told, and what is waited for.
// It is all state and no clock: times are given. It is for one goroutine.
//
//	changes, records, samples ─► alerts ─► groups ─► notifications
//	                               └──────────┴─► journal
type Part struct {
	number   int32
	rules    *Rules
	url      string // before a correlation ID
	log      *slog.Logger
	silences []Silence
	outside  []*State // alerts of other partitions that keep some here quiet

	alerts    map[string]*alert          // by key
	bySubject map[string][]*alert        // of rules on journeys, by correlation key
	byRule    map[string]map[*alert]bool // of rules that are asked from time to time
	holding   map[*alert]bool            // pending, of rules on journeys
	muted     map[*alert]bool            // that fire, and nobody was told of
	sources   map[*alert]bool            // that may keep others quiet
	ending    queue[*alert]              // that end by themselves
	groups    map[string]*group          // by key
	touched   map[*group]bool            // that have something to tell
	waits     waits                      // absences
	asked     map[string]time.Time       // rules that are asked from time to time: at last
	place     place
	past      map[string]State     // the history: alerts that are over, by key of the journal
	reviews   map[string]time.Time // when the change was judged, by correlation key
	due       queue[string]        // of them
	dirty     map[string]bool      // keys of the journal
	journeys  journeyFacts         // scratch
	records   recordFacts          // scratch
	repeatsAt time.Time            // when groups were last looked at that may be told again
	mutedAt   time.Time
	placedAt  time.Time // when it was last written how far sources were read
	Refused   int       // alerts, absences and reviews that were one too many
}

// place is how far sources were read, and how many changes there were.
type place struct {
	Seq     uint64              `json:"seq"`
	Past    uint64              `json:"past"`
	Sources map[string]*Reading `json:"sources"`
}

// Reading is how far a partition of a source was read.
type Reading struct {
	From    int64 `json:"from"`    // the next owner reads from here
	Applied int64 `json:"applied"` // what is before has been taken in, but for absences that are young
}

// PartConfig says what a Part is made of.
type PartConfig struct {
	Number int32
	Rules  *Rules
	URL    string       // of a journey, but for its ID at the end; empty: alerts have none
	Logger *slog.Logger // nil discards
}

// NewPart takes over what the last owner kept; other keys are left alone.
func NewPart(cfg PartConfig, kept iter.Seq2[string, []byte]) *Part {
	p := &Part{
		number: cfg.Number, rules: cfg.Rules, url: cfg.URL, log: cfg.Logger, alerts: map[string]*alert{}, bySubject: map[string][]*alert{}, byRule: map[string]map[*alert]bool{},
		holding: map[*alert]bool{}, muted: map[*alert]bool{}, sources: map[*alert]bool{}, groups: map[string]*group{}, touched: map[*group]bool{}, waits: newWaits(),
		asked: map[string]time.Time{}, place: place{Sources: map[string]*Reading{}}, dirty: map[string]bool{}, past: map[string]State{},
		reviews: map[string]time.Time{},
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	var found []*alert
	for key, value := range kept {
		if err := p.load(key, value, &found); err != nil {
			p.log.Error("what was kept of an alert cannot be read, and is left out", "key", key, "error", err)
		}
	}
	slices.SortFunc(found, func(a, b *alert) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, a := range found {
		p.place.Seq = max(p.place.Seq, a.Seq)
	}
	for _, g := range p.groups { // of a step too large for one batch, the place may not have been written
		p.place.Seq = max(p.place.Seq, g.Told)
		p.touched[g] = true
	}
	for _, a := range found {
		p.admit(a)
	}
	return p
}

func (p *Part) load(key string, value []byte, found *[]*alert) error {
	switch {
	case key == placeKey:
		if err := json.Unmarshal(value, &p.place); err != nil {
			return err
		}
		if p.place.Sources == nil {
			p.place.Sources = map[string]*Reading{}
		}
	case strings.HasPrefix(key, alertKeys):
		a := &alert{key: key[len(alertKeys):]}
		if err := json.Unmarshal(value, &a.State); err != nil {
			return err
		}
		*found = append(*found, a)
	case strings.HasPrefix(key, groupKeys):
		g := &group{key: key[len(groupKeys):], members: map[*alert]bool{}}
		if err := json.Unmarshal(value, &g.groupState); err != nil {
			return err
		}
		p.groups[g.key] = g
	case strings.HasPrefix(key, waitKeys):
		return p.loadWait(key[len(waitKeys):], value)
	case strings.HasPrefix(key, pastKeys):
		var s State
		if err := json.Unmarshal(value, &s); err != nil {
			return err
		}
		p.past[key] = s
	case strings.HasPrefix(key, reviewKeys):
		var at time.Time
		if err := at.UnmarshalText(value); err != nil {
			return err
		}
		of := key[len(reviewKeys):]
		p.reviews[of] = at
		p.due.push(at.UnixNano(), of)
	case strings.HasPrefix(key, askedKeys):
		var at time.Time
		if err := at.UnmarshalText(value); err != nil {
			return err
		}
		p.asked[key[len(askedKeys):]] = at
	}
	return nil
}

// admit puts an alert where it is found. It joins its groups.
func (p *Part) admit(a *alert) {
	p.alerts[a.key] = a
	rule := p.rules.Of(a.Rule)
	switch {
	case rule == nil:
	case rule.Scheduled():
		if p.byRule[a.Rule] == nil {
			p.byRule[a.Rule] = map[*alert]bool{}
		}
		p.byRule[a.Rule][a] = true
	case rule.Kind == OnJourney:
		p.bySubject[a.Subject] = append(p.bySubject[a.Subject], a)
		if a.Status == Pending {
			p.holding[a] = true
		}
	}
	if a.Until != nil && a.Status == Firing {
		p.ending.push(a.Until.UnixNano(), a)
	}
	if a.Status != Pending {
		p.join(a)
	}
}

// SetRules takes over another file. Alerts whose rule is gone, or asks something else, end.
func (p *Part) SetRules(rules *Rules, now time.Time) {
	was := p.rules
	p.rules = rules
	p.waits.keep(func(key waitKey) (*Rule, bool) {
		to := rules.Of(key.rule.Name)
		same := to != nil && to.sameAs(key.rule)
		if !same {
			p.mark(waitKeys + key.String())
		}
		return to, same
	})
	all := slices.SortedFunc(func(yield func(*alert) bool) {
		for _, a := range p.alerts {
			if !yield(a) {
				return
			}
		}
	}, func(a, b *alert) int { return cmp.Compare(a.Seq, b.Seq) })
	clear(p.bySubject)
	clear(p.byRule)
	clear(p.holding)
	clear(p.sources)
	for _, g := range p.groups {
		clear(g.members)
		p.touched[g] = true
	}
	for _, a := range all {
		a.groups = nil
		p.admit(a)
		if to, of := rules.Of(a.Rule), was.Of(a.Rule); a.Status != Resolved && (to == nil || of != nil && !to.sameAs(of)) {
			p.resolve(a, now)
		}
	}
}

// SetSilences takes over all silences there are.
func (p *Part) SetSilences(all []Silence) { p.silences, p.mutedAt = all, time.Time{} }

// SetOutside takes over the alerts that fire in other partitions and keep some quiet.
func (p *Part) SetOutside(all []*State) { p.outside, p.mutedAt = all, time.Time{} }

// Inhibits reports whether an alert may keep others quiet.
func (rs *Rules) Inhibits(s *State) bool {
	return slices.ContainsFunc(rs.Inhibitions, func(i *Inhibition) bool { return s.Status == Firing && i.Source.match(s.Label) })
}

func (p *Part) mark(key string) { p.dirty[key] = true }

func (p *Part) next() uint64 {
	p.place.Seq++
	p.mark(placeKey)
	return p.place.Seq
}

// begin is what an alert begins with.
type begin struct {
	rule    *Rule
	subject string
	at      time.Time // since when it is so
	judged  time.Time
	id      string // correlation ID
	labels  map[string]string
	shown   func() map[string]any
	until   *time.Time
}

// hold has an alert pending or firing, unless it is already.
func (p *Part) hold(b begin) *alert {
	key := b.rule.Name + "/" + b.subject
	a := p.alerts[key]
	if a != nil && a.Status != Resolved {
		return a
	}
	if a == nil && len(p.alerts) >= maxAlerts {
		p.Refused++
		return nil
	}
	known := a != nil
	if !known {
		a = &alert{key: key}
	}
	a.State = State{
		Rule: b.rule.Name, Subject: b.subject, Status: Pending, Severity: b.rule.Severity, CorrelationID: b.id, StartsAt: b.at.UTC(), Judged: b.judged, Until: b.until, Labels: b.labels,
		Fired: a.Fired, Seq: a.Seq,
	}
	p.word(a, b.rule, b.shown())
	if !known {
		p.admit(a)
	} else if b.rule.Kind == OnJourney {
		p.holding[a] = true
	}
	if b.rule.For == 0 {
		p.fire(a)
	}
	p.mark(alertKeys + a.key)
	return a
}

// word fills in the rule's texts. What cannot be worded is told all the same.
func (p *Part) word(a *alert, r *Rule, shown map[string]any) {
	shown["rule"], shown["severity"] = r.Name, r.Severity
	say := func(w *wording) string {
		text, err := w.render(shown)
		if err != nil {
			p.log.Error("an alert cannot be worded: correct the rule's templates", "rule", r.Name, "error", err)
			return r.Name + ": " + err.Error()
		}
		return text
	}
	for name, w := range r.labels {
		if a.Labels == nil {
			a.Labels = make(map[string]string, len(r.labels))
		}
		a.Labels[name] = say(w)
	}
	if labels, ok := shown["labels"].(map[string]string); ok && len(a.Labels) > 0 {
		defer func() { shown["labels"] = labels }() // another rule words the same
		both := maps.Clone(labels)
		maps.Copy(both, a.Labels)
		shown["labels"] = both
	}
	a.Title, a.Text, a.Runbook = say(r.title), say(r.text), say(r.runbook)
}

func (p *Part) fire(a *alert) {
	delete(p.holding, a)
	a.Status, a.EndsAt, a.Muted = Firing, nil, false
	a.Seq = p.next()
	if a.Fired == 0 { // else somebody was told of it and not of its end
		a.Fired = a.Seq
	}
	p.mark(alertKeys + a.key)
	if p.rules.Inhibits(&a.State) {
		p.sources[a] = true
	}
	if len(a.groups) == 0 {
		p.join(a)
	} else {
		p.touch(a)
	}
	if a.Until != nil {
		p.ending.push(a.Until.UnixNano(), a)
	}
}

// resolve ends an alert. One that was pending never was.
func (p *Part) resolve(a *alert, at time.Time) {
	switch a.Status {
	case Pending:
		p.forget(a)
		return
	case Resolved:
		return
	}
	at = at.UTC()
	if at.Before(a.StartsAt) {
		at = a.StartsAt
	}
	a.Status, a.EndsAt, a.Seq = Resolved, &at, p.next()
	delete(p.sources, a)
	delete(p.muted, a)
	p.mark(alertKeys + a.key)
	p.remember(a.State)
	p.touch(a)
	p.settled(a)
}

// forget drops an alert from everywhere.
func (p *Part) forget(a *alert) {
	delete(p.alerts, a.key)
	delete(p.holding, a)
	delete(p.muted, a)
	delete(p.sources, a)
	delete(p.byRule[a.Rule], a)
	if same := p.bySubject[a.Subject]; len(same) > 0 {
		if same = slices.DeleteFunc(same, func(o *alert) bool { return o == a }); len(same) == 0 {
			delete(p.bySubject, a.Subject)
		} else {
			p.bySubject[a.Subject] = same
		}
	}
	for _, g := range a.groups {
		delete(g.members, a)
	}
	a.groups = nil
	p.mark(alertKeys + a.key)
}

// settled forgets an alert that is over, where every group has nothing to tell of it any more.
func (p *Part) settled(a *alert) {
	if a.Status != Resolved {
		return
	}
	a.groups = slices.DeleteFunc(a.groups, func(g *group) bool {
		done := a.Muted || a.Fired > g.Told || a.Seq <= g.Told
		if done {
			delete(g.members, a)
		}
		return done
	})
	if len(a.groups) == 0 {
		p.forget(a)
	}
}

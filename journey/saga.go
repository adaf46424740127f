package journey

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// stepKey is one way of one step of a saga.
type stepKey struct {
	saga, step, phase, service string
}

// steps are when each was first heard of.
type steps map[stepKey]time.Time

func stepOf(r *record.Record) stepKey {
	return stepKey{r.Saga.ID, r.Saga.Step, r.Saga.Phase, r.Service}
}

func (s steps) add(key stepKey, at time.Time) {
	first, ok := s[key]
	if !ok {
		key = stepKey{strings.Clone(key.saga), strings.Clone(key.step), strings.Clone(key.phase), strings.Clone(key.service)}
	}
	if !ok || at.Before(first) {
		s[key] = at
	}
}

func (k stepKey) compare(o stepKey) int {
	return cmp.Or(cmp.Compare(k.saga, o.saga), cmp.Compare(k.step, o.step), cmp.Compare(k.phase, o.phase), cmp.Compare(k.service, o.service))
}

// sagas are the ledgers of all that ran on the journey, by their first record.
func (j *judge) sagas() []Saga {
	out := []Saga{}
	keys := make([]stepKey, 0, len(j.steps))
	for key := range j.steps {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b stepKey) int {
		return cmp.Or(j.steps[a].Compare(j.steps[b]), a.compare(b))
	})
	at := map[string]int{}
	type entry struct{ saga, step string }
	steps := map[entry]int{}
	for _, key := range keys {
		n, ok := at[key.saga]
		if !ok {
			n = len(out)
			at[key.saga] = n
			out = append(out, Saga{ID: key.saga, Verdict: j.sagaVerdict(key.saga), Steps: []Step{}})
		}
		saga := &out[n]
		if key.step == "" {
			continue // the saga as a whole
		}
		m, ok := steps[entry{key.saga, key.step}]
		if !ok {
			m = len(saga.Steps)
			steps[entry{key.saga, key.step}] = m
			saga.Steps = append(saga.Steps, Step{Name: key.step})
		}
		saga.Steps[m].read(key, j.steps[key])
	}
	return out
}

func (s *Step) read(key stepKey, first time.Time) {
	switch {
	case key.phase == record.Compensate && s.Compensated == nil:
		s.Compensated, s.By = &first, key.service
	case key.phase != record.Compensate && s.Forward == nil:
		s.Forward, s.Service = &first, key.service
	}
	s.Service = cmp.Or(s.Service, key.service)
}

// sagaVerdict is what was declared of a saga; else it is under way.
func (j *judge) sagaVerdict(id string) Verdict {
	if place, ok := j.said[id]; ok {
		return declaredVerdicts[j.graph.rs[j.order[place]].Declared]
	}
	return InTransit
}

// undeclared is a saga whose end nobody declared, though another's was, and none
// the journey's; empty: there is none.
func (j *judge) undeclared() string {
	if _, whole := j.said[""]; whole {
		return ""
	}
	first, when := "", time.Time{}
	for key, t := range j.steps {
		if _, ok := j.said[key.saga]; !ok && (first == "" || t.Before(when) || t.Equal(when) && key.saga < first) {
			first, when = key.saga, t
		}
	}
	return first
}

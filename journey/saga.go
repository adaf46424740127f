package journey

import (
	"cmp"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// stepKey is one way of one step of a saga.
type stepKey struct {
	saga, step, phase, service string
}

// steps are when each was first heard of.
type steps map[stepKey]time.Time

func (s steps) add(r *record.Record) {
	if r.Saga.ID == "" {
		return
	}
	key := stepKey{r.Saga.ID, r.Saga.Step, r.Saga.Phase, r.Service}
	if first, ok := s[key]; !ok || r.Time.Before(first) {
		s[key] = r.Time
	}
}

// sagas are the ledgers of all that ran on the journey, by their first record.
func (j *judge) sagas() []Saga {
	out := []Saga{}
	keys := make([]stepKey, 0, len(j.steps))
	for key := range j.steps {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b stepKey) int {
		return cmp.Or(j.steps[a].Compare(j.steps[b]), cmp.Compare(a.saga, b.saga), cmp.Compare(a.step, b.step), cmp.Compare(a.phase, b.phase), cmp.Compare(a.service, b.service))
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

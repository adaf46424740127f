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

// heard is where and when something was first heard of.
type heard struct {
	at     time.Time
	hop    string
	number uint64 // hop.sequence
}

func (h heard) compare(o heard) int {
	return cmp.Or(h.at.Compare(o.at), cmp.Compare(h.hop, o.hop), cmp.Compare(h.number, o.number))
}

// steps are by which record each was first heard of.
type steps map[stepKey]heard

func stepOf(r *record.Record) (stepKey, heard) {
	return stepKey{r.Saga.ID, r.Saga.Step, r.Saga.Phase, r.Service}, heard{r.Time, r.Hop(), r.HopSequence}
}

func (s steps) add(key stepKey, by heard) {
	first, ok := s[key]
	if ok && first.compare(by) <= 0 {
		return
	}
	if !ok {
		key = stepKey{strings.Clone(key.saga), strings.Clone(key.step), strings.Clone(key.phase), strings.Clone(key.service)}
	}
	by.hop = strings.Clone(by.hop)
	s[key] = by
}

func (k stepKey) compare(o stepKey) int {
	return cmp.Or(cmp.Compare(k.saga, o.saga), cmp.Compare(k.step, o.step), cmp.Compare(k.phase, o.phase), cmp.Compare(k.service, o.service))
}

// heardOf are the steps by cause: as their hops began, within a hop as it numbered its records.
// Those that name no hop stand where their clocks have them.
func (j *judge) heardOf() []stepKey {
	type placed struct {
		key   stepKey
		place int
		by    heard
	}
	all := make([]placed, 0, len(j.steps))
	for key, by := range j.steps {
		p := placed{key: key, by: by}
		if v := j.byHop[by.hop]; v != nil && v.begun < len(j.order) {
			p.place = v.begun
		} else {
			p.place = j.placeAt(by.at)
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.by.number, b.by.number), a.by.compare(b.by), a.key.compare(b.key))
	})
	keys := make([]stepKey, len(all))
	for i := range all {
		keys[i] = all[i].key
	}
	return keys
}

// placeAt is the place of the last moment that a clock has before a time.
func (j *judge) placeAt(t time.Time) int {
	for place := len(j.order) - 1; place >= 0; place-- {
		if !j.graph.rs[j.order[place]].Time.After(t) {
			return place
		}
	}
	return -1
}

// sagas are the ledgers of all that ran on the journey, in the order of cause.
func (j *judge) sagas() []Saga {
	out := []Saga{}
	at := map[string]int{}
	type entry struct{ saga, step string }
	steps := map[entry]int{}
	for _, key := range j.heardOf() {
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
		saga.Steps[m].read(key, j.steps[key].at)
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
	for _, key := range j.heardOf() {
		if _, ok := j.said[key.saga]; !ok {
			return key.saga
		}
	}
	return ""
}

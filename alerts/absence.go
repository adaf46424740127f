package alerts

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// waits are absences that may come to be: something happened, and what must follow has not
// been seen. There may be a million.
type waits struct {
	known map[waitKey]wait
	due   queue[waitKey]
	young map[string][]young // by source, the oldest first
}

type waitKey struct {
	rule *Rule
	key  string // correlation key
}

func (k waitKey) String() string { return k.rule.Name + "/" + k.key }

// wait is one of them. Both times are ns since 1970.
type wait struct {
	at    int64 // of what happened, by its service's clock
	taken int64 // and by Kafka's
	kept  bool  // the journal has it
	asked bool  // the journey is being read
}

// young is a wait that is not in the journal yet: most are over soon.
type young struct {
	key    waitKey
	taken  int64
	since  time.Time
	offset int64
}

const (
	youngFor = 2 * time.Second
	// grace is for what was written in time and shipped a little later.
	grace = time.Second
	// skewed is by how much two services' clocks may disagree on what came first.
	skewed = 5 * time.Second
	// maxWaits bounds the absences that wait in a partition.
	maxWaits = 2_000_000
)

func newWaits() waits { return waits{known: map[waitKey]wait{}, young: map[string][]young{}} }

// keep has waits go on under other rules, or go.
func (ws *waits) keep(to func(waitKey) (*Rule, bool)) {
	was := *ws
	*ws = newWaits()
	for key, w := range was.known {
		if rule, ok := to(key); ok {
			w.asked = false
			ws.add(waitKey{rule, key.key}, w)
		}
	}
	for source, all := range was.young {
		for _, y := range all {
			if rule, ok := to(y.key); ok {
				y.key.rule = rule
				ws.young[source] = append(ws.young[source], y)
			}
		}
	}
}

func (ws *waits) add(key waitKey, w wait) {
	ws.known[key] = w
	ws.due.push(w.judgedAt(key.rule), key)
}

// judgedAt is what the horizon has to pass before a wait can be judged.
func (w *wait) judgedAt(r *Rule) int64 { return w.taken + int64(r.within) + int64(grace) }

func (p *Part) loadWait(key string, value []byte) error {
	name, of, ok := strings.Cut(key, "/")
	if !ok || len(value) != 16 {
		return errors.New("it is not 16 bytes long")
	}
	rule := p.rules.Of(name)
	if rule == nil || rule.Kind != OnAbsence {
		p.mark(waitKeys + key)
		return nil
	}
	p.waits.add(waitKey{rule, of}, wait{at: int64(binary.BigEndian.Uint64(value)), taken: int64(binary.BigEndian.Uint64(value[8:])), kept: true})
	return nil
}

// grow takes out what is young no more, and gives those of it that still wait and are to be
// written. From is the offset of the first that is young yet; negative: there is none.
func (ws *waits) grow(source string, now time.Time) (old []waitKey, from int64) {
	all := ws.young[source]
	for len(all) > 0 {
		y := &all[0]
		w, waits := ws.known[y.key]
		if waits = waits && w.taken == y.taken && !w.kept; waits && now.Sub(y.since) < youngFor {
			ws.young[source] = all
			return old, y.offset
		}
		if waits {
			w.kept = true
			ws.known[y.key] = w
			old = append(old, y.key)
		}
		all = all[1:]
	}
	delete(ws.young, source)
	return old, -1
}

func (w *wait) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(w.at))
	return binary.BigEndian.AppendUint64(b, uint64(w.taken))
}

// arm begins to wait, unless it is waited for or told already.
func (p *Part) arm(r *Rule, rec *record.Record, m *Taken, now time.Time) {
	key := waitKey{r, rec.CorrelationKey}
	if _, waits := p.waits.known[key]; waits {
		return
	}
	if a := p.alerts[r.Name+"/"+rec.CorrelationKey]; a != nil && a.Status != Resolved {
		return
	}
	if len(p.waits.known) >= maxWaits {
		p.Refused++
		return
	}
	key.key = strings.Clone(key.key)
	w := wait{at: rec.Time.UnixNano(), taken: m.Time.UnixNano()}
	p.waits.add(key, w)
	p.waits.young[m.Source] = append(p.waits.young[m.Source], young{key, w.taken, now, m.Offset})
}

// disarm ends a wait, if what has come was in time; and an alert in any case.
func (p *Part) disarm(r *Rule, rec *record.Record) {
	key := waitKey{r, rec.CorrelationKey}
	if w, waits := p.waits.known[key]; waits {
		if rec.Time.UnixNano() <= w.at+int64(r.within) {
			p.unwait(key, w)
		}
		return // else it is judged all the same, and ends at once
	}
	if a := p.alerts[r.Name+"/"+rec.CorrelationKey]; a != nil && !rec.Time.Before(a.StartsAt.Add(-r.within-skewed)) {
		p.resolve(a, rec.Time)
	}
}

func (p *Part) unwait(key waitKey, w wait) {
	delete(p.waits.known, key)
	if w.kept {
		p.mark(waitKeys + key.String())
	}
}

// Doubt is an absence whose deadline has passed, which the journey's own records have to
// bear out.
type Doubt struct {
	Key  string // correlation key
	wait waitKey
	at   int64
}

// Doubts are the absences that are due: everything shipped before horizon is known. At most n.
func (p *Part) Doubts(horizon time.Time, n int) (out []Doubt) {
	for len(out) < n && !horizon.IsZero() {
		at, key, ok := p.waits.due.pop(horizon.UnixNano())
		if !ok {
			break
		}
		w, waits := p.waits.known[key]
		if !waits || w.asked || at != w.judgedAt(key.rule) {
			continue
		}
		w.asked = true
		p.waits.known[key] = w
		out = append(out, Doubt{key.key, key, w.at})
	}
	return out
}

// Again has a doubt come again: the store could not be asked.
func (p *Part) Again(d Doubt) {
	if w, waits := p.waits.known[d.wait]; waits && w.at == d.at {
		w.asked = false
		p.waits.add(d.wait, w)
	}
}

// Settle decides a doubt by the records of its journey, in any order. Without any it fires:
// in doubt somebody is told.
func (p *Part) Settle(d Doubt, records []record.Record, now time.Time) {
	w, waits := p.waits.known[d.wait]
	if !waits || w.at != d.at {
		return
	}
	p.unwait(d.wait, w)
	r := d.wait.rule
	deadline := time.Unix(0, w.at).Add(r.within).UTC()
	earliest := time.Unix(0, w.at).Add(-skewed)
	var cause, late *record.Record
	for i := range records {
		rec := &records[i]
		p.records.from(rec, r.after.labels || r.expect.labels)
		if rec.Time.UnixNano() == w.at && p.ask(r, r.after, &p.records) {
			cause = rec
			continue
		}
		if rec.Time.Before(earliest) || !p.ask(r, r.expect, &p.records) {
			continue
		}
		if !rec.Time.After(deadline) {
			return // it was there
		}
		if late == nil || rec.Time.Before(late.Time) {
			late = rec
		}
	}
	if cause == nil {
		cause = &record.Record{CorrelationID: d.Key, CorrelationKey: d.Key}
	}
	p.records.from(cause, true)
	a := p.hold(begin{rule: r, subject: d.Key, at: deadline, judged: now, id: cause.CorrelationID, shown: p.records.shown})
	if a != nil && late != nil {
		p.resolve(a, late.Time)
	}
}

// ask is a condition that holds where it fails.
func (p *Part) ask(r *Rule, c *condition, of facts) bool {
	holds, err := c.holds(of)
	if err != nil {
		p.log.Error("a condition fails, so its rule fires: correct it", "rule", r.Name, "error", err)
	}
	return holds
}

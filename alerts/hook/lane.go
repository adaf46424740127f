package hook

import (
	"fmt"
	"slices"
	"time"
)

// lane is what waits in one partition for one receiver. Its outbox's mu guards the fields.
type lane struct {
	box      *outbox
	receiver string
	wake     chan struct{}

	waiting []*parcel          // all of them kept, the first by Seq first
	known   map[idHash]*parcel // by ID; that of the gathered one for those in it; nil: it is in past
	past    []past             // the last ones, the newest at the end
	ended   uint64             // deliveries ever ended
	until   time.Time          // the receiver has asked for a pause

	begun uint64   // what comes up to here may have been tried, as the journal says; run's alone
	turn  bool     // under the ceiling, taken and not used; run's alone
	over  []string // IDs of what has ended, to be deleted once that is kept; run's alone
}

func newLane(b *outbox, receiver string) *lane {
	return &lane{box: b, receiver: receiver, wake: make(chan struct{}, 1), known: map[idHash]*parcel{}}
}

// take has a parcel wait that is kept now. The caller holds mu.
func (l *lane) take(p *parcel) {
	if p.kept {
		return
	}
	p.kept = true
	l.known[hashOf(p.Delivery.ID)] = p
	i, _ := slices.BinarySearchFunc(l.waiting, p.Seq, (*parcel).after)
	l.waiting = slices.Insert(l.waiting, i, p)
	l.box.m.meters.queued.WithLabelValues(l.receiver).Inc()
	l.rouse()
}

func (l *lane) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run delivers, one after the other, until the outbox is stopped.
func (l *lane) run() {
	for !l.box.stopped() {
		now := time.Now()
		p, wait := l.next(now)
		if p == nil {
			l.rest()
			l.pause(wait)
			continue
		}
		at := l.box.m.receiver(l.receiver)
		switch {
		case at == nil:
			l.end(p, Failed, fmt.Sprintf("receiver %s is no longer in the rules file: add it and redrive, or drop this", l.receiver), "")
		case l.behind(now) && l.gather(at):
		case l.admitted(at) && l.head(p):
			l.attempt(at, p)
		}
	}
	l.rest()
}

// rest keeps what has been delivered, where there is something.
func (l *lane) rest() {
	if len(l.over) > 0 {
		l.settle()
	}
}

// maxBehind is how long a notification waits, at most, before it is gathered with what waits behind it.
const maxBehind = time.Minute

// behind reports whether notifications come faster than the receiver takes them, whatever its ceiling is.
func (l *lane) behind(now time.Time) bool {
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	first := slices.IndexFunc(l.waiting, (*parcel).fresh)
	return first >= 0 && now.Sub(l.waiting[first].Delivery.Queued) > maxBehind
}

// next is the first of those that are due; nil: there is none for that time, or until it is woken (0).
func (l *lane) next(now time.Time) (first *parcel, wait time.Duration) {
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	if pause := l.until.Sub(now); pause > 0 {
		return nil, pause
	}
	var soonest time.Time
	for _, p := range l.waiting {
		if !p.Due.After(now) {
			return p, 0
		}
		if soonest.IsZero() || p.Due.Before(soonest) {
			soonest = p.Due
		}
	}
	if soonest.IsZero() {
		return nil, 0
	}
	return nil, soonest.Sub(now)
}

// pause waits for that time, or until it is woken.
func (l *lane) pause(wait time.Duration) {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-l.wake:
	case <-l.box.stopping:
	}
}

// admitted takes its turn under the receiver's ceiling. Where that took time, those which have
// come meanwhile are gathered, and next has to look again: false.
func (l *lane) admitted(at *receiver) bool {
	if l.turn {
		l.turn = false
		return true
	}
	turn := at.limiter.Reserve()
	wait := turn.Delay()
	if wait == 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.box.stopping:
		turn.Cancel()
		return false
	}
	l.gather(at)
	l.turn = true
	return false
}

// maxBegun is how many deliveries share a flush, at most, and so how many may be repeated after a crash.
const maxBegun = 16

// head keeps which parcels are tried next, so that who comes after a crash knows.
func (l *lane) head(p *parcel) bool {
	l.box.mu.Lock()
	p.tried = true
	first := p.Seq > l.begun
	if first {
		i, _ := slices.BinarySearchFunc(l.waiting, p.Seq, (*parcel).after)
		l.begun = l.waiting[min(i+maxBegun, len(l.waiting))-1].Seq
		l.box.journal.Put(headKey(l.receiver), encoded(l.begun))
	}
	l.box.mu.Unlock()
	if first || len(l.over) >= maxBegun {
		l.settle()
	}
	return !l.box.stopped()
}

// settle keeps what has been delivered since the last time.
func (l *lane) settle() {
	l.box.settle()
	l.clear()
}

// clear deletes what has ended, by whichever flush is next: where it is still there after a crash,
// the history tells. What was redriven meanwhile lies under the same key, and stays.
func (l *lane) clear() {
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	for _, id := range l.over {
		if l.known[hashOf(id)] == nil && l.box.ctx.Err() == nil {
			l.box.journal.Delete(waitingKey(l.receiver, id))
		}
	}
	l.over = l.over[:0]
}

// attempt tries once.
func (l *lane) attempt(at *receiver, p *parcel) {
	a := at.try(l.box.ctx, l.box.m, p)
	if !a.taken() && l.box.ctx.Err() != nil { // stopped, which is no attempt
		return
	}
	l.box.m.meters.attempted(l.receiver, a)
	now := time.Now()
	if p.Since.IsZero() {
		p.Since = a.at
	}
	wait, again := at.again(p, a, now)
	outcome := a.outcome()
	if outcome == Failed && again {
		outcome = Retried
	}
	l.box.mu.Lock()
	p.Delivery.tried(a.attempt(outcome))
	l.box.mu.Unlock()
	switch outcome {
	case Delivered:
		at.dead.Store(false)
		l.end(p, Delivered, "", "")
	case Retried:
		l.retry(p, a, now.Add(wait))
	default:
		if a.exhausting() {
			at.dead.Store(true)
		}
		l.end(p, Failed, a.reason(), at.Fallback)
	}
}

// retry has p wait.
func (l *lane) retry(p *parcel, a *answer, due time.Time) {
	l.box.mu.Lock()
	p.Due, p.Delivery.Next, p.Delivery.Reason = due, &due, a.reason()
	if a.pause {
		l.until = due
	}
	l.box.journal.Put(waitingKey(l.receiver, p.Delivery.ID), encoded(p))
	l.box.mu.Unlock()
	l.box.settle()
}

// end is the last of p here; where it is given up, fallback takes it over, if there is one. What follows from
// it is in the journal before it leaves there itself, and the history comes after who takes over.
func (l *lane) end(p *parcel, outcome Outcome, reason, fallback string) {
	b, now := l.box, time.Now()
	if outcome == Failed && fallback != "" && !slices.Contains(p.Been, fallback) {
		b.mu.Lock()
		p.Delivery.Fallback = fallback
		next, beside := b.handOver(p, fallback)
		b.mu.Unlock()
		if !b.keep() {
			return
		}
		b.mu.Lock()
		if next != nil {
			beside.take(next)
		}
		b.mu.Unlock()
	}
	b.mu.Lock()
	d := &p.Delivery
	d.Outcome, d.Reason, d.Next, d.Ended = outcome, reason, nil, &now
	l.remember(pastOf(p))
	l.waiting = slices.DeleteFunc(l.waiting, func(other *parcel) bool { return other == p })
	b.mu.Unlock()
	b.m.ended(p)
	if outcome == Delivered || b.keep() {
		l.over = append(l.over, d.ID)
	}
}

// handOver writes what fallback gets; nil: it has it already. The caller holds mu.
func (b *outbox) handOver(p *parcel, fallback string) (*parcel, *lane) {
	l := b.lane(fallback)
	if _, known := l.known[hashOf(p.Delivery.ID)]; known {
		return nil, nil
	}
	next := &parcel{Notification: p.Notification, Been: append(slices.Clone(p.Been), p.Delivery.Receiver), Members: p.Members, Carried: p.Carried}
	next.Delivery = newDelivery(p.Notification, fallback, time.Now())
	next.Delivery.Instead, next.Delivery.Gathered = p.Delivery.Receiver, p.Delivery.Gathered
	b.put(l, next)
	return next, l
}

// remember has e in the history, and forgets the oldest. The caller holds mu.
func (l *lane) remember(e past) {
	size := l.box.m.cfg.History
	e.N = l.ended
	l.ended++
	l.box.journal.Put(pastKey(l.receiver, e.N, size), encoded(e))
	l.past = append(l.past, e)
	l.know(&e)
	for len(l.past) > size {
		oldest := l.past[0]
		l.past = slices.Delete(l.past, 0, 1)
		newer := slices.ContainsFunc(l.past, func(o past) bool { return o.Delivery.ID == oldest.Delivery.ID })
		for id := range oldest.ids() {
			if at, known := l.known[id]; known && at == nil && !newer {
				delete(l.known, id)
			}
		}
	}
}

// know has what is in e not queued again.
func (l *lane) know(e *past) {
	for id := range e.ids() {
		l.known[id] = nil
	}
}

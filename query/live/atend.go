package live

import (
	"context"
	"time"
)

// atEnd is where most clients are: they take what their group has queued.
type atEnd struct {
	next uint64 // of the queue
	torn int    // the follower's, when the client came here
}

// goLive has a client take what comes from now on. The caller holds the follower's lock.
func (s *Subscription) goLive() {
	s.source = &atEnd{next: s.g.queue.end, torn: s.f.torn}
	s.token, s.asOf = s.f.position().String(), s.f.through()
}

func (e *atEnd) close() {}

func (e *atEnd) take(_ context.Context, s *Subscription) (events []Event, more <-chan struct{}, err error) {
	f, g := s.f, s.g
	f.mu.Lock()
	if e.torn != f.torn {
		f.mu.Unlock()
		return nil, nil, s.goBack()
	}
	if missed := g.queue.first - min(e.next, g.queue.first); missed > 0 {
		s.counts.Matched += missed
		s.counts.Skipped += missed
		e.next, s.token, s.asOf = g.queue.first, g.before, time.Time{}
		events = append(events, s.receipt())
	}
	items := make([]*item, 0, min(g.queue.end-e.next, takeAtOnce))
	for ; e.next < g.queue.end && len(items) < takeAtOnce; e.next++ {
		items = append(items, g.queue.at(e.next))
	}
	all, closed, clients := e.next == g.queue.end, f.closed, f.clients
	s.asOf = time.Time{}
	if n := len(items); n > 0 {
		s.token = items[n-1].token
	}
	if all {
		s.asOf, more = f.through(), g.bell.wait()
		if time.Since(s.toldAt) >= receiptEvery {
			s.token = f.position().String()
		}
	}
	f.mu.Unlock()
	for _, i := range items {
		s.counts.Matched++
		if g.hides(i.entry) { // since it was matched
			s.counts.Skipped++
			continue
		}
		s.counts.Shown++
		events = append(events, Event{Token: i.token, Record: i.entry.Raw})
	}
	if len(items) > 0 {
		s.rest = time.Now().Add(min(time.Duration(clients)*gatherEach, gatherMost))
	}
	if all && closed {
		events = append(events, s.finish())
	}
	return events, more, nil
}

// goBack has a client read again from where it is: after it the follower has lost a range, of
// which the client is told on its way.
func (s *Subscription) goBack() error {
	at, err := parsePosition(s.token)
	if err != nil {
		return err // not one of ours
	}
	s.source, s.asOf = &behind{at: at, torn: -1}, time.Time{}
	return nil
}

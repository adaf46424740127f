package live

import (
	"context"
	"fmt"
	"time"
)

// behind is where a client is that comes with a token: it reads what the follower has in
// memory and, where that does not reach back so far, Kafka first.
//
//	token ── replay ──► floor ── memory ──► next ── group's queue ──►
type behind struct {
	at     position
	number uint64 // of the log's item that comes next
	torn   int    // the follower's, when at was held against Kafka; -1: it has not been
	replay *replay
}

// again is how long a client waits where it cannot go on.
const again = 500 * time.Millisecond

func (b *behind) close() {
	if b.replay != nil {
		b.replay.close()
	}
}

func (b *behind) take(ctx context.Context, s *Subscription) (events []Event, more <-chan struct{}, err error) {
	if b.replay != nil {
		return b.replayed(ctx, s)
	}
	f := s.f
	f.mu.Lock()
	switch {
	case f.closed:
		f.mu.Unlock()
		return []Event{s.finish()}, nil, nil
	case f.isBefore(b.at) && b.torn != f.torn, f.forgot(b.at):
		f.mu.Unlock()
		if err := b.begin(s); err != nil {
			f.log.DebugContext(ctx, "a client waits to read Kafka", "error", err)
			s.rest = time.Now().Add(again)
		}
		return nil, nil, nil
	}
	// Under one lock: all that is asked for is in memory, and it is taken.
	items := make([]*item, 0, takeAtOnce)
	log := &f.memory.log
	b.number = max(b.number, log.first)
	for ; b.number < log.end && len(items) < takeAtOnce; b.number++ {
		if i := log.at(b.number); i.offset >= b.at.of(i.partition) {
			items = append(items, i)
		}
	}
	if len(items) == 0 {
		if f.isBefore(b.at) { // another process that has read further gave the token
			more = f.bell.wait()
		} else {
			s.goLive()
		}
	}
	f.mu.Unlock()
	for _, i := range items {
		b.at.set(i.partition, i.offset+1)
		if s.g.matches(i.entry) {
			events = append(events, s.shown(b.at.String(), i.entry.Raw))
		}
	}
	if len(items) > 0 {
		s.token = b.at.String()
	}
	return events, more, nil
}

// shown is a record that a client reads for itself.
func (s *Subscription) shown(token string, raw []byte) Event {
	s.counts.Matched++
	s.counts.Shown++
	return Event{Token: token, Record: raw}
}

// forgot reports whether memory begins after a position. The caller holds mu.
func (f *Follower) forgot(at position) bool {
	for n, p := range f.partitions {
		if at.of(int32(n)) < p.floor {
			return true
		}
	}
	return false
}

// isBefore reports whether reading has yet to come to a position. The caller holds mu.
func (f *Follower) isBefore(at position) bool {
	for n := range at {
		if n >= len(f.partitions) || f.partitions[n].next < at[n] {
			return true
		}
	}
	return false
}

// lacks reports whether a client at a position has to read Kafka.
func (f *Follower) lacks(at position) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.forgot(at)
}

// begin holds a position against what Kafka has, and begins to read what memory lacks.
func (b *behind) begin(s *Subscription) error {
	f := s.f
	select {
	case f.replays <- struct{}{}:
	default:
		return fmt.Errorf("%w: %d clients read Kafka for themselves, which is the limit; try again later", ErrBusy, cap(f.replays))
	}
	if err := b.hold(s); err != nil {
		<-f.replays
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	r, err := f.replay(b.at, &s.replays)
	if err != nil {
		<-f.replays
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	b.replay, b.number = r, 0
	return nil
}

// hold moves a position to where Kafka has messages, and tells the client what is gone.
func (b *behind) hold(s *Subscription) error {
	s.f.mu.Lock()
	torn := s.f.torn
	s.f.mu.Unlock()
	k, err := s.f.ask()
	if err != nil {
		return err
	}
	defer k.close()
	n, err := k.partitions()
	if err != nil {
		return err
	}
	oldest, newest, err := k.bounds(n)
	if err != nil {
		return err
	}
	for p := range int32(max(n, len(b.at))) {
		at, to := b.at.of(p), int64(0)
		if int(p) < n {
			to = min(max(at, oldest[p]), newest[p])
		}
		if at == to {
			continue
		}
		b.at.set(p, to)
		s.token = b.at.String()
		s.queued = append(s.queued, Event{Token: s.token, Gap: &Gap{Partition: p, From: at, Until: to}})
	}
	b.at = b.at[:min(len(b.at), n)]
	b.torn = torn
	return nil
}

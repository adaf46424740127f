package live

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Request says what a client wants to see, and from where on.
type Request struct {
	Filter filter.Node // nil: every record

	// Hide keeps records from the client, such as those that were erased; nil: none.
	// It must be quick, and safe for concurrent use.
	Hide   func(store.Entry) bool
	Holder string // whom Hide is for: those with one Filter and one Holder are served together

	Resume string    // the token of the last event seen; empty: none
	Since  time.Time // without Resume, what the broker took from then on; zero: from now on
}

// Subscription is one client's view. It is not safe for concurrent use.
type Subscription struct {
	f      *Follower
	g      *group
	source source
	counts Receipt
	token  string  // where to go on
	queued []Event // to be given before all else

	asOf      time.Time // of counts; zero while the client is behind
	told      Receipt   // the last receipt
	toldAt    time.Time
	toldToken string
	rest      time.Time // nothing is taken before
	done      bool

	replays sync.WaitGroup // that are ending
}

// source is where a subscription reads from now: the end of its group's queue, memory, or Kafka.
type source interface {
	// take returns what comes next and, where that is nothing yet, what is closed when
	// there may be more. It may replace the subscription's source.
	take(ctx context.Context, s *Subscription) (events []Event, more <-chan struct{}, err error)
	close()
}

const (
	receiptEvery = time.Second      // where something was counted
	tokenEvery   = 10 * time.Second // where reading has come further, and nothing matched
	takeAtOnce   = 512
)

// How long a client lets records gather, so that many clients do not cost many times as
// much: for each client there is, and at most.
const (
	gatherEach = 500 * time.Microsecond
	gatherMost = 40 * time.Millisecond
)

// Subscribe begins to watch. Errors wrap ErrToken, filter.ErrInvalid, ErrUnavailable or ErrBusy.
func (f *Follower) Subscribe(r Request) (*Subscription, error) {
	if err := filter.Check(r.Filter); err != nil {
		return nil, err
	}
	at, err := parseResume(r.Resume)
	if err != nil {
		return nil, err
	}
	if at == nil && !r.Since.IsZero() {
		if at, err = f.since(r.Since); err != nil {
			return nil, fmt.Errorf("%w: where %s is in the topic: %w", ErrUnavailable, r.Since.Format(time.RFC3339), err)
		}
	}
	s := &Subscription{f: f, toldAt: time.Now()}
	if err := f.join(s, &r, at); err != nil {
		return nil, err
	}
	if b, ok := s.source.(*behind); ok && f.lacks(b.at) {
		if err := b.begin(s); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func parseResume(token string) (position, error) {
	if token == "" {
		return nil, nil
	}
	return parsePosition(token)
}

// since is the position at a time.
func (f *Follower) since(at time.Time) (position, error) {
	if err := f.Ready(); err != nil {
		return nil, err
	}
	k, err := f.ask()
	if err != nil {
		return nil, err
	}
	defer k.close()
	n, err := k.partitions()
	if err != nil {
		return nil, err
	}
	return k.since(n, at)
}

// join puts a client into the group of its filter, at the end of what has been read or, where
// it comes from elsewhere, behind.
func (f *Follower) join(s *Subscription, r *Request, at position) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed || !f.looked:
		return fmt.Errorf("%w: %w", ErrUnavailable, f.why)
	case f.clients >= f.cfg.Clients:
		return fmt.Errorf("%w: %d clients are served, which is the limit; try again later", ErrBusy, f.clients)
	}
	groups := *f.groups.Load()
	name := groupName(r)
	if i := slices.IndexFunc(groups, func(g *group) bool { return g.name == name }); i >= 0 {
		s.g = groups[i]
	} else {
		if len(groups) >= f.cfg.Filters {
			return fmt.Errorf("%w: %d different filters are served, which is the limit; use one of them or try again later", ErrBusy, len(groups))
		}
		s.g = newGroup(name, r)
		with := append(slices.Clone(groups), s.g)
		f.groups.Store(&with)
	}
	s.g.clients++
	f.clients++
	if at == nil {
		s.goLive()
	} else {
		s.token = at.String()
		s.source = &behind{at: at, torn: -1}
	}
	return nil
}

// Next returns what comes next, and waits for it until ctx ends. A receipt comes at least
// each second where something was counted, before what follows skipped records, and at
// the end, after which Next returns io.EOF.
func (s *Subscription) Next(ctx context.Context) ([]Event, error) {
	for {
		if len(s.queued) > 0 {
			events := s.queued
			s.queued = nil
			return events, nil
		}
		if s.done {
			return nil, io.EOF
		}
		if d := time.Until(s.rest); d > 0 && !s.f.ends() {
			if err := wait(ctx, nil, d); err != nil {
				return nil, err
			}
		}
		events, more, err := s.source.take(ctx, s)
		if err != nil {
			return nil, err
		}
		if s.due() {
			events = append(events, s.receipt())
		}
		if len(events) > 0 {
			return events, nil
		}
		if more != nil {
			if err := wait(ctx, more, s.untilDue()); err != nil {
				return nil, err
			}
		}
	}
}

// wait ends when something is closed, after a time, or with ctx, which is its only error.
func wait(ctx context.Context, closed <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-closed:
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (s *Subscription) changed() bool {
	return s.counts.Matched != s.told.Matched || s.counts.Skipped != s.told.Skipped
}

func (s *Subscription) due() bool {
	since := time.Since(s.toldAt)
	return s.changed() && since >= receiptEvery || s.token != s.toldToken && since >= tokenEvery
}

// untilDue is when a receipt may be due though nothing more comes.
func (s *Subscription) untilDue() time.Duration {
	every := tokenEvery
	if s.changed() {
		every = receiptEvery
	}
	return max(every-time.Since(s.toldAt), time.Millisecond)
}

// receipt says what has been counted up to here.
func (s *Subscription) receipt() Event {
	r := s.counts
	if at := s.asOf; !at.IsZero() {
		r.AsOf = &at
	}
	s.told, s.toldAt, s.toldToken = s.counts, time.Now(), s.token
	return Event{Token: s.token, Receipt: &r}
}

// finish gives the last receipt.
func (s *Subscription) finish() Event {
	s.done = true
	return s.receipt()
}

// Close leaves. It can be called again.
func (s *Subscription) Close() {
	if s.source == nil {
		return
	}
	s.source.close()
	s.replays.Wait()
	s.source, s.done = nil, true
	f := s.f
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clients--
	if s.g.clients--; s.g.clients == 0 {
		without := slices.DeleteFunc(slices.Clone(*f.groups.Load()), func(g *group) bool { return g == s.g })
		f.groups.Store(&without)
	}
}

// ends reports whether the follower has ended.
func (f *Follower) ends() bool {
	select {
	case <-f.closing:
		return true
	default:
		return false
	}
}

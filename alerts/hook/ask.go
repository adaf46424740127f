package hook

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// Standing is how a receiver does, in this process.
type Standing struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Where    string    `json:"where"` // without secrets
	Fallback string    `json:"fallback,omitempty"`
	Ceiling  int       `json:"ceiling_per_minute"`
	Waiting  int       `json:"waiting"`
	Dead     bool      `json:"dead"`           // the last delivery was given up after all its attempts
	Last     *Delivery `json:"last,omitempty"` // that ended
}

// Receivers are all there are, by name.
func (m *Manager) Receivers() []Standing {
	var all []Standing
	for name, r := range *m.receivers.Load() {
		s := Standing{Name: name, Kind: r.kindName(), Where: r.kind.where(), Fallback: r.Fallback, Ceiling: r.Ceiling.PerMinute, Dead: r.dead.Load()}
		for _, d := range m.History(name) {
			if d.Outcome == Pending {
				s.Waiting++
			} else if s.Last == nil {
				s.Last = &d
			}
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Standing) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// History are a receiver's deliveries in the partitions owned here, the newest first, and before
// them those that wait. No name: those of all receivers.
func (m *Manager) History(receiver string) []Delivery {
	var waiting, ended []Delivery
	for _, b := range m.owned() {
		b.mu.Lock()
		for name, l := range b.lanes {
			if receiver != "" && name != receiver {
				continue
			}
			for _, p := range l.waiting {
				waiting = append(waiting, p.Delivery.copied())
			}
			for _, e := range slices.Backward(l.past) {
				ended = append(ended, e.Delivery.copied())
			}
		}
		b.mu.Unlock()
	}
	slices.SortStableFunc(waiting, func(a, b Delivery) int { return b.Queued.Compare(a.Queued) })
	slices.SortStableFunc(ended, func(a, b Delivery) int { return b.Ended.Compare(*a.Ended) })
	return append(waiting, ended...)
}

// Redrive sends what was given up on its way again, under its ID and with all attempts. It
// returns once that is kept.
func (m *Manager) Redrive(ctx context.Context, receiver, id string) error {
	if m.receiver(receiver) == nil {
		return fmt.Errorf("redrive %q: receiver %q %w: add it to the rules file first", id, receiver, ErrUnknown)
	}
	for _, b := range m.owned() {
		b.mu.Lock()
		if l := b.lanes[receiver]; l != nil {
			for _, e := range slices.Backward(l.past) {
				if e.Delivery.ID == id {
					return b.redrive(ctx, l, e)
				}
			}
		}
		b.mu.Unlock()
	}
	return fmt.Errorf("redrive %q: the history of %s %w: it may be too old, or in a partition of another process", id, receiver, ErrUnknown)
}

// redrive unlocks mu.
func (b *outbox) redrive(ctx context.Context, l *lane, e past) error {
	var err error
	switch waits := l.known[hashOf(e.Delivery.ID)]; {
	case waits != nil:
		err = fmt.Errorf("redrive %q: %w, since it is on its way to %s already", e.Delivery.ID, ErrRefused, l.receiver)
	case e.Parcel == nil:
		err = fmt.Errorf("redrive %q: %w, since %s took it", e.Delivery.ID, ErrRefused, l.receiver)
	}
	if err != nil {
		b.mu.Unlock()
		return err
	}
	p := &parcel{Notification: e.Parcel.Notification, Been: e.Parcel.Been, Members: e.Parcel.Members}
	p.Delivery = newDelivery(p.Notification, l.receiver, time.Now())
	p.Delivery.Instead, p.Delivery.Gathered, p.Delivery.Redriven = e.Delivery.Instead, e.Delivery.Gathered, e.Delivery.Redriven+1
	p.tried = true // under this ID
	b.m.queued(p)
	b.put(l, p)
	b.mu.Unlock()
	err = b.journal.Flush(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		l.known[hashOf(e.Delivery.ID)] = nil
		return fmt.Errorf("redrive %q: %w", e.Delivery.ID, err)
	}
	l.take(p)
	return nil
}

// Test tries a receiver once, with a notification that says it is a test, and tells what came of
// it. It counts under the ceiling and is in the history.
func (m *Manager) Test(ctx context.Context, receiver string) (Delivery, error) {
	at := m.receiver(receiver)
	if at == nil {
		return Delivery{}, fmt.Errorf("test receiver %q: it is %w: name one of the rules file's", receiver, ErrUnknown)
	}
	if !at.limiter.Allow() {
		return Delivery{}, fmt.Errorf("test receiver %s: %w, since it has got its %d a minute: wait a little", receiver, ErrRefused, at.Ceiling.PerMinute)
	}
	now := time.Now()
	n := alerts.Notification{
		ID: "test-" + rand.Text(), Receiver: receiver, Group: "test", Status: "firing", Severity: "info", Time: now,
		Title: "Test of receiver " + receiver, Text: "Somebody asked Waybill to try this receiver. Nothing is wrong.",
		Alerts: []alerts.Alert{{Key: "test", Rule: "test", Status: "firing", Severity: "info", Title: "Test of receiver " + receiver, StartsAt: now}},
	}
	p := &parcel{Notification: n, Delivery: newDelivery(n, receiver, now)}
	p.Delivery.Test = true
	m.queued(p)
	a := at.try(ctx, m, p)
	m.meters.attempted(receiver, a)
	d := &p.Delivery
	d.tried(a.attempt(a.outcome()))
	ended := time.Now()
	d.Outcome, d.Reason, d.Ended = a.outcome(), a.reason(), &ended
	m.ended(p)
	for _, b := range m.owned() {
		b.mu.Lock()
		b.lane(receiver).remember(past{Delivery: d.copied()})
		b.mu.Unlock()
		b.settle()
		break
	}
	return d.copied(), nil
}

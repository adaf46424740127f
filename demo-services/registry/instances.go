package registry

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// Register takes in an instance and gives it an ID. It is in rotation from now on.
func (r *Registry) Register(ctx context.Context, in Instance) (Instance, error) {
	if err := r.valid(in); err != nil {
		return Instance{}, fmt.Errorf("register: %w", err)
	}
	in.ID = strings.ToLower(rand.Text()) // part of names in DNS, which know no case
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.room(in.Service); err != nil {
		return Instance{}, fmt.Errorf("register: %w", err)
	}
	r.add(&member{Instance: in})
	r.dirty.Store(true)
	r.log.InfoContext(ctx, "instance registered", "service", in.Service, "instance", in.ID, "url", in.URL, "version", in.Version)
	return in, nil
}

func (r *Registry) room(name string) error {
	if len(r.members) >= r.cfg.Limits.Instances {
		return fmt.Errorf("%w: it holds %d instances", ErrFull, len(r.members))
	}
	if s, ok := r.service(name); ok && len(s.members) >= r.cfg.Limits.PerService {
		return fmt.Errorf("%w: it holds %d instances of that service", ErrFull, len(s.members))
	}
	return nil
}

// add needs r.mu.
func (r *Registry) add(m *member) {
	m.heard.Store(int64(r.now()))
	r.members[m.ID] = m
	s := r.named(m.Service)
	s.insert(m)
	s.publish()
}

// Heartbeat notes that an instance is alive. False: it is not registered.
func (r *Registry) Heartbeat(ctx context.Context, id string) bool {
	r.mu.RLock()
	m := r.members[id]
	known, silent := m != nil && !m.static, m != nil && m.silent
	if known {
		m.heard.Store(int64(r.now()))
	}
	r.mu.RUnlock()
	if known && silent {
		r.wake(ctx, id)
	}
	return known
}

// wake puts an instance back whose silence was no end.
func (r *Registry) wake(ctx context.Context, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[id]; m != nil && m.silent {
		m.silent = false
		r.named(m.Service).publish()
		r.log.InfoContext(ctx, "instance is heard again", "service", m.Service, "instance", id)
	}
}

// Deregister takes an instance out. False: it is not registered.
func (r *Registry) Deregister(ctx context.Context, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[id]
	if m == nil || m.static {
		return false
	}
	r.remove(m).publish()
	r.log.InfoContext(ctx, "instance deregistered", "service", m.Service, "instance", id)
	return true
}

// remove needs r.mu; the service is still to be published.
func (r *Registry) remove(m *member) *service {
	delete(r.members, m.ID)
	s := r.named(m.Service)
	s.remove(m)
	r.dirty.Store(true)
	return s
}

// sweep looks for instances that are silent: for a TTL, then they leave the
// rotation; for half of one more, then they are forgotten. In between one
// heartbeat brings them back, and people see what is missing.
func (r *Registry) sweep(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.excuse(now)
	changed := map[*service]bool{}
	for _, m := range r.members {
		quiet := now - time.Duration(m.heard.Load())
		switch {
		case m.static || quiet <= r.cfg.TTL:
		case quiet > r.cfg.TTL*3/2:
			changed[r.remove(m)] = true
			r.log.WarnContext(ctx, "instance forgotten", "service", m.Service, "instance", m.ID, "quiet", quiet)
		case !m.silent:
			m.silent, m.since = true, time.Now()
			changed[r.named(m.Service)] = true
			r.log.WarnContext(ctx, "instance out of rotation", "service", m.Service, "instance", m.ID, "reason", "no heartbeats", "quiet", quiet)
		}
	}
	for s := range changed {
		s.publish()
	}
}

// excuse gives all instances the time for which the registry itself did not run,
// stopped or starved: their heartbeats still lie in its sockets, and without this
// it would begin with throwing everybody out.
func (r *Registry) excuse(now time.Duration) {
	away := now - r.swept
	r.swept = now
	if away < r.cfg.TTL/2 {
		return
	}
	for _, m := range r.members {
		m.heard.Store(min(m.heard.Load()+int64(away), int64(now)))
	}
}

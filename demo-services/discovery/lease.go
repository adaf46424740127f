package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// usualTTL is assumed until the registry has said its own.
const usualTTL = 5 * time.Second

// Lease is a registration that is kept alive until Close.
type Lease struct {
	client *Client
	in     Instance
	stop   context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex
	id     string        // "": not registered now
	ttl    time.Duration // of the registry
	beaten time.Time     // when the last heartbeat came through
}

// Register registers an instance and sends heartbeats until the lease is closed.
// While the registry is away, now or later, it keeps trying; whatever forgets the
// instance hears of it again. An error means that the registry refuses the instance
// (ErrRefused), or that the client is closed. The ID is the registry's to give.
func (c *Client) Register(ctx context.Context, in Instance) (*Lease, error) {
	running, stop := context.WithCancel(c.running)
	l := &Lease{client: c, in: in, stop: stop, ended: make(chan struct{}), ttl: usualTTL}
	if err := l.register(ctx); err != nil && (errors.Is(err, ErrRefused) || ctx.Err() != nil) {
		stop()
		return nil, fmt.Errorf("register %s: %w", in.Service, err)
	}
	if !c.tasks.start(func() { defer close(l.ended); l.keep(running) }) {
		stop()
		return nil, fmt.Errorf("register %s: %w", in.Service, ErrClosed)
	}
	return l, nil
}

// ID is what the registry calls the instance; "" while it is not registered.
func (l *Lease) ID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}

// Close ends the heartbeats and deregisters the instance.
func (l *Lease) Close(ctx context.Context) error {
	l.stop()
	<-l.ended
	l.mu.Lock()
	id := l.id
	l.id = ""
	l.mu.Unlock()
	if id == "" {
		return nil
	}
	err := l.client.call(ctx, l.client.cfg.Timeout, http.MethodDelete, "/instances/"+url.PathEscape(id), nil, nil)
	if err != nil && !hasStatus(err, http.StatusNotFound) {
		return fmt.Errorf("deregister %s: %w", l.in.Service, err)
	}
	return nil
}

// keep registers and sends heartbeats until ctx ends.
func (l *Lease) keep(ctx context.Context) {
	refused := false
	for pause := l.pause(nil); wait(ctx, pause); {
		var err error
		at := time.Now()
		if l.ID() == "" {
			err = l.register(ctx)
		} else {
			err = l.beat(ctx)
		}
		if errors.Is(err, ErrRefused) && !refused {
			l.client.log.ErrorContext(ctx, "registration refused, it is tried again", "service", l.in.Service, "url", l.in.URL, "error", err)
		}
		refused = errors.Is(err, ErrRefused)
		pause = l.pause(err) - time.Since(at)
	}
}

// pause is the time between the starts of two calls. After a heartbeat it is a
// fifth of the TTL, or little less so that instances do not fall into step. One
// that is lost is sent again four times as often: with one in five lost, a dozen
// in a row must be, for the TTL to pass. Five at the steady pace would be lost
// once in 3,000 seconds, which among 10,000 instances is three each second. When
// the TTL has passed anyway the registry is away, and is not to be stormed.
func (l *Lease) pause(err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && l.id == "":
		return 0
	case err != nil && l.id != "" && time.Since(l.beaten) < l.ttl:
		return l.ttl / 20
	}
	return l.ttl/5 - rand.N(l.ttl/50)
}

func (l *Lease) register(ctx context.Context) error {
	var answer struct {
		ID       string   `json:"id"`
		TTL      int64    `json:"ttl_ms"`
		Settings Settings `json:"settings"`
	}
	c := l.client
	err := c.call(ctx, c.cfg.Timeout, http.MethodPost, "/instances",
		map[string]string{"service": l.in.Service, "url": l.in.URL, "version": l.in.Version}, &answer)
	if c.heard(ctx, err); err != nil {
		return err
	}
	if answer.ID == "" {
		return errors.New("the registry gave no ID")
	}
	c.learn(answer.Settings)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id, l.beaten = answer.ID, time.Now()
	l.ttl = max(50*time.Millisecond, min(time.Duration(min(answer.TTL, 1<<32))*time.Millisecond, time.Hour))
	c.log.InfoContext(ctx, "registered", "service", l.in.Service, "instance", l.id, "url", l.in.URL, "ttl", l.ttl)
	return nil
}

func (l *Lease) beat(ctx context.Context) error {
	l.mu.Lock()
	id, ttl := l.id, l.ttl
	l.mu.Unlock()
	err := l.client.call(ctx, ttl/16, http.MethodPut, "/instances/"+url.PathEscape(id)+"/heartbeat", nil, nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case hasStatus(err, http.StatusNotFound):
		l.client.log.WarnContext(ctx, "registry has forgotten this instance, it registers again", "service", l.in.Service, "instance", id)
		l.id = ""
		return nil
	case err == nil:
		l.beaten = time.Now()
	case time.Since(l.beaten) < ttl:
		return err // one lost heartbeat is no news
	}
	l.client.heard(ctx, err)
	return err
}

// wait reports whether d has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

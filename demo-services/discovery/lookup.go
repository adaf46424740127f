package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// maxServices bounds the names a client remembers.
const maxServices = 1024

// ValidName is what a service may be called: a DNS label in lower case that
// begins with a letter.
func ValidName(name string) bool { return names.MatchString(name) }

var names = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// lookup is what is known of one service.
type lookup struct {
	balancer balancer

	mu        sync.Mutex
	instances []Instance // the last answer; replaced, never changed
	err       error      // ErrUnknown, or why there never was an answer
	answered  bool
	due       time.Time     // when to ask again
	asking    chan struct{} // closed when the answer under way is there; nil: none is
}

// Instances returns who serves under a name now. The slice is not the caller's to
// change. An answer is good for about a second; while the registry is away the
// last one is served, however old. The error is ErrUnknown where the registry
// knows nobody of that name.
func (c *Client) Instances(ctx context.Context, service string) ([]Instance, error) {
	l, err := c.lookup(service)
	if err != nil {
		return nil, err
	}
	return c.instances(ctx, service, l)
}

func (c *Client) lookup(service string) (*lookup, error) {
	if !ValidName(service) {
		return nil, fmt.Errorf("look up %.80q: %w: not a name", service, ErrUnknown)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.services[service]
	if l == nil {
		for name := range c.services {
			if len(c.services) < maxServices {
				break
			}
			delete(c.services, name)
		}
		l = &lookup{}
		c.services[service] = l
	}
	return l, nil
}

func (c *Client) instances(ctx context.Context, service string, l *lookup) ([]Instance, error) {
	l.mu.Lock()
	if time.Now().Before(l.due) {
		defer l.mu.Unlock()
		return l.instances, l.err
	}
	asking, known := l.asking, l.answered
	if asking == nil {
		asking = make(chan struct{})
		l.asking = asking
		if !c.tasks.start(func() { c.ask(service, l, asking) }) {
			l.asking = nil
			close(asking)
			l.mu.Unlock()
			return nil, fmt.Errorf("look up %s: %w", service, ErrClosed)
		}
	}
	l.mu.Unlock()
	if err := c.await(ctx, asking, known); err != nil {
		return nil, fmt.Errorf("look up %s: %w", service, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.instances, l.err
}

// await waits for an answer; with an old one at hand, not long.
func (c *Client) await(ctx context.Context, asking chan struct{}, known bool) error {
	var enough <-chan time.Time
	if known {
		t := time.NewTimer(c.cfg.Patience)
		defer t.Stop()
		enough = t.C
	}
	select {
	case <-asking:
	case <-enough:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// ask fetches one answer for all who wait. It is nobody's request: the first who
// asked may give up without the others.
func (c *Client) ask(service string, l *lookup, done chan struct{}) {
	var answer struct {
		Instances []Instance `json:"instances"`
	}
	err := c.call(c.running, c.cfg.Timeout, http.MethodGet, "/services/"+service, nil, &answer)
	c.heard(c.running, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.instances, l.err, l.answered = answer.Instances, nil, true
	case hasStatus(err, http.StatusNotFound):
		l.instances, l.err, l.answered = nil, fmt.Errorf("look up %s: %w", service, ErrUnknown), true
	case !l.answered:
		l.err = fmt.Errorf("look up %s: %w", service, errors.Join(errAway, err))
	}
	l.due = time.Now().Add(c.cfg.CacheFor)
	l.asking = nil
	close(done)
}

// errAway says that the registry has not answered and nothing is known.
var errAway = errors.New("the registry is away")

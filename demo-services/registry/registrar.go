package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// failuresOut is how many failed checks in a row take an instance out: two, since
// a single one may be a pause or a lost packet, and with every third caller hurt
// waiting longer costs more than it saves. One success brings it back: it has used
// its own store and handlers, so it is no guess, and while others fail too each
// instance that works is needed.
const failuresOut = 2

// check has rounds of checks until ctx ends. A round that takes longer than
// CheckEvery is followed by the next at once.
func (r *Registry) check(ctx context.Context) error {
	for ctx.Err() == nil {
		next := time.NewTimer(r.cfg.CheckEvery)
		r.round(ctx)
		select {
		case <-next.C:
		case <-ctx.Done():
		}
		next.Stop()
	}
	return nil
}

// round checks all once, spread over the time until the next: in one burst, thousands of checks
// would keep everybody waiting who looks something up.
func (r *Registry) round(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(r.cfg.Checks)
	all := r.checkable()
	began := time.Now()
	for i, m := range all {
		at := began.Add(r.cfg.CheckEvery * time.Duration(i) / time.Duration(len(all)))
		if !waited(ctx, at) {
			break
		}
		g.Go(func() error {
			reason, err := r.diagnose(ctx, m.URL)
			r.checked(ctx, m, reason, err)
			return nil
		})
	}
	g.Wait() //nolint:errcheck // what a check finds is not the round's error
}

// finest is what is not waited for.
const finest = time.Millisecond

// waited waits for a time, and reports whether ctx still goes on then.
func waited(ctx context.Context, at time.Time) bool {
	left := time.Until(at)
	if left < finest {
		return ctx.Err() == nil
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// checkable are all but the silent: those are out anyway, and would keep the
// others waiting.
func (r *Registry) checkable() []*member {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*member, 0, len(r.members))
	for _, m := range r.members {
		if !m.silent {
			all = append(all, m)
		}
	}
	return all
}

// diagnose asks an instance how it is. The reason is for people outside, the error
// for the log. A redirect is no answer: whoever answers then is somebody else.
func (r *Registry) diagnose(ctx context.Context, url string) (reason string, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.CheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+"/diagnostics", nil)
	if err != nil {
		return "cannot be asked", err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return "does not answer", err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)); err != nil {
		return "broke off", err
	}
	if res.StatusCode/100 != 2 {
		reason = fmt.Sprintf("diagnostics answered %d", res.StatusCode)
		return reason, fmt.Errorf("check: %s", reason)
	}
	return "", nil
}

// checked notes what a check found.
func (r *Registry) checked(ctx context.Context, m *member, reason string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil || r.members[m.ID] != m {
		return
	}
	before := m.inRotation()
	if m.reason = reason; err == nil {
		m.failures = 0
	} else if m.failures++; m.failures == 1 {
		m.since = time.Now()
	}
	if m.inRotation() == before {
		return
	}
	r.named(m.Service).publish()
	log := r.log.With("service", m.Service, "instance", m.ID, "url", m.URL, "version", m.Version)
	if before {
		log.WarnContext(ctx, "instance out of rotation", "reason", reason, "error", err)
	} else {
		log.InfoContext(ctx, "instance back in rotation", "failed_for", time.Since(m.since))
	}
}

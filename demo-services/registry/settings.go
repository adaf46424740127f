package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
)

// holdFor is how long a question for what is new is held: less than the 30 s after
// which things between two services like to cut a silent connection.
const holdFor = 25 * time.Second

var keys = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9._/-]{0,127}$`)

// settings are replaced, never changed.
type settings struct {
	current atomic.Pointer[edition]
}

// edition is one version of the settings.
type edition struct {
	discovery.Settings
	body []byte        // as JSON
	over chan struct{} // closed when there is a newer one
}

func (s *settings) now() discovery.Settings { return s.current.Load().Settings }

func (s *settings) set(now discovery.Settings) {
	body, _ := json.Marshal(now) //nolint:errcheck // strings are always encoded
	if before := s.current.Swap(&edition{now, body, make(chan struct{})}); before != nil {
		close(before.over)
	}
}

// Settings returns the shared configuration.
func (r *Registry) Settings() discovery.Settings { return r.settings.now() }

// Change merges values into the settings; nil deletes one. When it returns the new
// version is on disk. What changes nothing is no new version.
func (r *Registry) Change(ctx context.Context, values map[string]*string) (discovery.Settings, error) {
	r.saving.Lock()
	defer r.saving.Unlock()
	before := r.settings.now()
	next := discovery.Settings{Version: before.Version + 1, Values: maps.Clone(before.Values)}
	for key, v := range values {
		switch {
		case !keys.MatchString(key):
			return before, fmt.Errorf("change settings: %w: a key is letters, digits and . _ / -, begins with a letter and has at most 128 characters", ErrInvalid)
		case v == nil:
			delete(next.Values, key)
		default:
			next.Values[key] = *v
		}
	}
	if maps.Equal(before.Values, next.Values) {
		return before, nil
	}
	if n := size(next.Values); n > r.cfg.Limits.Settings {
		return before, fmt.Errorf("change settings: %w: they would take %d bytes of %d", ErrFull, n, r.cfg.Limits.Settings)
	}
	if err := r.write(next); err != nil {
		return before, fmt.Errorf("change settings: %w", err)
	}
	r.settings.set(next)
	r.log.InfoContext(ctx, "settings changed", "version", next.Version, "changed", len(values))
	return next, nil
}

func size(values map[string]string) (n int) {
	for k, v := range values {
		n += len(k) + len(v)
	}
	return n
}

// newer waits until the settings are of another version than the caller's; nil:
// they were not in time. One that is ahead of the registry, which has lost its
// file, must not wait for the registry to catch up.
func (r *Registry) newer(ctx context.Context, version int64) (*edition, error) {
	e := r.settings.current.Load()
	if e.Version != version {
		return e, nil
	}
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > int64(r.cfg.Limits.Waiting) {
		return nil, fmt.Errorf("wait for settings: %w: too many wait", ErrFull)
	}
	t := time.NewTimer(holdFor)
	defer t.Stop()
	select {
	case <-e.over:
		return r.settings.current.Load(), nil
	case <-t.C:
	case <-ctx.Done():
	case <-r.closed:
	}
	return nil, nil
}

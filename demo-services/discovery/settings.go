package discovery

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// longPoll is how long the registry may hold a question for what is new, with
// some time for the way.
const longPoll = 30 * time.Second

// Settings returns the shared configuration as it is now, or as it was last known
// while the registry is away.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	var s Settings
	err := c.call(ctx, c.cfg.Timeout, http.MethodGet, "/settings", nil, &s)
	c.heard(ctx, err)
	if err == nil {
		c.learn(s)
		return s, nil
	}
	if last := c.known(); last != nil && ctx.Err() == nil {
		return *last, nil
	}
	return Settings{}, fmt.Errorf("read settings: %w", err)
}

// Change merges values into the shared configuration; nil deletes one. It returns
// what came of it.
func (c *Client) Change(ctx context.Context, values map[string]*string) (Settings, error) {
	var s Settings
	err := c.call(ctx, c.cfg.Timeout, http.MethodPut, "/settings", map[string]any{"values": values}, &s)
	c.heard(ctx, err)
	if err != nil {
		return Settings{}, fmt.Errorf("change settings: %w", err)
	}
	c.learn(s)
	return s, nil
}

// Watch calls f with the settings there are, then with each new version, until ctx
// ends; that is no error. While the registry is away it starts with what is known
// and waits. Versions that follow each other closely may come as one.
func (c *Client) Watch(ctx context.Context, f func(Settings)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.running, cancel)()
	shown := int64(-1)
	for failed := 0; ctx.Err() == nil; {
		at := time.Now()
		s, err := c.after(ctx, shown)
		if ctx.Err() != nil {
			break
		}
		c.heard(ctx, err)
		if err != nil {
			failed++
			s = c.known()
		} else {
			failed = 0
		}
		if s != nil && s.Version != shown && (err == nil || shown < 0) {
			shown = s.Version
			f(*s)
		} else { // neither an error nor an answer that comes too soon may turn this into a storm
			wait(ctx, min(time.Second, 50*time.Millisecond<<min(failed, 10))-time.Since(at))
		}
	}
	if c.running.Err() != nil {
		return fmt.Errorf("watch settings: %w", ErrClosed)
	}
	return nil
}

// after waits for settings of another version; nil: there are none yet.
func (c *Client) after(ctx context.Context, version int64) (*Settings, error) {
	path, timeout := "/settings", c.cfg.Timeout
	if version >= 0 {
		path, timeout = path+"?after="+strconv.FormatInt(version, 10), longPoll
	}
	s := Settings{Version: version}
	if err := c.call(ctx, timeout, http.MethodGet, path, nil, &s); err != nil {
		return nil, err
	}
	if s.Version == version {
		return nil, nil
	}
	c.learn(s)
	return &s, nil
}

func (c *Client) learn(s Settings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settings = &s
}

func (c *Client) known() *Settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settings
}

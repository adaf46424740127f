package messaging

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"
)

// Router holds the table that counts now. Safe for concurrent use.
type Router struct {
	path string // empty: the table is of no file
	text []byte // of the table, or of what was last read instead; Run's own

	mu      sync.Mutex
	table   *Table
	changed chan struct{} // closed when there is another table
}

// OpenRouter reads a table that may change; an error names what is wrong in it.
func OpenRouter(path string) (*Router, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	t, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	r := NewRouter(t)
	r.path, r.text = path, text
	return r, nil
}

// NewRouter holds a table that stays.
func NewRouter(t *Table) *Router { return &Router{table: t, changed: make(chan struct{})} }

// Table returns what counts now, and a channel that is closed when it does not any more.
func (r *Router) Table() (*Table, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.table, r.changed
}

// Set puts another table in its place.
func (r *Router) Set(t *Table) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table = t
	close(r.changed)
	r.changed = make(chan struct{})
}

const lookEvery = time.Second

// Run reads the file again and again, until ctx ends. What is wrong in it is logged, once, and
// the table stays as it was. Call it once, on what OpenRouter returned.
func (r *Router) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch changed, err := r.look(); {
		case err != nil:
			log.ErrorContext(ctx, "message routes stay as they were", "error", err)
		case changed:
			log.InfoContext(ctx, "message routes have changed")
		}
	}
}

// look compares texts: a file's time may be the same for two of them, and its first change may
// come before Run. A file that is not there has none.
func (r *Router) look() (changed bool, err error) {
	text, err := readText(r.path)
	if bytes.Equal(text, r.text) {
		return false, nil
	}
	r.text = text
	if err != nil {
		return false, err
	}
	t, err := parse(r.path, text)
	if err != nil {
		return false, err
	}
	r.Set(t)
	return true, nil
}

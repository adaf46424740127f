package hook

import (
	"context"
	"sync"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// flushWithin bounds one flush of a journal.
const flushWithin = 10 * time.Second

// flusher lets those who wait for the same journal share its flushes: one runs, and all
// that is asked for meanwhile is one more.
type flusher struct {
	alerts.Journal
	base context.Context // of flushes: who waits for one may leave, and it goes on

	mu      sync.Mutex
	running bool
	next    *flush // nil: nobody waits for one that has not begun
}

type flush struct {
	done chan struct{}
	err  error // once done
}

// Flush implements alerts.Journal.
func (f *flusher) Flush(ctx context.Context) error {
	f.mu.Lock()
	if f.next == nil {
		f.next = &flush{done: make(chan struct{})}
	}
	mine := f.next
	if !f.running {
		f.running = true
		go f.run()
	}
	f.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *flusher) run() {
	for {
		f.mu.Lock()
		now := f.next
		f.next, f.running = nil, now != nil
		f.mu.Unlock()
		if now == nil {
			return
		}
		ctx, cancel := context.WithTimeout(f.base, flushWithin)
		now.err = f.Journal.Flush(ctx)
		cancel()
		close(now.done)
	}
}

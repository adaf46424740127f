package ship

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

// ErrUnreachable wraps why who should take records does not answer.
var ErrUnreachable = errors.New("nobody answers")

// ErrNotAllowed wraps that the server wants another token.
var ErrNotAllowed = errors.New("not allowed")

// Patience says how long a carrier tries again.
type Patience struct {
	GiveUp time.Duration     // after so long without an answer; 0: never
	Warn   func(text string) // hears, now and then, that there is none; nil: nobody
}

// retrier tries again what may pass later.
type retrier struct {
	Patience
	retries atomic.Int64
	mu      sync.Mutex
	warned  time.Time
}

// later is an error that another attempt may not meet.
type later struct {
	error
	after time.Duration // 0: as the retrier has it
}

func (l later) Unwrap() error { return l.error }

const (
	firstDelay = 250 * time.Millisecond
	lastDelay  = 15 * time.Second
	warnEvery  = 10 * time.Second
)

// do calls attempt until it returns no later, or time is over.
func (r *retrier) do(ctx context.Context, attempt func() error) error {
	began := time.Now()
	policy := retrypolicy.NewBuilder[any]().HandleIf(func(_ any, err error) bool {
		var l later
		return errors.As(err, &l) && ctx.Err() == nil && (r.GiveUp == 0 || time.Since(began) < r.GiveUp)
	}).WithBackoff(firstDelay, lastDelay).WithJitterFactor(0.2).WithMaxRetries(-1).WithDelayFunc(func(e failsafe.ExecutionAttempt[any]) time.Duration {
		var l later
		if errors.As(e.LastError(), &l) && l.after > 0 {
			return l.after
		}
		return -1
	}).OnRetryScheduled(func(e failsafe.ExecutionScheduledEvent[any]) {
		r.retries.Add(1)
		r.warn(fmt.Sprintf("%v; trying again in %v, nothing is lost", e.LastError(), e.Delay.Round(time.Millisecond)))
	}).ReturnLastFailure()
	err := failsafe.With(policy.Build()).WithContext(ctx).Run(attempt)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var l later
	if errors.As(err, &l) {
		return fmt.Errorf("%w: %w; given up after %v", ErrUnreachable, l.error, r.GiveUp)
	}
	return err
}

func (r *retrier) warn(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Warn == nil || time.Since(r.warned) < warnEvery {
		return
	}
	r.warned = time.Now()
	r.Warn(text)
}

// Retries is how often something was tried again.
func (r *retrier) Retries() int64 { return r.retries.Load() }

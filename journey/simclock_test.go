package journey_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/waybill-log/waybill/record"
)

// simClock is the clock of a simulation. It is no machine's: a span's end is its
// start by the wall clock and what has passed since by the monotonic one, and a
// process that is held up between the two readings of its start dates its end too
// early by as long. As a span processor it notes when each span really began and
// ended, and date puts that into its records.
type simClock struct {
	mu     sync.Mutex
	random *rand.Rand
	now    time.Time
	ended  map[string]time.Time // by span
	begun  map[string]time.Time
	logged map[string]time.Time // by message
}

func newSimClock(random *rand.Rand) *simClock {
	return &simClock{random: random, now: caughtUp, ended: map[string]time.Time{}, begun: map[string]time.Time{}, logged: map[string]time.Time{}}
}

// note writes down when something happens, which takes up to a millisecond.
func (c *simClock) note(of map[string]time.Time, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Duration(1 + c.random.Int64N(int64(time.Millisecond))))
	of[what] = c.now
}

// pass lets time go by.
func (c *simClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *simClock) log(message string) { c.note(c.logged, message) }

// OnStart implements sdktrace.SpanProcessor.
func (c *simClock) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	c.note(c.begun, s.SpanContext().SpanID().String())
}

// OnEnd implements sdktrace.SpanProcessor.
func (c *simClock) OnEnd(s sdktrace.ReadOnlySpan) {
	c.note(c.ended, s.SpanContext().SpanID().String())
}

// Shutdown implements sdktrace.SpanProcessor.
func (*simClock) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (*simClock) ForceFlush(context.Context) error { return nil }

// at is when a record was written; zero: the clock does not know it.
func (c *simClock) at(r *record.Record) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.Kind {
	case record.KindHopStart:
		return c.begun[r.SpanID]
	case record.KindHopEnd:
		return c.ended[r.SpanID]
	case record.KindExpect:
		return c.logged[r.Message+" of "+r.CorrelationID]
	default:
		return c.logged[r.Message]
	}
}

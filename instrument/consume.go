package instrument

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// Consume handles the messages of one partition, each as a hop of its journey,
// until pc is closed: nil; ctx ends: its error; or handle fails: an error that
// names the message. pc's Errors stay the caller's to read.
func (in *Instrument) Consume(ctx context.Context, pc sarama.PartitionConsumer, handle func(context.Context, *sarama.ConsumerMessage) error) error {
	for {
		if ctx.Err() != nil { // before a message that is there too
			return ctx.Err()
		}
		select {
		case m, ok := <-pc.Messages():
			if !ok {
				return nil
			}
			if err := in.Process(ctx, m, "", func(ctx context.Context) error { return handle(ctx, m) }); err != nil {
				return notHandled(m, err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func notHandled(m *sarama.ConsumerMessage, err error) error {
	return fmt.Errorf("handle %s/%d at offset %d: %w", m.Topic, m.Partition, m.Offset, err)
}

// ConsumerOption says what becomes of a message that is not handled.
type ConsumerOption func(*groupHandler)

// RetryInPlace handles such a message again where it is, after a time that
// doubles from first to most. The partition waits, and the session goes on.
func RetryInPlace(first, most time.Duration) ConsumerOption {
	return func(g *groupHandler) { g.first, g.most = first, max(first, most) }
}

// SkipAfter gives a message up that was not handled in n attempts: it goes to
// skip, within its journey, and is marked once that has returned nil. Attempts
// are those that this handler has seen. skip may send it to a dead letter topic.
func SkipAfter(n int, skip func(context.Context, *sarama.ConsumerMessage, error) error) ConsumerOption {
	return func(g *groupHandler) { g.attempts, g.skip = max(n, 1), skip }
}

// ConsumerGroupHandler makes a handler for sarama.ConsumerGroup's Consume: each
// message is a hop of its journey and is marked once handle has returned nil.
//
// Without options, an error of handle ends the session; the next call of
// sarama's Consume gets the message again, and its attempt is on record where
// it is with this same handler: make one, and use it in each call. To have
// Setup and Cleanup of one's own, embed the handler.
func (in *Instrument) ConsumerGroupHandler(group string, handle func(context.Context, *sarama.ConsumerMessage) error, options ...ConsumerOption) sarama.ConsumerGroupHandler {
	g := &groupHandler{in: in, group: group, handle: handle, failing: map[claim]failing{}}
	for _, o := range options {
		o(g)
	}
	return g
}

type groupHandler struct {
	in          *Instrument
	group       string
	handle      func(context.Context, *sarama.ConsumerMessage) error
	first, most time.Duration // back-off in place; 0: none
	attempts    int           // until skip; 0: any number
	skip        func(context.Context, *sarama.ConsumerMessage, error) error

	mu      sync.Mutex
	failing map[claim]failing // at most one message a partition, since they are handled in order
}

type claim struct {
	topic     string
	partition int32
}

type failing struct {
	offset   int64
	attempts int
}

// Setup implements sarama.ConsumerGroupHandler.
func (*groupHandler) Setup(sarama.ConsumerGroupSession) error { return nil }

// Cleanup implements sarama.ConsumerGroupHandler.
func (*groupHandler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim implements sarama.ConsumerGroupHandler.
func (g *groupHandler) ConsumeClaim(session sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	ctx := session.Context()
	for ctx.Err() == nil {
		select {
		case m, ok := <-c.Messages():
			if !ok {
				return nil
			}
			if err := g.consume(ctx, m); err != nil {
				if ctx.Err() != nil { // the message comes again; it is not what went wrong
					return nil
				}
				return notHandled(m, err)
			}
			session.MarkMessage(m, "")
		case <-ctx.Done():
		}
	}
	return nil
}

// consume returns nil once m is handled or skipped.
func (g *groupHandler) consume(ctx context.Context, m *sarama.ConsumerMessage) error {
	for wait := g.first; ; wait = min(2*wait, g.most) {
		attempt := g.attempt(m)
		var skipped, last bool
		last = g.attempts > 0 && attempt >= g.attempts
		err := g.in.process(ctx, m, g.group, attempt, func(inside context.Context) error {
			err := g.handle(inside, m)
			if err == nil || !last || ctx.Err() != nil {
				return err
			}
			if failed := g.skip(inside, m, err); failed != nil {
				return fmt.Errorf("skip after %d attempts: %w (%w)", attempt, failed, err)
			}
			skipped = true
			return err
		})
		if err == nil || skipped {
			g.handled(m)
			return nil
		}
		if ctx.Err() != nil {
			return err // stopped, which is no attempt
		}
		g.failed(m, attempt)
		if g.first <= 0 {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// attempt counts from 1.
func (g *groupHandler) attempt(m *sarama.ConsumerMessage) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.failing[claim{m.Topic, m.Partition}]
	if f.offset != m.Offset {
		return 1
	}
	return f.attempts + 1
}

func (g *groupHandler) failed(m *sarama.ConsumerMessage, attempt int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failing[claim{m.Topic, m.Partition}] = failing{m.Offset, attempt}
}

func (g *groupHandler) handled(m *sarama.ConsumerMessage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failing, claim{m.Topic, m.Partition})
}

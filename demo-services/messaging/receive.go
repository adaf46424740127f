package messaging

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// receive handles messages as a member of the service's consumer group, of the topics that
// the table has for it; when that changes, of others.
func (b *Bus) receive(ctx context.Context) error {
	group, err := sarama.NewConsumerGroupFromClient(b.cfg.Service, b.kafka.client)
	if err != nil {
		return fmt.Errorf("%s: join group: %w", b.cfg.Service, err)
	}
	log := b.cfg.Instrument.Logger()
	for ctx.Err() == nil {
		table, changed := b.cfg.Router.Table()
		if err := b.kafka.ensure(b.cfg.Service, table); err != nil {
			log.ErrorContext(ctx, "receiving is interrupted", "error", err)
			pause(ctx, time.Second)
			continue
		}
		session, end := context.WithCancel(ctx)
		go func() {
			select {
			case <-changed:
				end()
			case <-session.Done():
			}
		}()
		err := group.Consume(session, append(table.reads(b.cfg.Service), RetryTopic(b.cfg.Service)), claims{b})
		end()
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "receiving is interrupted", "error", err)
			pause(ctx, time.Second)
		}
	}
	return group.Close()
}

type claims struct{ b *Bus }

func (claims) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (claims) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim handles one message after the other.
func (h claims) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	ctx := session.Context()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-claim.Messages():
			if !ok || !h.take(ctx, m) {
				return nil
			}
			session.MarkMessage(m, "")
		}
	}
}

// pausedLook is how soon a service that was paused goes on.
const pausedLook = 100 * time.Millisecond

// take waits until a message may be handled, and tries until it is done with. It reports
// whether it is: the session may end before.
func (h claims) take(ctx context.Context, m *sarama.ConsumerMessage) bool {
	for h.b.cfg.Paused != nil && h.b.cfg.Paused() && ctx.Err() == nil {
		pause(ctx, pausedLook)
	}
	if at := due(m); !at.IsZero() {
		pause(ctx, min(at.Sub(h.b.cfg.Now()), h.b.cfg.Retry.Most)) // a header may say anything
	}
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		if h.b.Deliver(ctx, m) == nil {
			return true
		}
		pause(ctx, wait)
	}
	return false
}

package messaging

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// receive handles messages as a member of the service's consumer group.
func (b *Bus) receive(ctx context.Context) error {
	group, err := sarama.NewConsumerGroupFromClient(b.service, b.client)
	if err != nil {
		return fmt.Errorf("%s: join group: %w", b.service, err)
	}
	for ctx.Err() == nil {
		if err := group.Consume(ctx, slices.Sorted(maps.Keys(b.handlers)), claims{b}); err != nil && ctx.Err() == nil {
			b.in.Logger().Error("receiving is interrupted", "error", err)
			pause(ctx, time.Second)
		}
	}
	return group.Close()
}

type claims struct{ b *Bus }

func (claims) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (claims) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim handles one message after the other; one that fails comes again
// until it succeeds, since none behind it may overtake.
func (h claims) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	ctx := session.Context()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			for wait := 100 * time.Millisecond; h.b.handle(ctx, m) != nil; wait = min(2*wait, 5*time.Second) {
				if pause(ctx, wait); ctx.Err() != nil {
					return nil
				}
			}
			session.MarkMessage(m, "")
			session.Commit()
		}
	}
}

// handle runs a message's handler in one transaction with its inbox row.
func (b *Bus) handle(ctx context.Context, m *sarama.ConsumerMessage) error {
	return b.in.Process(ctx, m, b.service, func(ctx context.Context) error {
		msg := Message{Key: string(m.Key), Payload: m.Value}
		for _, h := range m.Headers {
			if string(h.Key) == headerMessageID {
				msg.ID = string(h.Value)
			}
		}
		if msg.ID == "" {
			msg.ID = fmt.Sprintf("%s/%d/%d", m.Topic, m.Partition, m.Offset)
		}
		tx, err := b.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		done, err := tx.ExecContext(ctx, "INSERT INTO inbox (id) VALUES (?) ON CONFLICT DO NOTHING", msg.ID)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			b.in.Logger().InfoContext(ctx, "message was handled before", "message_id", msg.ID)
			return err
		}
		if err := b.handlers[m.Topic](ctx, tx, msg); err != nil {
			b.in.Logger().ErrorContext(ctx, "message not handled", "error", err)
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		b.Flush()
		return nil
	})
}

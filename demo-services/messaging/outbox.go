package messaging

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/propagation"
)

// headerMessageID carries Message.ID.
const headerMessageID = "message-id"

// Publish writes a message to the outbox within tx. It is sent after tx has
// committed, as part of ctx's journey. The payload is encoded as JSON.
func (b *Bus) Publish(ctx context.Context, tx *sql.Tx, topic, key string, payload any) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("publish on %s: %w", topic, err)
	}
	carrier := propagation.MapCarrier{}
	b.in.Propagator().Inject(ctx, carrier)
	headers, err := json.Marshal(carrier)
	if err != nil {
		return fmt.Errorf("publish on %s: %w", topic, err)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO outbox (id, n, topic, key, headers, payload) VALUES (?, (SELECT coalesce(max(n), 0) + 1 FROM outbox), ?, ?, ?, ?)",
		rand.Text(), topic, key, string(headers), body)
	if err != nil {
		return fmt.Errorf("publish on %s: %w", topic, err)
	}
	return nil
}

// Flush wakes the relay; call it when a transaction with a Publish has
// committed. Without it the message goes out within a second.
func (b *Bus) Flush() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// relay sends what lies in the outbox, oldest first.
func (b *Bus) relay(ctx context.Context) error {
	for {
		sent, err := b.relayOne(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			b.in.Logger().Error("message stays in the outbox", "error", err)
			pause(ctx, time.Second)
		case !sent:
			select {
			case <-b.wake:
			case <-time.After(time.Second):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func (b *Bus) relayOne(ctx context.Context) (sent bool, err error) {
	var id, topic, key, headers string
	var payload []byte
	err = b.db.QueryRowContext(ctx, "SELECT id, topic, key, headers, payload FROM outbox ORDER BY n LIMIT 1").Scan(&id, &topic, &key, &headers, &payload)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read outbox: %w", err)
	}
	carrier := propagation.MapCarrier{}
	if err := json.Unmarshal([]byte(headers), &carrier); err != nil {
		return false, fmt.Errorf("read outbox: %w", err)
	}
	// The work goes on where the request left it: in its journey, below its span.
	_, _, err = b.in.Send(b.in.Propagator().Extract(ctx, carrier), b.producer, &sarama.ProducerMessage{
		Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.ByteEncoder(payload),
		Headers: []sarama.RecordHeader{{Key: []byte(headerMessageID), Value: []byte(id)}},
	})
	if err != nil {
		return false, err
	}
	if _, err := b.db.ExecContext(ctx, "DELETE FROM outbox WHERE id = ?", id); err != nil {
		return false, fmt.Errorf("clear outbox: %w", err) // sent again later; the receiver's inbox knows it
	}
	return true, nil
}

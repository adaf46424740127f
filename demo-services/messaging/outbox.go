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

// Send has a command go out when tx commits, as part of ctx's journey. The payload is encoded as JSON.
func (b *Bus) Send(ctx context.Context, tx *sql.Tx, typ, key string, payload any) error {
	return b.put(ctx, tx, time.Time{}, typ, key, payload)
}

// Publish has an event go out when tx commits. It is not the sender's business who subscribes.
func (b *Bus) Publish(ctx context.Context, tx *sql.Tx, typ, key string, payload any) error {
	return b.put(ctx, tx, time.Time{}, typ, key, payload)
}

// Schedule has a command go out at a time, or as soon as the service runs after it.
func (b *Bus) Schedule(ctx context.Context, tx *sql.Tx, at time.Time, typ, key string, payload any) error {
	return b.put(ctx, tx, at, typ, key, payload)
}

// put writes one outbox row for each topic that the message goes to.
func (b *Bus) put(ctx context.Context, tx *sql.Tx, at time.Time, typ, key string, payload any) error {
	table, _ := b.cfg.Router.Table()
	topics, err := table.topics(typ, headersIn(ctx))
	if err != nil {
		return err
	}
	return b.putOn(ctx, tx, at, topics, typ, key, payload, headersIn(ctx))
}

// maxPayload is below what Kafka takes, 1 MB by default: a message that it never took would
// hold up all others.
const maxPayload = 900_000

// encode writes a payload as JSON.
func encode(key string, payload any) ([]byte, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	if n := len(key) + len(body); n > maxPayload {
		return nil, fmt.Errorf("%d bytes, want at most %d", n, maxPayload)
	}
	return body, nil
}

func (b *Bus) putOn(ctx context.Context, tx *sql.Tx, at time.Time, topics []string, typ, key string, payload any, more map[string]string) error {
	body, err := encode(key, payload)
	if err != nil {
		return fmt.Errorf("send %s: %w", typ, err)
	}
	carrier := propagation.MapCarrier{}
	b.cfg.Instrument.Propagator().Inject(ctx, carrier)
	for name, value := range more {
		carrier[name] = value
	}
	headers, err := json.Marshal(carrier)
	if err != nil {
		return fmt.Errorf("send %s: %w", typ, err)
	}
	if at.IsZero() {
		at = b.cfg.Now()
	}
	id := rand.Text()
	for _, topic := range topics {
		_, err = tx.ExecContext(ctx, "INSERT INTO outbox (id, due, type, topic, key, headers, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
			id, at.UnixMilli(), typ, topic, key, string(headers), body)
		if err != nil {
			return fmt.Errorf("send %s: %w", typ, err)
		}
	}
	return nil
}

// relay sends what is due, the oldest first.
func (b *Bus) relay(ctx context.Context) {
	for ctx.Err() == nil {
		sent, err := b.Relay(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			b.cfg.Instrument.Logger().ErrorContext(ctx, "message stays in the outbox", "error", err)
			pause(ctx, time.Second)
		case !sent:
			select {
			case <-b.wake:
			case <-time.After(b.untilDue(ctx)):
			case <-ctx.Done():
			}
		}
	}
}

// untilDue is how long the relay may rest.
func (b *Bus) untilDue(ctx context.Context) time.Duration {
	var due sql.NullInt64
	if err := b.cfg.DB.QueryRowContext(ctx, "SELECT min(due) FROM outbox").Scan(&due); err != nil || !due.Valid {
		return time.Second
	}
	return min(max(time.UnixMilli(due.Int64).Sub(b.cfg.Now()), time.Millisecond), time.Second)
}

// Relay sends the oldest message that is due, if there is one. It may go out twice where the
// service ends before the outbox is cleared; the receiver's inbox knows it then.
func (b *Bus) Relay(ctx context.Context) (sent bool, err error) {
	var n int64
	var id, typ, topic, key, headers string
	var payload []byte
	err = b.cfg.DB.QueryRowContext(ctx, "SELECT n, id, type, topic, key, headers, payload FROM outbox WHERE due <= ? ORDER BY n LIMIT 1", b.cfg.Now().UnixMilli()).
		Scan(&n, &id, &typ, &topic, &key, &headers, &payload)
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
	in := b.cfg.Instrument
	if err := b.deliverTo(in.Propagator().Extract(ctx, carrier), topic, id, typ, key, payload, b.own(carrier)); err != nil {
		return false, err
	}
	if _, err := b.cfg.DB.ExecContext(ctx, "DELETE FROM outbox WHERE n = ?", n); err != nil {
		return false, fmt.Errorf("clear outbox: %w", err)
	}
	return true, nil
}

// deliverTo gives a message to Kafka.
func (b *Bus) deliverTo(ctx context.Context, topic, id, typ, key string, payload []byte, more map[string]string) error {
	m := &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.ByteEncoder(payload), Headers: []sarama.RecordHeader{
		{Key: []byte(headerID), Value: []byte(id)}, {Key: []byte(headerType), Value: []byte(typ)},
	}}
	for name, value := range more {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(value)})
	}
	if _, _, err := b.cfg.Instrument.Send(ctx, b.producer, m); err != nil {
		return fmt.Errorf("send %s to %s: %w", typ, topic, err)
	}
	return nil
}

package messaging

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

// RetryTopic is where a service's messages wait that were not handled, and DeadLetters where
// those lie that never will be.
func RetryTopic(service string) string { return "retry." + service }

// DeadLetters is the topic of a service's dead letters.
func DeadLetters(service string) string { return "deadletters." + service }

// Deliver handles a message within its journey. Afterwards it is done with: its effect is
// stored, or it was handled before, or it waits on the topic for retries, or is a dead letter.
// An error says that none of this could be done.
func (b *Bus) Deliver(ctx context.Context, m *sarama.ConsumerMessage) error {
	headers := headersOf(m)
	if to, ok := headers[headerReply]; ok {
		b.answered(ctx, to, m, headers)
		return nil
	}
	if b.handlers[headers[headerType]] == nil {
		return nil
	}
	if headers[headerID] == "" { // it is of somebody else; the name is the same on the topic for retries
		headers[headerID] = fmt.Sprintf("%s/%d/%d", m.Topic, m.Partition, m.Offset)
	}
	tried, _ := strconv.Atoi(headers[headerAttempt])
	attempt := min(max(tried, 0), math.MaxInt16) + 1 // whatever the header says
	dead := false
	err := b.cfg.Instrument.Process(ctx, m, b.cfg.Service, func(ctx context.Context) error {
		err := b.once(ctx, m, headers)
		if err == nil || ctx.Err() != nil { // stopped, which is no attempt
			return err
		}
		again := attempt < b.cfg.Retry.Attempts && !errors.As(err, new(*permanentError))
		if moved := b.moveOn(ctx, m, headers, attempt, again, err); moved != nil {
			return errors.Join(err, moved)
		}
		if again { // this hop has done what it could: the work goes on in the next one
			b.cfg.Instrument.Logger().WarnContext(ctx, "message not handled, it is tried again", "type", headers[headerType], "attempt", attempt, "error", err)
			return nil
		}
		dead = true
		return fmt.Errorf("message of type %s is a dead letter after %d attempts: %w", headers[headerType], attempt, err)
	})
	if dead { // which is on record
		return nil
	}
	return err
}

// once runs a message's handler in one transaction with its inbox row.
func (b *Bus) once(ctx context.Context, m *sarama.ConsumerMessage, headers map[string]string) error {
	msg := Message{ID: headers[headerID], Type: headers[headerType], Key: string(m.Key), Payload: m.Value}
	return b.Within(asking(ctx, headers), func(ctx context.Context, tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, "INSERT INTO inbox (id, type, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", msg.ID, msg.Type, msg.Key)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			b.cfg.Instrument.Logger().InfoContext(ctx, "message was handled before", "message_id", msg.ID)
			if again := b.again[msg.Type]; again != nil && err == nil {
				return again(ctx, tx, msg)
			}
			return err
		}
		if b.cfg.Fails != nil {
			if err := b.cfg.Fails(); err != nil {
				return err
			}
		}
		return b.handlers[msg.Type](ctx, tx, msg)
	})
}

// moveOn puts a message that was not handled where it does not hold up others.
func (b *Bus) moveOn(ctx context.Context, m *sarama.ConsumerMessage, headers map[string]string, attempt int, again bool, reason error) error {
	more := b.own(headers)
	if more[headerSource] == "" {
		more[headerSource] = m.Topic
	}
	more[headerAttempt] = strconv.Itoa(attempt)
	more[headerReason] = reason.Error()[:min(len(reason.Error()), 1000)]
	topic := RetryTopic(b.cfg.Service)
	if !again {
		topic = DeadLetters(b.cfg.Service)
		delete(more, headerDue)
	} else {
		wait := b.cfg.Retry.First
		for n := 1; n < attempt && wait < b.cfg.Retry.Most; n++ {
			wait *= 2
		}
		more[headerDue] = strconv.FormatInt(b.cfg.Now().Add(min(wait, b.cfg.Retry.Most)).UnixMilli(), 10)
	}
	return b.deliverTo(ctx, topic, headers[headerID], headers[headerType], string(m.Key), m.Value, more)
}

// Permanent says of an error that trying again does not help: the message is a dead letter at once.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ error }

func (p *permanentError) Unwrap() error { return p.error }

// due is when a message may be tried again; zero: now.
func due(m *sarama.ConsumerMessage) time.Time {
	ms, err := strconv.ParseInt(headersOf(m)[headerDue], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

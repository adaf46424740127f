package messaging

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// Replies is the topic that answers come on. Each instance reads all of it, and takes what is
// for it: a topic for each instance would have to be made and removed with it.
const Replies = "replies"

// Errors of requests.
var (
	ErrTimeout = errors.New("no reply in time")
	ErrRefused = errors.New("refused")
	ErrClosed  = errors.New("bus is closed")
)

// maxWaiting bounds the requests of one instance that wait.
const maxWaiting = 50_000

// reply is an answer to a request.
type reply struct {
	payload []byte
	err     error
}

// Request asks whoever handles a type of messages, and reads the answer into it. It waits no
// longer than ctx allows, and ends with [ErrTimeout] then: the work may be done all the same,
// so ask for what bears being done twice, or undo it.
func (b *Bus) Request(ctx context.Context, typ, key string, payload, answer any) error {
	table, _ := b.cfg.Router.Table()
	topics, err := table.topics(typ, headersIn(ctx))
	if err != nil {
		return err
	}
	if len(topics) != 1 {
		return fmt.Errorf("request %s: it goes to %d topics, and can have one answer", typ, len(topics))
	}
	body, err := encode(key, payload)
	if err != nil {
		return fmt.Errorf("request %s: %w", typ, err)
	}
	id, answered, err := b.wait()
	if err != nil {
		return fmt.Errorf("request %s: %w", typ, err)
	}
	defer b.forget(id)
	more := map[string]string{}
	maps.Copy(more, headersIn(ctx))
	more[headerReplyTo] = b.instance + " " + id
	sent := make(chan error, 1)
	go func() { // Kafka may take longer than the caller has
		defer b.sending.Done()
		sent <- b.deliverTo(context.WithoutCancel(ctx), topics[0], id, typ, key, body, more)
	}()
	for {
		select {
		case err := <-sent:
			if err != nil {
				return fmt.Errorf("request %s: %w", typ, err)
			}
			sent = nil
		case r := <-answered:
			if r.err != nil {
				return fmt.Errorf("request %s: %w", typ, r.err)
			}
			if err := json.Unmarshal(r.payload, answer); err != nil {
				return fmt.Errorf("request %s: read reply: %w", typ, err)
			}
			return nil
		case <-ctx.Done():
			b.giveUp(id)
			return fmt.Errorf("request %s: %w: %w", typ, ErrTimeout, ctx.Err())
		}
	}
}

// wait has a request wait for its reply, and Close for its sending.
func (b *Bus) wait() (id string, answered chan reply, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return "", nil, ErrClosed
	}
	if len(b.waiting) >= maxWaiting {
		return "", nil, fmt.Errorf("%d requests wait already", maxWaiting)
	}
	id, answered = rand.Text(), make(chan reply, 1)
	b.waiting[id] = answered
	b.sending.Add(1)
	return id, answered, nil
}

func (b *Bus) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, id)
}

// giveUp remembers a request whose reply would be late, at the expense of any other where there
// are too many: a reply may as well come twice, and is not late then.
func (b *Bus) giveUp(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for other := range b.given {
		if len(b.given) < maxWaiting {
			break
		}
		delete(b.given, other)
	}
	b.given[id] = struct{}{}
}

// Waiting is how many requests have no reply yet; late, how many got one after their time.
func (b *Bus) Waiting() (waiting int, late uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting), b.late
}

// answered takes a reply. One for another instance passes by.
func (b *Bus) answered(ctx context.Context, to string, m *sarama.ConsumerMessage, headers map[string]string) {
	instance, id, _ := strings.Cut(to, " ")
	if instance != b.instance {
		return
	}
	r := reply{payload: slices.Clone(m.Value)}
	if text, failed := headers[headerFailed]; failed {
		r.err = fmt.Errorf("%w: %s", ErrRefused, text)
	}
	_ = b.cfg.Instrument.Process(ctx, m, "", func(ctx context.Context) error {
		b.mu.Lock()
		answered, waits := b.waiting[id]
		_, late := b.given[id]
		delete(b.waiting, id)
		delete(b.given, id)
		if late {
			b.late++
		}
		b.mu.Unlock()
		switch {
		case waits:
			answered <- r
		case late:
			b.cfg.Instrument.Logger().WarnContext(ctx, "a reply came when nobody waited any more")
		default:
			b.cfg.Instrument.Logger().InfoContext(ctx, "a reply came that nobody waits for")
		}
		return nil
	})
}

type askingKey struct{}

// asking keeps who waits for an answer.
func asking(ctx context.Context, headers map[string]string) context.Context {
	if to := headers[headerReplyTo]; to != "" {
		return context.WithValue(ctx, askingKey{}, to)
	}
	return ctx
}

// Reply answers the request that ctx is of, when tx commits.
func (b *Bus) Reply(ctx context.Context, tx *sql.Tx, payload any) error {
	return b.reply(ctx, tx, payload, nil)
}

// Refuse answers the request that ctx is of with [ErrRefused], when tx commits.
func (b *Bus) Refuse(ctx context.Context, tx *sql.Tx, reason string) error {
	return b.reply(ctx, tx, nil, map[string]string{headerFailed: reason})
}

func (b *Bus) reply(ctx context.Context, tx *sql.Tx, payload any, more map[string]string) error {
	to, ok := ctx.Value(askingKey{}).(string)
	if !ok {
		return nil // nobody has asked: it was sent as a command
	}
	headers := map[string]string{headerReply: to}
	for name, value := range more {
		headers[name] = value
	}
	return b.putOn(ctx, tx, time.Time{}, []string{Replies}, "reply", to, payload, headers)
}

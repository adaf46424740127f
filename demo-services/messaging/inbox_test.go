package messaging_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/demo-services/messaging"
)

// loose is a bus without Kafka: what it sends is kept, and the test delivers.
type loose struct {
	*messaging.Bus
	*service
	now time.Time
}

// kept is a producer that keeps what is sent.
type kept struct {
	sarama.SyncProducer // of which nothing else is called
	down                bool

	mu   sync.Mutex // requests are sent from elsewhere
	sent []*sarama.ConsumerMessage
}

func (k *kept) SendMessage(m *sarama.ProducerMessage) (int32, int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down {
		return 0, 0, sarama.ErrOutOfBrokers
	}
	key, _ := m.Key.Encode()
	value, _ := m.Value.Encode()
	c := &sarama.ConsumerMessage{Topic: m.Topic, Key: key, Value: value, Offset: int64(len(k.sent))}
	for _, h := range m.Headers {
		c.Headers = append(c.Headers, &h)
	}
	k.sent = append(k.sent, c)
	return 0, c.Offset, nil
}

// last is what was sent last; nil: nothing.
func (k *kept) last() *sarama.ConsumerMessage {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.sent) == 0 {
		return nil
	}
	return k.sent[len(k.sent)-1]
}

// of is what is sent as something is done, and the relay has gone through the outbox.
func (k *kept) of(b *loose, do func() error) ([]*sarama.ConsumerMessage, error) {
	k.sent = nil
	err := do()
	for {
		sent, failed := b.Relay(context.Background())
		if failed != nil {
			return k.sent, errors.Join(err, failed)
		}
		if !sent {
			return k.sent, err
		}
	}
}

func newLoose(t testing.TB, table string) (*loose, *kept) {
	t.Helper()
	b, out := &loose{service: newService(t, "bank"), now: time.UnixMilli(1_800_000_000_000)}, &kept{}
	cfg := b.config(routed(t, "%s", table))
	cfg.Now = func() time.Time { return b.now }
	cfg.Retry = messaging.Retry{Attempts: 4, First: time.Second, Most: 3 * time.Second}
	b.Bus = messaging.New(cfg, out)
	return b, out
}

func (b *loose) send(ctx context.Context, typ, key string) error {
	return b.Within(ctx, func(ctx context.Context, tx *sql.Tx) error { return b.Send(ctx, tx, typ, key, key) })
}

const bankTopic = `
topics: {shop.bank: {readers: [bank]}}
routes: [{type: order.place, to: [shop.bank]}]
`

// message is one as this package sends it.
func message(id string, more ...string) *sarama.ConsumerMessage {
	m := &sarama.ConsumerMessage{Topic: "shop.bank", Partition: 2, Offset: 7, Key: []byte("A-1"), Value: []byte("1")}
	more = append(more, "message-type", "order.place")
	if id != "" {
		more = append(more, "message-id", id)
	}
	for pair := range slices.Chunk(more, 2) {
		m.Headers = append(m.Headers, &sarama.RecordHeader{Key: []byte(pair[0]), Value: []byte(pair[1])})
	}
	return m
}

func TestMessageThatComesTwiceIsHandledOnce(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"ours": "M1", "somebody else's, without an ID": ""} {
		b, _ := newLoose(t, bankTopic)
		b.Handle("order.place", keep(0))
		for range 3 {
			if err := b.Deliver(t.Context(), message(id)); err != nil {
				t.Fatal(name, err)
			}
		}
		b.has(1)
		another := message(id)
		another.Offset++
		if err := b.Deliver(t.Context(), another); err != nil {
			t.Fatal(name, err)
		}
		if id != "" {
			b.has(1)
		} else {
			b.has(2)
		}
	}
}

// What was to happen after the transaction may not have: whoever can do it hears of it again.
func TestMessageThatComesAgainIsTold(t *testing.T) {
	t.Parallel()
	b, _ := newLoose(t, bankTopic)
	var told []string
	b.Handle("order.place", keep(0))
	b.HandleAgain("order.place", func(ctx context.Context, _ *sql.Tx, m messaging.Message) error {
		messaging.AfterCommit(ctx, func() { told = append(told, m.ID) })
		return nil
	})
	for n := range 3 {
		if err := b.Deliver(t.Context(), message("M1")); err != nil || len(told) != n {
			t.Errorf("time %d: told %q, %v", n+1, told, err)
		}
	}
	b.has(1)
}

func TestWhatNobodyHandlesPassesBy(t *testing.T) {
	t.Parallel()
	b, out := newLoose(t, bankTopic)
	for name, m := range map[string]*sarama.ConsumerMessage{
		"no handler":             message("M1"),
		"no headers":             {Topic: "shop.bank"},
		"reply for another":      message("M2", "reply-of", "another 1"),
		"reply for nobody":       message("M3", "reply-of", ""),
		"reply with no more":     message("M4", "reply-of", " "),
		"reply that is too long": message("M5", "reply-of", strings.Repeat("x", 1<<16)),
	} {
		if sent, err := out.of(b, func() error { return b.Deliver(t.Context(), m) }); err != nil || len(sent) > 0 {
			t.Errorf("%s: %v, sends %v", name, err, sent)
		}
	}
	if waiting, late := b.Waiting(); waiting != 0 || late != 0 {
		t.Errorf("%d wait, %d late", waiting, late)
	}
}

// TestHandlerThatFails has a message tried until it is handled, or a dead letter.
func TestHandlerThatFails(t *testing.T) {
	t.Parallel()
	fault := errors.New("no money")
	for name, c := range map[string]struct {
		err   error
		fails int    // how often
		dead  int    // attempts until it is a dead letter; 0: it is none
		waits string // before each attempt
	}{
		"twice, then not":         {fault, 2, 0, "1s 2s"},
		"all but the last":        {fault, 3, 0, "1s 2s 3s"},
		"always":                  {fault, 100, 4, "1s 2s 3s"},
		"for good":                {messaging.Permanent(fault), 100, 1, ""},
		"for good, said by wrap":  {fmt.Errorf("place order: %w", messaging.Permanent(fault)), 100, 1, ""},
		"with very much to say":   {fmt.Errorf("%w%s", fault, strings.Repeat("!", 1<<20)), 100, 4, "1s 2s 3s"},
		"after its row was there": {fault, 1, 0, "1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, out := newLoose(t, bankTopic)
			tries := 0
			b.Handle("order.place", func(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
				tries++
				if m.ID != "M1" || m.Key != "A-1" || string(m.Payload) != "1" || m.Type != "order.place" {
					t.Errorf("attempt %d gets %+v", tries, m)
				}
				if err := keep(0)(ctx, tx, m); err != nil || tries > c.fails {
					return err
				}
				return c.err
			})
			m, waits := message("M1", "tier", "gold"), []string{}
			for m != nil && m.Topic != messaging.DeadLetters(b.name) {
				sent, err := out.of(b, func() error { return b.Deliver(t.Context(), m) })
				if err != nil || len(sent) > 1 {
					t.Fatalf("%v, sends %d", err, len(sent))
				}
				if m = nil; len(sent) == 1 {
					m = sent[0]
					waits = append(waits, b.expect(t, m, tries, fault))
				}
			}
			if got := strings.TrimSpace(strings.Join(waits, " ")); got != c.waits {
				t.Errorf("waits %q, want %q", got, c.waits)
			}
			if c.dead == 0 {
				if b.has(1); tries != c.fails+1 {
					t.Errorf("handled after %d attempts, want %d", tries, c.fails+1)
				}
				return
			}
			if b.has(0); m == nil || tries != c.dead {
				t.Errorf("%d attempts, a dead letter: %v; want one after %d", tries, m != nil, c.dead)
			}
		})
	}
}

// expect looks at a message that has been moved on, and returns how long it waits.
func (b *loose) expect(t *testing.T, m *sarama.ConsumerMessage, attempt int, reason error) (wait string) {
	t.Helper()
	h := headers(m.Headers)
	for name, want := range map[string]string{"message-id": "M1", "message-type": "order.place", "retry-attempt": strconv.Itoa(attempt), "retry-source": "shop.bank", "tier": "gold"} {
		if h[name] != want {
			t.Errorf("%s on %s is %q, want %q", name, m.Topic, h[name], want)
		}
	}
	if why := h["retry-reason"]; !strings.Contains(why, reason.Error()) || len(why) > 1000 {
		t.Errorf("reason %.100q of %d bytes, want %q", why, len(why), reason)
	}
	due, ok := h["retry-due"]
	if m.Topic == messaging.DeadLetters(b.name) {
		if ok {
			t.Errorf("a dead letter is due at %s", due)
		}
		return ""
	}
	ms, err := strconv.ParseInt(due, 10, 64)
	if err != nil || m.Topic != messaging.RetryTopic(b.name) {
		t.Fatalf("due at %q on %s, want a time on %s", due, m.Topic, messaging.RetryTopic(b.name))
	}
	return time.UnixMilli(ms).Sub(b.now).String()
}

func TestAttemptsThatAHeaderClaims(t *testing.T) {
	t.Parallel()
	for claim, want := range map[string]string{
		"-9223372036854775808": "1", "-5": "1", "none": "1", "": "1", "0": "1",
		"2": "3", "3": "dead 4", "9223372036854775806": "dead 32768", "9223372036854775807": "dead 32768", "99999999999999999999": "dead 32768",
	} {
		b, out := newLoose(t, bankTopic)
		b.Handle("order.place", func(context.Context, *sql.Tx, messaging.Message) error { return errors.New("no") })
		sent, err := out.of(b, func() error { return b.Deliver(t.Context(), message("M1", "retry-attempt", claim)) })
		if err != nil || len(sent) != 1 {
			t.Errorf("%q: %v, sends %d", claim, err, len(sent))
			continue
		}
		got := headers(sent[0].Headers)["retry-attempt"]
		if sent[0].Topic == messaging.DeadLetters(b.name) {
			got = "dead " + got
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: attempt %s, want %s", claim, got, want)
		}
	}
}

func TestMessageOfSomebodyElseKeepsItsNameWhenTriedAgain(t *testing.T) {
	t.Parallel()
	b, out := newLoose(t, bankTopic)
	fail := true
	b.Handle("order.place", func(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
		if fail {
			return errors.New("not yet")
		}
		return keep(0)(ctx, tx, m)
	})
	var again []*sarama.ConsumerMessage
	for range 2 { // its offset was not stored in time, so it came twice
		sent, err := out.of(b, func() error { return b.Deliver(t.Context(), message("")) })
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, sent...)
	}
	fail = false
	for n, m := range again {
		m.Offset = int64(n)
		if err := b.Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	b.has(1)
}

func TestMessageThatCannotBeMovedOnIsNotDone(t *testing.T) {
	t.Parallel()
	b, out := newLoose(t, bankTopic)
	fault := errors.New("no money")
	b.Handle("order.place", func(context.Context, *sql.Tx, messaging.Message) error { return fault })
	out.down = true
	if err := b.Deliver(t.Context(), message("M1")); !errors.Is(err, fault) || !errors.Is(err, sarama.ErrOutOfBrokers) {
		t.Errorf("%v, want both errors", err)
	}
}

func TestServiceThatStopsHasNotTried(t *testing.T) {
	t.Parallel()
	b, out := newLoose(t, bankTopic)
	ctx, cancel := context.WithCancel(t.Context())
	b.Handle("order.place", func(ctx context.Context, _ *sql.Tx, _ messaging.Message) error {
		cancel()
		return ctx.Err()
	})
	sent, err := out.of(b, func() error { return b.Deliver(ctx, message("M1")) })
	if !errors.Is(err, context.Canceled) || len(sent) != 0 {
		t.Errorf("%v, sends %d; want it to be left", err, len(sent))
	}
}

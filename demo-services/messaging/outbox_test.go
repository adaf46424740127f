package messaging_test

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/demo-services/messaging"
)

func TestCommitDecidesWhatGoesOut(t *testing.T) {
	t.Parallel()
	undone := errors.New("thought better of it")
	for _, want := range []error{nil, undone} {
		b, out := newLoose(t, bankTopic)
		said := false
		sent, err := out.of(b, func() error {
			return b.Within(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				messaging.AfterCommit(ctx, func() { said = true })
				if said {
					t.Error("said before the commit")
				}
				return errors.Join(b.Send(ctx, tx, "order.place", "1", 1), b.Publish(ctx, tx, "order.place", "2", 2), want)
			})
		})
		if !errors.Is(err, want) || (len(sent) == 2) != (want == nil) || len(sent)%2 != 0 || said != (want == nil) {
			t.Errorf("%v: sends %d, says so: %v; want that only after a commit: %v", err, len(sent), said, want)
		}
	}
}

func TestPayloadThatKafkaWouldNotTakeIsRefused(t *testing.T) {
	t.Parallel()
	b, out := newLoose(t, bankTopic)
	for name, payload := range map[string]any{"too long": strings.Repeat("x", 1<<20), "not JSON": math.NaN(), "a function": func() {}} {
		sent, err := out.of(b, func() error {
			return b.Within(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return b.Send(ctx, tx, "order.place", "1", payload) })
		})
		if err == nil || !strings.Contains(err.Error(), "order.place") || len(sent) != 0 {
			t.Errorf("%s: %v, sends %d", name, err, len(sent))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Request(ctx, "order.place", "1", payload, nil); err == nil || errors.Is(err, messaging.ErrTimeout) {
			t.Errorf("%s: request: %v", name, err)
		}
	}
	if waiting, _ := b.Waiting(); waiting != 0 {
		t.Errorf("%d wait", waiting)
	}
}

func TestOutboxKeepsWhatKafkaHasNot(t *testing.T) {
	t.Parallel()
	b, out := newLoose(t, bankTopic)
	out.down = true
	for _, key := range []string{"1", "2"} {
		if _, err := out.of(b, func() error { return b.send(t.Context(), "order.place", key) }); !errors.Is(err, sarama.ErrOutOfBrokers) {
			t.Fatalf("%v, want that Kafka is away", err)
		}
	}
	out.down = false
	sent, err := out.of(b, func() error { return nil })
	if err != nil || len(sent) != 2 || string(sent[0].Key) != "1" || string(sent[1].Key) != "2" {
		t.Errorf("%v, sends %d, want both in order", err, len(sent))
	}
}

func TestScheduledMessageStaysInTheOutboxUntilItIsDue(t *testing.T) {
	t.Parallel()
	b, out := newLoose(t, bankTopic)
	at := b.now.Add(time.Hour)
	step := func(do func() error) (keys []string) {
		t.Helper()
		sent, err := out.of(b, do)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sent {
			keys = append(keys, string(m.Key))
		}
		return keys
	}
	keys := step(func() error {
		return b.Within(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			return errors.Join(b.Schedule(ctx, tx, at, "order.place", "later", 1), b.Send(ctx, tx, "order.place", "now", 1),
				b.Schedule(ctx, tx, b.now.Add(-time.Hour), "order.place", "past", 1))
		})
	})
	if !slices.Equal(keys, []string{"now", "past"}) {
		t.Errorf("sends %q at once, want now and past", keys)
	}
	b.now = at.Add(-time.Millisecond)
	if keys := step(func() error { return nil }); len(keys) != 0 {
		t.Errorf("sends %q before its time", keys)
	}
	b.now = at
	if keys := step(func() error { return nil }); !slices.Equal(keys, []string{"later"}) {
		t.Errorf("sends %q at its time, want later", keys)
	}
}

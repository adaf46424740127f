package messaging_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/infra/testservers"
)

// attempts are when a handler was called, by key.
type attempts struct {
	mu    sync.Mutex
	byKey map[string][]time.Time
}

func (a *attempts) next(key string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byKey == nil {
		a.byKey = map[string][]time.Time{}
	}
	a.byKey[key] = append(a.byKey[key], time.Now())
	return len(a.byKey[key])
}

func (a *attempts) of(key string) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.byKey[key])
}

func TestMessagesBehindOneThatFailsGoOn(t *testing.T) {
	t.Parallel()
	shop, bank := newService(t, "shop"), newService(t, "bank")
	topic := testservers.Name(t)
	router := routed(t, oneTopic, topic, bank.name, 1)
	cfg := bank.config(router)
	const wait = 700 * time.Millisecond
	cfg.Retry = messaging.Retry{Attempts: 3, First: wait, Most: wait}
	var tries attempts
	handle := func(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
		n := tries.next(m.Key)
		switch {
		case m.Key == "twice" && n <= 2, m.Key == "always":
			return errors.New("not yet")
		case m.Key == "never":
			return messaging.Permanent(errors.New("no such thing"))
		}
		return keep(0)(ctx, tx, m)
	}
	bank.start(cfg, on("order.place", handle))
	sender := shop.start(shop.config(router))
	send(t, sender.Bus, "order.place", "twice", "always", "never", "good-1", "good-2")

	if keys := bank.has(3); !slices.Equal(keys, []string{"good-1", "good-2", "twice"}) {
		t.Errorf("handled %q, want what is good first", keys)
	}
	dead := deadLetters(t, bank.name, 2)
	for key, want := range map[string]string{"always": "3", "never": "1"} {
		h := dead[key]
		if h["retry-attempt"] != want || h["retry-source"] != topic || h["message-type"] != "order.place" || h["retry-reason"] == "" {
			t.Errorf("dead letter %s has %v, want %s attempts, its origin and why", key, h, want)
		}
	}
	for key, want := range map[string]int{"twice": 3, "always": 3, "never": 1, "good-1": 1, "good-2": 1} {
		at := tries.of(key)
		if len(at) != want {
			t.Errorf("%s has had %d attempts, want %d", key, len(at), want)
		}
		for n := 1; n < len(at); n++ {
			if passed := at[n].Sub(at[n-1]); passed < wait-time.Millisecond { // as times are in ms
				t.Errorf("attempt %d of %s came %v after the one before, want %v", n+1, key, passed, wait)
			}
		}
	}
}

// deadLetters waits for n of a service's, and returns their headers by key.
func deadLetters(t *testing.T, service string, n int) map[string]map[string]string {
	t.Helper()
	consumer, err := sarama.NewConsumer(testservers.Kafka(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	pc, err := consumer.ConsumePartition(messaging.DeadLetters(service), 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	out := map[string]map[string]string{}
	for range n {
		select {
		case m := <-pc.Messages():
			out[string(m.Key)] = headers(m.Headers)
		case <-time.After(patience):
			t.Fatalf("%d dead letters, want %d", len(out), n)
		}
	}
	return out
}

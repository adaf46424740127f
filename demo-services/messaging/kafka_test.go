package messaging_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/infra/testservers"
)

// oneTopic has all messages of two types on one topic that one service reads.
const oneTopic = `
topics:
  %[1]s: {readers: [%[2]s], partitions: %[3]d}
routes:
  - {type: order.place, to: [%[1]s]}
  - {type: order.look, to: [%[1]s]}
`

func TestMessageGoesOutWhenItsTransactionCommits(t *testing.T) {
	t.Parallel()
	shop, bank := newService(t, "shop"), newService(t, "bank")
	router := routed(t, oneTopic, testservers.Name(t), bank.name, 3)
	bank.start(bank.config(router), on("order.place", keep(0)))
	sender := shop.start(shop.config(router))

	undone := errors.New("thought better of it")
	err := sender.Within(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return errors.Join(sender.Send(ctx, tx, "order.place", "undone", 1), undone)
	})
	if !errors.Is(err, undone) {
		t.Fatalf("%v, want %v", err, undone)
	}
	send(t, sender.Bus, "order.place", "done")
	if keys := bank.has(1); keys[0] != "done" {
		t.Errorf("handled %q, want done", keys)
	}
}

func TestReceiversCatchUp(t *testing.T) {
	t.Parallel()
	shop, bank := newService(t, "shop"), newService(t, "bank")
	router := routed(t, oneTopic, testservers.Name(t), bank.name, 3)
	sender := shop.start(shop.config(router))
	send(t, sender.Bus, "order.place", numbered("before-", 10)...) // it has never been here
	first := bank.start(bank.config(router), on("order.place", keep(0)))
	bank.has(10)
	first.stop()
	send(t, sender.Bus, "order.place", numbered("away-", 10)...)
	bank.start(bank.config(router), on("order.place", keep(0)))
	keys := bank.has(20)
	slices.Sort(keys)
	if n := len(slices.Compact(keys)); n != 20 {
		t.Errorf("%d different ones, want 20: %q", n, keys)
	}
}

func TestInstancesShareTheLoad(t *testing.T) {
	t.Parallel()
	const messages, partitions = 120, 4
	shop, bank := newService(t, "shop"), newService(t, "bank")
	router := routed(t, oneTopic, testservers.Name(t), bank.name, partitions)
	sender := shop.start(shop.config(router))
	for n := range 2 {
		bank.start(bank.config(router), on("order.place", keep(n+1)), on("order.look", keep(n+1)))
	}
	// Until both have a share, which comes with the group's second rebalance.
	probes := 0
	eventually(t, func() (bool, string) {
		send(t, sender.Bus, "order.look", numbered(fmt.Sprintf("probe-%d-", probes), 8)...)
		probes += 8
		bank.has(probes)
		return bank.instances("probe-") == 2, "one instance does all the work"
	})
	send(t, sender.Bus, "order.place", numbered("load-", messages)...)
	keys := bank.has(probes + messages)
	slices.Sort(keys)
	if n := len(slices.Compact(keys)); n != probes+messages {
		t.Errorf("%d different ones, want %d", n, probes+messages)
	}
	if n := bank.instances("load-"); n != 2 {
		t.Errorf("%d instances have handled some, want 2", n)
	}
}

// instances counts those that have handled messages of a key with a prefix.
func (s *service) instances(prefix string) (n int) {
	s.t.Helper()
	if err := s.db.QueryRow("SELECT count(DISTINCT instance) FROM handled WHERE key LIKE ? || '%'", prefix).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestScheduledMessageWaitsForItsTime(t *testing.T) {
	t.Parallel()
	for name, restarted := range map[string]bool{"service stays": false, "service is restarted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const wait = 1500 * time.Millisecond
			shop, bank := newService(t, "shop"), newService(t, "bank")
			router := routed(t, oneTopic, testservers.Name(t), bank.name, 1)
			var came atomic.Int64
			bank.start(bank.config(router), on("order.place", func(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
				came.Store(time.Now().UnixNano())
				return keep(0)(ctx, tx, m)
			}), on("order.look", keep(0)))
			sender := shop.start(shop.config(router))
			at := time.Now().Add(wait)
			err := sender.Within(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				return errors.Join(sender.Schedule(ctx, tx, at, "order.place", "later", 1), sender.Send(ctx, tx, "order.look", "now", 1))
			})
			if err != nil {
				t.Fatal(err)
			}
			if restarted {
				sender.stop()
				shop.start(shop.config(router))
			}
			if keys := bank.has(2); !slices.Equal(keys, []string{"now", "later"}) {
				t.Errorf("handled %q, want now and then later", keys)
			}
			// A due time is stored in milliseconds.
			if early := at.Truncate(time.Millisecond).Sub(time.Unix(0, came.Load())); early > 0 {
				t.Errorf("it came %v before its time", early)
			}
		})
	}
}

func TestEachSubscriberGetsEachEventOnce(t *testing.T) {
	t.Parallel()
	const publishers, subscribers, events = 3, 3, 10
	var readers []*service
	names := []any{testservers.Name(t)}
	for range subscribers {
		readers = append(readers, newService(t, "reader"))
		names = append(names, readers[len(readers)-1].name)
	}
	router := routed(t, `
topics: {%[1]s: {readers: [%[2]s, %[3]s, %[4]s]}}
routes: [{type: order.opened, to: [%[1]s]}]
`, names...)
	for _, reader := range readers {
		reader.start(reader.config(router), on("order.opened", keep(0)))
	}
	var want []string
	var all sync.WaitGroup
	for p := range publishers {
		keys := numbered(fmt.Sprintf("from-%d-", p), events)
		want = append(want, keys...)
		shop := newService(t, "shop")
		sender := shop.start(shop.config(router))
		all.Go(func() {
			for _, key := range keys {
				err := sender.Within(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
					return sender.Publish(ctx, tx, "order.opened", key, key)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, reader := range readers {
		keys := reader.has(len(want))
		slices.Sort(keys)
		if !slices.Equal(keys, want) {
			t.Errorf("%s has %q, want %q", reader.name, keys, want)
		}
	}
}

func TestTopicsOfAnotherTableAreThereWhileTheirReaderIsAway(t *testing.T) {
	t.Parallel()
	shop, bank := newService(t, "shop"), newService(t, "bank")
	router := routed(t, oneTopic, testservers.Name(t), bank.name, 1)
	sender := shop.start(shop.config(router))
	router.Set(parsed(t, oneTopic, testservers.Name(t), bank.name, 1))
	send(t, sender.Bus, "order.place", "1")
	eventually(t, func() (bool, string) { return shop.waiting() == 0, "it stays in the outbox" })
	bank.start(bank.config(router), on("order.place", keep(0)))
	bank.has(1)
}

// waiting is how many messages are in a service's outbox.
func (s *service) waiting() (n int) {
	s.t.Helper()
	if err := s.db.QueryRow("SELECT count(*) FROM outbox").Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestPausedServiceLeavesMessages(t *testing.T) {
	t.Parallel()
	shop, bank := newService(t, "shop"), newService(t, "bank")
	router := routed(t, oneTopic, testservers.Name(t), bank.name, 1)
	var paused, looked atomic.Int64
	paused.Store(1)
	cfg := bank.config(router)
	cfg.Paused = func() bool { looked.Add(1); return paused.Load() == 1 }
	bank.start(cfg, on("order.place", keep(0)))
	sender := shop.start(shop.config(router))
	send(t, sender.Bus, "order.place", numbered("", 5)...)
	eventually(t, func() (bool, string) { return looked.Load() > 3, "nobody asks whether it is paused" }) // so a message is there
	if keys := bank.keys(); len(keys) != 0 {
		t.Errorf("handled %q though it is paused", keys)
	}
	paused.Store(0)
	if keys := bank.has(5); !slices.Equal(keys, numbered("", 5)) {
		t.Errorf("handled %q, want all in order", keys)
	}
}

func TestAnotherTableCountsWithoutARestart(t *testing.T) {
	t.Parallel()
	shop, bank, game := newService(t, "shop"), newService(t, "bank"), newService(t, "game")
	before, after := testservers.Name(t), testservers.Name(t)
	const table = `
topics: {%[1]s: {readers: [%[2]s]}}
routes: [{type: order.place, to: [%[1]s]}]
`
	router := routed(t, table, before, bank.name)
	for _, s := range []*service{bank, game} {
		s.start(s.config(router), on("order.place", keep(0)))
	}
	sender := shop.start(shop.config(router))
	send(t, sender.Bus, "order.place", "before")
	bank.has(1)
	router.Set(parsed(t, table, after, game.name))
	send(t, sender.Bus, "order.place", "after")
	if keys := game.has(1); keys[0] != "after" {
		t.Errorf("the new reader handled %q", keys)
	}
	if keys := bank.keys(); len(keys) != 1 {
		t.Errorf("the old reader handled %q", keys)
	}
}

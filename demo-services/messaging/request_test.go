package messaging_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/infra/testservers"
)

// votes answers requests: who asks for less than 100 gets them.
func votes(b *messaging.Bus) {
	b.Handle("order.place", func(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
		if m.Key == "too much" {
			return b.Refuse(ctx, tx, "there are not so many")
		}
		return errors.Join(keep(0)(ctx, tx, m), b.Reply(ctx, tx, "yes to "+m.Key))
	})
}

func TestRequestGetsItsOwnReply(t *testing.T) {
	t.Parallel()
	shop, game := newService(t, "shop"), newService(t, "game")
	router := routed(t, oneTopic, testservers.Name(t), game.name, 3)
	game.start(game.config(router), votes)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	for n := range 2 { // two instances, since both read all replies
		asker := shop.start(shop.config(router))
		for _, key := range numbered(fmt.Sprint(n, "-"), 20) {
			all.Go(func() {
				var answer string
				if err := asker.Request(ctx, "order.place", key, 1, &answer); err != nil || answer != "yes to "+key {
					t.Errorf("%s: %q, %v", key, answer, err)
				}
			})
		}
		all.Go(func() {
			err := asker.Request(ctx, "order.place", "too much", 1000, new(string))
			if !errors.Is(err, messaging.ErrRefused) || !strings.HasSuffix(err.Error(), "there are not so many") {
				t.Errorf("%v, want refused, and why", err)
			}
		})
		t.Cleanup(func() { // by then nothing is under way
			if waiting, late := asker.Waiting(); waiting != 0 || late != 0 {
				t.Errorf("%d wait, %d late, want none", waiting, late)
			}
		})
	}
	all.Wait()
}

func TestReplyIsLateOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wait time.Duration
		late uint64
	}{{"in time", patience, 0}, {"after it", time.Millisecond, 1}} {
		b, out := newLoose(t, bankTopic)
		ended := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), c.wait)
			defer cancel()
			ended <- b.Request(ctx, "order.place", "1", 1, new(string))
		}()
		var request *sarama.ConsumerMessage
		eventually(t, func() (bool, string) { request = out.last(); return request != nil, "no request goes out" })
		if c.late > 0 {
			if err := <-ended; !errors.Is(err, messaging.ErrTimeout) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		reply := message("M1", "reply-of", headers(request.Headers)["reply-to"])
		reply.Value = []byte(`"yes"`)
		for range 2 { // who answers may have died before it knew that it had
			if err := b.Deliver(t.Context(), reply); err != nil {
				t.Fatal(err)
			}
		}
		if c.late == 0 {
			if err := <-ended; err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if waiting, late := b.Waiting(); waiting != 0 || late != c.late {
			t.Errorf("%s: %d wait, %d late, want none and %d", c.name, waiting, late, c.late)
		}
	}
}

func TestRequestMayBeSentAsCommand(t *testing.T) {
	t.Parallel()
	shop, game := newService(t, "shop"), newService(t, "game")
	router := routed(t, oneTopic, testservers.Name(t), game.name, 1)
	game.start(game.config(router), votes)
	asker := shop.start(shop.config(router))
	send(t, asker.Bus, "order.place", "command")
	game.has(1)
}

// TestRequestsThatNobodyAnswersEnd has many outstanding when the responder is gone. How late
// timeouts come is logged, and bounded by how late timers are on this machine.
func TestRequestsThatNobodyAnswersEnd(t *testing.T) {
	requests := 1_000
	if os.Getenv("TORTURE") != "" {
		requests = 10_000
	}
	shop, game := newService(t, "shop"), newService(t, "game")
	router := routed(t, oneTopic, testservers.Name(t), game.name, 3)
	responder := game.start(game.config(router), votes)
	asker := shop.start(shop.config(router))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, key := range numbered("first-", 10) { // on all partitions
		if err := asker.Request(ctx, "order.place", key, 1, new(string)); err != nil {
			t.Fatal(err)
		}
	}
	responder.stop()

	before := goleak.IgnoreCurrent()
	jitter := oversleeps()
	late := outstanding(t, asker.Bus, requests)
	slept := jitter()
	t.Logf("%d requests: timeouts late by %v in the middle, %v at 99%%, %v at most", requests, late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
	if most := late[len(late)-1]; most > 50*time.Millisecond+slept {
		t.Errorf("a timeout came %v late, want at most 50 ms beyond the %v of a mere timer here", most, slept)
	}
	if waiting, late := asker.Waiting(); waiting != 0 || late != 0 {
		t.Errorf("%d wait, %d late, want none", waiting, late)
	}
	if err := goleak.Find(before, metrics); err != nil {
		t.Error(err)
	}

	back := time.Now()
	game.start(game.config(router), votes)
	eventually(t, func() (bool, string) {
		_, late := asker.Waiting()
		return late >= uint64(requests), fmt.Sprintf("%d replies were late, want %d", late, requests)
	})
	t.Logf("late replies in %v", time.Since(back))
	game.has(10 + requests)
}

// slow is a producer that takes its time.
type slow struct {
	sarama.SyncProducer // of which nothing else is called
	asked, going        chan struct{}
	sent, closed        atomic.Bool
}

func (s *slow) SendMessage(*sarama.ProducerMessage) (int32, int64, error) {
	select {
	case s.asked <- struct{}{}:
	default:
	}
	<-s.going
	s.sent.Store(true)
	return 0, 0, nil
}

func (s *slow) Close() error {
	s.closed.Store(s.sent.Load()) // sarama's panics when something is sent yet
	return nil
}

func TestCloseWaitsForRequestsOnTheirWay(t *testing.T) {
	t.Parallel()
	shop, producer := newService(t, "shop"), &slow{asked: make(chan struct{}, 1), going: make(chan struct{})}
	asker := messaging.New(shop.config(routed(t, bankTopic)), producer)
	ctx, cancel := context.WithCancel(t.Context())
	ended, closed := make(chan error), make(chan error)
	go func() { ended <- asker.Request(ctx, "order.place", "1", 1, new(string)) }()
	<-producer.asked
	cancel()
	if err := <-ended; !errors.Is(err, messaging.ErrTimeout) {
		t.Error(err)
	}
	go func() { closed <- asker.Close() }()
	eventually(t, func() (bool, string) { // Close has begun
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		err := asker.Request(gone, "order.place", "1", 1, nil)
		return errors.Is(err, messaging.ErrClosed), fmt.Sprint(err)
	})
	close(producer.going)
	if err := <-closed; err != nil || !producer.closed.Load() {
		t.Errorf("%v; closed after all was sent: %v, want true", err, producer.closed.Load())
	}
}

// oversleeps returns a function that ends the measurement of how late a mere timer is.
func oversleeps() func() time.Duration {
	stop, most := make(chan struct{}), make(chan time.Duration)
	go func() {
		var late time.Duration
		for {
			select {
			case <-stop:
				most <- late
				return
			default:
			}
			begun := time.Now()
			time.Sleep(5 * time.Millisecond)
			late = max(late, time.Since(begun)-5*time.Millisecond)
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-most
	}
}

// outstanding makes many requests at once that have no answer, and returns by how much each
// ended after its time, sorted.
func outstanding(t *testing.T, b *messaging.Bus, requests int) []time.Duration {
	t.Helper()
	wait := time.Duration(requests) * 500 * time.Microsecond // enough for all to be outstanding at once
	late := make([]time.Duration, requests)
	var all sync.WaitGroup
	begun := time.Now()
	for n, key := range numbered("nobody-", requests) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			defer cancel()
			at, _ := ctx.Deadline()
			err := b.Request(ctx, "order.place", key, 1, new(string))
			late[n] = time.Since(at)
			if !errors.Is(err, messaging.ErrTimeout) || late[n] < 0 {
				t.Errorf("%v at %v, want a timeout at its time", err, late[n])
			}
		})
	}
	eventually(t, func() (bool, string) {
		waiting, _ := b.Waiting()
		return waiting == requests, fmt.Sprintf("%d wait, want %d", waiting, requests)
	})
	t.Log("all are outstanding after", time.Since(begun))
	all.Wait()
	slices.Sort(late)
	return late
}

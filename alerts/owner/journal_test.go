package owner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
)

// kafkas are the brokers that everything here is tested with.
func kafkas(t *testing.T, test func(t *testing.T, brokers []string)) {
	t.Run("embedded", func(t *testing.T) {
		b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		test(t, []string{b.Addr()})
	})
	t.Run("Kafka", func(t *testing.T) { test(t, testservers.Kafka(t)) })
}

func connect(t *testing.T, brokers []string) sarama.Client {
	t.Helper()
	client, err := collector.Connect(brokers, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func newTopic(t *testing.T, client sarama.Client) string {
	t.Helper()
	topic := testservers.Name(t)
	if err := EnsureTopic(client, topic, 2); err != nil {
		t.Fatal(err)
	}
	return topic
}

// state is what a journal holds.
func state(t *testing.T, client sarama.Client, topic string, j *Journal) map[string]string {
	t.Helper()
	kept, err := Load(t.Context(), client, topic, 1, j.Fence())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for key, value := range kept {
		out[key] = string(value)
	}
	delete(out, fenceKey)
	return out
}

func TestTheNextOwnerHasWhatWasFlushedAndTheLastOneIsRefused(t *testing.T) {
	kafkas(t, func(t *testing.T, brokers []string) {
		client := connect(t, brokers)
		topic := newTopic(t, client)
		first, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		first.Put("a", []byte("1"))
		first.Put("b", []byte("2"))
		if err := first.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		first.Put("a", []byte("3"))
		first.Delete("b")
		first.Put("c", []byte("4"))
		if err := first.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		first.Put("a", []byte("not flushed"))

		second, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"a": "3", "c": "4"}
		if got := state(t, client, topic, second); !maps.Equal(got, want) {
			t.Errorf("the second owner has %v, want %v", got, want)
		}
		if err := first.Flush(t.Context()); !errors.Is(err, ErrDeposed) {
			t.Errorf("the first owner writes on, and is told %v", err)
		}
		second.Put("d", []byte("5"))
		if err := second.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		third, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		want["d"] = "5"
		if got := state(t, client, topic, third); !maps.Equal(got, want) {
			t.Errorf("the third owner has %v, want %v", got, want)
		}
	})
}

func TestToFlushNothingIsNothing(t *testing.T) {
	kafkas(t, func(t *testing.T, brokers []string) {
		client := connect(t, brokers)
		j, err := OpenJournal(t.Context(), client, newTopic(t, client), 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			j.PutAll(nil)
			if err := j.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		j.PutAll(map[string][]byte{"a": []byte("1")})
		if err := j.Flush(t.Context()); err != nil || j.sequence != 2 {
			t.Errorf("%v, and %d messages are written", err, j.sequence)
		}
	})
}

func TestAStepLargerThanABatchIsWritten(t *testing.T) {
	kafkas(t, func(t *testing.T, brokers []string) {
		client := connect(t, brokers)
		topic := newTopic(t, client)
		j, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			j.Put(fmt.Sprintf("k%02d", i), make([]byte, 500<<10))
		}
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		next, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := state(t, client, topic, next); len(got) != 20 || len(got["k19"]) != 500<<10 {
			t.Errorf("%d keys are there", len(got))
		}
	})
}

func TestManyFlushAtOnce(t *testing.T) {
	kafkas(t, func(t *testing.T, brokers []string) {
		client := connect(t, brokers)
		topic := newTopic(t, client)
		j, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				for n := range 10 {
					j.Put(fmt.Sprintf("k%d", i), fmt.Append(nil, n))
					if err := j.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		next, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		got := state(t, client, topic, next)
		for i := range 50 {
			if key := fmt.Sprintf("k%d", i); got[key] != "9" {
				t.Errorf("%s is %q", key, got[key])
			}
		}
	})
}

// A flush whose answer nobody waited for is made up for by the next one, once.
func TestAFlushInDoubtIsSettledByTheNext(t *testing.T) {
	kafkas(t, func(t *testing.T, brokers []string) {
		client := connect(t, brokers)
		topic := newTopic(t, client)
		j, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		j.Put("a", []byte("1"))
		b, through := j.batch()
		if _, err := j.produce(b); err != nil { // Kafka takes it, and the answer is lost
			t.Fatal(err)
		}
		j.doubt, j.through = b, through
		j.Put("a", []byte("2"))
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		next, err := OpenJournal(t.Context(), client, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := state(t, client, topic, next); got["a"] != "2" || next.Fence() != j.Fence()+3 {
			t.Errorf("a is %q, %d messages later", got["a"], next.Fence()-j.Fence())
		}
	})
}

func TestNobodyWaitsForEver(t *testing.T) {
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	client := connect(t, []string{b.Addr()})
	topic := newTopic(t, client)
	j, err := OpenJournal(t.Context(), client, topic, 1)
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	j.Put("a", nil)
	if err := j.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without Kafka it says %v", err)
	}
}

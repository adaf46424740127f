package instrumenttest_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument/instrumenttest"
)

func TestMessagesAreKeptAsKafkaKeepsThem(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	p := rec.Producer()
	at := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	type place struct {
		partition int32
		offset    int64
	}
	var places []place
	for n, key := range []string{"a", "b", "a", "c", "b", "a"} {
		header := []byte(strconv.Itoa(n))
		m := &sarama.ProducerMessage{Topic: "orders", Key: sarama.StringEncoder(key), Value: sarama.StringEncoder("value " + strconv.Itoa(n)),
			Timestamp: at, Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: header}}}
		partition, offset, err := p.SendMessage(m)
		if err != nil || m.Partition != partition || m.Offset != offset {
			t.Fatalf("message %d: %d/%d, %v; it says %d/%d", n, partition, offset, err, m.Partition, m.Offset)
		}
		header[0] = 'x' // the sender's again
		places = append(places, place{partition, offset})
	}
	if places[0].partition != places[2].partition || places[0].partition != places[5].partition || places[1].partition != places[4].partition {
		t.Errorf("one key is in several partitions: %v", places)
	}
	ends, used := map[int32]int64{}, map[int32]bool{}
	for n, m := range rec.Messages("orders") {
		if (place{m.Partition, m.Offset}) != places[n] || m.Offset != ends[m.Partition] {
			t.Errorf("message %d is at %d/%d, sent to %v, the partition has %d", n, m.Partition, m.Offset, places[n], ends[m.Partition])
		}
		ends[m.Partition]++
		used[m.Partition] = true
		if string(m.Value) != "value "+strconv.Itoa(n) || m.Topic != "orders" || !m.Timestamp.Equal(at) || string(m.Headers[0].Key) != "n" || string(m.Headers[0].Value) != strconv.Itoa(n) {
			t.Errorf("message %d: %+v", n, m)
		}
		m.Value[0], m.Headers[0].Value[0] = 'x', 'x' // the reader's own
	}
	if again := rec.Messages("orders"); string(again[0].Value) != "value 0" || string(again[0].Headers[0].Value) != "0" || string(again[0].Key) != "a" {
		t.Errorf("a reader changed %+v", again[0])
	}
	if len(used) < 2 {
		t.Errorf("all keys are in partition %v", used)
	}
	if got := rec.Messages("elsewhere"); got != nil {
		t.Errorf("messages of a topic that is not there: %v", got)
	}
}

func TestAMessageWithoutKeyOrValueIsOne(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	before := time.Now()
	if err := rec.Producer().SendMessages([]*sarama.ProducerMessage{{Topic: "orders"}, {Topic: "orders"}}); err != nil {
		t.Fatal(err)
	}
	ms := rec.Messages("orders")
	if len(ms) != 2 || ms[0].Key != nil || ms[0].Value != nil || ms[0].Partition == ms[1].Partition || ms[0].Timestamp.Before(before) {
		t.Errorf("got %+v", ms)
	}
}

type unencodable struct{ sarama.StringEncoder }

var errUnencodable = errors.New("not to be encoded")

func (unencodable) Encode() ([]byte, error) { return nil, errUnencodable }

func TestWhatCannotBeSentIsAnError(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	bad := func() *sarama.ProducerMessage { return &sarama.ProducerMessage{Topic: "orders", Value: unencodable{}} }
	if _, _, err := rec.Producer().SendMessage(bad()); !errors.Is(err, errUnencodable) {
		t.Errorf("a value: %v", err)
	}
	if _, _, err := rec.Producer().SendMessage(&sarama.ProducerMessage{Topic: "orders", Key: unencodable{}}); !errors.Is(err, errUnencodable) {
		t.Errorf("a key: %v", err)
	}
	if _, _, err := rec.Producer().SendMessage(&sarama.ProducerMessage{}); !errors.Is(err, sarama.ErrInvalidTopic) {
		t.Errorf("no topic: %v", err)
	}
	var several sarama.ProducerErrors
	if err := rec.Producer().SendMessages([]*sarama.ProducerMessage{bad(), {Topic: "orders"}, bad()}); !errors.As(err, &several) || len(several) != 2 {
		t.Errorf("two of three: %v", err)
	}
	p := rec.AsyncProducer(false)
	p.Input() <- bad()
	if f := <-p.Errors(); !errors.Is(f.Err, errUnencodable) {
		t.Errorf("without waiting: %v", f)
	}
	if n := len(rec.Messages("orders")); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestAnAsyncProducerTellsWhatIsSent(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	loud, silent := rec.AsyncProducer(true), rec.AsyncProducer(false)
	loud.Input() <- &sarama.ProducerMessage{Topic: "orders", Metadata: "mine"}
	if m := <-loud.Successes(); m.Metadata != "mine" {
		t.Errorf("success of %+v", m)
	}
	for range 1000 { // more than a channel holds
		silent.Input() <- &sarama.ProducerMessage{Topic: "orders"}
	}
	if err := silent.Close(); err != nil {
		t.Error(err)
	}
	if n := len(rec.Messages("orders")); n != 1001 {
		t.Errorf("%d messages, want 1001", n)
	}
	loud.Input() <- &sarama.ProducerMessage{Topic: "orders"} // nobody reads its success: the end of the test does
}

func TestMemoryIsSharedByManyGoroutines(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for n := range 100 {
				_, _, _ = rec.Producer().SendMessage(&sarama.ProducerMessage{Topic: "orders", Key: sarama.StringEncoder(fmt.Sprint(g, n))})
				rec.Messages("orders")
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, m := range rec.Messages("orders") {
		seen[fmt.Sprint(m.Partition, "/", m.Offset)] = true
	}
	if len(seen) != 800 {
		t.Errorf("%d places for 800 messages", len(seen))
	}
}

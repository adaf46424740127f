package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/infra/broker"
)

// all reads until a client was shown n records.
func (s *seen) all(t *testing.T, sub *Subscription, n int) {
	t.Helper()
	s.read(t, sub, 1<<30, func() bool { return s.shown() == n })
	for id, times := range s.records {
		if times != 1 {
			t.Errorf("%s was shown %d times", id, times)
		}
	}
}

func TestAFollowerSurvivesARestartOfKafka(t *testing.T) {
	dir := t.TempDir()
	b, err := broker.Open(broker.Config{Dir: dir, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	addr := b.Addr()
	topic := newTopic(t, addr, "records", 2)
	f := follow(t, addr, Config{Topic: topic.name})
	s, err := f.Subscribe(Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	topic.write(50)
	c := newSeen()
	c.all(t, s, 50)
	for range 3 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is said that Kafka is away", func() bool { return errors.Is(f.Ready(), ErrUnavailable) })
		if late, err := f.Subscribe(Request{}); err != nil {
			t.Errorf("while Kafka is away, a client may wait: %v", err)
		} else {
			late.Close()
		}
		if _, err := f.Subscribe(Request{Since: time.Now()}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("where a time is in the topic cannot be known now: %v", err)
		}
		if b, err = broker.Open(broker.Config{Dir: dir, Addr: addr}); err != nil {
			t.Fatal(err)
		}
		topic.write(50)
		c.all(t, s, topic.written)
		eventually(t, "it follows again", func() bool { return f.Ready() == nil })
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPartitionsAreNoticed(t *testing.T) {
	addr := embedded(t).Addr()
	topic := newTopic(t, addr, "records", 0)
	f := follow(t, addr, Config{Topic: topic.name})
	s, err := f.Subscribe(Request{}) // to what there is not yet
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	topic.create(2)
	c := newSeen()
	var before string
	for partitions := range int32(5) {
		if partitions > 2 {
			if err := topic.admin.CreatePartitions(topic.name, partitions, nil, false); err != nil {
				t.Fatal(err)
			}
			if err := topic.client.RefreshMetadata(topic.name); err != nil {
				t.Fatal(err)
			}
		}
		topic.write(40)
		c.all(t, s, topic.written)
		if partitions == 1 {
			before = c.token
		}
	}
	if n := len(f.partitions); n != 4 {
		t.Errorf("%d partitions are followed", n)
	}
	old, err := f.Subscribe(Request{Resume: before}) // which does not know of them
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	later := newSeen()
	later.all(t, old, topic.written-80)
}

// drop has Kafka forget what is below some offsets.
func (p *topic) drop(below map[int32]int64) {
	p.t.Helper()
	if err := p.admin.DeleteRecords(p.name, below); err != nil {
		p.t.Fatal(err)
	}
}

func TestWhatKafkaHasDroppedIsSaid(t *testing.T) {
	addr := embedded(t).Addr()
	topic := newTopic(t, addr, "records", 1)
	topic.write(100)
	topic.drop(map[int32]int64{0: 30})
	f := follow(t, addr, Config{Topic: topic.name, Bytes: 10_000})
	eventually(t, "all is read", func() bool { return f.messages() == 100 })
	for from, gap := range map[int64][]Gap{10: {{0, 10, 30}}, 29: {{0, 29, 30}}, 30: nil, 60: nil, 100: nil, 170: {{0, 170, 100}}} {
		s, err := f.Subscribe(Request{Resume: position{from}.String()})
		if err != nil {
			t.Fatal(err)
		}
		c := newSeen()
		c.read(t, s, 1<<30, func() bool {
			return len(c.gaps) == len(gap) && c.shown() == int(100-min(max(from, 30), 100))
		})
		if !slices.Equal(c.gaps, gap) {
			t.Errorf("from %d: gaps %v, want %v", from, c.gaps, gap)
		}
		s.Close()
	}
}

// While a follower was cut off, Kafka has dropped what it had not read.
func TestClientsAreToldWhatTheFollowerCouldNotRead(t *testing.T) {
	addr := embedded(t).Addr()
	topic := newTopic(t, addr, "records", 2)
	topic.write(200)
	ends := make([]int64, 2)
	for p := range ends {
		var err error
		if ends[p], err = topic.client.GetOffset(topic.name, int32(p), sarama.OffsetNewest); err != nil {
			t.Fatal(err)
		}
	}
	topic.drop(map[int32]int64{0: 20})
	f, err := New(Config{Brokers: []string{addr}, Kafka: settings(t), Topic: topic.name})
	if err != nil {
		t.Fatal(err)
	}
	f.looked, f.partitions = true, []*partition{{floor: 5, next: 5}, {floor: 5, next: 5}} // as it had read before
	s, err := f.Subscribe(Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	go f.Run(context.Background())
	defer f.Close()
	c := newSeen()
	c.read(t, s, 1<<30, func() bool { return c.shown() == int(ends[0]-20+ends[1]-5) })
	if want := []Gap{{0, 5, 20}}; !slices.Equal(c.gaps, want) {
		t.Errorf("gaps %v, want %v", c.gaps, want)
	}
	c.all(t, s, c.shown())
}

// A topic that is made anew begins at zero again. Where a client is in it cannot be known.
func TestATopicMadeAnewIsReadFromItsStart(t *testing.T) {
	addr := embedded(t).Addr()
	topic := newTopic(t, addr, "records", 2)
	f := follow(t, addr, Config{Topic: topic.name})
	s, err := f.Subscribe(Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	topic.write(100)
	c := newSeen()
	c.all(t, s, 100)
	if err := topic.admin.DeleteTopic(topic.name); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its end is noticed", func() bool { return f.messages() == 0 })
	if n := len(f.Recent("id-5")); n > 0 {
		t.Errorf("%d records of the topic that is gone", n)
	}
	topic.create(1)
	if err := topic.client.RefreshMetadata(topic.name); err != nil {
		t.Fatal(err)
	}
	topic.write(50)
	eventually(t, "the new one is read", func() bool { return f.messages() == 50 })
	c.read(t, s, 1<<30, func() bool { return len(c.gaps) == 2 })
	if g := c.gaps[0]; g.From <= g.Until || g.Until != 50 {
		t.Errorf("the client goes on at the end, and is told %+v", g)
	}
	topic.write(30)
	c.all(t, s, 130)
	if n := len(f.Recent("id-105")); n != 1 {
		t.Errorf("%d records of a journey of the new topic", n)
	}
}

func TestOnlySoManyReadKafkaForThemselves(t *testing.T) {
	addr := embedded(t).Addr()
	topic := newTopic(t, addr, "records", 1)
	topic.write(2000)
	f := follow(t, addr, Config{Topic: topic.name, Bytes: 10_000, Replays: 2})
	eventually(t, "all is read", func() bool { return f.messages() == 2000 })
	var some []*Subscription
	for n := range 3 {
		s, err := f.Subscribe(Request{Resume: position{int64(n)}.String()})
		if n < 2 && err != nil || n == 2 && !errors.Is(err, ErrBusy) {
			t.Fatalf("%d: %v", n, err)
		}
		some = append(some, s)
	}
	if s, err := f.Subscribe(Request{}); err != nil {
		t.Errorf("who needs none is served: %v", err)
	} else {
		s.Close()
	}
	some[0].Close()
	s, err := f.Subscribe(Request{Resume: position{1000}.String()})
	if err != nil {
		t.Fatal(err)
	}
	newSeen().all(t, s, 1000)
	s.Close()
	newSeen().all(t, some[1], 1999)
	some[1].Close()
}

func TestSinceIsTheBrokersTime(t *testing.T) {
	addr := embedded(t).Addr()
	topic := newTopic(t, addr, "records", 3)
	f := follow(t, addr, Config{Topic: topic.name})
	topic.write(60)
	time.Sleep(2 * time.Millisecond) // the broker's clock counts milliseconds
	at := time.Now()
	for n, want := range []int{60, 0} {
		s, err := f.Subscribe(Request{Since: []time.Time{at.Add(-time.Hour), at}[n]})
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			topic.write(30)
			want = 30
		}
		newSeen().all(t, s, want)
		s.Close()
	}
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no brokers")
	}
	bad := sarama.NewConfig()
	bad.ClientID = fmt.Sprint("no ", "name\n")
	bad.Net.MaxOpenRequests = 0
	if _, err := New(Config{Brokers: []string{"127.0.0.1:1"}, Kafka: bad}); err == nil {
		t.Error("settings that sarama refuses")
	}
}

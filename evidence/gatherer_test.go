package evidence_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

func TestAPausedGroupIsSeen(t *testing.T) {
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	pausedOn(t, b.Addr(), "orders")
}

func TestAPausedGroupIsSeenOnRealKafka(t *testing.T) {
	pausedOn(t, testservers.Kafka(t)[0], testservers.Name(t))
}

// reader is a service that reads as a group, until it is told to stop in the midst of a message.
type reader struct {
	taken   chan struct{}
	proceed chan struct{}
}

func (r *reader) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (r *reader) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (r *reader) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		r.taken <- struct{}{}
		select {
		case <-r.proceed:
		case <-s.Context().Done():
			return nil
		}
		s.MarkMessage(m, "")
		s.Commit()
	}
	return nil
}

func pausedOn(t *testing.T, addr, topic string) {
	client, err := collector.Connect([]string{addr}, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
	g, err := evidence.NewGatherer(client, evidence.Config{Group: topic + "-own", Topic: topic + ".records", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); g.Follow(ctx) }()
	defer func() { cancel(); <-done }()

	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_8_0_0
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	group, err := sarama.NewConsumerGroup([]string{addr}, topic+"-game", cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{make(chan struct{}), make(chan struct{})}
	read := make(chan error, 1)
	reading, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { read <- group.Consume(reading, []string{topic}, r) }()
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	send := func() {
		t.Helper()
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("x")}); err != nil {
			t.Fatal(err)
		}
	}
	// seen waits for what the groups are to be like.
	seen := func(what string, is func(journey.Group) bool) journey.Group {
		t.Helper()
		var last []journey.Group
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			last = g.For(time.Now(), journey.Each([]record.Record{{Messaging: record.Messaging{Topic: topic}}})).Groups
			for _, one := range last {
				if one.Name == topic+"-game" && is(one) {
					return one
				}
			}
		}
		t.Fatalf("%s: never seen; last %+v", what, last)
		return journey.Group{}
	}
	send()
	<-r.taken
	r.proceed <- struct{}{}
	seen("it commits", func(g journey.Group) bool { return g.Committed == 1 && g.Members })
	send()
	<-r.taken // and there it stays
	paused := seen("it has stopped", func(g journey.Group) bool { return len(g.Ends) > 0 && g.Ends[len(g.Ends)-1].Offset == 2 })
	if paused.Committed != 1 || !paused.Members || paused.Topic != topic {
		t.Errorf("%+v", paused)
	}
	since := paused.Ends[len(paused.Ends)-1].Time
	later := seen("it is asked again", func(g journey.Group) bool { return g.AsOf.After(since) })
	if last := later.Ends[len(later.Ends)-1]; last.Offset != 2 || !last.Time.Equal(since) {
		t.Errorf("the message came at %v, now it came at %v", since, last)
	}
	lag := func() (found []evidence.Lag) {
		t.Helper()
		lags, err := g.Lags()
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(lags, func(l evidence.Lag) bool { return l.Group != topic+"-game" })
	}
	if l := lag(); len(l) != 1 || l[0].Topic != topic || l[0].Committed != 1 || l[0].End != 2 || !l[0].Members || l[0].Own || l[0].AsOf.IsZero() {
		t.Errorf("lags %+v", l)
	}
	stop()
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if err := group.Close(); err != nil {
		t.Fatal(err)
	}
	seen("nobody is in the group", func(g journey.Group) bool { return !g.Members && g.Committed == 1 })
	if l := lag(); len(l) != 0 {
		t.Errorf("no verdict rests on a group that nobody is in, and its lag is told: %+v", l)
	}
	if none := g.For(time.Now(), journey.Each(nil)).Groups; len(none) > 0 {
		t.Errorf("groups of no topic: %+v", none)
	}
}

// What an instance has said is evidence once the horizon has passed it. How wrong its clock
// is, that tells only where Kafka dates what it says.
func TestLedgersOfTheInstancesThatMatter(t *testing.T) {
	for _, dated := range []string{"LogAppendTime", "CreateTime"} {
		t.Run(dated, func(t *testing.T) { ledgersDated(t, dated) })
	}
}

func ledgersDated(t *testing.T, dated string) {
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	client, err := collector.Connect([]string{b.Addr()}, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	routes := []journey.Route{{Topic: "orders", Stations: []string{"audit"}}}
	g, err := evidence.NewGatherer(client, evidence.Config{Group: "own", Topic: record.TopicRecords, Routes: routes, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); g.Follow(ctx) }() // the topic of ledgers is not there yet
	defer func() { cancel(); <-done }()

	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.CreateTopic(record.TopicInstances, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: map[string]*string{"message.timestamp.type": &dated}}, false); err != nil {
		t.Fatal(err)
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for n := range 20 {
		for _, service := range []string{"bank", "game", "audit", "mail"} {
			l := record.Ledger{Time: began.Add(time.Duration(n) * time.Second), Service: service, Node: service + "-1", Last: uint64(n), Unsettled: uint64(n + 1)}
			value, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: record.TopicInstances, Key: sarama.StringEncoder(l.Node), Value: sarama.ByteEncoder(value)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	records := []record.Record{
		{Service: "bank", Node: "bank-1", Messaging: record.Messaging{Topic: "orders"}},
		{Service: "bank", Node: "bank-1", Expect: record.Expect{Station: "game"}},
	}
	var got map[string][]uint64
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got = map[string][]uint64{}
		for _, l := range g.For(time.Now(), journey.Each(records)).Ledgers {
			got[l.Service] = append(got[l.Service], l.Last)
		}
		if n := len(got["game"]); n > 0 && got["game"][n-1] == 19 && len(got["audit"]) > 0 && got["audit"][len(got["audit"])-1] == 19 {
			break
		}
	}
	for _, service := range []string{"bank", "game", "audit"} {
		if n := len(got[service]); n != 8 || got[service][n-1] != 19 || got[service][0] != 12 {
			t.Errorf("%s: ledgers up to %v, want the last eight", service, got[service])
		}
	}
	if len(got) != 3 {
		t.Errorf("ledgers of %v: nobody asks for mail", got)
	}
	took := time.Since(began)
	switch ahead, known := g.For(time.Now(), journey.Each(records)).Clocks["game-1"]; {
	case known != (dated == "LogAppendTime"):
		t.Errorf("by %s, how far a clock is ahead is known: %v", dated, known)
	case known && (ahead > 19*time.Second || ahead < 19*time.Second-took):
		t.Errorf("a clock is ahead by %v, want 19s, or less by as much as all took, %v", ahead, took)
	}
	if early := g.For(began.Add(-time.Hour), journey.Each(records)).Ledgers; len(early) > 0 {
		t.Errorf("the horizon has not passed %+v", early)
	}
	if none := g.For(time.Time{}, journey.Each(records)).Ledgers; len(none) > 0 {
		t.Errorf("without a horizon: %+v", none)
	}
}

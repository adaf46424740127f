package evidence_test

import (
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

func TestTheHorizonIsWhereTheSlowestPartitionIs(t *testing.T) {
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	horizonOn(t, b.Addr(), record.TopicRecords)
}

func TestTheHorizonOnRealKafka(t *testing.T) {
	horizonOn(t, testservers.Kafka(t)[0], testservers.Name(t))
}

func horizonOn(t *testing.T, addr, topic string) {
	client, err := collector.Connect([]string{addr}, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	group := topic + "-group"
	h, err := evidence.NewHorizon(client, group, topic)
	if err != nil {
		t.Fatal(err)
	}
	asOf := func() time.Time {
		t.Helper()
		time.Sleep(210 * time.Millisecond) // an answer serves that long
		at, err := h.AsOf()
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := asOf(); !at.IsZero() {
		t.Errorf("without a topic: %v", at)
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
	if err := client.RefreshMetadata(topic); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	empty := asOf()
	if empty.Before(begin) {
		t.Errorf("a topic without messages is stored through %v, not now, %v", empty, begin)
	}

	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	_, offset, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("x")})
	if err != nil {
		t.Fatal(err)
	}
	behind := asOf()
	if behind.After(time.Now().Add(-200*time.Millisecond)) || asOf() != behind {
		t.Errorf("with a message not stored the horizon went on: %v", behind)
	}

	lag := func() (all int64) {
		t.Helper()
		lags, err := h.Lags()
		if err != nil || len(lags) != 2 {
			t.Fatal(lags, err)
		}
		for _, l := range lags {
			if l.Group != group || l.Topic != topic || !l.Own || l.AsOf.Before(begin) {
				t.Errorf("%+v", l)
			}
			all += l.End - l.Committed
		}
		return all
	}
	if n := lag(); n != offset+1 {
		t.Errorf("with a message not stored the lag is %d", n)
	}

	coordinator, err := client.Coordinator(group)
	if err != nil {
		t.Fatal(err)
	}
	commit := &sarama.OffsetCommitRequest{Version: 2, ConsumerGroup: group, ConsumerGroupGeneration: sarama.GroupGenerationUndefined, RetentionTime: -1}
	for p := range int32(2) {
		commit.AddBlock(topic, p, offset+1, 0, "")
	}
	if res, err := coordinator.CommitOffset(commit); err != nil || res.Errors[topic][0] != sarama.ErrNoError {
		t.Fatal(res, err)
	}
	committed := time.Now()
	if at := asOf(); at.Before(committed) {
		t.Errorf("stored through %v, want after %v", at, committed)
	}
	if n := lag(); n != 0 {
		t.Errorf("with all stored the lag is %d", n)
	}
	for lag, want := range map[time.Duration]int64{0: offset + 1, time.Since(committed): 0, time.Hour: 0} {
		if shown, err := h.Visible(lag); err != nil || shown[0] != want {
			t.Errorf("a store that lags by %s shows all below %v, want %d; error %v", lag, shown, want, err)
		}
	}
	if never, err := h.Visible(time.Hour); err != nil || never != nil {
		t.Errorf("nobody had asked an hour ago, yet %v, %v", never, err)
	}
}

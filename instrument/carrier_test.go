package instrument_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// Leaders move all the time, some requests are answered with an error by
// partition, some are done and the connection breaks before the answer.
func TestNoNumberIsMissingWhileKafkaIsInMotion(t *testing.T) {
	t.Parallel()
	const brokers, partitions = 3, 6
	cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.SeedTopics(partitions, record.TopicRecords, record.TopicInstances))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	sometimes := func(kmsg.Request) bool { return rand.N(30) == 0 }
	faults := map[string]*kfake.FaultHandle{}
	for _, e := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.RequestTimedOut, kerr.UnknownServerError} {
		faults[e.Message] = cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: e, Count: -1, When: sometimes}) // one timed out is done all the same
	}
	var severed atomic.Int64
	cluster.ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if rand.N(30) == 0 {
			severed.Add(1)
			return nil, errors.New("severed"), true
		}
		return nil, nil, false
	})
	enough := func() bool {
		for _, f := range faults {
			if f.Hits() < 3 {
				return false
			}
		}
		return severed.Load() >= 3
	}
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: "bank", Brokers: cluster.ListenAddrs(), Console: quiet, LedgerEvery: 50 * time.Millisecond, Scoped: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for written := 0; written < 10_000 || !enough(); {
		if err := cluster.MoveTopicPartition(record.TopicRecords, rand.N[int32](partitions), rand.N[int32](brokers)); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			ctx, _ := instrument.WithCorrelationID(context.Background(), string(rune('a'+written%26)))
			in.Logger().InfoContext(ctx, "moving")
			written++
		}
		time.Sleep(time.Millisecond)
	}
	flushed(t, in)
	last := in.Health().Last
	shutdown(t, in)

	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	client, err := sarama.NewClient(cluster.ListenAddrs(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	var all []record.Record
	for p := range int32(partitions) {
		end, err := client.GetOffset(record.TopicRecords, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		if end == 0 {
			continue
		}
		part, err := consumer.ConsumePartition(record.TopicRecords, p, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range (&reader{PartitionConsumer: part}).to(t, end) {
			r, err := record.Decode(m.Value)
			if err != nil {
				t.Fatal(err)
			}
			if string(m.Key) != r.CorrelationKey {
				t.Errorf("key %q of %s", m.Key, m.Value)
			}
			all = append(all, r)
		}
		part.Close()
	}
	holds(t, all, last)
	t.Logf("%d records, %d on the topic", last, len(all))
}

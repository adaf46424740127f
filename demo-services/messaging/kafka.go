package messaging

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

// kafka is how a bus reaches it.
type kafka struct {
	client   sarama.Client
	consumer sarama.Consumer            // of replies
	replies  []sarama.PartitionConsumer // by partition
}

// Open makes a bus on Kafka and creates the topics that are missing.
func Open(cfg Config, brokers []string) (_ *Bus, err error) {
	kc := sarama.NewConfig()
	kc.ClientID = cfg.Service
	kc.Version = sarama.V3_6_0_0
	kc.Net.DialTimeout = 5 * time.Second
	kc.Consumer.Offsets.Initial = sarama.OffsetOldest
	// Not after each message: behind a fetch that waits for more, a commit waits too. What comes
	// again since its commit was missed, the inbox knows.
	kc.Consumer.Offsets.AutoCommit.Interval = 100 * time.Millisecond
	kc.Consumer.Group.InstanceId = cfg.Instance
	// One that was killed is soon missed, and holds up those who take over no longer than it takes to handle a message.
	kc.Consumer.Group.Session.Timeout, kc.Consumer.Group.Heartbeat.Interval, kc.Consumer.Group.Rebalance.Timeout = 6*time.Second, 1500*time.Millisecond, 8*time.Second
	kc.Consumer.MaxWaitTime = 100 * time.Millisecond
	kc.Producer.RequiredAcks = sarama.WaitForAll
	kc.Producer.Return.Successes = true
	kc.Producer.Partitioner = sarama.NewMurmur2Partitioner
	client, err := sarama.NewClient(brokers, kc)
	if err != nil {
		return nil, fmt.Errorf("%s: Kafka at %s does not answer: %w", cfg.Service, strings.Join(brokers, ", "), err)
	}
	k := &kafka{client: client}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close())
		}
	}()
	table, _ := cfg.Router.Table()
	if err := k.ensure(cfg.Service, table); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Service, err)
	}
	// On a connection of its own: behind a fetch that waits for messages, sending would wait too.
	producer, err := sarama.NewSyncProducer(brokers, kc)
	if err != nil {
		return nil, fmt.Errorf("%s: open producer: %w", cfg.Service, err)
	}
	b := New(cfg, producer)
	b.kafka = k
	if err := k.listen(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: listen for replies: %w", cfg.Service, err), producer.Close())
	}
	return b, nil
}

func (k *kafka) close() error {
	var errs []error
	for _, pc := range k.replies {
		errs = append(errs, pc.Close())
	}
	if k.consumer != nil {
		errs = append(errs, k.consumer.Close())
	}
	return errors.Join(append(errs, k.client.Close())...)
}

// ensure creates what is missing of a table's topics and the service's own.
func (k *kafka) ensure(service string, t *Table) error {
	admin, err := sarama.NewClusterAdminFromClient(k.client)
	if err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	topics := map[string]int32{Replies: 3, RetryTopic(service): 1, DeadLetters(service): 1}
	for name, topic := range t.Topics {
		if topics[name] = topic.Partitions; topic.Partitions == 0 {
			topics[name] = 3
		}
	}
	for name, partitions := range topics {
		detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: int16(min(3, len(k.client.Brokers())))}
		if err := admin.CreateTopic(name, detail, false); err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
			return fmt.Errorf("ensure topic %s: %w", name, err)
		}
	}
	return nil
}

// listen stands at the end of all replies before the first request goes out.
func (k *kafka) listen() (err error) {
	if k.consumer, err = sarama.NewConsumerFromClient(k.client); err != nil {
		return err
	}
	partitions, err := k.client.Partitions(Replies)
	if err != nil {
		return err
	}
	for _, partition := range partitions {
		pc, err := k.atEnd(partition)
		if err != nil {
			return err
		}
		k.replies = append(k.replies, pc)
	}
	return nil
}

// election is how long Kafka may take to choose leaders for a topic that has just been created.
var election = retrypolicy.NewBuilder[sarama.PartitionConsumer]().
	HandleErrors(sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrUnknownTopicOrPartition).
	WithDelay(100 * time.Millisecond).WithMaxRetries(-1).WithMaxDuration(10 * time.Second).ReturnLastFailure().Build()

func (k *kafka) atEnd(partition int32) (sarama.PartitionConsumer, error) {
	return failsafe.With(election).Get(func() (sarama.PartitionConsumer, error) {
		end, err := k.client.GetOffset(Replies, partition, sarama.OffsetNewest)
		if err != nil {
			return nil, err
		}
		return k.consumer.ConsumePartition(Replies, partition, end)
	})
}

// Run sends and receives until ctx ends.
func (b *Bus) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { b.relay(ctx) })
	for n := range b.kafka.replies {
		all.Go(func() { b.hear(ctx, n) })
	}
	var err error
	if len(b.handlers) > 0 {
		err = b.receive(ctx)
	} else {
		b.prepare(ctx)
	}
	all.Wait()
	return err
}

// hear takes the replies of the nth partition, which is only it to replace.
func (b *Bus) hear(ctx context.Context, n int) {
	for {
		select {
		case m, ok := <-b.kafka.replies[n].Messages():
			if ok {
				_ = b.Deliver(ctx, m)
				continue
			}
			// Kafka has no message of that number any more: the topic was made anew, or Kafka's
			// disk is another one.
			if pc, err := b.kafka.atEnd(int32(n)); err != nil {
				b.cfg.Instrument.Logger().ErrorContext(ctx, "replies are not heard", "error", err)
				pause(ctx, time.Second)
			} else {
				b.kafka.replies[n] = pc
			}
		case <-ctx.Done():
			return
		}
	}
}

// prepare has the topics of each table there, for a service that only sends: their readers may
// be away.
func (b *Bus) prepare(ctx context.Context) {
	for ctx.Err() == nil {
		table, changed := b.cfg.Router.Table()
		if err := b.kafka.ensure(b.cfg.Service, table); err != nil {
			b.cfg.Instrument.Logger().ErrorContext(ctx, "sending is interrupted", "error", err)
			pause(ctx, time.Second)
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// Close closes the connections. Call it after Run has returned. It waits for requests that are
// on their way, since a closed producer panics.
func (b *Bus) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.sending.Wait()
	if b.kafka == nil {
		return b.producer.Close()
	}
	return errors.Join(b.producer.Close(), b.kafka.close())
}

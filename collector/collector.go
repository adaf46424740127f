package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// ErrUnreachable means that Kafka does not answer.
var ErrUnreachable = errors.New("Kafka unreachable")

// Config says where records come from and where they go.
type Config struct {
	Brokers    []string
	Group      string // consumer group; empty: "waybill-collector"
	Store      store.Writer
	Partitions int          // of topics that do not exist yet; 0: DefaultPartitions
	Logger     *slog.Logger // nil discards

	BatchRecords int // most messages in one batch; 0: 5,000
	BatchBytes   int // most bytes in one batch; 0: 4 MiB
}

// Collector is a member of the consumer group.
type Collector struct {
	cfg    Config
	client sarama.Client
	group  sarama.ConsumerGroup
	dead   sarama.SyncProducer
	counts counts
	log    *slog.Logger
}

// counts obey received = stored + present + deadLettered + what is in flight.
type counts struct {
	received, stored, present, deadLettered atomic.Int64
	failing                                 atomic.Pointer[string] // why records wait now; nil if they do not
}

// New connects, and creates missing topics. An error wraps ErrUnreachable where
// Kafka does not answer, and names its address.
func New(cfg Config) (_ *Collector, err error) {
	if cfg.Group == "" {
		cfg.Group = "waybill-collector"
	}
	if cfg.Partitions == 0 {
		cfg.Partitions = DefaultPartitions
	}
	if cfg.BatchRecords == 0 {
		cfg.BatchRecords = 5000
	}
	if cfg.BatchBytes == 0 {
		cfg.BatchBytes = 4 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Collector{cfg: cfg, log: cfg.Logger}
	if c.client, err = Connect(cfg.Brokers); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err := EnsureTopics(c.client, cfg.Partitions); err != nil {
		return nil, err
	}
	// On a connection of its own: behind a fetch that waits for records, a dead letter would wait too.
	if c.dead, err = sarama.NewSyncProducer(cfg.Brokers, c.client.Config()); err != nil {
		return nil, fmt.Errorf("open dead letters: %w", err)
	}
	if c.group, err = sarama.NewConsumerGroupFromClient(cfg.Group, c.client); err != nil {
		return nil, fmt.Errorf("join group %s: %w", cfg.Group, err)
	}
	return c, nil
}

// KafkaConfig is what losing nothing needs.
func KafkaConfig() *sarama.Config {
	cfg := sarama.NewConfig()
	cfg.ClientID = "waybill"
	cfg.Version = sarama.V3_6_0_0
	cfg.Net.DialTimeout = 5 * time.Second
	cfg.Consumer.Return.Errors = true
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	cfg.Consumer.Offsets.AutoCommit.Enable = false
	cfg.Consumer.Group.ResetInvalidOffsets = false // a range Kafka has dropped is not skipped in silence
	cfg.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	cfg.Consumer.MaxProcessingTime = 30 * time.Second // one bulk request may take that long
	cfg.Consumer.MaxWaitTime = 100 * time.Millisecond
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Return.Successes = true
	cfg.Producer.Partitioner = sarama.NewMurmur2Partitioner
	cfg.Producer.MaxMessageBytes = maxDeadLetterBytes
	return cfg
}

// Connect opens a Kafka client with the settings that losing nothing needs.
func Connect(brokers []string) (sarama.Client, error) {
	client, err := sarama.NewClient(brokers, KafkaConfig())
	if err != nil {
		return nil, fmt.Errorf("%w: Kafka at %s does not answer (%w); start it or set --kafka-brokers", ErrUnreachable, strings.Join(brokers, ", "), err)
	}
	return client, nil
}

// Run collects until ctx ends. Errors of Kafka are logged and tried again.
func (c *Collector) Run(ctx context.Context) error {
	go func() {
		for err := range c.group.Errors() {
			c.log.Error("Kafka reports an error", "error", err)
		}
	}()
	for ctx.Err() == nil {
		if err := c.group.Consume(ctx, []string{record.TopicRecords}, claims{c}); err != nil {
			if errors.Is(err, sarama.ErrClosedConsumerGroup) {
				return nil
			}
			c.failing(err)
			c.log.Error("collecting is interrupted", "error", err)
			pause(ctx, time.Second)
		}
	}
	return nil
}

// Ready returns nil while records flow, else why they wait.
func (c *Collector) Ready() error {
	if why := c.counts.failing.Load(); why != nil {
		return errors.New(*why)
	}
	return nil
}

func (c *Collector) failing(err error) {
	if err == nil {
		c.counts.failing.Store(nil)
		return
	}
	why := err.Error()
	c.counts.failing.Store(&why)
}

// Close leaves the group and closes all connections.
func (c *Collector) Close() error {
	var errs []error
	if c.group != nil {
		errs = append(errs, c.group.Close())
	}
	if c.dead != nil {
		errs = append(errs, c.dead.Close())
	}
	return errors.Join(append(errs, c.client.Close())...)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/semaphore"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// ErrUnreachable means that Kafka does not answer.
var ErrUnreachable = errors.New("Kafka unreachable")

// Config says where records come from and where they go.
type Config struct {
	Brokers    []string
	Security   instrument.Security
	Group      string // consumer group; empty: "waybill-collector"
	Topic      string // empty: record.TopicRecords
	Store      store.Writer
	Partitions int           // of topics that do not exist yet; 0: DefaultPartitions
	Retention  time.Duration // records of days before are not stored; 0: all are
	Logger     *slog.Logger  // nil discards

	BatchRecords  int           // most messages in one batch; 0: 5,000
	BatchBytes    int           // most bytes in one batch, but for its last message; 0: 2 MiB
	BatchWait     time.Duration // how long a batch waits to be filled; 0: 50 ms
	InFlightBytes int           // most bytes in all batches together, counted as whole batches; 0: 32 MiB

	Evidence     Evidence // what verdicts rest on; nil: journeys are not summarised
	JourneyBytes int      // most bytes of journeys in memory, about; the others are in the store. 0: 32 MiB

	LossEvery time.Duration // how often instances' ledgers are held against the store; 0: 15 s
}

func (cfg *Config) setDefaults() {
	cfg.Group = cmp.Or(cfg.Group, "waybill-collector")
	cfg.Topic = cmp.Or(cfg.Topic, record.TopicRecords)
	cfg.Partitions = cmp.Or(cfg.Partitions, DefaultPartitions)
	cfg.BatchRecords = cmp.Or(cfg.BatchRecords, 5000)
	cfg.BatchBytes = cmp.Or(cfg.BatchBytes, 2<<20)
	cfg.BatchWait = cmp.Or(cfg.BatchWait, 50*time.Millisecond)
	cfg.LossEvery = cmp.Or(cfg.LossEvery, 15*time.Second)
	cfg.JourneyBytes = cmp.Or(cfg.JourneyBytes, 32<<20)
	cfg.InFlightBytes = max(cmp.Or(cfg.InFlightBytes, 32<<20), cfg.BatchBytes)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

// Collector is a member of the consumer group.
type Collector struct {
	cfg       Config
	client    sarama.Client
	group     sarama.ConsumerGroup
	dead      sarama.SyncProducer
	news      sarama.SyncProducer // of verdicts; nil where journeys are not summarised
	summaries store.Summaries
	room      *semaphore.Weighted // bytes that batches may still take
	owned     owned
	meters    *meters
	log       *slog.Logger
	why       atomic.Pointer[string] // records wait now; nil if they do not
}

// New connects, and creates missing topics. An error wraps ErrUnreachable where
// Kafka does not answer, and names its address.
func New(cfg Config) (_ *Collector, err error) {
	cfg.setDefaults()
	c := &Collector{cfg: cfg, log: cfg.Logger, room: semaphore.NewWeighted(int64(cfg.InFlightBytes))}
	c.meters = newMeters(&c.owned)
	if c.client, err = Connect(cfg.Brokers, cfg.Security); err != nil {
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
	c.checkTopics()
	// On a connection of its own: behind a fetch that waits for records, a dead letter would wait too.
	letters := *c.client.Config()
	letters.Producer.Flush.MaxMessages = 1 // the bounds of a topic are those of a batch
	letters.Producer.Compression = sarama.CompressionZSTD
	letters.Producer.MaxMessageBytes = int(sarama.MaxRequestSize) // the topic decides
	if c.dead, err = sarama.NewSyncProducer(cfg.Brokers, &letters); err != nil {
		return nil, fmt.Errorf("open dead letters: %w", err)
	}
	if summaries, ok := cfg.Store.(store.Summaries); ok && cfg.Evidence != nil {
		c.summaries = summaries
		if c.news, err = sarama.NewSyncProducer(cfg.Brokers, c.client.Config()); err != nil {
			return nil, fmt.Errorf("open the topic of verdicts: %w", err)
		}
	}
	if c.group, err = sarama.NewConsumerGroupFromClient(cfg.Group, c.client); err != nil {
		return nil, fmt.Errorf("join group %s: %w", cfg.Group, err)
	}
	return c, nil
}

// KafkaConfig is what losing nothing needs, and what security says.
func KafkaConfig(security instrument.Security) (*sarama.Config, error) {
	cfg := sarama.NewConfig()
	cfg.ClientID = "waybill"
	cfg.Version = sarama.V3_6_0_0
	cfg.Net.DialTimeout = 5 * time.Second
	cfg.ChannelBufferSize = 32 // messages of a partition that wait for their batch, each as large as Kafka lets it be
	cfg.Consumer.Return.Errors = true
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	cfg.Consumer.Offsets.AutoCommit.Enable = false
	cfg.Consumer.Group.ResetInvalidOffsets = false // a range Kafka has dropped is not skipped in silence
	cfg.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	cfg.Consumer.Fetch.Default = 256 << 10                  // of a partition, compressed
	cfg.Consumer.MaxProcessingTime = 250 * time.Millisecond // how long a partition that waits for its batch keeps others of the same broker from being fetched
	cfg.Consumer.MaxWaitTime = 100 * time.Millisecond
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Return.Successes = true
	cfg.Producer.Partitioner = sarama.NewMurmur2Partitioner
	if err := security.Configure(cfg); err != nil {
		return nil, fmt.Errorf("security of Kafka: %w", err)
	}
	return cfg, nil
}

// Connect opens a Kafka client with the settings that losing nothing needs.
func Connect(brokers []string, security instrument.Security) (sarama.Client, error) {
	cfg, err := KafkaConfig(security)
	if err != nil {
		return nil, err
	}
	client, err := sarama.NewClient(brokers, cfg)
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
	var aside sync.WaitGroup
	defer aside.Wait()
	aside.Go(func() { c.retain(ctx) })
	aside.Go(func() { c.watchLoss(ctx) })
	for ctx.Err() == nil {
		if err := c.group.Consume(ctx, []string{c.cfg.Topic}, claims{c}); err != nil {
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
	if why := c.why.Load(); why != nil {
		return errors.New(*why)
	}
	return nil
}

func (c *Collector) failing(err error) {
	if err == nil {
		c.why.Store(nil)
		return
	}
	why := err.Error()
	c.why.Store(&why)
}

// Close leaves the group and closes all connections.
func (c *Collector) Close() error {
	var errs []error
	if c.group != nil {
		if err := c.group.Close(); err != nil { // Kafka notices by itself that this member is gone
			c.log.Warn("the group was not left in order", "error", err)
		}
	}
	if c.dead != nil {
		errs = append(errs, c.dead.Close())
	}
	if c.news != nil {
		errs = append(errs, c.news.Close())
	}
	return errors.Join(append(errs, c.client.Close())...)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

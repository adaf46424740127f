package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/instrument"
)

// Config says where records go and how much is taken in.
type Config struct {
	Brokers  []string
	Security instrument.Security
	Token    string       // demanded of every request; empty: none
	Logger   *slog.Logger // nil discards

	MaxBytes    int           // most bytes of one request, decompressed; 0: 16 MiB
	MemoryBytes int           // most bytes that all requests under way may take; 0: 128 MiB
	ReadTimeout time.Duration // how long one request may take to arrive; 0: 30 s
	ShipTimeout time.Duration // how long Kafka may take; 0: 10 s
	Traces      int           // how many traces' correlation IDs are remembered; 0: 50,000
}

// Bounds on one request beside its bytes.
const (
	maxRecords   = 100_000
	maxValues    = 1_000_000 // messages in a protobuf, objects and arrays in JSON: a few bytes each, many more in memory
	valueBytes   = 128       // what one of them takes in memory, about
	maxNesting   = 1_000     // of these
	maxExpansion = 4         // encoded records are at most so many times MaxBytes: each repeats its resource
)

// Intake maps what others send to records and ships them. Safe for concurrent use.
type Intake struct {
	cfg      Config
	log      *slog.Logger
	producer sarama.SyncProducer
	memory   *budget
	traces   *traces
	shipping sync.WaitGroup
}

// New connects to Kafka. The topics have to be there. An error wraps
// collector.ErrUnreachable where Kafka does not answer.
func New(cfg Config) (*Intake, error) {
	kafka, err := collector.KafkaConfig(cfg.Security)
	if err != nil {
		return nil, err
	}
	kafka.Producer.MaxMessageBytes = maxBatchBytes
	producer, err := sarama.NewSyncProducer(cfg.Brokers, kafka)
	if err != nil {
		return nil, fmt.Errorf("%w: Kafka at %s does not answer (%w); start it or set --kafka-brokers", collector.ErrUnreachable, strings.Join(cfg.Brokers, ", "), err)
	}
	return newWith(cfg, producer), nil
}

func newWith(cfg Config, producer sarama.SyncProducer) *Intake {
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 16<<20)
	cfg.MemoryBytes = cmp.Or(cfg.MemoryBytes, 128<<20)
	cfg.ReadTimeout = cmp.Or(cfg.ReadTimeout, 30*time.Second)
	cfg.ShipTimeout = cmp.Or(cfg.ShipTimeout, 10*time.Second)
	cfg.Traces = cmp.Or(cfg.Traces, 50_000)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Intake{cfg: cfg, log: cfg.Logger, producer: producer, memory: newBudget(cfg.MemoryBytes), traces: newTraces(cfg.Traces)}
}

// maxBatchBytes keeps a batch, its header included, below the topic's
// max.message.bytes, which is Kafka's default of 1,048,588.
const maxBatchBytes = 1_048_000

// Close waits for what is being shipped. Its servers have to be stopped before.
func (in *Intake) Close() error {
	in.shipping.Wait()
	return in.producer.Close()
}

// ship returns once Kafka has every message of a batch. Its error is a *refusal.
func (in *Intake) ship(ctx context.Context, b *batch) error {
	if len(b.messages) == 0 {
		return nil
	}
	b.memory.share()
	shipped := make(chan error, 1)
	in.shipping.Go(func() {
		defer b.memory.release() // the producer holds the bytes as long as it tries
		shipped <- in.producer.SendMessages(b.messages)
	})
	err := errors.New("no answer in time")
	select {
	case err = <-shipped:
	case <-time.After(in.cfg.ShipTimeout):
	}
	if err == nil {
		return nil
	}
	var each sarama.ProducerErrors
	if errors.As(err, &each) && len(each) > 0 {
		err = fmt.Errorf("%d of %d records: %w", len(each), len(b.messages), each[0].Err)
	}
	in.log.WarnContext(ctx, "records are not acknowledged", "records", len(b.messages), "error", err)
	return &refusal{status: statusAway, detail: "Kafka has not taken every record; send the same request again", after: retryAway}
}

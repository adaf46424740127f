package owner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// Store is what rules are asked of.
type Store interface {
	store.Reader
	store.Searcher
	Ready(ctx context.Context) error
}

// Evidence tells how far things are known; evidence.Gatherer does.
type Evidence interface {
	AsOf() (time.Time, error)
	Ledgers() []evidence.Ledger
}

// Hooks tell receivers; hook.Manager does. Each partition's are taken with its state.
type Hooks interface {
	alerts.Notifier
	Take(partition int32, journal alerts.Journal, kept iter.Seq2[string, []byte]) error
	Release(ctx context.Context, partition int32)
}

// Config says what is owned, and what it is about.
type Config struct {
	Brokers    []string
	Security   instrument.Security
	Group      string // empty: "waybill-alerts"
	Topic      string // of the state; empty: record.TopicAlerts
	Records    string // topic; empty: record.TopicRecords
	Journeys   string // topic; empty: record.TopicJourneys
	Partitions int    // of the state's topic, if it does not exist; 0: collector.DefaultPartitions

	Rules    *Watch
	Store    Store
	Evidence Evidence
	Routes   []journey.Route // who is expected to pick up what, as collectors know it
	Hooks    Hooks           // nil: nobody is told, and alerts are in the log alone
	View     *View
	URL      string // of a journey, but for its ID at the end; empty: alerts have none

	// Command does what somebody asked of the hooks; nil: nothing.
	Command func(ctx context.Context, c Command) error

	Logger  *slog.Logger          // nil discards
	Metrics prometheus.Registerer // nil: nobody sees them
}

// Member is one of the group that owns the alerts. Safe for concurrent use.
type Member struct {
	cfg     Config
	log     *slog.Logger
	client  sarama.Client // to read over
	writing sarama.Client // behind a fetch that waits, a flush would wait too
	group   sarama.ConsumerGroup
	meters  *meters
	owned   atomic.Int32
	begun   time.Time
}

// A member that is gone is missed within session, so that others take over within ten seconds.
const (
	session   = 6 * time.Second        // the least that Kafka takes
	heartbeat = 500 * time.Millisecond // who is left hears of it with the next one
)

// New connects, and creates the topic of the state where it is missing.
func New(cfg Config) (_ *Member, err error) {
	cfg.Group = cmp.Or(cfg.Group, "waybill-alerts")
	cfg.Topic = cmp.Or(cfg.Topic, record.TopicAlerts)
	cfg.Records = cmp.Or(cfg.Records, record.TopicRecords)
	cfg.Journeys = cmp.Or(cfg.Journeys, record.TopicJourneys)
	cfg.Partitions = cmp.Or(cfg.Partitions, collector.DefaultPartitions)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Member{cfg: cfg, log: cfg.Logger, begun: time.Now(), meters: newMeters()}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	if m.client, err = connectGroup(cfg); err != nil {
		return nil, err
	}
	if m.writing, err = collector.Connect(cfg.Brokers, cfg.Security); err != nil {
		return nil, err
	}
	if err := EnsureTopic(m.client, cfg.Topic, cfg.Partitions); err != nil {
		return nil, err
	}
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(m.meters); err != nil {
			return nil, fmt.Errorf("metrics of alerts: %w", err)
		}
	}
	if m.group, err = sarama.NewConsumerGroupFromClient(cfg.Group, m.client); err != nil {
		return nil, fmt.Errorf("join group %s: %w", cfg.Group, err)
	}
	return m, nil
}

func connectGroup(cfg Config) (sarama.Client, error) {
	kafka, err := collector.KafkaConfig(cfg.Security)
	if err != nil {
		return nil, err
	}
	kafka.Consumer.Group.Session.Timeout, kafka.Consumer.Group.Heartbeat.Interval = session, heartbeat
	kafka.Consumer.Group.Rebalance.Timeout = session
	kafka.Consumer.Offsets.Initial = sarama.OffsetNewest // what is there is read when the state is taken over
	client, err := sarama.NewClient(cfg.Brokers, kafka)
	if err != nil {
		return nil, fmt.Errorf("%w: Kafka at %v does not answer (%w); start it or set --kafka-brokers", collector.ErrUnreachable, cfg.Brokers, err)
	}
	return client, nil
}

// Run owns what the group gives it, until ctx ends.
func (m *Member) Run(ctx context.Context) error {
	var aside sync.WaitGroup
	defer aside.Wait()
	aside.Go(func() {
		for err := range m.group.Errors() {
			m.log.Error("Kafka reports an error", "error", err)
		}
	})
	defer func() {
		if err := m.group.Close(); err != nil { // Kafka notices by itself that this member is gone
			m.log.Warn("the group was not left in order", "error", err)
		}
	}()
	for ctx.Err() == nil {
		if err := m.group.Consume(ctx, []string{m.cfg.Topic}, member{m}); err != nil {
			if errors.Is(err, sarama.ErrClosedConsumerGroup) {
				return nil
			}
			m.log.Error("alerts are interrupted", "error", err)
			pause(ctx, time.Second)
		}
	}
	return nil
}

// Close closes all connections. It is called after Run has returned.
func (m *Member) Close() error {
	var errs []error
	if m.group != nil {
		_ = m.group.Close() // Run has done it, unless it never ran
	}
	for _, client := range []sarama.Client{m.client, m.writing} {
		if client != nil && !client.Closed() {
			errs = append(errs, client.Close())
		}
	}
	return errors.Join(errs...)
}

// Owned is how many partitions this process owns now, with their state taken over.
func (m *Member) Owned() int { return int(m.owned.Load()) }

// member is what sarama calls.
type member struct{ m *Member }

var _ sarama.ConsumerGroupHandler = member{}

// Setup is part of sarama's interface.
func (member) Setup(sarama.ConsumerGroupSession) error { return nil }

// Cleanup is part of sarama's interface; a claim has all its state itself.
func (member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim owns a partition until it is taken away. Where its state is lost, it is taken
// over anew.
func (h member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	ctx, cancel := context.WithCancel(session.Context())
	defer cancel()
	tail := make(chan *sarama.ConsumerMessage, 64)
	go func() { // what sarama gives is read to the end, or it would not end
		defer close(tail)
		for msg := range claim.Messages() {
			if isCommand(string(msg.Key)) {
				select {
				case tail <- msg:
				case <-ctx.Done():
				}
			}
		}
		cancel()
	}()
	for ctx.Err() == nil {
		err := h.m.own(ctx, claim.Partition(), tail)
		if ctx.Err() != nil {
			return nil
		}
		h.m.log.Error("the alerts of a partition are taken over anew", "partition", claim.Partition(), "error", err)
		if errors.Is(err, ErrDeposed) {
			return nil // the group does not know yet that it has moved on
		}
		pause(ctx, time.Second)
	}
	return nil
}

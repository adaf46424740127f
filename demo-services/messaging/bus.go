package messaging

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-log/waybill/instrument"
)

// Schema creates the outbox and the inbox in a service's database.
const Schema = `
CREATE TABLE IF NOT EXISTS outbox (
	id      TEXT PRIMARY KEY,
	n       INTEGER NOT NULL, -- order of sending
	topic   TEXT NOT NULL,
	key     TEXT NOT NULL,
	headers TEXT NOT NULL,    -- JSON object: the journey's context
	payload BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY) STRICT;`

// Message is what a subscriber gets.
type Message struct {
	ID      string // the same on every delivery
	Key     string
	Payload []byte
}

// Handler does a message's work inside tx. With an error everything in tx is
// undone and the message comes again.
type Handler func(ctx context.Context, tx *sql.Tx, m Message) error

// Bus is one service's way to send and receive.
type Bus struct {
	service  string
	db       *sql.DB
	in       *instrument.Instrument
	client   sarama.Client
	producer sarama.SyncProducer
	handlers map[string]Handler
	wake     chan struct{}
}

// Open connects a service, which is also the name of its consumer group, to
// Kafka and creates the topics that are missing.
func Open(service string, brokers []string, db *sql.DB, in *instrument.Instrument, topics ...string) (*Bus, error) {
	cfg := sarama.NewConfig()
	cfg.ClientID = service
	cfg.Version = sarama.V3_6_0_0
	cfg.Net.DialTimeout = 5 * time.Second
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	cfg.Consumer.Offsets.AutoCommit.Enable = false
	cfg.Consumer.MaxWaitTime = 100 * time.Millisecond
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Return.Successes = true
	cfg.Producer.Partitioner = sarama.NewMurmur2Partitioner
	client, err := sarama.NewClient(brokers, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: Kafka at %s does not answer: %w", service, strings.Join(brokers, ", "), err)
	}
	b := &Bus{service: service, db: db, in: in, client: client, handlers: map[string]Handler{}, wake: make(chan struct{}, 1)}
	if err := b.ensure(topics); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	// On a connection of its own: behind a fetch that waits for messages, sending would wait too.
	if b.producer, err = sarama.NewSyncProducer(brokers, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: open producer: %w", service, err), client.Close())
	}
	return b, nil
}

func (b *Bus) ensure(topics []string) error {
	admin, err := sarama.NewClusterAdminFromClient(b.client)
	if err != nil {
		return fmt.Errorf("%s: ensure topics: %w", b.service, err)
	}
	for _, topic := range topics {
		detail := &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: int16(min(3, len(b.client.Brokers())))}
		if err := admin.CreateTopic(topic, detail, false); err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
			return fmt.Errorf("%s: ensure topic %s: %w", b.service, topic, err)
		}
	}
	return nil
}

// Subscribe sets the handler of a topic. Call it before Run.
func (b *Bus) Subscribe(topic string, handle Handler) { b.handlers[topic] = handle }

// Run relays the outbox and handles messages until ctx ends.
func (b *Bus) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return b.relay(ctx) })
	if len(b.handlers) > 0 {
		g.Go(func() error { return b.receive(ctx) })
	}
	return g.Wait()
}

// Close closes the connections. Call it after Run has returned.
func (b *Bus) Close() error { return errors.Join(b.producer.Close(), b.client.Close()) }

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

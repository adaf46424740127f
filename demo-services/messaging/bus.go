package messaging

import (
	"context"
	"crypto/rand"
	"database/sql"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
)

// Schema creates outbox and inbox in a service's database.
const Schema = `
CREATE TABLE IF NOT EXISTS outbox (
	n       INTEGER PRIMARY KEY AUTOINCREMENT, -- order of sending
	id      TEXT NOT NULL,
	due     INTEGER NOT NULL, -- Unix time in ms; later ones wait
	type    TEXT NOT NULL,
	topic   TEXT NOT NULL,
	key     TEXT NOT NULL,
	headers TEXT NOT NULL,    -- JSON object: the journey's context
	payload BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due, n);
CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, type TEXT NOT NULL, key TEXT NOT NULL) STRICT;`

// Message is what a handler gets.
type Message struct {
	ID      string // the same each time it comes
	Type    string
	Key     string
	Payload []byte
}

// Handler does a message's work inside tx. With an error all that is in tx is undone, and the
// message comes again.
type Handler func(ctx context.Context, tx *sql.Tx, m Message) error

// Config is what a bus is made of.
type Config struct {
	Service    string // also the name of its consumer group
	Instance   string // of the service: a restarted one takes at once what its predecessor read. Empty: it waits until that is missed
	DB         *sql.DB
	Instrument *instrument.Instrument
	Router     *Router
	Paused     func() bool      // whether messages are left where they are now; nil: never
	Fails      func() error     // asked before each handler, which fails with what it says; nil: never
	Now        func() time.Time // nil: time.Now
	Retry      Retry
}

// Retry says how often and how soon a message that was not handled is tried again.
type Retry struct {
	Attempts int           // in all, until it is a dead letter; 0: 6
	First    time.Duration // before the second; 0: 200 ms
	Most     time.Duration // as waits double; 0: 10 s
}

// Bus is one service's way to send and receive.
type Bus struct {
	cfg      Config
	instance string // where replies come to
	producer sarama.SyncProducer
	handlers map[string]Handler
	again    map[string]Handler
	wake     chan struct{}
	kafka    *kafka // nil: somebody else delivers

	mu      sync.Mutex
	waiting map[string]chan reply
	given   map[string]struct{} // requests given up, whose reply may come yet
	late    uint64
	closed  bool
	sending sync.WaitGroup // requests on their way to Kafka
}

// New makes a bus on a producer. Who makes it gives it what comes, by Deliver, and has it send
// what waits, by Relay; [Open] does both with Kafka.
func New(cfg Config, producer sarama.SyncProducer) *Bus {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Retry.Attempts == 0 {
		cfg.Retry.Attempts = 6
	}
	if cfg.Retry.First == 0 {
		cfg.Retry.First = 200 * time.Millisecond
	}
	if cfg.Retry.Most == 0 {
		cfg.Retry.Most = 10 * time.Second
	}
	return &Bus{cfg: cfg, instance: rand.Text(), producer: producer, handlers: map[string]Handler{}, again: map[string]Handler{}, wake: make(chan struct{}, 1), waiting: map[string]chan reply{}, given: map[string]struct{}{}}
}

// Handle sets what is done with messages of a type. Call it before Run. What there is no
// handler for passes by: a topic may hold more than one of its readers wants.
func (b *Bus) Handle(typ string, handle Handler) { b.handlers[typ] = handle }

// HandleAgain sets what is done with a message of a type that was handled before. Where the
// process ended between its transaction and what [AfterCommit] was to do, this is who does it.
func (b *Bus) HandleAgain(typ string, again Handler) { b.again[typ] = again }

// Flush wakes the relay; call it when a transaction with something to send has committed.
// Without it the message goes out within a second.
func (b *Bus) Flush() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// Errors of Subscribe that pass.
var (
	// ErrUnavailable means that Kafka has not been reached, or that the follower has ended.
	ErrUnavailable = errors.New("tail unavailable")
	// ErrBusy means that a limit on clients is reached.
	ErrBusy = errors.New("tail busy")
)

// Config says what is followed, and what that may take.
type Config struct {
	Brokers   []string
	Kafka     *sarama.Config // how Kafka is spoken to; nil: sarama's defaults
	Topic     string         // empty: record.TopicRecords
	Retention time.Duration  // the collector's: records of days before are not shown. 0: all are
	Logger    *slog.Logger   // nil discards

	Bytes   int // of records in memory, and of what they are found by; 0: 64 MiB
	Clients int // most at a time; 0: 1,000
	Filters int // most different ones at a time; 0: 100
	Replays int // most clients at a time that read Kafka for themselves; 0: 8

	Stall time.Duration // how long a client may take nothing before it is cut; 0: 30 s

	// What waits for the clients of one filter is in memory, and bounded by this too.
	QueueRecords int // 0: 4,096
	QueueBytes   int // 0: 4 MiB
}

func (cfg *Config) setDefaults() {
	cfg.Topic = cmp.Or(cfg.Topic, record.TopicRecords)
	cfg.Bytes = cmp.Or(cfg.Bytes, 64<<20)
	cfg.Clients = cmp.Or(cfg.Clients, 1000)
	cfg.Filters = cmp.Or(cfg.Filters, 100)
	cfg.Replays = cmp.Or(cfg.Replays, 8)
	cfg.QueueRecords = cmp.Or(cfg.QueueRecords, 4096)
	cfg.Stall = cmp.Or(cfg.Stall, 30*time.Second)
	cfg.QueueBytes = cmp.Or(cfg.QueueBytes, 4<<20)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	kafka := sarama.NewConfig()
	if cfg.Kafka != nil {
		*kafka = *cfg.Kafka
	}
	kafka.Consumer.Return.Errors = true
	kafka.Metadata.AllowAutoTopicCreation = false
	kafka.Metadata.Retry.Max = 0 // whoever asks tries again
	kafka.Net.ReadTimeout = min(kafka.Net.ReadTimeout, 10*time.Second)
	cfg.Kafka = kafka
}

// Follower reads the end of a topic. Safe for concurrent use.
type Follower struct {
	cfg     Config
	log     *slog.Logger
	groups  atomic.Pointer[[]*group] // never changed in place; replaced under mu
	replays chan struct{}            // a place for each
	closing chan struct{}
	ran     chan struct{} // closed where Run has ended

	mu         sync.Mutex
	partitions []*partition // by number
	memory     memory
	bell       bell  // rings when something was read
	clients    int   // subscriptions
	why        error // records are not followed now; nil if they are
	looked     bool  // what partitions there were at the start is known
	torn       int   // how often a range was lost that clients wait for
	running    bool
	closed     bool
}

// New needs no Kafka: Run does, and tries until it is there. Its error says what of cfg cannot be.
func New(cfg Config) (*Follower, error) {
	cfg.setDefaults()
	if len(cfg.Brokers) == 0 {
		return nil, errors.New("follow records: no brokers; set --kafka-brokers")
	}
	if err := cfg.Kafka.Validate(); err != nil {
		return nil, fmt.Errorf("follow records: %w", err)
	}
	f := &Follower{
		cfg: cfg, log: cfg.Logger, memory: newMemory(), why: errors.New("Kafka has not been read yet"),
		replays: make(chan struct{}, cfg.Replays), closing: make(chan struct{}), ran: make(chan struct{}),
	}
	f.groups.Store(&[]*group{})
	return f, nil
}

// Run follows until ctx ends or Close is called, once. Errors of Kafka are logged and tried
// again, from where reading has come to.
func (f *Follower) Run(ctx context.Context) {
	f.mu.Lock()
	if f.running || f.closed {
		f.mu.Unlock()
		return
	}
	f.running = true
	f.mu.Unlock()
	defer close(f.ran)
	defer f.end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-f.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	const first, longest = 100 * time.Millisecond, 5 * time.Second
	for wait := first; ctx.Err() == nil; wait = min(2*wait, longest) {
		err := f.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if f.say(err) {
			wait = first
		}
		f.log.WarnContext(ctx, "records are not followed; it is tried again", "topic", f.cfg.Topic, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// say notes whether records are followed, and reports whether that was so.
func (f *Follower) say(err error) (was bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was = f.why == nil
	if !f.closed {
		f.why = err
	}
	return was
}

// Ready returns nil if records are followed now, or else why not.
func (f *Follower) Ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, f.why)
	}
	return nil
}

// Close ends Run and every subscription, each with its last receipt.
func (f *Follower) Close() error {
	f.end()
	f.mu.Lock()
	running := f.running
	f.mu.Unlock()
	if running {
		<-f.ran
	}
	return nil
}

func (f *Follower) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed, f.why = true, errors.New("the follower has ended")
	close(f.closing)
	f.ring()
}

// ring wakes all who wait.
func (f *Follower) ring() {
	f.bell.ring()
	for _, g := range *f.groups.Load() {
		g.bell.ring()
	}
}

// position is where reading has come to. The caller holds mu.
func (f *Follower) position() position {
	at := make(position, len(f.partitions))
	for n, p := range f.partitions {
		at[n] = p.next
	}
	return at
}

// through is the time through which all has been read; zero: not known. The caller holds mu.
func (f *Follower) through() (at time.Time) {
	for _, p := range f.partitions {
		if p.through.IsZero() {
			return time.Time{}
		}
		if at.IsZero() || p.through.Before(at) {
			at = p.through
		}
	}
	return at
}

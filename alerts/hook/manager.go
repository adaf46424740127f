package hook

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/instrument"
)

// Config describes a Manager.
type Config struct {
	Receivers []Receiver // as ParseReceivers gives them

	// Place is the partition that a notification belongs to: that of the process which
	// decided on it, so that both change hands together. nil: 0.
	Place func(alerts.Notification) int32

	AllowExec  bool                   // programs may be run; false: a receiver that is one is refused
	Producer   sarama.SyncProducer    // for receivers that are topics; nil: they are refused
	Instrument *instrument.Instrument // writes the journeys of deliveries; nil: there are none
	Logger     *slog.Logger           // nil: discards
	Metrics    prometheus.Registerer  // nil: nobody sees them
	History    int                    // deliveries kept for each receiver and partition; 0: 100
	Resolver   *net.Resolver          // nil: the system's
}

// Errors that callers branch on.
var (
	ErrNotOwned = errors.New("the partition belongs to another process")
	ErrUnknown  = errors.New("not known here")
	ErrRefused  = errors.New("refused")
)

// Manager takes notifications to receivers. Safe for concurrent use.
type Manager struct {
	cfg    Config
	log    *slog.Logger
	meters *meters
	places places

	receivers atomic.Pointer[map[string]*receiver]

	mu      sync.Mutex
	boxes   map[int32]*outbox
	set     sync.Mutex // one Set at a time
	stopped bool
}

var _ alerts.Notifier = (*Manager)(nil)

// New returns a Manager that owns no partition yet.
func New(cfg Config) (*Manager, error) {
	if cfg.Place == nil {
		cfg.Place = func(alerts.Notification) int32 { return 0 }
	}
	if cfg.History <= 0 {
		cfg.History = 100
	}
	m := &Manager{cfg: cfg, log: cfg.Logger, boxes: map[int32]*outbox{}, places: places{resolver: cfg.Resolver}}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.receivers.Store(&map[string]*receiver{})
	if err := m.Set(cfg.Receivers); err != nil {
		return nil, err
	}
	m.meters = newMeters(m)
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(m.meters); err != nil {
			return nil, fmt.Errorf("metrics of hooks: %w", err)
		}
	}
	return m, nil
}

// Use replaces the receivers by those of a rules file. An error leaves them as they were.
func (m *Manager) Use(rules *alerts.Rules) error {
	receivers, err := ParseReceivers(&rules.Receivers)
	if err != nil {
		return err
	}
	return m.Set(receivers)
}

// Set replaces the receivers, of a rules file that was read again. An error leaves them as they
// were. What waits for a receiver that is no longer there is given up, and says so.
func (m *Manager) Set(to []Receiver) error {
	m.set.Lock()
	defer m.set.Unlock()
	if err := checkReceivers(to); err != nil {
		return err
	}
	was, next := *m.receivers.Load(), make(map[string]*receiver, len(to))
	for _, r := range to {
		if old := was[r.Name]; old != nil && old.same(r) {
			next[r.Name] = old
			continue
		}
		made, err := m.newReceiver(r)
		if err != nil {
			return r.wrong(err)
		}
		next[r.Name] = made
	}
	m.receivers.Store(&next)
	for name, old := range was {
		if next[name] != old {
			old.kind.close()
		}
	}
	return nil
}

func (m *Manager) receiver(name string) *receiver { return (*m.receivers.Load())[name] }

// Take makes this process the owner of a partition: what waits in kept, which may hold other
// keys too, goes on its way. The journal is called from several goroutines.
func (m *Manager) Take(partition int32, journal alerts.Journal, kept iter.Seq2[string, []byte]) error {
	box := newOutbox(m, partition, journal)
	box.load(kept)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped || m.boxes[partition] != nil {
		box.cancel()
		return fmt.Errorf("take partition %d for hooks: it is taken, or the manager is closed", partition)
	}
	m.boxes[partition] = box
	box.start()
	return nil
}

// Release gives a partition back: nothing is begun any more, and what is under way may end
// until ctx does. What has not been delivered is in the journal, for the next owner.
func (m *Manager) Release(ctx context.Context, partition int32) {
	m.mu.Lock()
	box := m.boxes[partition]
	delete(m.boxes, partition)
	m.mu.Unlock()
	if box != nil {
		box.stop(ctx)
	}
}

// Close releases all partitions.
func (m *Manager) Close(ctx context.Context) {
	m.mu.Lock()
	m.stopped = true
	owned := slices.Collect(maps.Keys(m.boxes))
	m.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range owned {
		wg.Go(func() { m.Release(ctx, p) })
	}
	wg.Wait()
	for _, r := range *m.receivers.Load() {
		r.kind.close()
	}
}

// Notify implements alerts.Notifier. A notification that waits for its receiver, or is in its
// history, is not queued again.
func (m *Manager) Notify(ctx context.Context, n alerts.Notification) error {
	place := m.cfg.Place(n)
	m.mu.Lock()
	box := m.boxes[place]
	m.mu.Unlock()
	if box == nil {
		return fmt.Errorf("queue notification %q in partition %d: %w", n.ID, place, ErrNotOwned)
	}
	if m.receiver(n.Receiver) == nil {
		return fmt.Errorf("queue notification %q: receiver %q %w: name one of the rules file's", n.ID, n.Receiver, ErrUnknown)
	}
	n, err := bounded(n)
	if err != nil {
		return fmt.Errorf("queue notification for %s: %w", n.Receiver, err)
	}
	return box.add(ctx, n)
}

// owned are the outboxes, by partition.
func (m *Manager) owned() []*outbox {
	m.mu.Lock()
	defer m.mu.Unlock()
	boxes := make([]*outbox, 0, len(m.boxes))
	for _, p := range slices.Sorted(maps.Keys(m.boxes)) {
		boxes = append(boxes, m.boxes[p])
	}
	return boxes
}

package evidence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// Ledgers follows what instances say of their own records. Safe for concurrent use.
type Ledgers struct {
	client sarama.Client

	mu     sync.Mutex
	byNode map[string][]Ledger      // the latest words of each, by time
	ahead  map[string]time.Duration // by node, how far its clock is ahead of Kafka's at least
	dated  bool                     // Kafka's clock dates them
}

// keptLedgers is how many words of an instance are kept: one comes every 10 s, and
// the horizon may be behind.
const keptLedgers = 8

// Ledger is an instance's word.
type Ledger struct {
	record.Ledger
	Read time.Time // when it was read: Kafka had it before
}

// NewLedgers reads over client, which stays the caller's.
func NewLedgers(client sarama.Client) *Ledgers {
	return &Ledgers{client: client, byNode: map[string][]Ledger{}, ahead: map[string]time.Duration{}}
}

// Follow reads the ledgers there are and those to come until ctx ends. Its errors
// are of Kafka; it can be called again.
func (l *Ledgers) Follow(ctx context.Context) (err error) {
	consumer, err := sarama.NewConsumerFromClient(l.client)
	if err != nil {
		return fmt.Errorf("follow ledgers: %w", err)
	}
	partitions, err := consumer.Partitions(record.TopicInstances)
	if err != nil {
		return fmt.Errorf("follow ledgers: %w", err)
	}
	if err := l.askDates(); err != nil {
		return fmt.Errorf("follow ledgers: %w", err)
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wait.Go(func() { l.keepAsking(ctx) })
	failed := make(chan error, len(partitions))
	for _, p := range partitions {
		claim, err := consumer.ConsumePartition(record.TopicInstances, p, sarama.OffsetOldest)
		if err != nil {
			return fmt.Errorf("follow ledgers: %w", err)
		}
		wait.Go(func() {
			failed <- errors.Join(l.follow(ctx, claim), claim.Close())
			cancel()
		})
	}
	for range partitions {
		err = errors.Join(err, <-failed)
	}
	return err
}

func (l *Ledgers) follow(ctx context.Context, claim sarama.PartitionConsumer) error {
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return errors.New("follow ledgers: the partition is closed")
			}
			l.take(m)
		case err := <-claim.Errors():
			return fmt.Errorf("follow ledgers: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
}

const askDatesEvery = 2 * time.Second

// keepAsking asks until ledgers are known to be dated by the broker: whoever makes the topic may
// set that later.
func (l *Ledgers) keepAsking(ctx context.Context) {
	tick := time.NewTicker(askDatesEvery)
	defer tick.Stop()
	for {
		l.mu.Lock()
		dated := l.dated
		l.mu.Unlock()
		if dated {
			return
		}
		select {
		case <-tick.C:
			_ = l.askDates() // else the next time
		case <-ctx.Done():
			return
		}
	}
}

// askDates learns whether the broker's clock dates ledgers, or that of who writes them. Who
// may not look does not know.
func (l *Ledgers) askDates() error {
	admin, err := sarama.NewClusterAdminFromClient(l.client)
	if err != nil {
		return err
	}
	described, err := admin.DescribeConfigs([]*sarama.ConfigResource{
		{Type: sarama.TopicResource, Name: record.TopicInstances, ConfigNames: []string{"message.timestamp.type"}},
	}, sarama.DescribeConfigsOptions{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dated = false
	for _, topic := range described {
		l.dated = err == nil && slices.ContainsFunc(topic.Configs, func(e sarama.ConfigEntry) bool { return e.Value == "LogAppendTime" })
	}
	return nil
}

// take keeps an instance's ledger; one that cannot be read says nothing.
func (l *Ledgers) take(m *sarama.ConsumerMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.Value == nil {
		delete(l.byNode, string(m.Key))
		delete(l.ahead, string(m.Key))
		return
	}
	ledger, err := record.DecodeLedger(m.Value)
	if err != nil {
		return
	}
	if ahead := ledger.Time.Sub(m.Timestamp); l.dated { // it was written before Kafka had it
		if most, known := l.ahead[ledger.Node]; !known || ahead > most {
			l.ahead[ledger.Node] = ahead
		}
	}
	known := l.byNode[ledger.Node]
	if n := len(known); n > 0 && ledger.Time.Before(known[n-1].Time) {
		return
	}
	known = known[max(0, len(known)-keptLedgers+1):]
	l.byNode[ledger.Node] = append(slices.Clone(known), Ledger{Ledger: ledger, Read: time.Now()})
}

// All are the latest ledgers, in order of their instances' names.
func (l *Ledgers) All() []Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Ledger
	for _, node := range slices.Sorted(maps.Keys(l.byNode)) {
		known := l.byNode[node]
		out = append(out, known[len(known)-1])
	}
	return out
}

// Passed are the ledgers of some instances that the horizon has passed: what was
// settled with Kafka when they were read is stored. Clocks are how far the clocks of those
// instances are ahead of Kafka's at least, where that is known.
func (l *Ledgers) Passed(asOf time.Time, of func(service, node string) bool) (out []record.Ledger, clocks map[string]time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clocks = map[string]time.Duration{}
	for node, known := range l.byNode {
		if !of(known[len(known)-1].Service, node) {
			continue
		}
		if ahead, ok := l.ahead[node]; ok {
			clocks[node] = ahead
		}
		for _, ledger := range known {
			if ledger.Read.Before(asOf) {
				out = append(out, ledger.Ledger)
			}
		}
	}
	return out, clocks
}

// Lost is how many of an instance's records are lost: Kafka had taken them when
// the ledger was written, the instance did not drop them, the collectors have settled
// all Kafka had by then (asOf), and st does not hold them. Those that are
// dead letters count too. It is not known (false) before asOf has passed the
// ledger, and where the instance's first record is missing: the store may have dropped its day.
func Lost(ctx context.Context, st store.Reader, l Ledger, asOf time.Time) (n int64, known bool, err error) {
	if l.Unsettled <= 1 {
		return 0, true, nil // Kafka has none of it
	}
	if !asOf.Add(-st.Lag()).After(l.Read) {
		return 0, false, nil
	}
	last := l.Unsettled - 1
	held, lowest, err := st.Held(ctx, l.Node, last)
	if err != nil {
		return 0, false, err
	}
	if lowest > 1 && !dropped(l.Dropped, 1) || lowest == 0 {
		return 0, false, nil
	}
	want := int64(last)
	for _, d := range l.Dropped {
		if d.From <= last {
			whole := min(d.To, last) - d.From + 1
			if d.Count > 0 {
				whole = min(whole, d.Count)
			}
			want -= int64(whole)
		}
	}
	return max(0, want-held), true, nil
}

func dropped(ranges []record.Dropped, number uint64) bool {
	return slices.ContainsFunc(ranges, func(d record.Dropped) bool { return d.From <= number && number <= d.To })
}

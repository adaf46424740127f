package collector

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/store"
)

// batch is what is settled together: messages of one partition, in their order.
type batch struct {
	partition int32
	next      int64 // the offset after its last message
	messages  int
	bytes     int
	expired   int
	last      time.Time // when the broker took its last message

	entries []store.Entry
	from    []*sarama.ConsumerMessage // of each entry
	letters []letter
}

func (b *batch) clear() {
	clear(b.entries)
	clear(b.from)
	clear(b.letters)
	*b = batch{partition: b.partition, entries: b.entries[:0], from: b.from[:0], letters: b.letters[:0]}
}

// gather fills b from messages, and gives it to out: as many as one batch takes
// or BatchWait brings. It returns false when the claim ends.
func (c *Collector) gather(ctx context.Context, b *batch, messages <-chan *sarama.ConsumerMessage, out chan<- *batch) bool {
	select {
	case m, ok := <-messages:
		if !ok || c.admit(ctx, b.partition) != nil {
			return false
		}
		b.clear()
		floor := c.floor()
		c.take(b, m, floor)
		c.fill(b, messages, floor)
	case <-ctx.Done():
		return false
	}
	c.meters.received.Add(float64(b.messages))
	c.meters.inFlight.Add(float64(b.messages))
	select {
	case out <- b:
		return true
	case <-ctx.Done():
		c.leave(b)
		return false
	}
}

func (c *Collector) fill(b *batch, messages <-chan *sarama.ConsumerMessage, floor time.Time) {
	linger := time.NewTimer(c.cfg.BatchWait)
	defer linger.Stop()
	for b.messages < c.cfg.BatchRecords && b.bytes < c.cfg.BatchBytes {
		var m *sarama.ConsumerMessage
		var ok bool
		select {
		case m, ok = <-messages:
		default:
			select {
			case m, ok = <-messages:
			case <-linger.C:
				return
			}
		}
		if !ok {
			return
		}
		c.take(b, m, floor)
	}
}

// maxAhead is how far a record may be dated after the broker's own time.
const maxAhead = 24 * time.Hour

// take checks a message and puts it where it belongs.
func (c *Collector) take(b *batch, m *sarama.ConsumerMessage, floor time.Time) {
	b.messages++
	b.bytes += len(m.Key) + len(m.Value)
	b.next, b.last = m.Offset+1, m.Timestamp
	e, err := store.NewEntry(m.Value)
	switch {
	case err != nil:
		b.letters = append(b.letters, letter{m, classInvalid, err.Error()})
	case e.Time.After(m.Timestamp.Add(maxAhead)) && !m.Timestamp.IsZero():
		b.letters = append(b.letters, letter{m, classFuture, fmt.Sprintf("dated %s, %s after the broker took it: a clock is wrong", e.Time.Format(time.RFC3339), e.Time.Sub(m.Timestamp).Round(time.Hour))})
	case e.Time.Before(floor):
		b.expired++
	default:
		b.entries, b.from = append(b.entries, e), append(b.from, m)
	}
}

// settle returns nil once every message is stored, was stored before, is a dead
// letter or has expired. Its only error is the end of ctx.
func (c *Collector) settle(ctx context.Context, b *batch) error {
	began := time.Now()
	stored, present := 0, 0
	entries, from := b.entries, b.from
	err := c.retry(ctx, b.partition, "store records", func() (forward bool, err error) {
		if len(entries) == 0 {
			return true, nil
		}
		res, err := c.cfg.Store.Put(ctx, entries)
		settled := res.Stored + res.Present + len(res.Rejected)
		if settled+len(res.Unsettled) != len(entries) {
			return false, cmp.Or(err, fmt.Errorf("the store tells of %d records and of %d to give again, which were %d", settled, len(res.Unsettled), len(entries)))
		}
		stored += res.Stored
		present += res.Present
		for _, r := range res.Rejected {
			class := classRefused
			if r.Reason == store.Conflict {
				class = classConflict
			}
			b.letters = append(b.letters, letter{from[r.Index], class, r.Reason})
		}
		if err != nil {
			entries, from = pick(entries, res.Unsettled), pick(from, res.Unsettled)
		}
		return settled > 0, err
	})
	if err == nil {
		err = c.bury(ctx, b.partition, b.letters)
	}
	if err != nil {
		return err
	}
	c.meters.indexed.Add(float64(stored))
	c.meters.duplicate.Add(float64(present))
	c.meters.expired.Add(float64(b.expired))
	for _, l := range b.letters {
		c.meters.deadLettered.WithLabelValues(l.class).Inc()
		c.log.Warn("message dead-lettered", "topic", l.message.Topic, "partition", l.message.Partition, "offset", l.message.Offset, "reason", l.reason)
	}
	c.meters.batch.Observe(time.Since(began).Seconds())
	if !b.last.IsZero() {
		c.meters.latency.Observe(time.Since(b.last).Seconds())
	}
	return nil
}

func pick[T any](all []T, indices []int) []T {
	out := make([]T, len(indices))
	for n, i := range indices {
		out[n] = all[i]
	}
	return out
}

// admit waits until the batches in flight leave room for one more.
func (c *Collector) admit(ctx context.Context, partition int32) error {
	if c.room.TryAcquire(int64(c.cfg.BatchBytes)) {
		return nil
	}
	defer c.pause(partition)()
	return c.room.Acquire(ctx, int64(c.cfg.BatchBytes))
}

// done and leave end a batch: settled, or left to the partition's next owner.
func (c *Collector) done(b *batch) {
	c.meters.inFlight.Sub(float64(b.messages))
	c.room.Release(int64(c.cfg.BatchBytes))
}

func (c *Collector) leave(b *batch) {
	c.meters.left.Add(float64(b.messages))
	c.done(b)
}

// retry calls do until it succeeds or ctx ends, up to 10 s apart while that
// brings nothing forward. Meanwhile no more is fetched of the partition.
func (c *Collector) retry(ctx context.Context, partition int32, what string, do func() (forward bool, err error)) error {
	_, err := do()
	if err == nil {
		return nil
	}
	defer c.pause(partition)()
	const first = 100 * time.Millisecond
	for wait, forward := first, false; err != nil; wait = min(2*wait, 10*time.Second) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.meters.retries.Inc()
		c.failing(err)
		c.log.Error("records wait", "operation", what, "partition", partition, "error", err)
		pause(ctx, wait)
		if forward, err = do(); forward {
			wait = first
		}
	}
	c.failing(nil)
	return nil
}

// pause keeps sarama from fetching a partition until the returned function is called.
func (c *Collector) pause(partition int32) (resume func()) {
	one := map[string][]int32{c.cfg.Topic: {partition}}
	c.group.Pause(one)
	return func() { c.group.Resume(one) }
}

package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/store"
)

// claims handles the partitions this member owns.
type claims struct{ c *Collector }

// Setup is called when this member has its partitions: Kafka answers again.
func (h claims) Setup(sarama.ConsumerGroupSession) error {
	h.c.failing(nil)
	return nil
}

// Cleanup is part of sarama's interface; a claim has all its state itself.
func (claims) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim settles batch after batch until the partition is taken away.
func (h claims) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		batch := h.c.gather(session.Context(), claim.Messages())
		if len(batch) == 0 {
			return nil
		}
		if err := h.c.settle(session.Context(), batch); err != nil {
			return nil //nolint:nilerr // the session has ended; its next owner reads the batch again
		}
		last := batch[len(batch)-1]
		session.MarkOffset(last.Topic, last.Partition, last.Offset+1, "")
		session.Commit()
	}
}

// gather waits for one message and takes along what is there already. It
// returns nothing when the claim ends.
func (c *Collector) gather(ctx context.Context, messages <-chan *sarama.ConsumerMessage) []*sarama.ConsumerMessage {
	var batch []*sarama.ConsumerMessage
	bytes := 0
	take := func(m *sarama.ConsumerMessage, ok bool) bool {
		if !ok {
			return false
		}
		batch = append(batch, m)
		bytes += len(m.Value)
		return len(batch) < c.cfg.BatchRecords && bytes < c.cfg.BatchBytes
	}
	select {
	case m, ok := <-messages:
		if !take(m, ok) {
			return batch
		}
	case <-ctx.Done():
		return nil
	}
	for {
		select {
		case m, ok := <-messages:
			if !take(m, ok) {
				return batch
			}
		default:
			return batch
		}
	}
}

// settle returns nil once every message is stored, was stored before, or is a
// dead letter. Its only error is the end of ctx.
func (c *Collector) settle(ctx context.Context, batch []*sarama.ConsumerMessage) error {
	c.counts.received.Add(int64(len(batch)))
	entries := make([]store.Entry, 0, len(batch))
	from := make([]*sarama.ConsumerMessage, 0, len(batch)) // of each entry
	for _, m := range batch {
		e, err := store.NewEntry(m.Value)
		if err != nil {
			if err := c.bury(ctx, m, err.Error()); err != nil {
				return err
			}
			continue
		}
		entries, from = append(entries, e), append(from, m)
	}
	if len(entries) == 0 {
		return nil
	}
	var res store.Result
	err := c.retry(ctx, fmt.Sprintf("store %d records", len(entries)), func() (err error) {
		res, err = c.cfg.Store.Put(ctx, entries)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range res.Rejected {
		if err := c.bury(ctx, from[r.Index], r.Reason); err != nil {
			return err
		}
	}
	c.counts.stored.Add(int64(res.Stored))
	c.counts.present.Add(int64(res.Present))
	return nil
}

// retry calls do until it succeeds or ctx ends, up to 10 s apart.
func (c *Collector) retry(ctx context.Context, what string, do func() error) error {
	wait := 100 * time.Millisecond
	for {
		err := do()
		if err == nil {
			c.failing(nil)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.failing(err)
		c.log.Error("records wait", "operation", what, "error", err)
		pause(ctx, wait)
		wait = min(2*wait, 10*time.Second)
	}
}

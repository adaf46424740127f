package collector

import (
	"context"
	"time"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-log/waybill/evidence"
)

// handover is how long the batch in flight may take to settle after a partition
// was taken away: until then its offsets can still be committed.
const handover = 5 * time.Second

// claims handles the partitions this member owns.
type claims struct{ c *Collector }

var _ sarama.ConsumerGroupHandler = claims{}

// Setup is called when this member has its partitions: Kafka answers again.
func (h claims) Setup(session sarama.ConsumerGroupSession) error {
	h.c.failing(nil)
	return h.c.passDropped(session)
}

// Cleanup is part of sarama's interface; a claim has all its state itself.
func (claims) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim settles batch after batch until the partition is taken away. One
// batch is gathered while another is settled.
func (h claims) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	own := h.c.owned.add(claim)
	defer h.c.owned.remove(own)
	ctx, cancel := outlive(session.Context(), handover)
	defer cancel()
	commit, end := h.c.follow(ctx, session, claim, own)
	defer end()
	gathered, free := make(chan *batch), make(chan *batch, 2)
	free <- &batch{partition: claim.Partition()}
	free <- &batch{partition: claim.Partition()}
	go func() {
		defer close(gathered)
		for h.c.gather(session.Context(), <-free, claim.Messages(), gathered) {
		}
	}()
	again := time.NewTicker(recommit)
	defer again.Stop()
	for {
		select {
		case b, ok := <-gathered:
			if !ok {
				return nil
			}
			if ctx.Err() != nil || h.c.settle(ctx, b) != nil {
				h.c.leave(b) // the session has ended; the partition's next owner reads it again
			} else {
				own.next.Store(b.next)
				commit(b)
				h.c.done(b)
			}
			free <- b
		case <-again.C:
			commit(nil) // sends nothing where nothing is left to commit
		}
	}
}

// follow gives what commits a claim's offsets, with a batch that was settled or
// nil, and what ends it. Where journeys are summarised, the offset that is committed is
// the one below which all is in summaries, and how far records are stored stands beside it.
func (c *Collector) follow(ctx context.Context, session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim, own *partition) (commit func(*batch), end func()) {
	topic, p := claim.Topic(), claim.Partition()
	if c.summaries == nil {
		return func(b *batch) {
			if b != nil {
				session.MarkOffset(topic, p, b.next, "")
			}
			session.Commit()
		}, func() {}
	}
	js := newJourneys(c, p, own.next.Load())
	running, cancel := context.WithCancel(session.Context())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		js.run(running)
	}()
	marked, beside := js.next, ""
	commit = func(b *batch) {
		if b != nil {
			js.add(b)
			_ = js.room(ctx) // or the session has ended
		}
		next, meta := js.checkpoint(), evidence.StoredMark(own.next.Load())
		switch {
		case next > marked:
			session.MarkOffset(topic, p, next, meta)
		case meta != beside && next < own.next.Load():
			session.ResetOffset(topic, p, next, meta)
		}
		marked, beside = next, meta
		session.Commit()
	}
	return commit, func() {
		cancel()
		<-ran
		defer c.meters.journeys.DeletePartialMatch(prometheus.Labels{"partition": number(p)})
		if err := js.round(ctx, true, true); err != nil {
			c.log.Warn("summaries are left to the partition's next owner", "partition", p, "error", err)
		}
		commit(nil)
	}
}

// recommit is how soon a commit that failed is made again where no batch follows.
const recommit = time.Second

// outlive gives a context that ends some time after another one has.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return out, func() { stop(); cancel() }
}

package collector

import (
	"context"
	"time"

	"github.com/IBM/sarama"
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
				session.MarkOffset(claim.Topic(), claim.Partition(), b.next, "")
				session.Commit()
				own.next.Store(b.next)
				h.c.done(b)
			}
			free <- b
		case <-again.C:
			session.Commit() // sends nothing where nothing is left to commit
		}
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

package collector

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"
)

// owned are the partitions this member has now.
type owned struct {
	mu         sync.Mutex
	partitions []*partition
}

// partition is one that is owned.
type partition struct {
	claim sarama.ConsumerGroupClaim
	next  atomic.Int64 // the first offset that is not settled
}

func (p *partition) lag() int64 { return max(0, p.claim.HighWaterMarkOffset()-p.next.Load()) }

func (o *owned) add(claim sarama.ConsumerGroupClaim) *partition {
	p := &partition{claim: claim}
	p.next.Store(max(0, claim.InitialOffset()))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partitions = append(o.partitions, p)
	return p
}

func (o *owned) remove(p *partition) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partitions = slices.DeleteFunc(o.partitions, func(q *partition) bool { return p == q })
}

func (o *owned) list() []*partition {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.partitions)
}

func number(n int32) string { return strconv.Itoa(int(n)) }

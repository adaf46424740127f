package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	// askEvery is how often Kafka is asked for new partitions and for how far they reach.
	askEvery = 250 * time.Millisecond
	// reach is how far memory reaches back where a process begins.
	reach = 15 * time.Second
	// readAtOnce is how many messages are taken under one lock.
	readAtOnce = 256
)

// follow reads every partition from where reading has come to, until ctx ends or Kafka fails.
func (f *Follower) follow(ctx context.Context) (err error) {
	asked, err := f.ask()
	if err != nil {
		return err
	}
	defer asked.close()
	consumer, err := sarama.NewConsumer(f.cfg.Brokers, f.cfg.Kafka)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, consumer.Close()) }()
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for read := 0; ; {
		at := time.Now() // before Kafka is asked: what comes meanwhile may be missing
		n, err := asked.partitions()
		if err != nil {
			return err
		}
		ends, err := asked.offsets(n, sarama.OffsetNewest)
		if err != nil {
			return err
		}
		if n < read {
			return fmt.Errorf("topic %s has %d partitions, and had %d", f.cfg.Topic, n, read)
		}
		if n > read || n < f.known() {
			claims, err := f.claim(asked, consumer, read, n)
			for _, claim := range claims {
				number := int32(read)
				read++
				all.Go(func() {
					if err := f.read(ctx, number, claim); err != nil {
						select {
						case failed <- err:
						default:
						}
					}
				})
			}
			if err != nil {
				return err
			}
		}
		f.reaches(at, ends)
		f.say(nil)
		select {
		case <-tick.C:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// known is how many partitions have been read.
func (f *Follower) known() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.partitions)
}

// claim begins to read partitions. What it returns is to be read whatever the error.
func (f *Follower) claim(asked *kafka, consumer sarama.Consumer, from, until int) (claims []sarama.PartitionConsumer, err error) {
	starts, err := f.place(asked, until)
	if err != nil {
		return nil, err
	}
	for p := from; p < until; p++ {
		claim, err := consumer.ConsumePartition(f.cfg.Topic, int32(p), starts[p])
		if err != nil {
			return claims, fmt.Errorf("read partition %d: %w", p, err)
		}
		claims = append(claims, claim)
	}
	return claims, nil
}

// place says where to read n partitions: where reading has come to. One that was there
// when the process began is read from a little before, and one that came later from its start.
func (f *Follower) place(asked *kafka, n int) ([]int64, error) {
	oldest, newest, err := asked.bounds(n)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	starts := oldest
	if !f.looked {
		f.mu.Unlock()
		starts, err = asked.since(n, time.Now().Add(-reach))
		f.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
	for len(f.partitions) < n {
		start := starts[len(f.partitions)]
		f.partitions = append(f.partitions, &partition{floor: start, next: start})
	}
	f.looked = true
	anew := n < len(f.partitions) // a topic was deleted
	if anew {
		f.partitions = f.partitions[:n]
		f.torn++
	}
	for i := range n {
		p := f.partitions[i]
		switch {
		case p.next > newest[i]: // a new topic of that name, or one that lost its end
			f.log.Warn("a partition ends before what was read of it; it is read from its start", "topic", f.cfg.Topic, "partition", i, "read", p.next, "end", newest[i])
			*p, anew = partition{floor: oldest[i], next: oldest[i]}, true
			f.torn++
		case p.next < oldest[i]:
			f.log.Warn("Kafka has dropped messages before they were read", "topic", f.cfg.Topic, "partition", i, "from", p.next, "until", oldest[i])
			p.floor = oldest[i]
			p.advance(oldest[i])
			f.torn++
		}
	}
	if anew {
		f.forget()
	}
	at := make([]int64, n)
	for i := range at {
		at[i] = f.partitions[i].next
	}
	f.ring()
	return at, nil
}

// forget drops what is in memory: offsets mean something else now.
func (f *Follower) forget() {
	f.memory.forget()
	for _, p := range f.partitions {
		p.floor = p.next
	}
	for _, g := range *f.groups.Load() {
		g.trim(f.memory.log.first)
	}
}

// reaches notes how far partitions reached at a time.
func (f *Follower) reaches(at time.Time, ends []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked = true // no topic is known to be none, too
	for i, offset := range ends {
		f.partitions[i].reaches(end{at, offset})
	}
}

// read takes what comes from one partition.
func (f *Follower) read(ctx context.Context, number int32, claim sarama.PartitionConsumer) error {
	defer drain(claim)
	var some []*sarama.ConsumerMessage
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return fmt.Errorf("partition %d cannot be read from where reading has come to", number)
			}
			some = append(some[:0], m)
		case err, ok := <-claim.Errors():
			if ok {
				return err
			}
			return fmt.Errorf("partition %d cannot be read from where reading has come to", number)
		case <-ctx.Done():
			return nil
		}
	more:
		for len(some) < readAtOnce {
			select {
			case m, ok := <-claim.Messages():
				if !ok {
					break more
				}
				some = append(some, m)
			default:
				break more
			}
		}
		f.take(number, some)
		clear(some)
	}
}

// drain closes a claim and waits until it is.
func drain(claim sarama.PartitionConsumer) {
	claim.AsyncClose()
	for range claim.Messages() {
	}
	for range claim.Errors() {
	}
}

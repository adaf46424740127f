package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// replay reads Kafka for one client, from its position up to what the follower had read when
// that began; there memory goes on. It is the client's own, so that nobody waits for it.
type replay struct {
	until    position // by partition, where it ends
	messages chan *sarama.ConsumerMessage
	failed   chan error
	close    func() // begins to end it; its place is free when it has ended
}

// replayBytes bounds what a client takes out of one at once, but for the last message.
const replayBytes = 256 << 10

// replay begins one, which ending waits for once it is closed. Its place is the caller's if there is an error.
func (f *Follower) replay(at position, ending *sync.WaitGroup) (*replay, error) {
	f.mu.Lock()
	until := f.position()
	f.mu.Unlock()
	consumer, err := sarama.NewConsumer(f.cfg.Brokers, f.cfg.Kafka)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &replay{until: until, messages: make(chan *sarama.ConsumerMessage, 64), failed: make(chan error, 1)}
	var all sync.WaitGroup
	r.close = sync.OnceFunc(func() {
		cancel()
		ending.Go(func() {
			all.Wait()
			_ = consumer.Close()
			<-f.replays
		})
	})
	for p := range int32(len(until)) {
		if at.of(p) >= until[p] {
			continue
		}
		claim, err := consumer.ConsumePartition(f.cfg.Topic, p, at.of(p))
		if err != nil {
			cancel()
			all.Wait()
			_ = consumer.Close()
			return nil, fmt.Errorf("read partition %d: %w", p, err)
		}
		all.Go(func() { r.read(ctx, claim, until[p]) })
	}
	return r, nil
}

// read hands over the messages of one partition until it has come far enough.
func (r *replay) read(ctx context.Context, claim sarama.PartitionConsumer, until int64) {
	defer drain(claim)
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				r.fail(fmt.Errorf("a partition cannot be read from offset %d on", until))
				return
			}
			select {
			case r.messages <- m:
			case <-ctx.Done():
				return
			}
			if m.Offset+1 >= until {
				return
			}
		case err, ok := <-claim.Errors():
			if ok {
				r.fail(err)
			} else {
				r.fail(sarama.ErrOffsetOutOfRange)
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

func (r *replay) fail(err error) {
	select {
	case r.failed <- err:
	default:
	}
}

func (r *replay) ended(at position) bool {
	for p, until := range r.until {
		if at.of(int32(p)) < until {
			return false
		}
	}
	return true
}

// replayed takes what a replay has, and ends it where memory goes on.
func (b *behind) replayed(ctx context.Context, s *Subscription) (events []Event, more <-chan struct{}, err error) {
	end := func() {
		b.replay.close()
		b.replay = nil
	}
	if b.replay.ended(b.at) {
		end()
		return nil, nil, nil
	}
	pause := time.NewTimer(s.untilDue())
	defer pause.Stop()
	select {
	case m := <-b.replay.messages:
		for size := 0; m != nil; {
			size += len(m.Value)
			if m.Offset >= b.at.of(m.Partition) {
				b.at.set(m.Partition, m.Offset+1)
				if e, ok := s.f.accept(m); ok && s.g.matches(e) {
					events = append(events, s.shown(b.at.String(), e.Raw))
				}
			}
			m = nil
			if size < replayBytes {
				select {
				case m = <-b.replay.messages:
				default:
				}
			}
		}
		s.token = b.at.String()
	case err := <-b.replay.failed:
		s.f.log.DebugContext(ctx, "a client's reading of Kafka is begun again", "error", err)
		end()
		s.rest = time.Now().Add(again)
	case <-pause.C:
	case <-s.f.closing:
		events = append(events, s.finish())
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	return events, nil, nil
}

package live

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// kafka asks how far partitions reach, on connections of its own: behind a fetch that
// waits for records, a question would wait too.
type kafka struct {
	client sarama.Client
	topic  string
}

func (f *Follower) ask() (*kafka, error) {
	client, err := sarama.NewClient(f.cfg.Brokers, f.cfg.Kafka)
	if err != nil {
		return nil, err
	}
	return &kafka{client, f.cfg.Topic}, nil
}

func (k *kafka) close() { _ = k.client.Close() } // it holds nothing

// partitions is how many there are now; 0: there is no topic yet.
func (k *kafka) partitions() (int, error) {
	err := k.client.RefreshMetadata(k.topic)
	if err == nil {
		var numbers []int32
		if numbers, err = k.client.Partitions(k.topic); err == nil {
			if len(numbers) > maxPartitions {
				return 0, fmt.Errorf("topic %s has %d partitions; at most %d can be followed", k.topic, len(numbers), maxPartitions)
			}
			return len(numbers), nil
		}
	}
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return 0, nil
	}
	return 0, err
}

// offsets are those of partitions 0 to n-1 at a time, in Unix milliseconds, or at
// sarama.OffsetOldest or sarama.OffsetNewest; -1: nothing came since that time. Each broker is asked once.
func (k *kafka) offsets(n int, at int64) ([]int64, error) {
	requests := map[*sarama.Broker]*sarama.OffsetRequest{}
	for p := range int32(n) {
		leader, err := k.client.Leader(k.topic, p)
		if err != nil {
			return nil, err
		}
		r := requests[leader]
		if r == nil {
			r = sarama.NewOffsetRequest(k.client.Config().Version)
			requests[leader] = r
		}
		r.AddBlock(k.topic, p, at, 1)
	}
	out, known := make([]int64, n), 0
	for leader, r := range requests {
		answer, err := leader.GetAvailableOffsets(r)
		if err != nil {
			_ = leader.Close() // so that it is opened anew
			return nil, err
		}
		for p := range int32(n) {
			b := answer.GetBlock(k.topic, p)
			switch {
			case b == nil:
			case b.Err != sarama.ErrNoError:
				return nil, fmt.Errorf("offsets of partition %d: %w", p, b.Err)
			default:
				out[p] = b.Offset
				known++
			}
		}
	}
	if known != n {
		return nil, fmt.Errorf("offsets of %d partitions of %d", known, n)
	}
	return out, nil
}

// bounds are the offsets of the first and after the last message of partitions 0 to n-1.
func (k *kafka) bounds(n int) (oldest, newest []int64, err error) {
	if oldest, err = k.offsets(n, sarama.OffsetOldest); err != nil {
		return nil, nil, err
	}
	newest, err = k.offsets(n, sarama.OffsetNewest)
	return oldest, newest, err
}

// since is where what the broker took from a time on begins, in each of n partitions.
func (k *kafka) since(n int, at time.Time) ([]int64, error) {
	newest, err := k.offsets(n, sarama.OffsetNewest) // asked first, so that it leaves nothing out
	if err != nil {
		return nil, err
	}
	found, err := k.offsets(n, at.UnixMilli())
	if err != nil {
		return nil, err
	}
	for p := range found {
		if found[p] < 0 {
			found[p] = newest[p]
		}
	}
	return found, nil
}

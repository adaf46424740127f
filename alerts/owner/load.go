package owner

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// Load reads what the owners before have left of a partition, below an offset: by key, the
// latest value.
func Load(ctx context.Context, client sarama.Client, topic string, partition int32, fence int64) (kept map[string][]byte, err error) {
	wrapped := func(err error) (map[string][]byte, error) {
		return nil, fmt.Errorf("read the state of partition %d of %s: %w", partition, topic, err)
	}
	kept = map[string][]byte{}
	oldest, err := client.GetOffset(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return wrapped(err)
	}
	if oldest >= fence {
		return kept, nil
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return wrapped(err)
	}
	claim, err := consumer.ConsumePartition(topic, partition, oldest)
	if err != nil {
		return wrapped(err)
	}
	defer func() { err = errors.Join(err, claim.Close()) }()
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return wrapped(errors.New("the partition is closed"))
			}
			if m.Offset < fence && len(m.Value) > 0 {
				kept[string(m.Key)] = m.Value
			} else if m.Offset < fence {
				delete(kept, string(m.Key))
			}
			if m.Offset >= fence { // the fence itself is there, since it was written last of all
				return kept, nil
			}
		case err := <-claim.Errors():
			return wrapped(err)
		case <-ctx.Done():
			return wrapped(ctx.Err())
		}
	}
}

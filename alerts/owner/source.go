package owner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
)

// source is one partition of a topic that a claim reads.
type source struct {
	topic     string
	partition int32
	claim     sarama.PartitionConsumer
	first     int64 // where the partition ended when it was opened
	next      int64 // offset of the message that comes next; of the claim's goroutine
	last      time.Time
}

func (s *source) name() string { return fmt.Sprintf("%s/%d", s.topic, s.partition) }

// openSource reads a partition from where the part has come to; one that is new, from its end:
// alerts are of what comes.
func openSource(client sarama.Client, consumer sarama.Consumer, topic string, partition int32, part *alerts.Part) (*source, error) {
	s := &source{topic: topic, partition: partition}
	wrapped := func(err error) (*source, error) { return nil, fmt.Errorf("read %s: %w", s.name(), err) }
	oldest, err := client.GetOffset(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return wrapped(err)
	}
	if s.first, err = client.GetOffset(topic, partition, sarama.OffsetNewest); err != nil {
		return wrapped(err)
	}
	s.next = s.first
	if r, known := part.Reading(s.name()); known && r.From <= s.first {
		s.next = max(r.From, oldest) // what Kafka has dropped meanwhile is older than it keeps
	} else {
		part.Start(s.name(), s.next)
	}
	if s.claim, err = consumer.ConsumePartition(topic, partition, s.next); err != nil {
		return wrapped(err)
	}
	return s, nil
}

// got is a message of a source.
type got struct {
	from *source
	*sarama.ConsumerMessage
}

// feed hands on messages until ctx ends.
func (s *source) feed(ctx context.Context, to chan<- got) error {
	for {
		select {
		case m, ok := <-s.claim.Messages():
			if !ok {
				return errors.New("the partition is closed")
			}
			select {
			case to <- got{s, m}:
			case <-ctx.Done():
				return nil
			}
		case err, ok := <-s.claim.Errors():
			if ok {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// behind is how many messages are not read yet.
func (s *source) behind() int64 { return max(s.first, s.claim.HighWaterMarkOffset()) - s.next }

// slack is how old the word of Kafka may be that nothing is left to read.
const slack = 500 * time.Millisecond

// through is the time through which everything has been read.
func (s *source) through(now time.Time) time.Time {
	if s.behind() <= 0 {
		return now.Add(-slack)
	}
	return s.last
}

package collector

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/evidence"
)

// passDropped moves claims past offsets that Kafka no longer has, which a group
// with ResetInvalidOffsets off would wait for in vain. A range that was never read is
// reported: a dead letter without a value, a metric, and an error in the log.
func (c *Collector) passDropped(session sarama.ConsumerGroupSession) error {
	admin, err := sarama.NewClusterAdminFromClient(c.client)
	if err != nil {
		return fmt.Errorf("ask for committed offsets: %w", err)
	}
	owned := session.Claims()
	committed, err := admin.ListConsumerGroupOffsets(c.cfg.Group, owned)
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		return nil // nothing has been read yet
	}
	if err != nil {
		return fmt.Errorf("ask for committed offsets: %w", err)
	}
	for topic, partitions := range owned {
		for _, p := range partitions {
			block := committed.GetBlock(topic, p)
			if block == nil || block.Offset < 0 {
				continue
			}
			if err := c.passRange(session, topic, p, evidence.Stored(block)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Collector) passRange(session sarama.ConsumerGroupSession, topic string, p int32, committed int64) error {
	oldest, err := c.client.GetOffset(topic, p, sarama.OffsetOldest)
	if err != nil {
		return fmt.Errorf("ask for the oldest offset of %s/%d: %w", topic, p, err)
	}
	newest, err := c.client.GetOffset(topic, p, sarama.OffsetNewest)
	if err != nil {
		return fmt.Errorf("ask for the newest offset of %s/%d: %w", topic, p, err)
	}
	switch {
	case committed > newest:
		c.log.Error("the topic ends before what was read of it: it was made anew, and is read from its start",
			"topic", topic, "partition", p, "read_through", committed, "end", newest)
		session.ResetOffset(topic, p, oldest, "")
	case committed < oldest:
		reason := fmt.Sprintf("Kafka dropped offsets %d to %d of %s/%d before they were read: its retention is shorter than the collectors were away", committed, oldest-1, topic, p)
		m := &sarama.ConsumerMessage{Topic: topic, Partition: p, Offset: committed, Headers: []*sarama.RecordHeader{
			{Key: []byte(HeaderUntil), Value: strconv.AppendInt(nil, oldest, 10)},
		}}
		ctx, cancel := context.WithTimeout(session.Context(), handover)
		defer cancel()
		if err := c.bury(ctx, p, []letter{{message: m, reason: reason}}); err != nil {
			return fmt.Errorf("report dropped offsets of %s/%d: %w", topic, p, err)
		}
		c.meters.dropped.Add(float64(oldest - committed))
		c.log.Error(reason)
		session.MarkOffset(topic, p, oldest, "")
	}
	return nil
}

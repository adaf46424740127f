package collector

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// Headers of a dead letter, beside those the message had.
const (
	HeaderReason    = "waybill.reason"
	HeaderTopic     = "waybill.topic"
	HeaderPartition = "waybill.partition"
	HeaderOffset    = "waybill.offset"
)

// maxReason bounds the reason, so that a dead letter fits its topic.
const maxReason = 4 << 10

// bury puts a message that cannot be stored on the dead-letter topic: its
// bytes and key as they came, with the reason and where it lay.
func (c *Collector) bury(ctx context.Context, m *sarama.ConsumerMessage, reason string) error {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	headers := []sarama.RecordHeader{
		{Key: []byte(HeaderReason), Value: []byte(reason)},
		{Key: []byte(HeaderTopic), Value: []byte(m.Topic)},
		{Key: []byte(HeaderPartition), Value: strconv.AppendInt(nil, int64(m.Partition), 10)},
		{Key: []byte(HeaderOffset), Value: strconv.AppendInt(nil, m.Offset, 10)},
	}
	for _, h := range m.Headers {
		headers = append(headers, *h)
	}
	letter := &sarama.ProducerMessage{Topic: record.TopicDeadLetters, Value: sarama.ByteEncoder(m.Value), Headers: headers}
	if len(m.Key) > 0 {
		letter.Key = sarama.ByteEncoder(m.Key)
	}
	err := c.retry(ctx, fmt.Sprintf("dead-letter %s/%d/%d", m.Topic, m.Partition, m.Offset), func() error {
		_, _, err := c.dead.SendMessage(letter)
		return err
	})
	if err != nil {
		return err
	}
	c.counts.deadLettered.Add(1)
	c.log.Warn("message dead-lettered", "topic", m.Topic, "partition", m.Partition, "offset", m.Offset, "reason", reason)
	return nil
}

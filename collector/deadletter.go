package collector

import (
	"context"
	"errors"
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
	HeaderUntil     = "waybill.until" // of a range of offsets that Kafka dropped unread: the one after its last
	HeaderCut       = "waybill.cut"   // length in bytes of a value that did not fit, whose beginning is there
)

// Why a message is a dead letter, as a metric tells it.
const (
	classInvalid  = "not_a_record"
	classFuture   = "dated_ahead"
	classConflict = "conflict"
	classRefused  = "refused_by_store"
)

// maxReason bounds the reason, so that a dead letter fits its topic.
const maxReason = 4 << 10

// letter is a message that cannot be stored.
type letter struct {
	message *sarama.ConsumerMessage
	class   string
	reason  string
}

// bury puts letters on the dead-letter topic: bytes and keys as they came, with the
// reason and where they lay.
func (c *Collector) bury(ctx context.Context, partition int32, letters []letter) error {
	var messages []*sarama.ProducerMessage
	for _, l := range letters {
		messages = append(messages, l.envelope())
	}
	return c.retry(ctx, partition, "write dead letters", func() (forward bool, err error) {
		if len(messages) == 0 {
			return true, nil
		}
		var failed sarama.ProducerErrors
		if err = c.dead.SendMessages(messages); errors.As(err, &failed) {
			forward = len(failed) < len(messages)
			messages = messages[:0]
			for _, f := range failed {
				if errors.Is(f.Err, sarama.ErrMessageSizeTooLarge) {
					cut(f.Msg)
					forward = true
				}
				f.Msg.Metadata, f.Msg.Partition, f.Msg.Offset = nil, 0, 0
				messages = append(messages, f.Msg)
			}
		}
		return forward, err
	})
}

func (l *letter) envelope() *sarama.ProducerMessage {
	reason := l.reason
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	headers := []sarama.RecordHeader{
		{Key: []byte(HeaderReason), Value: []byte(reason)},
		{Key: []byte(HeaderTopic), Value: []byte(l.message.Topic)},
		{Key: []byte(HeaderPartition), Value: strconv.AppendInt(nil, int64(l.message.Partition), 10)},
		{Key: []byte(HeaderOffset), Value: strconv.AppendInt(nil, l.message.Offset, 10)},
	}
	for _, h := range l.message.Headers {
		headers = append(headers, *h)
	}
	out := &sarama.ProducerMessage{Topic: record.TopicDeadLetters, Value: sarama.ByteEncoder(l.message.Value), Headers: headers}
	if len(l.message.Key) > 0 {
		out.Key = sarama.ByteEncoder(l.message.Key)
	}
	return out
}

// cut halves a letter that its topic does not take: that topic has been given
// smaller bounds than the records' topic, or a message was small only in a
// compressed batch. Its whole bytes lie where its headers say.
func cut(m *sarama.ProducerMessage) {
	value, _ := m.Value.Encode()
	if len(value) == 0 { // headers or key alone are too large
		kept := m.Headers[:0]
		for _, h := range m.Headers {
			if strings.HasPrefix(string(h.Key), "waybill.") {
				kept = append(kept, h)
			}
		}
		m.Headers, m.Key = kept, nil
		return
	}
	known := false
	for _, h := range m.Headers {
		known = known || string(h.Key) == HeaderCut
	}
	if !known {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(HeaderCut), Value: strconv.AppendInt(nil, int64(len(value)), 10)})
	}
	m.Value = sarama.ByteEncoder(value[:len(value)/2])
}

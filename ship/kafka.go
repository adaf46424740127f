package ship

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// Kafka carries batches straight to the records' topic.
type Kafka struct {
	retrier
	brokers  string
	producer sarama.SyncProducer
}

// maxMessageBytes keeps a batch of Kafka's, its header included, below the topic's
// max.message.bytes, which is Kafka's default of 1,048,588.
const maxMessageBytes = 1_048_000

// NewKafka connects to the brokers. An error wraps ErrUnreachable where none answers.
func NewKafka(brokers []string, security instrument.Security, patience Patience) (*Kafka, error) {
	cfg, err := collector.KafkaConfig(security)
	if err != nil {
		return nil, err
	}
	cfg.Producer.MaxMessageBytes = maxMessageBytes
	cfg.Producer.Compression = sarama.CompressionLZ4
	producer, err := sarama.NewSyncProducer(brokers, cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: Kafka at %s (%w); start it or set --kafka-brokers", ErrUnreachable, strings.Join(brokers, ", "), err)
	}
	return &Kafka{retrier: retrier{Patience: patience}, brokers: strings.Join(brokers, ", "), producer: producer}, nil
}

// Carry implements Carrier. What Kafka has not taken is sent again, and nothing else.
func (k *Kafka) Carry(ctx context.Context, b *Batch) (refused int, err error) {
	messages := make([]*sarama.ProducerMessage, 0, b.Records)
	for value := range b.All() {
		known, err := record.Scan(value)
		if err != nil {
			return 0, fmt.Errorf("encode: %w", err)
		}
		m := &sarama.ProducerMessage{Topic: record.TopicRecords, Value: sarama.ByteEncoder(value)}
		if known.Key != "" {
			m.Key = sarama.StringEncoder(known.Key)
		}
		messages = append(messages, m)
	}
	if len(messages) == 0 {
		return 0, nil
	}
	err = k.do(ctx, func() error {
		err := k.send(ctx, messages)
		var each sarama.ProducerErrors
		if !errors.As(err, &each) || len(each) == 0 {
			return err
		}
		left := messages[:0]
		for _, failed := range each {
			if errors.Is(failed.Err, sarama.ErrMessageSizeTooLarge) || errors.Is(failed.Err, sarama.ErrInvalidMessageSize) {
				refused++
				continue
			}
			left = append(left, &sarama.ProducerMessage{Topic: failed.Msg.Topic, Key: failed.Msg.Key, Value: failed.Msg.Value})
		}
		if messages = left; len(left) == 0 {
			return nil
		}
		return later{error: fmt.Errorf("Kafka at %s has not taken %d records: %w", k.brokers, len(left), each[0].Err)}
	})
	return refused, err
}

// send gives up waiting when the context ends; the producer may then hold the batch's bytes.
func (k *Kafka) send(ctx context.Context, messages []*sarama.ProducerMessage) error {
	sent := make(chan error, 1)
	go func() { sent <- k.producer.SendMessages(messages) }()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits for what the producer has under way.
func (k *Kafka) Close() error { return k.producer.Close() }

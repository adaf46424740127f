package journeytest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// Ship hands a journey's records and then its ledgers to Kafka, as the services would, and
// returns when Kafka has them.
func (m *Made) Ship(brokers []string) (err error) {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Return.Successes = true
	cfg.Producer.Compression = sarama.CompressionLZ4
	cfg.Producer.Partitioner = sarama.NewMurmur2Partitioner
	p, err := sarama.NewSyncProducer(brokers, cfg)
	if err != nil {
		return fmt.Errorf("ship journey %s to %v: %w", m.ID, brokers, err)
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	var some []*sarama.ProducerMessage
	hand := func() error {
		if err := p.SendMessages(some); err != nil {
			return fmt.Errorf("ship journey %s to %v: %w", m.ID, brokers, err)
		}
		some = some[:0]
		return nil
	}
	for i := range m.Records {
		r := &m.Records[i]
		some = append(some, &sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder(r.CorrelationKey), Value: sarama.ByteEncoder(r.Raw)})
		if len(some) == 1000 {
			if err := hand(); err != nil {
				return err
			}
		}
	}
	if err := hand(); err != nil {
		return err
	}
	for _, l := range m.Ledgers {
		value, err := json.Marshal(l)
		if err != nil {
			return err
		}
		some = append(some, &sarama.ProducerMessage{Topic: record.TopicInstances, Key: sarama.StringEncoder(l.Node), Value: sarama.ByteEncoder(value)})
	}
	return hand()
}

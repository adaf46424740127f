package instrument

import (
	"encoding/json"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// ledger is what this instance says of its own records now.
func (s *shipper) ledger(stopped bool) record.Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return record.Ledger{
		Time: time.Now().UTC(), Service: s.service, Node: s.node,
		Last: s.last, Unsettled: s.unsettled(), Dropped: append([]record.Dropped(nil), s.dropped...), Refused: s.refused, Stopped: stopped,
	}
}

func (s *shipper) ledgerMessage(stopped bool) *sarama.ProducerMessage {
	b, err := json.Marshal(s.ledger(stopped))
	if err != nil {
		panic("a ledger has no value that JSON lacks: " + err.Error())
	}
	return &sarama.ProducerMessage{Topic: record.TopicInstances, Key: sarama.StringEncoder(s.node), Value: sarama.ByteEncoder(b)}
}

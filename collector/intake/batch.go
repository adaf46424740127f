package intake

import (
	"fmt"
	"net/http"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// batch holds the messages of one request.
type batch struct {
	messages []*sarama.ProducerMessage
	memory   *lease
	bytes    int // of their values
	most     int // of bytes
	equal    map[string]int
	scratch  []byte
}

func (in *Intake) batch(l *lease) *batch {
	return &batch{memory: l, most: maxExpansion * in.cfg.MaxBytes, equal: map[string]int{}}
}

// messageBytes is what a message takes beside its value, about.
const messageBytes = 400

// tailBytes is room for what record.AppendTail writes: an event.id of 512 bytes,
// each of which may take six.
const tailBytes = 4 << 10

// put encodes a record. Its error is a *refusal of the whole request.
func (b *batch) put(r *record.Record) error {
	b.scratch = record.Fit(record.AppendHead(b.scratch[:0], r), r, tailBytes)
	b.scratch = record.AppendTail(b.scratch, r)
	return b.add(record.Key(r.CorrelationID), append([]byte(nil), b.scratch...))
}

// add takes an encoded record, which it keeps.
func (b *batch) add(key string, value []byte) error {
	if len(b.messages) == maxRecords {
		return &refusal{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("more than %d records; send smaller requests", maxRecords)}
	}
	if b.bytes += len(value); b.bytes > b.most {
		return &refusal{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("the records take more than %d bytes, each with its resource; send smaller requests", b.most)}
	}
	if err := b.memory.grow(len(value) + messageBytes); err != nil {
		return err
	}
	m := &sarama.ProducerMessage{Topic: record.TopicRecords, Value: sarama.ByteEncoder(value)}
	if key != "" {
		m.Key = sarama.StringEncoder(key)
	}
	b.messages = append(b.messages, m)
	return nil
}

package record

import (
	"encoding/json"
	"fmt"
	"time"
)

// Ledger is what an instance says of its own records, so that loss is proved
// and not guessed. It travels on [TopicInstances], one JSON object a message,
// and is never indexed.
type Ledger struct {
	Time      time.Time `json:"@timestamp"`
	Service   string    `json:"service.name"`
	Node      string    `json:"service.node.name"`
	Last      uint64    `json:"last"`              // highest number given so far; 0: none
	Unsettled uint64    `json:"unsettled"`         // lowest number Kafka has not acknowledged; Last+1: none
	Dropped   []Dropped `json:"dropped,omitempty"` // ranges dropped on purpose
	Refused   uint64    `json:"refused,omitempty"` // records that never got a number, the buffer being full
	Stopped   bool      `json:"stopped,omitempty"` // the instance writes no more
}

// Dropped is a range of numbers, both ends included, in which an instance
// dropped records on purpose.
type Dropped struct {
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Count  uint64 `json:"count,omitempty"` // how many of the range; 0: all
	Level  string `json:"level,omitempty"` // of those dropped; empty: any
	Reason string `json:"reason"`
}

// DecodeLedger reads one message of [TopicInstances].
func DecodeLedger(b []byte) (Ledger, error) {
	var l Ledger
	if err := json.Unmarshal(b, &l); err != nil {
		return Ledger{}, fmt.Errorf("decode ledger: %w", err)
	}
	if l.Node == "" {
		return Ledger{}, fmt.Errorf("decode ledger: no service.node.name")
	}
	return l, nil
}

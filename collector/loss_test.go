package collector_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/record"
)

// An instance says Kafka has ten records, of which it dropped two on purpose; the
// store has six. Two are lost, until they come after all.
func TestLossOfAnInstanceIsAMetric(t *testing.T) {
	addr, st := openBroker(t), openStore(t)
	client := connect(t, addr)
	if err := collector.EnsureTopics(client, 2); err != nil {
		t.Fatal(err)
	}
	say := func(l record.Ledger) {
		t.Helper()
		value, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		p, err := sarama.NewSyncProducerFromClient(client)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: record.TopicInstances, Key: sarama.StringEncoder(l.Node), Value: sarama.ByteEncoder(value)}); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, client, append(lines("a", 1, 6), lines("b", 1, 5)...)...)
	dropped := []record.Dropped{{From: 7, To: 8, Reason: "buffer full"}}
	say(record.Ledger{Time: time.Now(), Service: "bank", Node: "a", Last: 12, Unsettled: 11, Dropped: dropped})
	say(record.Ledger{Time: time.Now(), Service: "bank", Node: "b", Last: 5, Unsettled: 6, Stopped: true})
	say(record.Ledger{Time: time.Now(), Service: "bank", Node: "c", Last: 5, Unsettled: 1})
	say(record.Ledger{Time: time.Now(), Service: "bank", Node: "gone", Last: 5, Unsettled: 6})
	var log safeBuffer
	c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, Logger: log.logger(), LossEvery: 50 * time.Millisecond})
	lost := func() float64 {
		families, err := c.Gatherer().Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != "waybill_instance_lost_records" {
				continue
			}
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if l.GetName() == "instance" && l.GetValue() != "a" {
						t.Errorf("%s lost %v", l.GetValue(), m.GetGauge().GetValue())
					}
				}
				return m.GetGauge().GetValue()
			}
		}
		return 0
	}
	eventually(t, "two are lost", func() bool { return lost() == 2 })
	if !strings.Contains(log.String(), "records are lost") {
		t.Errorf("log: %s", log.String())
	}
	produce(t, client, lines("a", 9, 10)...)
	eventually(t, "none is lost", func() bool { return lost() == 0 })
}

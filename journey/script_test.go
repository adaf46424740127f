package journey_test

import (
	"strings"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// script writes the records of a journey by hand. An instance is its service's
// name, a dash and a number.
type script struct {
	now     time.Time
	skew    map[string]time.Duration // of each instance's clock
	numbers map[string]uint64
	hops    map[string]*counts
	records []record.Record
}

type counts struct{ records, sends uint64 }

func newScript() *script {
	return &script{now: caughtUp, skew: map[string]time.Duration{}, numbers: map[string]uint64{}, hops: map[string]*counts{}}
}

// write adds a record of an instance, a millisecond after the last.
func (s *script) write(node, hop string, r record.Record) *record.Record {
	s.now = s.now.Add(time.Millisecond)
	s.numbers[node]++
	service, _, _ := strings.Cut(node, "-")
	r.Service, r.Node, r.Sequence, r.Time = service, node, s.numbers[node], s.now.Add(s.skew[node])
	r.ID, r.CorrelationID, r.CorrelationKey = record.EventID(node, r.Sequence), "x", "x"
	if hop != "" {
		if s.hops[hop] == nil {
			s.hops[hop] = &counts{}
		}
		s.hops[hop].records++
		r.HopSequence = s.hops[hop].records
		if r.SpanID == "" {
			r.SpanID = hop
		} else if r.SpanID != hop {
			r.HopID = hop
		}
	}
	s.records = append(s.records, r)
	return &s.records[len(s.records)-1]
}

func (s *script) begin(node, hop, parent, kind string) {
	s.write(node, hop, record.Record{Kind: record.KindHopStart, SpanKind: kind, SpanName: kind + " " + hop, ParentID: parent})
}

func (s *script) end(node, hop, parent, kind string) *record.Record {
	r := s.write(node, hop, record.Record{Kind: record.KindHopEnd, SpanKind: kind, SpanName: kind + " " + hop, ParentID: parent, Outcome: record.Success})
	r.HopRecords, r.HopSends = s.hops[hop].records, s.hops[hop].sends
	return r
}

// send writes a producer's span inside a hop: the message lies at offset of partition 0.
func (s *script) send(node, hop, span, topic string, offset int64) {
	m := record.Messaging{System: "kafka", Topic: topic}
	s.write(node, hop, record.Record{Kind: record.KindHopStart, SpanID: span, ParentID: hop, SpanKind: "producer", SpanName: "send " + topic, Messaging: m})
	m.Offset, m.HasOffset = offset, true
	s.write(node, hop, record.Record{Kind: record.KindHopEnd, SpanID: span, ParentID: hop, SpanKind: "producer", SpanName: "send " + topic, Messaging: m, Outcome: record.Success})
	s.hops[hop].sends++
}

// process writes the hop of a message's consumer.
func (s *script) process(node, hop, parent, topic, group string, offset int64) {
	n := len(s.records)
	s.begin(node, hop, parent, "consumer")
	s.end(node, hop, parent, "consumer")
	for i := n; i < len(s.records); i++ {
		s.records[i].Messaging = record.Messaging{System: "kafka", Topic: topic, Group: group, Offset: offset, HasOffset: true}
	}
}

// call writes a client's span inside a hop, and what within does meanwhile.
func (s *script) call(node, hop, span string, within func()) {
	s.write(node, hop, record.Record{Kind: record.KindHopStart, SpanID: span, ParentID: hop, SpanKind: "client", SpanName: "GET"})
	within()
	s.write(node, hop, record.Record{Kind: record.KindHopEnd, SpanID: span, ParentID: hop, SpanKind: "client", SpanName: "GET", Outcome: record.Success, HTTP: record.HTTP{Status: 200}})
	s.hops[hop].sends++
}

func (s *script) declare(node, hop, what, saga string) {
	s.write(node, hop, record.Record{Kind: record.KindOutcome, Declared: what, Saga: record.Saga{ID: saga}})
}

func (s *script) expect(node, hop, station string, within time.Duration) {
	s.write(node, hop, record.Record{Kind: record.KindExpect, Expect: record.Expect{Station: station, Within: within}})
}

// ledger is an instance's word, by its own clock at a time after the start, that
// all it has written is settled.
func (s *script) ledger(node string, after time.Duration) record.Ledger {
	service, _, _ := strings.Cut(node, "-")
	n := s.numbers[node]
	return record.Ledger{Time: caughtUp.Add(after + s.skew[node]), Service: service, Node: node, Last: n, Unsettled: n + 1}
}

func (s *script) build(ev journey.Evidence) *journey.Journey { return journey.Build(s.records, ev) }

package instrument

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

var (
	errFull   = errors.New("shipping buffer is full")
	errClosed = errors.New("instrument is shut down")
)

// shipper owns the records that Kafka has not acknowledged yet.
//
//	accept ─► entries ─► feed ─► Kafka ─► settle ─► off the front
//	                      ▲                 │ refused
//	                      └─────────────────┘
//
// The front of entries is the lowest number not settled: what the ledger says.
type shipper struct {
	brokers       []string
	security      Security
	topic         string
	service, node string
	limit         int
	ledgerEvery   time.Duration

	heads sync.Pool // *[]byte: encoding buffers

	mu       sync.Mutex
	last     uint64   // highest number given
	entries  []entry  // unsettled numbers without a hole: entries[i] has number entries[0].number+i
	next     uint64   // lowest number never handed to the producer
	again    []uint64 // numbers to hand over once more
	inFlight int      // numbers at the producer
	group    int      // most numbers at the producer, see tooLarge; 0: any
	shrunk   bool     // the group at the producer was too large
	bytes    int
	dropped  []record.Dropped
	refused  uint64
	panics   uint64
	lastErr  error
	closed   bool

	wake     chan struct{} // something to feed, or all is settled
	stop     chan struct{} // closed by close: no more records
	done     chan struct{} // closed when run has ended
	shutdown context.Context
	cancel   context.CancelFunc
}

type entry struct {
	number  uint64
	key     string
	data    []byte
	settled bool
	group   int // shipper.group when it was handed over last
	tries   int // how often Kafka has refused it
}

func newShipper(brokers []string, security Security, topic, service, node string, limit int, ledgerEvery time.Duration) *shipper {
	s := &shipper{
		brokers: brokers, security: security, topic: topic, service: service, node: node, limit: limit, ledgerEvery: ledgerEvery, next: 1,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		heads: sync.Pool{New: func() any { return new([]byte) }},
	}
	s.shutdown, s.cancel = context.WithCancel(context.Background())
	go s.run()
	return s
}

// accept numbers r and keeps it until Kafka has it. visit is the hop r belongs
// to, nil for none; last closes the hop's count. It never waits for Kafka.
func (s *shipper) accept(r *record.Record, visit *hop, last bool) error {
	e := entry{data: s.encode(r)}
	if r.CorrelationID != "" {
		e.key = record.Key(r.CorrelationID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if s.bytes+cap(e.data) > s.limit {
		s.refused++
		return errFull
	}
	s.last++
	r.Sequence = s.last
	if visit != nil {
		visit.sequence++
		r.HopSequence = visit.sequence
		if last {
			r.HopRecords, r.HopSends = visit.sequence, visit.sends.Load()
		}
	}
	e.number, e.data = s.last, record.AppendTail(e.data, r)
	s.entries = append(s.entries, e)
	s.bytes += cap(e.data)
	signal(s.wake)
	return nil
}

// encode writes all of r but its numbers, with room for them.
func (s *shipper) encode(r *record.Record) []byte {
	head := s.heads.Get().(*[]byte)
	*head = fit(record.AppendHead((*head)[:0], r), r)
	data := append(make([]byte, 0, len(*head)+tailBytes), *head...)
	if cap(*head) <= record.MaxBytes {
		s.heads.Put(head)
	}
	return data
}

// panicked counts a value in a log call that panicked.
func (s *shipper) panicked() {
	s.mu.Lock()
	s.panics++
	s.mu.Unlock()
}

func (s *shipper) health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Health{Last: s.last, Unsettled: s.unsettled(), Bytes: s.bytes, Refused: s.refused, Panics: s.panics, Err: s.lastErr}
}

func (s *shipper) unsettled() uint64 {
	if len(s.entries) == 0 {
		return s.last + 1
	}
	return s.entries[0].number
}

// close takes no more records, waits until Kafka has all or ctx ends, and
// writes the final ledger.
func (s *shipper) close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	close(s.stop)
	select {
	case <-s.done:
	case <-ctx.Done():
		s.cancel() // run ends by itself; a dead connection may hold it longer than ctx allows
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range s.entries {
		if !s.entries[i].settled {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d records did not reach Kafka at %s: %w", n, strings.Join(s.brokers, ", "), errors.Join(ctx.Err(), s.lastErr))
	}
	return nil
}

func (s *shipper) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries) > 0
}

// take returns what is to be handed to the producer, as messages.
func (s *shipper) take() []*sarama.ProducerMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.group > 0 && s.inFlight > 0 {
		return nil // the last of them to settle wakes feed
	}
	slices.Sort(s.again)
	s.shrunk = false
	var out []*sarama.ProducerMessage
	for s.group == 0 || len(out) < s.group {
		var e *entry
		switch {
		case len(s.again) > 0:
			e, s.again = s.unsettledEntry(s.again[0]), s.again[1:]
		case s.next <= s.last:
			e = s.unsettledEntry(s.next)
			s.next++
		default:
			return out
		}
		if e != nil {
			e.group = s.group
			out = append(out, s.message(e))
			s.inFlight++
		}
	}
	return out
}

func (s *shipper) message(e *entry) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: s.topic, Value: sarama.ByteEncoder(e.data), Metadata: e.number}
	if e.key != "" {
		m.Key = sarama.StringEncoder(e.key)
	}
	return m
}

// unsettledEntry is the entry of a number, nil once Kafka has it.
func (s *shipper) unsettledEntry(number uint64) *entry {
	if len(s.entries) == 0 || number < s.entries[0].number {
		return nil
	}
	if e := &s.entries[number-s.entries[0].number]; !e.settled {
		return e
	}
	return nil
}

// settled takes a number off the list: Kafka has it.
func (s *shipper) settled(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr = nil
	s.remove(number)
	s.landed()
}

// refusedByKafka lets a number wait again for a while.
func (s *shipper) refusedByKafka(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.unsettledEntry(number); e != nil {
		time.AfterFunc(backOff(e.tries), func() { s.ready(number) })
		e.tries++
	}
	s.landed()
}

// ready lets a number be handed over once more.
func (s *shipper) ready(number uint64) {
	s.mu.Lock()
	s.again = append(s.again, number)
	s.mu.Unlock()
	signal(s.wake)
}

// maxGroup is where groups begin that Kafka may find too large, and end.
const maxGroup = 64

// tooLarge drops a number that is larger than the topic's max.message.bytes.
// Kafka says so of a whole batch, which may as well be many small records. So
// what was refused goes again in groups of half the size, one group at a time,
// until it is taken or is alone; a group that is taken lets the next one double.
func (s *shipper) tooLarge(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.unsettledEntry(number)
	switch {
	case e == nil:
	case e.group == 1:
		s.drop(number, "larger than the topic's max.message.bytes")
	default:
		if e.group > 0 {
			s.group = min(s.group, e.group/2)
		} else if s.group == 0 {
			s.group = maxGroup
		}
		s.again = append(s.again, number)
	}
	s.shrunk = true
	s.landed()
}

// drop takes a number off the list and says why.
func (s *shipper) drop(number uint64, reason string) {
	i, _ := slices.BinarySearchFunc(s.dropped, number, func(d record.Dropped, n uint64) int { return cmp.Compare(d.From, n) })
	if i > 0 && s.dropped[i-1].To == number-1 && s.dropped[i-1].Reason == reason {
		s.dropped[i-1].To = number
	} else {
		s.dropped = slices.Insert(s.dropped, i, record.Dropped{From: number, To: number, Reason: reason})
	}
	s.remove(number)
}

func (s *shipper) remove(number uint64) {
	e := s.unsettledEntry(number)
	if e == nil {
		return
	}
	e.settled = true
	s.bytes -= cap(e.data)
	e.data = nil
	i := 0
	for i < len(s.entries) && s.entries[i].settled {
		i++
	}
	s.entries = s.entries[i:]
	if len(s.entries) == 0 {
		s.entries = nil // let go of the array
	}
}

// landed counts a number that has come back from the producer.
func (s *shipper) landed() {
	s.inFlight--
	if s.inFlight > 0 {
		return
	}
	if s.group > 0 && !s.shrunk {
		if s.group *= 2; s.group > maxGroup {
			s.group = 0
		}
	}
	signal(s.wake)
}

func (s *shipper) failed(err error) {
	s.mu.Lock()
	s.lastErr = err
	s.mu.Unlock()
}

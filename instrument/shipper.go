package instrument

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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
	topic         string
	service, node string
	limit         int
	ledgerEvery   time.Duration

	mu       sync.Mutex
	last     uint64   // highest number given
	entries  []entry  // unsettled numbers without a hole: entries[i] has number entries[0].number+i
	next     uint64   // lowest number never handed to the producer
	again    []uint64 // numbers to hand over once more
	bytes    int
	dropped  []record.Dropped
	refused  uint64
	panics   uint64
	lastErr  error
	closed   bool
	scratch  []byte // encoding buffer
	settling chan struct{}

	wake     chan struct{} // something to feed
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
}

func newShipper(brokers []string, topic, service, node string, limit int, ledgerEvery time.Duration) *shipper {
	s := &shipper{
		brokers: brokers, topic: topic, service: service, node: node, limit: limit, ledgerEvery: ledgerEvery, next: 1,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), settling: make(chan struct{}, 1),
	}
	s.shutdown, s.cancel = context.WithCancel(context.Background())
	go s.run()
	return s
}

// accept numbers r and keeps it until Kafka has it. visit is the hop r belongs
// to, nil for none; last closes the hop's count. It never waits for Kafka.
func (s *shipper) accept(r *record.Record, visit *hop, last bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if s.bytes+len(r.Message) >= s.limit {
		s.refused++
		return errFull
	}
	r.Sequence = s.last + 1
	if visit != nil {
		r.HopSequence = visit.sequence + 1
		if last {
			r.HopRecords, r.HopSends = r.HopSequence, visit.sends.Load()
		}
	}
	s.scratch = record.Append(s.scratch[:0], r)
	if len(s.scratch) > record.MaxBytes {
		r.Labels, r.Links = []record.Label{{Key: "waybill.cut", Value: "labels and links"}}, nil
		r.Message, r.Error.Stack = cut(r.Message, maxMessage), cut(r.Error.Stack, maxMessage)
		s.scratch = record.Append(s.scratch[:0], r)
	}
	if s.bytes+len(s.scratch) > s.limit {
		s.refused++
		return errFull
	}
	s.last++
	if visit != nil {
		visit.sequence++
	}
	e := entry{number: s.last, data: append([]byte(nil), s.scratch...)}
	if r.CorrelationID != "" {
		e.key = record.Key(r.CorrelationID)
	}
	s.entries = append(s.entries, e)
	s.bytes += len(e.data)
	signal(s.wake)
	return nil
}

// recovered counts what slog-multi caught: errors of accept are counted there,
// panics of a log call's values are not.
func (s *shipper) recovered(_ context.Context, _ slog.Record, err error) {
	if errors.Is(err, errFull) || errors.Is(err, errClosed) {
		return
	}
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
	if n := len(s.entries); n > 0 {
		return fmt.Errorf("%d records did not reach Kafka at %s: %w", n, strings.Join(s.brokers, ", "), errors.Join(ctx.Err(), s.lastErr))
	}
	return nil
}

// run connects, feeds and settles until closed.
func (s *shipper) run() {
	defer close(s.done)
	producer := s.connect()
	if producer == nil {
		return
	}
	var settling sync.WaitGroup
	settling.Go(func() { s.settle(producer) })
	s.feed(producer)
	producer.AsyncClose()
	settling.Wait()
}

// connect retries until Kafka answers. It gives up when the shipper is closed
// with nothing to ship, or cancelled.
func (s *shipper) connect() sarama.AsyncProducer {
	for attempt := 0; ; attempt++ {
		producer, err := sarama.NewAsyncProducer(s.brokers, producerConfig(s.service))
		if err == nil {
			return producer
		}
		s.failed(fmt.Errorf("Kafka at %s does not answer (%w)", strings.Join(s.brokers, ", "), err))
		select {
		case <-time.After(backOff(attempt)):
		case <-s.shutdown.Done():
			return nil
		case <-s.stopIfIdle():
			return nil
		}
	}
}

// stopIfIdle is closed once nothing is left to ship and nothing more will come.
func (s *shipper) stopIfIdle() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) > 0 {
		return nil
	}
	return s.stop
}

func producerConfig(client string) *sarama.Config {
	cfg := sarama.NewConfig()
	cfg.ClientID = clientID(client)
	cfg.Version = sarama.V3_6_0_0
	cfg.Net.DialTimeout = 5 * time.Second
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Compression = sarama.CompressionLZ4
	cfg.Producer.Partitioner = sarama.NewMurmur2Partitioner // as the Java client, so that foreign producers agree
	cfg.Producer.Return.Successes = true
	cfg.Producer.Flush.Frequency = 5 * time.Millisecond
	cfg.Producer.Flush.Bytes = 512 << 10
	cfg.Producer.MaxMessageBytes = record.MaxBytes + 16<<10
	cfg.Producer.Retry.Max = 3 // enough to follow a moved leader; beyond that the shipper retries
	return cfg
}

// clientID keeps to what Kafka takes in metric names.
func clientID(service string) string {
	return "waybill-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, service)
}

// feed hands waiting entries to the producer, and a ledger now and then.
func (s *shipper) feed(producer sarama.AsyncProducer) {
	ledger := time.NewTimer(s.jittered())
	defer ledger.Stop()
	stop := s.stop
	for stop != nil || s.pending() {
		select {
		case <-s.wake:
		case <-s.settling:
		case <-stop:
			stop = nil
		case <-s.shutdown.Done():
			return
		case <-ledger.C:
			s.write(producer, s.ledgerMessage(false))
			ledger.Reset(s.jittered())
		}
		for _, m := range s.take() {
			if !s.write(producer, m) {
				return
			}
		}
	}
	s.write(producer, s.ledgerMessage(true))
}

func (s *shipper) write(producer sarama.AsyncProducer, m *sarama.ProducerMessage) bool {
	select {
	case producer.Input() <- m:
		return true
	case <-s.shutdown.Done():
		return false
	}
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
	var out []*sarama.ProducerMessage
	for _, number := range s.again {
		if e := s.unsettledEntry(number); e != nil {
			out = append(out, s.message(e))
		}
	}
	s.again = nil
	for ; s.next <= s.last; s.next++ {
		out = append(out, s.message(s.unsettledEntry(s.next)))
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

// settle reads what became of each message until the producer is closed.
func (s *shipper) settle(producer sarama.AsyncProducer) {
	successes, failures := producer.Successes(), producer.Errors()
	failing := 0
	for successes != nil || failures != nil {
		select {
		case m, ok := <-successes:
			if !ok {
				successes = nil
				continue
			}
			failing = 0
			if number, ok := m.Metadata.(uint64); ok {
				s.settled(number, "")
			}
		case f, ok := <-failures:
			if !ok {
				failures = nil
				continue
			}
			s.failed(f.Err)
			number, ok := f.Msg.Metadata.(uint64)
			switch {
			case !ok: // a ledger; the next one says more
			case errors.Is(f.Err, sarama.ErrMessageSizeTooLarge):
				s.settled(number, "larger than Kafka's max.message.bytes")
			default:
				s.returned(number, backOff(failing))
				failing++
			}
		}
	}
}

// settled takes a number off the list; a reason says that it was dropped.
func (s *shipper) settled(number uint64, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.unsettledEntry(number)
	if e == nil {
		return
	}
	e.settled = true
	s.bytes -= len(e.data)
	e.data = nil
	if reason == "" {
		s.lastErr = nil
	} else if n := len(s.dropped); n > 0 && s.dropped[n-1].To == number-1 && s.dropped[n-1].Reason == reason {
		s.dropped[n-1].To = number
	} else {
		s.dropped = append(s.dropped, record.Dropped{From: number, To: number, Reason: reason})
	}
	i := 0
	for i < len(s.entries) && s.entries[i].settled {
		i++
	}
	s.entries = s.entries[i:]
	if len(s.entries) == 0 {
		s.entries = nil // let go of the array
		signal(s.settling)
	}
}

// returned lets a number wait again after a pause.
func (s *shipper) returned(number uint64, pause time.Duration) {
	time.AfterFunc(pause, func() {
		s.mu.Lock()
		s.again = append(s.again, number)
		s.mu.Unlock()
		signal(s.wake)
	})
}

func (s *shipper) failed(err error) {
	s.mu.Lock()
	s.lastErr = err
	s.mu.Unlock()
}

func (s *shipper) jittered() time.Duration {
	return s.ledgerEvery - rand.N(s.ledgerEvery/5+1)
}

// backOff doubles from 100 ms to 5 s, less up to half of it at random.
func backOff(attempt int) time.Duration {
	d := min(100*time.Millisecond<<min(attempt, 10), 5*time.Second)
	return d - rand.N(d/2)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

package instrument

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// run connects, feeds and settles until closed; beside it, keep.
func (s *shipper) run() {
	defer close(s.done)
	var beside sync.WaitGroup
	ended := make(chan struct{})
	beside.Go(func() { s.keep(ended) })
	settledAll := false
	if producer := s.reach(); producer != nil {
		written := make(chan error, 1)
		beside.Go(func() { s.settle(producer, written) })
		settledAll = s.feed(producer, written)
		producer.AsyncClose()
	}
	close(ended)
	beside.Wait() // nothing reads the buffer any more
	if s.spool != nil {
		s.mu.Lock()
		s.account.page = nil
		left, nothing := s.buffer.retire(), settledAll || s.account.last == 0
		s.mu.Unlock()
		s.spool.close(left, nothing) // waits for the disk, so without the lock
	}
}

// reach retries until Kafka answers. It gives up when the shipper is closed
// with nothing to ship, or cancelled.
func (s *shipper) reach() sarama.AsyncProducer {
	for attempt := 0; ; attempt++ {
		producer, err := s.connect()
		if err == nil {
			return producer
		}
		s.failed(err)
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
	if s.pending() {
		return nil
	}
	return s.stop
}

func (s *shipper) dial() (sarama.AsyncProducer, error) {
	if s.cfg.Producer != nil {
		return s.cfg.Producer, nil
	}
	return s.cfg.Security.connect(s.cfg.Brokers, producerConfig(s.cfg.Service))
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

// linger lets a few records gather before the first of them is handed over.
const linger = 2 * time.Millisecond

// feed hands waiting records to the producer, and a ledger now and then. It
// reports whether Kafka has all of them and the final ledger.
func (s *shipper) feed(producer sarama.AsyncProducer, written <-chan error) bool {
	ledger := time.NewTimer(s.jittered())
	defer ledger.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	stop := s.stop
	batch := make([]*parcel, 0, maxTake)
	for stop != nil || s.pending() {
		var rest time.Duration
		batch, rest = s.take(batch)
		for _, p := range batch {
			if !s.write(producer, &p.ProducerMessage) {
				return false
			}
		}
		if len(batch) > 0 || rest == 0 && s.advance(producer) {
			continue
		}
		if rest == 0 {
			rest = time.Minute
		}
		pause.Reset(rest)
		select {
		case <-s.wake:
			if stop != nil {
				pause.Reset(linger)
				<-pause.C
			}
		case <-pause.C:
		case <-stop:
			stop = nil
		case <-s.shutdown.Done():
			return false
		case <-ledger.C:
			s.write(producer, s.ledgerMessage(false))
			ledger.Reset(s.jittered())
		}
	}
	return s.finish(producer, written)
}

// finish writes the final ledger, and again until Kafka has it.
func (s *shipper) finish(producer sarama.AsyncProducer, written <-chan error) bool {
	for attempt := 0; s.write(producer, s.ledgerMessage(true)); attempt++ {
		select {
		case err := <-written:
			if err == nil {
				return true
			}
		case <-s.shutdown.Done():
			return false
		}
		select {
		case <-time.After(backOff(attempt)):
		case <-s.shutdown.Done():
			return false
		}
	}
	return false
}

func (s *shipper) write(producer sarama.AsyncProducer, m *sarama.ProducerMessage) bool {
	select {
	case producer.Input() <- m:
		return true
	case <-s.shutdown.Done():
		return false
	}
}

// settle reads what became of each message until the producer is closed.
func (s *shipper) settle(producer sarama.AsyncProducer, written chan<- error) {
	successes, failures := producer.Successes(), producer.Errors()
	done := make([]*parcel, 0, maxTake)
	for successes != nil || failures != nil {
		select {
		case m, ok := <-successes:
			for ok && m != nil {
				switch of := m.Metadata.(type) {
				case *parcel:
					done = append(done, of)
				case ledgerOf:
					s.ledgerWritten(of, written, nil)
				}
				if len(done) == cap(done) {
					break
				}
				select {
				case m, ok = <-successes:
				default:
					m = nil
				}
			}
			if !ok {
				successes = nil
			}
			s.settled(done)
			done = done[:0]
		case f, ok := <-failures:
			if !ok {
				failures = nil
				continue
			}
			s.failed(f.Err)
			switch of := f.Msg.Metadata.(type) {
			case ledgerOf:
				s.ledgerWritten(of, written, f.Err)
			case *parcel:
				if reason := forGood(f.Err); reason != "" {
					s.refusedForGood(of, reason)
				} else {
					s.refusedByKafka(of)
				}
			}
		}
	}
}

// forGood is why Kafka will not take a record however often it is sent; empty
// where it may.
func forGood(err error) string {
	switch {
	case errors.Is(err, sarama.ErrMessageSizeTooLarge):
		return reasonLarge
	case errors.Is(err, sarama.ErrInvalidTimestamp), errors.Is(err, sarama.ErrInvalidRecord):
		return reasonInvalid
	default:
		return ""
	}
}

// ledgerOf marks the message that carries a ledger.
type ledgerOf struct {
	replayed *predecessor // nil: the instance's own
	final    bool
}

func (s *shipper) ledgerWritten(of ledgerOf, written chan<- error, err error) {
	switch {
	case of.replayed != nil:
		s.mu.Lock()
		of.replayed.closed, of.replayed.closing = err == nil, false
		if err != nil {
			of.replayed.refuse()
		}
		s.rouse()
		s.mu.Unlock()
	case of.final:
		written <- err
	}
}

// ledgerMessage says what is true of this instance's numbers now.
func (s *shipper) ledgerMessage(stopped bool) *sarama.ProducerMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return message(s.account.ledger(s.buffer.unsettled(), stopped), ledgerOf{final: stopped})
}

func message(l record.Ledger, of ledgerOf) *sarama.ProducerMessage {
	b, err := json.Marshal(l)
	if err != nil {
		panic("a ledger has no value that JSON lacks: " + err.Error())
	}
	return &sarama.ProducerMessage{Topic: record.TopicInstances, Key: sarama.StringEncoder(l.Node), Value: sarama.ByteEncoder(b), Metadata: of}
}

func (s *shipper) jittered() time.Duration {
	return s.cfg.LedgerEvery - rand.N(s.cfg.LedgerEvery/5+1)
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

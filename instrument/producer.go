package instrument

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

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
		producer, err := s.security.connect(s.brokers, producerConfig(s.service))
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

// settle reads what became of each message until the producer is closed.
func (s *shipper) settle(producer sarama.AsyncProducer) {
	successes, failures := producer.Successes(), producer.Errors()
	for successes != nil || failures != nil {
		select {
		case m, ok := <-successes:
			if !ok {
				successes = nil
				continue
			}
			if number, ok := m.Metadata.(uint64); ok {
				s.settled(number)
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
				s.tooLarge(number)
			default:
				s.refusedByKafka(number)
			}
		}
	}
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

package instrumenttest

import (
	"sync"

	"github.com/IBM/sarama"
)

// syncProducer sends to memory. It knows no transactions: their methods panic.
type syncProducer struct {
	sarama.SyncProducer
	memory *memory
}

func (p *syncProducer) SendMessage(m *sarama.ProducerMessage) (partition int32, offset int64, err error) {
	if err := p.memory.add(m); err != nil {
		return -1, -1, err
	}
	return m.Partition, m.Offset, nil
}

func (p *syncProducer) SendMessages(ms []*sarama.ProducerMessage) error {
	var failed sarama.ProducerErrors
	for _, m := range ms {
		if err := p.memory.add(m); err != nil {
			failed = append(failed, &sarama.ProducerError{Msg: m, Err: err})
		}
	}
	if failed != nil {
		return failed
	}
	return nil
}

func (p *syncProducer) IsTransactional() bool { return false }

// Close does nothing, so that what a service closes another can use.
func (p *syncProducer) Close() error { return nil }

// asyncProducer sends to memory from a goroutine that ends when it is closed.
// It knows no transactions: their methods panic.
type asyncProducer struct {
	sarama.AsyncProducer
	input     chan *sarama.ProducerMessage
	successes chan *sarama.ProducerMessage
	failures  chan *sarama.ProducerError
	close     sync.Once
}

func newAsyncProducer(to *memory, successes bool) *asyncProducer {
	p := &asyncProducer{
		input: make(chan *sarama.ProducerMessage), successes: make(chan *sarama.ProducerMessage, 256), failures: make(chan *sarama.ProducerError),
	}
	go func() {
		defer close(p.successes)
		defer close(p.failures)
		for m := range p.input {
			if err := to.add(m); err != nil {
				p.failures <- &sarama.ProducerError{Msg: m, Err: err}
			} else if successes {
				p.successes <- m
			}
		}
	}()
	return p
}

func (p *asyncProducer) Input() chan<- *sarama.ProducerMessage     { return p.input }
func (p *asyncProducer) Successes() <-chan *sarama.ProducerMessage { return p.successes }
func (p *asyncProducer) Errors() <-chan *sarama.ProducerError      { return p.failures }
func (p *asyncProducer) IsTransactional() bool                     { return false }
func (p *asyncProducer) AsyncClose()                               { p.close.Do(func() { close(p.input) }) }

// Close waits for what is under way.
func (p *asyncProducer) Close() error {
	p.AsyncClose()
	var successes sync.WaitGroup
	successes.Go(func() {
		for range p.successes { //nolint:revive // drained
		}
	})
	var failed sarama.ProducerErrors
	for f := range p.failures {
		failed = append(failed, f)
	}
	successes.Wait()
	if failed != nil {
		return failed
	}
	return nil
}

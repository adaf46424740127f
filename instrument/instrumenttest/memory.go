package instrumenttest

import (
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// partitions is how many each topic has: more than one, so that a test sees
// what a key is for.
const partitions = 3

// memory is a Kafka that keeps everything and acknowledges at once. Safe for
// concurrent use.
type memory struct {
	mu     sync.Mutex
	topics map[string]*topic
	more   chan struct{} // closed when a message comes
}

type topic struct {
	partitioner sarama.Partitioner
	ends        [partitions]int64
	messages    []*sarama.ConsumerMessage // in the order sent
}

func newMemory() *memory { return &memory{topics: map[string]*topic{}, more: make(chan struct{})} }

// add keeps a copy of m and gives m its place, as sarama does.
func (k *memory) add(m *sarama.ProducerMessage) error {
	if m.Topic == "" {
		return sarama.ErrInvalidTopic
	}
	kept := &sarama.ConsumerMessage{Topic: m.Topic}
	var err error
	if kept.Key, err = encoded(m.Key); err != nil {
		return err
	}
	if kept.Value, err = encoded(m.Value); err != nil {
		return err
	}
	for _, h := range m.Headers {
		kept.Headers = append(kept.Headers, &sarama.RecordHeader{Key: slices.Clone(h.Key), Value: slices.Clone(h.Value)})
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.topics[m.Topic]
	if t == nil {
		t = &topic{partitioner: sarama.NewMurmur2Partitioner(m.Topic)}
		k.topics[m.Topic] = t
	}
	kept.Partition = int32(len(t.messages) % partitions) // no key: in turn, where Kafka would choose at random
	if m.Key != nil {
		if kept.Partition, err = t.partitioner.Partition(m, partitions); err != nil {
			return err
		}
	}
	if m.Timestamp.IsZero() {
		m.Timestamp = time.Now()
	}
	kept.Timestamp, kept.Offset = m.Timestamp, t.ends[kept.Partition]
	m.Partition, m.Offset = kept.Partition, kept.Offset
	t.ends[kept.Partition]++
	t.messages = append(t.messages, kept)
	close(k.more)
	k.more = make(chan struct{})
	return nil
}

// encoded is a copy: what the shipper hands over it uses again.
func encoded(e sarama.Encoder) ([]byte, error) {
	if e == nil {
		return nil, nil
	}
	b, err := e.Encode()
	return slices.Clone(b), err
}

// of are the messages of a topic in the order sent, for the caller to keep.
func (k *memory) of(name string) []*sarama.ConsumerMessage {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.topics[name]
	if t == nil {
		return nil
	}
	out := make([]*sarama.ConsumerMessage, len(t.messages))
	for i, m := range t.messages {
		c := *m
		c.Key, c.Value, c.Headers = slices.Clone(m.Key), slices.Clone(m.Value), make([]*sarama.RecordHeader, len(m.Headers))
		for n, h := range m.Headers {
			c.Headers[n] = &sarama.RecordHeader{Key: slices.Clone(h.Key), Value: slices.Clone(h.Value)}
		}
		out[i] = &c
	}
	return out
}

// names are the topics there are, sorted.
func (k *memory) names() (names []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.topics {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// next is closed once another message has come.
func (k *memory) next() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.more
}

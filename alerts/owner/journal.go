package owner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
)

// ErrDeposed means that the partition has another owner, who was told so by Kafka: what this
// one writes is refused.
var ErrDeposed = errors.New("the partition has another owner")

// Journal keeps the state of one partition in a compacted topic. Kafka refuses what it writes
// from the moment another one is opened for the same partition. Safe for concurrent use.
//
// Its producer ID belongs to a transactional ID, though there are no transactions: asking for
// it raises the epoch, and with the first batch of the new epoch the partition refuses the old.
type Journal struct {
	client    sarama.Client
	topic     string
	partition int32
	producer  int64
	epoch     int16
	fence     int64 // offset of the first message of this owner

	mu   sync.Mutex
	put  map[string][]byte
	puts uint64 // how often something was put

	turn     chan struct{}       // whoever holds it writes
	sequence int32               // of the next message
	flushed  uint64              // puts that Kafka has
	doubt    *sarama.RecordBatch // sent, and nobody knows whether it was taken
	through  uint64              // puts that Kafka has with it; 0: it is not the last of them
	dead     error
}

var _ alerts.Journal = (*Journal)(nil)

// fenceKey is of the message with which an owner begins.
const fenceKey = "owner"

const askAgain = 100 * time.Millisecond

// OpenJournal makes this process the one that writes the partition.
func OpenJournal(ctx context.Context, client sarama.Client, topic string, partition int32) (*Journal, error) {
	j := &Journal{client: client, topic: topic, partition: partition, put: map[string][]byte{}, turn: make(chan struct{}, 1)}
	var err error
	for ctx.Err() == nil {
		var again bool
		if again, err = j.identify(topic + "-" + strconv.Itoa(int(partition))); err == nil || !again {
			break
		}
		pause(ctx, askAgain)
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("own partition %d of %s: %w", partition, topic, err)
	}
	j.Put(fenceKey, []byte(time.Now().UTC().Format(time.RFC3339Nano)))
	if err := j.Flush(ctx); err != nil {
		return nil, fmt.Errorf("own partition %d of %s: %w", partition, topic, err)
	}
	return j, nil
}

// Fence is the offset below which the state is that the last owner has left.
func (j *Journal) Fence() int64 { return j.fence }

// identify asks for the producer ID, with an epoch that nobody has had. Again says whether an
// error may pass.
func (j *Journal) identify(name string) (again bool, err error) {
	coordinator, err := j.client.TransactionCoordinator(name)
	if err != nil {
		return true, err
	}
	answer, err := coordinator.InitProducerID(&sarama.InitProducerIDRequest{
		Version: 4, TransactionalID: &name, TransactionTimeout: time.Minute, ProducerID: -1, ProducerEpoch: -1,
	})
	if err == nil && answer.Err != sarama.ErrNoError {
		err = answer.Err
	}
	if err != nil {
		if !isKafka(err) {
			_ = coordinator.Close() // the next request opens it again
		}
		_ = j.client.RefreshTransactionCoordinator(name)
		return !isKafka(err) || slices.ContainsFunc([]error{sarama.ErrConcurrentTransactions, sarama.ErrOffsetsLoadInProgress, sarama.ErrNotCoordinatorForConsumer, sarama.ErrConsumerCoordinatorNotAvailable}, func(e error) bool { return errors.Is(err, e) }), err
	}
	j.producer, j.epoch = answer.ProducerID, answer.ProducerEpoch
	return false, nil
}

func isKafka(err error) bool {
	var code sarama.KError
	return errors.As(err, &code)
}

// Put has a key get a value with the next flush. The value is the journal's from now on.
func (j *Journal) Put(key string, value []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.put[key] = value
	j.puts++
}

// PutAll puts values that are flushed together, as far as they go in one batch; nil deletes.
func (j *Journal) PutAll(all map[string][]byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	maps.Copy(j.put, all)
	j.puts++
}

// Delete has a key go with the next flush.
func (j *Journal) Delete(key string) { j.Put(key, nil) }

// Flush returns once Kafka has all that was put before; many at once share what they write.
// After an error it can be called again, but after ErrDeposed.
func (j *Journal) Flush(ctx context.Context) error {
	j.mu.Lock()
	wanted := j.puts
	j.mu.Unlock()
	select {
	case j.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-j.turn }()
	if j.dead != nil {
		return j.dead
	}
	for j.doubt != nil || j.flushed < wanted {
		if j.doubt == nil {
			j.doubt, j.through = j.batch()
		}
		if j.doubt == nil {
			return nil
		}
		if err := j.send(ctx, j.doubt); err != nil {
			return err
		}
		j.flushed = max(j.flushed, j.through)
	}
	return nil
}

// batch takes what was put, as much of it as goes in one. Where it does not go in one, the
// place of the sources goes last, so that the rest is read again; nil: there is nothing. Through is
// how many puts Kafka has with it; 0: something is left.
func (j *Journal) batch() (b *sarama.RecordBatch, through uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.put) == 0 {
		return nil, 0
	}
	now := time.Now()
	b = &sarama.RecordBatch{
		Version: 2, Codec: sarama.CompressionLZ4, CompressionLevel: sarama.CompressionLevelDefault,
		ProducerID: j.producer, ProducerEpoch: j.epoch, FirstSequence: j.sequence, FirstTimestamp: now, MaxTimestamp: now,
	}
	size := 0
	for _, key := range slices.SortedFunc(maps.Keys(j.put), placeLast) {
		value := j.put[key]
		if size += len(key) + len(value) + 32; size > maxBatch && len(b.Records) > 0 {
			break
		}
		b.Records = append(b.Records, &sarama.Record{OffsetDelta: int64(len(b.Records)), Key: []byte(key), Value: value})
		delete(j.put, key)
	}
	b.LastOffsetDelta = int32(len(b.Records) - 1)
	if len(j.put) == 0 {
		through = j.puts
	}
	return b, through
}

// placeLast orders keys, so that an alert comes before its group, and all before the place of the sources.
func placeLast(a, b string) int {
	if (a == placeKey) != (b == placeKey) {
		if a == placeKey {
			return 1
		}
		return -1
	}
	return strings.Compare(a, b)
}

// placeKey is package alerts' for how far sources were read.
const placeKey = "place"

const produceWithin = 10 * time.Second

// Broken is why nothing can be written any more; nil: it can.
func (j *Journal) Broken() error {
	j.turn <- struct{}{}
	defer func() { <-j.turn }()
	return j.dead
}

// send has Kafka take a batch. It is tried again until ctx ends; then it stays in doubt.
func (j *Journal) send(ctx context.Context, b *sarama.RecordBatch) error {
	for {
		offset, err := j.produce(b)
		if err == nil || errors.Is(err, sarama.ErrDuplicateSequenceNumber) {
			if j.doubt = nil; b.FirstSequence == 0 && err == nil {
				j.fence = offset
			}
			j.sequence = int32((int64(b.FirstSequence) + int64(len(b.Records))) & 0x7FFFFFFF)
			return nil
		}
		if isKafka(err) && !passes(err) {
			if errors.Is(err, sarama.ErrInvalidProducerEpoch) || errors.Is(err, sarama.ErrProducerFenced) {
				err = fmt.Errorf("%w (%w)", ErrDeposed, err)
			}
			j.dead = fmt.Errorf("write to partition %d of %s: %w", j.partition, j.topic, err)
			return j.dead
		}
		if pause(ctx, askAgain); ctx.Err() != nil {
			return fmt.Errorf("write to partition %d of %s: %w", j.partition, j.topic, errors.Join(err, ctx.Err()))
		}
		_ = j.client.RefreshMetadata(j.topic)
	}
}

// passes reports whether what Kafka says may be otherwise soon.
func passes(err error) bool {
	return slices.ContainsFunc([]error{
		sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend,
		sarama.ErrUnknownTopicOrPartition, sarama.ErrNetworkException, sarama.ErrKafkaStorageError, sarama.ErrUnknown,
	}, func(e error) bool { return errors.Is(err, e) })
}

func (j *Journal) produce(b *sarama.RecordBatch) (offset int64, err error) {
	leader, err := j.client.Leader(j.topic, j.partition)
	if err != nil {
		return 0, err
	}
	request := &sarama.ProduceRequest{RequiredAcks: sarama.WaitForAll, Timeout: int32(produceWithin.Milliseconds()), Version: 9}
	request.AddBatch(j.topic, j.partition, b)
	answer, err := leader.Produce(request)
	if err != nil {
		if !isKafka(err) {
			_ = leader.Close() // the next request opens it again
		}
		return 0, err
	}
	block := answer.GetBlock(j.topic, j.partition)
	if block == nil {
		return 0, sarama.ErrIncompleteResponse
	}
	if block.Err != sarama.ErrNoError {
		return 0, block.Err
	}
	return block.Offset, nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

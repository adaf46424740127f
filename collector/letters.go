package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// Letter is a message of the dead-letter topic.
type Letter struct {
	Partition int32 // of the dead-letter topic
	Offset    int64
	Time      time.Time // when it was written
	Reason    string

	Topic           string // where the message lay
	SourcePartition int32
	SourceOffset    int64
	Until           int64 // of a range Kafka dropped unread: the offset after its last; else 0
	Cut             int   // bytes of the whole value where only its beginning is here; else 0

	Key     []byte
	Value   []byte
	Headers []sarama.RecordHeader // that the message had
}

// ID names a letter: its partition and offset, as 2/17.
func (l *Letter) ID() string { return fmt.Sprintf("%d/%d", l.Partition, l.Offset) }

// ErrNoLetter means that the dead-letter topic has no message there.
var ErrNoLetter = errors.New("no such dead letter")

// ParseLetterID reads what Letter.ID writes.
func ParseLetterID(id string) (partition int32, offset int64, err error) {
	a, b, ok := strings.Cut(id, "/")
	p, err1 := strconv.ParseInt(a, 10, 32)
	o, err2 := strconv.ParseInt(b, 10, 64)
	if !ok || err1 != nil || err2 != nil || p < 0 || o < 0 {
		return 0, 0, fmt.Errorf("%q does not name a dead letter: want partition/offset, such as 2/17", id)
	}
	return int32(p), o, nil
}

// Letters are the last n dead letters there are, oldest first; all for n = 0.
func Letters(ctx context.Context, client sarama.Client, n int) ([]Letter, error) {
	partitions, err := client.Partitions(record.TopicDeadLetters)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return nil, nil // no collector has run yet
	}
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	var all []Letter
	for _, p := range partitions {
		oldest, newest, err := bounds(client, p)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			oldest = max(oldest, newest-int64(n))
		}
		letters, err := readLetters(ctx, client, p, oldest, newest)
		if err != nil {
			return nil, err
		}
		all = append(all, letters...)
	}
	slices.SortStableFunc(all, func(a, b Letter) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Partition, b.Partition)) })
	if n > 0 && len(all) > n {
		all = all[len(all)-n:]
	}
	return all, nil
}

// FindLetter reads one dead letter. It returns ErrNoLetter where there is none.
func FindLetter(ctx context.Context, client sarama.Client, partition int32, offset int64) (Letter, error) {
	oldest, newest, err := bounds(client, partition)
	if err != nil {
		return Letter{}, err
	}
	if offset < oldest || offset >= newest {
		return Letter{}, fmt.Errorf("%w: partition %d has offsets %d to %d", ErrNoLetter, partition, oldest, newest-1)
	}
	letters, err := readLetters(ctx, client, partition, offset, offset+1)
	if err != nil {
		return Letter{}, err
	}
	return letters[0], nil
}

// Replay sends a message again to where it lay. A letter that is not Replayable is refused.
func Replay(producer sarama.SyncProducer, l Letter) error {
	if err := l.Replayable(); err != nil {
		return err
	}
	m := &sarama.ProducerMessage{Topic: l.Topic, Value: sarama.ByteEncoder(l.Value), Headers: l.Headers}
	if len(l.Key) > 0 {
		m.Key = sarama.ByteEncoder(l.Key)
	}
	if _, _, err := producer.SendMessage(m); err != nil {
		return fmt.Errorf("replay dead letter %s: %w", l.ID(), err)
	}
	return nil
}

// Replayable is nil where the letter has its whole message, and says where it lay.
func (l *Letter) Replayable() error {
	switch {
	case l.Until > 0:
		return fmt.Errorf("dead letter %s tells of messages that Kafka has dropped: there is nothing to replay", l.ID())
	case l.Cut > 0:
		return fmt.Errorf("dead letter %s holds %d of %d bytes: the whole message lies at %s/%d/%d", l.ID(), len(l.Value), l.Cut, l.Topic, l.SourcePartition, l.SourceOffset)
	case l.Topic == "":
		return fmt.Errorf("dead letter %s does not say where it lay", l.ID())
	}
	return nil
}

func bounds(client sarama.Client, partition int32) (oldest, newest int64, err error) {
	if oldest, err = client.GetOffset(record.TopicDeadLetters, partition, sarama.OffsetOldest); err == nil {
		newest, err = client.GetOffset(record.TopicDeadLetters, partition, sarama.OffsetNewest)
	}
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return 0, 0, fmt.Errorf("%w: there is no partition %d", ErrNoLetter, partition)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read dead letters of partition %d: %w", partition, err)
	}
	return oldest, newest, nil
}

// silence is how long a partition may give nothing though it is not at its end.
const silence = 30 * time.Second

func readLetters(ctx context.Context, client sarama.Client, partition int32, from, until int64) (out []Letter, err error) {
	if from >= until {
		return nil, nil
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	claim, err := consumer.ConsumePartition(record.TopicDeadLetters, partition, from)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	defer func() { err = errors.Join(err, claim.Close()) }()
	for {
		select {
		case m := <-claim.Messages():
			out = append(out, newLetter(m))
			if m.Offset >= until-1 {
				return out, nil
			}
		case err := <-claim.Errors():
			return nil, fmt.Errorf("read dead letters: %w", err)
		case <-time.After(silence):
			return nil, fmt.Errorf("read dead letters: partition %d gives nothing for %v before its end", partition, silence)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func newLetter(m *sarama.ConsumerMessage) Letter {
	l := Letter{Partition: m.Partition, Offset: m.Offset, Time: m.Timestamp, Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		value := string(h.Value)
		n, _ := strconv.ParseInt(value, 10, 64)
		switch string(h.Key) {
		case HeaderReason:
			l.Reason = value
		case HeaderTopic:
			l.Topic = value
		case HeaderPartition:
			l.SourcePartition = int32(n)
		case HeaderOffset:
			l.SourceOffset = n
		case HeaderUntil:
			l.Until = n
		case HeaderCut:
			l.Cut = int(n)
		default:
			l.Headers = append(l.Headers, *h)
		}
	}
	return l
}

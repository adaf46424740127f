package instrument

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// parcel is a message under way to Kafka: a record of the buffer, or a ledger.
type parcel struct {
	topic      string
	key, value []byte

	seg    *segment // nil: a ledger
	entry  entry
	ledger ledgerOf
}

// outlet takes parcels away. Each comes back through landed exactly once, by
// itself or in a batch that shares its fate.
type outlet interface {
	send([]*parcel)
	landed() <-chan landing
	close() // breaks off what is under way; once all has landed, closes the channel
}

type landing struct {
	parcels []*parcel
	err     error // nil: Kafka has them
}

// carrier is the outlet to Kafka. Wire protocol, metadata and connections are
// sarama's. Its producer is not used: at a channel for each record and step it
// takes more CPU than all the rest of shipping, and pauses for ten seconds after
// three failures; what is in flight and what goes again the shipper knows itself.
type carrier struct {
	client       sarama.Client
	partitioners map[string]sarama.Partitioner
	out          chan landing
	flights      sync.WaitGroup
}

const (
	maxBatchBytes = 900 << 10 // before compression; one record may be larger
	produceWithin = 10 * time.Second
)

func newCarrier(client sarama.Client) *carrier {
	return &carrier{client: client, partitioners: map[string]sarama.Partitioner{}, out: make(chan landing, 64)}
}

func carrierConfig(service string) *sarama.Config {
	cfg := sarama.NewConfig()
	cfg.ClientID = clientID(service)
	cfg.Version = sarama.V3_6_0_0
	cfg.Net.DialTimeout = 5 * time.Second
	cfg.Net.ReadTimeout = produceWithin + 5*time.Second
	cfg.Net.WriteTimeout = produceWithin
	cfg.Metadata.Retry.Max = 1 // the shipper tries again
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

func (c *carrier) landed() <-chan landing { return c.out }

func (c *carrier) close() {
	_ = c.client.Close()
	c.flights.Wait()
	close(c.out)
}

// lot is what goes to one partition together.
type lot struct {
	topic     string
	partition int32
	parcels   []*parcel
	bytes     int
}

// send makes one request for each leader of a partition, with one batch for
// each partition. A batch that would be too large goes in another request.
func (c *carrier) send(parcels []*parcel) {
	var lots []*lot
	for _, p := range parcels {
		partition, err := c.partition(p)
		if err != nil {
			c.out <- landing{[]*parcel{p}, err}
			continue
		}
		size := len(p.key) + len(p.value) + 32
		i := slices.IndexFunc(lots, func(l *lot) bool {
			return l.partition == partition && l.topic == p.topic && l.bytes+size <= maxBatchBytes
		})
		if i < 0 {
			i = len(lots)
			lots = append(lots, &lot{topic: p.topic, partition: partition})
		}
		lots[i].parcels = append(lots[i].parcels, p)
		lots[i].bytes += size
	}
	for len(lots) > 0 {
		lots = c.request(lots)
	}
}

// request sends those of lots that go in one request with the first, and
// returns the others.
func (c *carrier) request(lots []*lot) (others []*lot) {
	leader, err := c.client.Leader(lots[0].topic, lots[0].partition)
	if err != nil {
		c.out <- landing{lots[0].parcels, fmt.Errorf("leader of %s, partition %d: %w", lots[0].topic, lots[0].partition, err)}
		_ = c.client.RefreshMetadata(lots[0].topic)
		return lots[1:]
	}
	request := &sarama.ProduceRequest{RequiredAcks: sarama.WaitForAll, Timeout: int32(produceWithin.Milliseconds()), Version: 9}
	var sent []*lot
	for _, l := range lots {
		same := !slices.ContainsFunc(sent, func(s *lot) bool { return s.topic == l.topic && s.partition == l.partition })
		if same && len(sent) > 0 {
			other, err := c.client.Leader(l.topic, l.partition)
			same = err == nil && other.ID() == leader.ID()
		}
		if !same {
			others = append(others, l)
			continue
		}
		request.AddBatch(l.topic, l.partition, l.batch())
		sent = append(sent, l)
	}
	landed := func(response *sarama.ProduceResponse, err error) {
		defer c.flights.Done()
		c.land(leader, sent, response, err)
	}
	c.flights.Add(1)
	err = leader.AsyncProduce(request, func(response *sarama.ProduceResponse, err error) {
		if err != nil {
			go landed(nil, err) // it closes the connection, which waits for the goroutine this is
			return
		}
		landed(response, nil)
	})
	if err != nil {
		landed(nil, err)
	}
	return others
}

// batch is a lot on the wire.
func (l *lot) batch() *sarama.RecordBatch {
	now := time.Now()
	b := &sarama.RecordBatch{
		Version: 2, Codec: sarama.CompressionLZ4, CompressionLevel: sarama.CompressionLevelDefault,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		FirstTimestamp: now, MaxTimestamp: now, LastOffsetDelta: int32(len(l.parcels) - 1),
	}
	records := make([]sarama.Record, len(l.parcels))
	b.Records = make([]*sarama.Record, len(l.parcels))
	for i, p := range l.parcels {
		records[i] = sarama.Record{OffsetDelta: int64(i), Key: p.key, Value: p.value}
		b.Records[i] = &records[i]
	}
	return b
}

// land tells what became of each lot.
func (c *carrier) land(leader *sarama.Broker, sent []*lot, response *sarama.ProduceResponse, err error) {
	if err != nil {
		_ = leader.Close() // the next request opens it again
	}
	for _, l := range sent {
		lost := err
		if err == nil {
			if block := response.GetBlock(l.topic, l.partition); block == nil {
				lost = sarama.ErrIncompleteResponse
			} else if block.Err != sarama.ErrNoError {
				lost = block.Err
			}
		}
		c.out <- landing{l.parcels, lost}
		if moved := lost != nil && forGood(lost) == ""; moved && response == nil {
			_ = c.client.RefreshMetadata(l.topic)
		} else if moved {
			c.flights.Go(func() { _ = c.client.RefreshMetadata(l.topic) }) // not on the goroutine that reads answers
		}
	}
}

// partition is that of a parcel: by key, as the Java client does it, so that
// foreign producers agree; at random where there is none.
func (c *carrier) partition(p *parcel) (int32, error) {
	partitions, err := c.client.Partitions(p.topic)
	if err != nil {
		return 0, fmt.Errorf("partitions of %s: %w", p.topic, err)
	}
	by := c.partitioners[p.topic]
	if by == nil {
		by = sarama.NewMurmur2Partitioner(p.topic)
		c.partitioners[p.topic] = by
	}
	m := sarama.ProducerMessage{Topic: p.topic}
	if len(p.key) > 0 {
		m.Key = sarama.ByteEncoder(p.key)
	}
	i, err := by.Partition(&m, int32(len(partitions)))
	if err != nil {
		return 0, err
	}
	return partitions[i], nil
}

// forGood is why Kafka will not take a record however often it is sent; empty
// where it may.
func forGood(err error) string {
	switch {
	case errors.Is(err, sarama.ErrMessageSizeTooLarge), errors.Is(err, sarama.ErrMessageSetSizeTooLarge):
		return reasonLarge
	case errors.Is(err, sarama.ErrInvalidTimestamp), errors.Is(err, sarama.ErrInvalidRecord):
		return reasonInvalid
	default:
		return ""
	}
}

// delivery is the outlet to a function.
type delivery struct {
	deliver func(topic string, key, value []byte) error
	out     chan landing
}

func (d *delivery) send(parcels []*parcel) {
	for _, p := range parcels {
		d.out <- landing{[]*parcel{p}, d.deliver(p.topic, p.key, p.value)}
	}
}

func (d *delivery) landed() <-chan landing { return d.out }
func (d *delivery) close()                 { close(d.out) }

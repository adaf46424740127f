package owner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
)

// What can be asked of the hooks.
const (
	Redrive = "redrive" // a delivery is sent on its way again
	Test    = "test"    // a receiver is sent something
)

// Command is what somebody asks of the owner of a partition's hooks.
type Command struct {
	ID        string    `json:"id"`
	Do        string    `json:"do"`
	Receiver  string    `json:"receiver"`
	Delivery  string    `json:"delivery,omitempty"` // a notification's ID
	Partition int32     `json:"partition"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
}

const commandKeys = "command/"

func isCommand(key string) bool { return strings.HasPrefix(key, commandKeys) }

// staleCommand is how old a command may be: whoever asked has gone since.
const staleCommand = 5 * time.Minute

func parseCommand(key string, value []byte) (Command, bool) {
	var c Command
	return c, isCommand(key) && len(value) > 0 && json.Unmarshal(value, &c) == nil
}

// Desk is where silences and commands are handed in, by any process. Safe for concurrent use.
type Desk struct {
	topic    string
	producer sarama.SyncProducer
}

// NewDesk opens a producer over the client's settings.
func NewDesk(client sarama.Client, topic string) (*Desk, error) {
	cfg := *client.Config()
	cfg.Producer.Partitioner = sarama.NewManualPartitioner
	var brokers []string
	for _, b := range client.Brokers() {
		brokers = append(brokers, b.Addr())
	}
	producer, err := sarama.NewSyncProducer(brokers, &cfg)
	if err != nil {
		return nil, fmt.Errorf("open the topic of alerts: %w", err)
	}
	return &Desk{topic: topic, producer: producer}, nil
}

// Close closes the producer.
func (d *Desk) Close() error { return d.producer.Close() }

func (d *Desk) send(partition int32, key string, value []byte) error {
	m := &sarama.ProducerMessage{Topic: d.topic, Partition: partition, Key: sarama.StringEncoder(key)}
	if value != nil {
		m.Value = sarama.ByteEncoder(value)
	}
	if _, _, err := d.producer.SendMessage(m); err != nil {
		return fmt.Errorf("write to %s: %w", d.topic, err)
	}
	return nil
}

// Silence keeps alerts quiet, in all processes.
func (d *Desk) Silence(s alerts.Silence) error { return d.send(0, s.Key(), s.Encode()) }

// Unsilence ends a silence.
func (d *Desk) Unsilence(id string) error {
	s := alerts.Silence{ID: id}
	return d.send(0, s.Key(), nil)
}

// Ask hands a command to the owner of a partition, and returns its ID. What comes of it is in the history
// of deliveries.
func (d *Desk) Ask(c Command) (string, error) {
	if c.Do != Redrive && c.Do != Test {
		return "", errors.New("want redrive or test")
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	c.ID, c.At = hex.EncodeToString(b[:]), time.Now().UTC()
	value, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return c.ID, d.send(c.Partition, commandKeys+c.ID, value)
}

// obey does what was asked, unless that was long ago.
func (m *Member) obey(ctx context.Context, c Command) {
	if m.cfg.Command == nil || time.Since(c.At) > staleCommand {
		return
	}
	m.log.InfoContext(ctx, "a command on hooks", "do", c.Do, "receiver", c.Receiver, "delivery", c.Delivery, "by", c.By)
	if err := m.cfg.Command(ctx, c); err != nil {
		m.log.Error("a command on hooks is not done", "do", c.Do, "receiver", c.Receiver, "delivery", c.Delivery, "error", err)
	}
}

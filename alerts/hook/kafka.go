package hook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
)

// Topic is a topic of the Kafka that Waybill uses. A message is what a webhook gets, with its
// headers, under the notification's group as the key.
type Topic struct {
	Topic       string   `yaml:"topic"`
	SecretFiles []string `yaml:"secret_files"` // as in Webhook
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

func (t *Topic) check(*Receiver) error {
	switch {
	case !topicName.MatchString(t.Topic) || t.Topic == "." || t.Topic == "..":
		return fmt.Errorf("kafka.topic is %.100q, want 1 to 249 letters, digits, ., _ or -", t.Topic)
	case strings.HasPrefix(t.Topic, "waybill.") || strings.HasPrefix(t.Topic, "__"):
		return fmt.Errorf("kafka.topic is %s, where Waybill or Kafka itself writes: choose one of your own", t.Topic)
	case len(t.SecretFiles) > maxSecrets:
		return errors.New("kafka has more than 4 secret_files: two are enough to change them")
	}
	return nil
}

func (*Topic) perMinute() int { return 6000 }

func (t *Topic) kind(m *Manager, _ *Receiver) (kind, error) {
	if m.cfg.Producer == nil {
		return nil, errors.New("it is a topic, and there is no Kafka here")
	}
	return &sender{m: m, topic: *t, busy: make(chan struct{}, maxSending)}, nil
}

// maxSending bounds the messages that Kafka has not answered yet.
const maxSending = 16

type sender struct {
	m     *Manager
	topic Topic
	busy  chan struct{}
}

func (t *sender) where() string { return "topic " + t.topic.Topic }
func (t *sender) close()        {}

func (t *sender) deliver(ctx context.Context, p *parcel, a *answer) {
	body := encoded(payloadOf(p))
	header := http.Header{}
	hidden, err := sign(header, t.topic.SecretFiles, webhookID(p.Delivery.ID), time.Now(), body)
	if err != nil {
		a.err = err
		return
	}
	message := &sarama.ProducerMessage{Topic: t.topic.Topic, Key: sarama.StringEncoder(p.Notification.Group), Value: sarama.ByteEncoder(body)}
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		if value := header.Get(name); value != "" {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(strings.ToLower(name)), Value: []byte(value)})
		}
	}
	a.request = head(requestHead("topic "+t.topic.Topic, header, body), maxRequestHead, hidden)
	select {
	case t.busy <- struct{}{}:
	default:
		a.err = fmt.Errorf("Kafka has not answered to %d messages before it", maxSending)
		return
	}
	type sent struct {
		partition int32
		offset    int64
		err       error
	}
	came := make(chan sent, 1)
	go func() { // sarama knows no context, and gives up by itself
		defer func() { <-t.busy }()
		var s sent
		if in := instrument.FromContext(ctx); in != nil {
			s.partition, s.offset, s.err = in.Send(ctx, t.m.cfg.Producer, message)
		} else {
			s.partition, s.offset, s.err = t.m.cfg.Producer.SendMessage(message)
		}
		came <- s
	}()
	select {
	case s := <-came:
		if s.err != nil {
			a.err = s.err
			a.final = errors.Is(s.err, sarama.ErrMessageSizeTooLarge)
			return
		}
		a.text = fmt.Sprintf("partition %d, offset %d", s.partition, s.offset)
	case <-ctx.Done():
		a.err = ctx.Err()
	}
}

package collector

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// News is a message of record.TopicJourneys: a journey's verdict is another one than
// before. One may come twice, and, of a journey whose records are in several partitions,
// late ones may come before early ones.
type News struct {
	Key string          `json:"correlation_key"`
	Was journey.Verdict `json:"was"` // as it was announced last; empty: never
	At  time.Time       `json:"at"`  // when it was judged
	journey.Summary
}

// announce returns once Kafka has all of it.
func (c *Collector) announce(writes []write) error {
	messages := make([]*sarama.ProducerMessage, 0, len(writes))
	for i := range writes {
		w := &writes[i]
		news := News{Key: w.summary.Key, Was: w.t.said, At: w.t.judged.UTC(), Summary: w.judged}
		news.Aliases = news.Aliases[:min(len(news.Aliases), maxAliases)]
		b, err := json.Marshal(news)
		if err != nil {
			return fmt.Errorf("announce %s: %w", news.CorrelationID, err)
		}
		messages = append(messages, &sarama.ProducerMessage{Topic: record.TopicJourneys, Key: sarama.StringEncoder(news.Key), Value: sarama.ByteEncoder(b)})
	}
	if len(messages) == 0 {
		return nil
	}
	if err := c.news.SendMessages(messages); err != nil {
		return fmt.Errorf("announce verdicts: %w", err)
	}
	for i := range writes {
		c.meters.announced.WithLabelValues(string(writes[i].judged.Verdict)).Inc()
		c.meters.announcing.Observe(time.Since(writes[i].since).Seconds())
	}
	return nil
}

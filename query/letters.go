package query

import (
	"context"
	"time"
)

// Letters lists dead letters: messages that could not be stored.
type Letters struct {
	Letters []Letter   `json:"letters"` // the newest first
	AsOf    *time.Time `json:"as_of"`
}

// Letter is one of them.
type Letter struct {
	ID        string    `json:"id"` // partition/offset on the topic of dead letters
	Time      time.Time `json:"time"`
	Reason    string    `json:"reason"`
	Topic     string    `json:"topic"` // where the message lay
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Until     int64     `json:"until,omitempty"` // of a range that Kafka dropped unread: the offset after its last
	Bytes     int       `json:"bytes"`
	Value     string    `json:"value"` // its beginning, as text
}

// MaxLetters is how many dead letters are listed at most.
const MaxLetters = 500

// DeadLetters lists the latest n.
func (d *Desk) DeadLetters(ctx context.Context, n int) (*Letters, error) {
	if d.cfg.Letters == nil {
		return nil, unknown("this server does not read dead letters")
	}
	asOf := d.AsOf(ctx)
	oldestFirst, err := d.cfg.Letters(ctx, n)
	if err != nil {
		return nil, cause("read dead letters", err)
	}
	out := &Letters{Letters: make([]Letter, 0, len(oldestFirst)), AsOf: told(asOf)}
	for i := range oldestFirst {
		out.Letters = append(out.Letters, oldestFirst[len(oldestFirst)-1-i])
	}
	return out, nil
}

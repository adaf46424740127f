package query

import (
	"context"
	"errors"
	"fmt"
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
		return nil, d.away(ctx, "read dead letters", err)
	}
	out := &Letters{Letters: make([]Letter, 0, len(oldestFirst)), AsOf: told(asOf)}
	for i := range oldestFirst {
		out.Letters = append(out.Letters, oldestFirst[len(oldestFirst)-1-i])
	}
	return out, nil
}

// LetterAt is where a dead letter lies on its topic, which is what names it: 2/17 is offset 17 of partition 2.
type LetterAt struct {
	Partition int32
	Offset    int64
}

func (at LetterAt) String() string { return fmt.Sprintf("%d/%d", at.Partition, at.Offset) }

// Why a letter is not read or replayed.
var (
	ErrNoLetter = errors.New("there is no such dead letter")
	ErrNoReplay = errors.New("it cannot be replayed") // wrapped by an error that says why
)

// WholeLetter is one dead letter with all that Kafka has of it.
type WholeLetter struct {
	Letter
	Key      string         `json:"key"`
	Headers  []LetterHeader `json:"headers"`   // that the message had
	Data     []byte         `json:"data"`      // its value's first MaxLetterBytes
	Text     *string        `json:"text"`      // the same as text; null where it is none
	Cut      bool           `json:"cut"`       // there is more of the value than data
	NoReplay string         `json:"no_replay"` // why it cannot be replayed; empty: it can
	AsOf     *time.Time     `json:"as_of"`
}

// LetterHeader is one header of a message, as text.
type LetterHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// MaxLetterBytes is how much of a dead letter's value is answered.
const MaxLetterBytes = 256 << 10

// Replayed says that a message was sent again to where it lay.
type Replayed struct {
	ID    string     `json:"id"`
	Topic string     `json:"topic"`
	AsOf  *time.Time `json:"as_of"`
}

// DeadLetter finds one.
func (d *Desk) DeadLetter(ctx context.Context, at LetterAt) (*WholeLetter, error) {
	if d.cfg.Letter == nil {
		return nil, unknown("this server does not read dead letters")
	}
	asOf := d.AsOf(ctx)
	l, err := d.cfg.Letter(ctx, at)
	if err != nil {
		return nil, d.letterError(ctx, at, "read dead letter", err)
	}
	l.AsOf = told(asOf)
	return l, nil
}

// ReplayLetter sends a dead letter's message again to where it lay. A record that is stored by
// then is not stored twice; the letter stays where it is.
func (d *Desk) ReplayLetter(ctx context.Context, at LetterAt) (*Replayed, error) {
	if d.cfg.Replay == nil {
		return nil, unknown("this server does not replay dead letters")
	}
	asOf := d.AsOf(ctx)
	topic, err := d.cfg.Replay(ctx, at)
	if err != nil {
		return nil, d.letterError(ctx, at, "replay dead letter", err)
	}
	return &Replayed{ID: at.String(), Topic: topic, AsOf: told(asOf)}, nil
}

func (d *Desk) letterError(ctx context.Context, at LetterAt, doing string, err error) error {
	switch {
	case errors.Is(err, ErrNoLetter):
		return unknown("there is no dead letter %s; the list names those there are", at)
	case errors.Is(err, ErrNoReplay):
		return &Error{Kind: Refused, Detail: err.Error()}
	}
	return d.away(ctx, doing, err)
}

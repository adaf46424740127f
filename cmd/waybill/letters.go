package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/query"
)

// shownOfLetter is how many bytes of a dead letter a list of the API shows.
const shownOfLetter = 4 << 10

// letters reads the latest n dead letters.
func (s *stack) letters(ctx context.Context, n int) (out []query.Letter, err error) {
	err = s.withLetters(func(client sarama.Client) error {
		letters, err := collector.Letters(ctx, client, n)
		for i := range letters {
			out = append(out, toLetter(&letters[i]))
		}
		return err
	})
	return out, err
}

// letter reads one.
func (s *stack) letter(ctx context.Context, at query.LetterAt) (out *query.WholeLetter, err error) {
	err = s.withLetter(ctx, at, func(_ sarama.Client, l *collector.Letter) error {
		out = wholeLetter(l)
		return nil
	})
	return out, err
}

// replay sends one again to where it lay.
func (s *stack) replay(ctx context.Context, at query.LetterAt) (topic string, err error) {
	err = s.withLetter(ctx, at, func(client sarama.Client, l *collector.Letter) (err error) {
		if err := l.Replayable(); err != nil {
			return fmt.Errorf("%w: %w", query.ErrNoReplay, err)
		}
		producer, err := sarama.NewSyncProducerFromClient(client)
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		defer func() { err = errors.Join(err, producer.Close()) }()
		topic = l.Topic
		return collector.Replay(producer, *l)
	})
	return topic, err
}

// withLetters connects for as long as do takes: few ask for dead letters.
func (s *stack) withLetters(do func(sarama.Client) error) (err error) {
	client, err := collector.Connect(s.brokers, s.cfg.kafkaSecurity())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return do(client)
}

func (s *stack) withLetter(ctx context.Context, at query.LetterAt, do func(sarama.Client, *collector.Letter) error) error {
	return s.withLetters(func(client sarama.Client) error {
		l, err := collector.FindLetter(ctx, client, at.Partition, at.Offset)
		switch {
		case errors.Is(err, collector.ErrNoLetter):
			return query.ErrNoLetter
		case err != nil:
			return err
		}
		return do(client, &l)
	})
}

func toLetter(l *collector.Letter) query.Letter {
	return query.Letter{
		ID: l.ID(), Time: l.Time.UTC(), Reason: l.Reason, Topic: l.Topic, Partition: l.SourcePartition, Offset: l.SourceOffset, Until: l.Until,
		Bytes: max(len(l.Value), l.Cut), Value: text(l.Value[:min(len(l.Value), shownOfLetter)]),
	}
}

func wholeLetter(l *collector.Letter) *query.WholeLetter {
	out := &query.WholeLetter{Letter: toLetter(l), Key: text(l.Key), Headers: []query.LetterHeader{}, Data: l.Value[:min(len(l.Value), query.MaxLetterBytes)]}
	for _, h := range l.Headers {
		out.Headers = append(out.Headers, query.LetterHeader{Name: text(h.Key), Value: text(h.Value)})
	}
	if out.Data == nil {
		out.Data = []byte{}
	}
	out.Cut = len(out.Data) < out.Bytes
	out.Text = whole(out.Data, out.Cut)
	if err := l.Replayable(); err != nil {
		out.NoReplay = err.Error()
	}
	return out
}

func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// whole is b where it is text, without what the cut has left of its last character; else nil.
func whole(b []byte, cut bool) *string {
	for n := 0; n < utf8.UTFMax && n <= len(b); n++ {
		if said := string(b[:len(b)-n]); utf8.ValidString(said) {
			return &said
		}
		if !cut {
			break
		}
	}
	return nil
}

package alerts

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Silence keeps alerts quiet for a time. To snooze an alert is to silence alert = KEY.
type Silence struct {
	ID      string    `json:"id"`
	Match   Matchers  `json:"match"`
	Starts  time.Time `json:"starts"`
	Ends    time.Time `json:"ends"`
	Author  string    `json:"author"`
	Comment string    `json:"comment"`
}

// Bounds of silences.
const (
	maxSilence = 366 * 24 * time.Hour
	maxAuthor  = 128
	maxComment = 1024
)

// NewSilence checks one, and gives it an ID.
func NewSilence(match []string, starts, ends time.Time, author, comment string) (Silence, error) {
	ms, err := parseMatchers(match)
	if err != nil {
		return Silence{}, err
	}
	s := Silence{Match: ms, Starts: starts.UTC(), Ends: ends.UTC(), Author: author, Comment: comment}
	switch {
	case len(ms) == 0:
		return Silence{}, errors.New("a silence has at least one matcher, such as rule = bank-stalled")
	case !ends.After(starts) || ends.Sub(starts) > maxSilence:
		return Silence{}, fmt.Errorf("a silence ends after it starts, and within %s", maxSilence)
	case author == "" || len(author) > maxAuthor:
		return Silence{}, fmt.Errorf("say who silences, in at most %d bytes", maxAuthor)
	case len(comment) > maxComment:
		return Silence{}, fmt.Errorf("a comment has at most %d bytes", maxComment)
	}
	empty := true
	for i := range ms {
		empty = empty && ms[i].accepts("")
	}
	if empty {
		return Silence{}, errors.New("these matchers match everything: name a rule, a severity or an alert")
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	s.ID = hex.EncodeToString(b[:])
	return s, nil
}

// Key is the one under which a silence is kept in the topic of alerts.
func (s *Silence) Key() string { return silenceKeys + s.ID }

// Encode is what is kept.
func (s *Silence) Encode() []byte { return encode(s) }

// ParseSilence reads a message of the topic of alerts; false: it is none.
func ParseSilence(key string, value []byte) (Silence, bool) {
	var s Silence
	if len(key) <= len(silenceKeys) || key[:len(silenceKeys)] != silenceKeys {
		return s, false
	}
	return s, json.Unmarshal(value, &s) == nil
}

// active reports whether it holds at a time.
func (s *Silence) active(now time.Time) bool { return !now.Before(s.Starts) && now.Before(s.Ends) }

// Keeps reports whether nobody is told of an alert because of it.
func (s *Silence) Keeps(a *State, now time.Time) bool { return s.active(now) && s.Match.match(a.Label) }

func escape(id string) string { return url.QueryEscape(id) }

package store

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// SummaryCursor is a place in the order of [CompareSummaries]: behind the summary that
// has these.
type SummaryCursor struct {
	Start time.Time
	ID    SummaryID
	Day   time.Time // zero: behind those of all days
}

// CursorAfter is the place behind a summary.
func CursorAfter(s *Summary) SummaryCursor {
	return SummaryCursor{Start: s.Start, ID: s.ID, Day: s.Day}
}

// IsZero reports whether c is no place.
func (c SummaryCursor) IsZero() bool {
	return c.Start.IsZero() && c.ID == SummaryID{} && c.Day.IsZero()
}

// CompareSummaries orders the newest first, then by ID.
func CompareSummaries(a, b *Summary) int {
	return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(string(a.ID[:]), string(b.ID[:])), b.Day.Compare(a.Day))
}

const (
	secondsOfDay = 24 * 60 * 60
	lastDay      = math.MaxInt64 / (secondsOfDay * 1_000_000_000) // since 1970 of which nanoseconds can be told
)

// String is what [ParseSummaryCursor] reads: URL-safe, and nothing to look into.
func (c SummaryCursor) String() string {
	if c.IsZero() {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Start.UnixNano()))
	b = append(b, c.ID[:]...)
	if !c.Day.IsZero() {
		b = binary.BigEndian.AppendUint32(b, uint32(c.Day.Unix()/secondsOfDay))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseSummaryCursor reads a cursor. Its error wraps ErrQuery.
func ParseSummaryCursor(text string) (c SummaryCursor, err error) {
	if text == "" {
		return SummaryCursor{}, nil
	}
	const short, long = 8 + len(c.ID), 8 + len(c.ID) + 4
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != short && len(b) != long || b[0] > 0x7F {
		return SummaryCursor{}, errNoCursor()
	}
	c.Start = time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
	copy(c.ID[:], b[8:])
	if len(b) == long {
		day := binary.BigEndian.Uint32(b[short:])
		if day > lastDay {
			return SummaryCursor{}, errNoCursor()
		}
		c.Day = time.Unix(int64(day)*secondsOfDay, 0).UTC()
	}
	return c, nil
}

func errNoCursor() error {
	return fmt.Errorf("%w: not a cursor; take it from the page before as it stands there", ErrQuery)
}

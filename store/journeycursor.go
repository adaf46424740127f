package store

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
)

// JourneyCursor is a place among the journeys of one JourneyQuery.
type JourneyCursor struct {
	Summary SummaryCursor // without conditions on records; with them the other two are set
	Record  Cursor        // the record that was looked at last
	Newest  time.Time     // of the first record that was found: later ones are left out
}

// IsZero reports whether c is no place.
func (c JourneyCursor) IsZero() bool {
	return c.Summary.IsZero() && c.Record.IsZero() && c.Newest.IsZero()
}

// String is what [ParseJourneyCursor] reads: URL-safe, and nothing to look into.
func (c JourneyCursor) String() string {
	if c.Record.IsZero() {
		return c.Summary.String()
	}
	newest := binary.BigEndian.AppendUint64(nil, uint64(c.Newest.UnixNano()))
	return base64.RawURLEncoding.EncodeToString(newest) + "." + c.Record.String()
}

// ParseJourneyCursor reads a cursor. Its error wraps ErrQuery.
func ParseJourneyCursor(text string) (c JourneyCursor, err error) {
	newest, record, ofRecords := strings.Cut(text, ".")
	if !ofRecords {
		c.Summary, err = ParseSummaryCursor(text)
		return c, err
	}
	b, err := base64.RawURLEncoding.DecodeString(newest)
	if err != nil || len(b) != 8 || b[0] > 0x7F || record == "" {
		return JourneyCursor{}, errNoCursor()
	}
	if c.Record, err = ParseCursor(record); err != nil {
		return JourneyCursor{}, err
	}
	c.Newest = time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
	return c, nil
}

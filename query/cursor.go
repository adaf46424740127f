package query

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/waybill-log/waybill/store"
)

// cursorBytes are a start, an ID and a day.
const cursorBytes = 8 + 16 + 8

// formatCursor writes what parseCursor reads; empty for no place.
func formatCursor(c store.SummaryCursor) string {
	if c.IsZero() {
		return ""
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, cursorBytes), uint64(c.Start.UnixNano()))
	b = append(b, c.ID[:]...)
	day := int64(0)
	if !c.Day.IsZero() {
		day = c.Day.Unix()
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(day)))
}

// parseCursor reads a place in a list of journeys.
func parseCursor(text string) (c store.SummaryCursor, err error) {
	if text == "" {
		return c, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != cursorBytes || b[0] > 0x7F || b[24] != 0 {
		return c, invalid("cursor", "not a cursor; take it from the page before as it stands there")
	}
	c.Start = time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
	copy(c.ID[:], b[8:])
	if day := int64(binary.BigEndian.Uint64(b[24:])); day > 0 {
		c.Day = time.Unix(day, 0).UTC()
	}
	return c, nil
}

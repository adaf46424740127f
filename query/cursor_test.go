package query

import (
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/store"
)

func TestACursorIsReadAsWritten(t *testing.T) {
	start := time.Date(2026, 11, 24, 1, 2, 3, 4, time.UTC)
	for _, c := range []store.SummaryCursor{{}, {Start: start, ID: store.SummaryID{1, 15: 2}}, {Start: start, ID: store.SummaryID{3}, Day: start.Truncate(24 * time.Hour)}} {
		if got, err := parseCursor(formatCursor(c)); err != nil || got != c {
			t.Errorf("%+v became %+v, %v", c, got, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(formatCursor(store.SummaryCursor{Start: time.Unix(1e9, 0), Day: time.Unix(86400, 0)}))
	f.Add(strings.Repeat("_", 43))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err != nil {
			return
		}
		if again, err := parseCursor(formatCursor(c)); err != nil || again != c {
			t.Errorf("%q: %+v became %+v, %v", text, c, again, err)
		}
	})
}

func FuzzQueryText(f *testing.F) {
	f.Add("verdict:stalled service:bank")
	f.Add(strings.Repeat("(", 100) + "a")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse(text)
		if e, ok := err.(*Error); err != nil && (!ok || e.Column < 1 || e.Detail == "") {
			t.Errorf("%q: %v has no place", text, err)
		}
	})
}

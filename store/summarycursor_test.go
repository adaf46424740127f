package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/store"
)

func TestASummaryCursorIsReadAsItWasWritten(t *testing.T) {
	start, day := time.Date(2026, 11, 23, 12, 0, 0, 7, time.UTC), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, c := range []store.SummaryCursor{
		{}, {Start: start, ID: store.SummaryID{1, 2, 255}, Day: day}, {Start: start, ID: store.SummaryID{15: 9}}, {Start: time.Unix(0, 0).UTC(), Day: time.Unix(0, 0).UTC()},
	} {
		if got, err := store.ParseSummaryCursor(c.String()); err != nil || got != c {
			t.Errorf("%+v was read as %+v, %v", c, got, err)
		}
	}
	whole := store.SummaryCursor{Start: start, Day: day}.String()
	for _, text := range []string{"x", "====", whole[:len(whole)-2], whole + "AA", " " + whole, strings.Repeat("_", len(whole)), strings.Repeat("A", 32) + "_____w", strings.Repeat("A", 1000)} {
		if c, err := store.ParseSummaryCursor(text); !errors.Is(err, store.ErrQuery) || !c.IsZero() {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

func FuzzParseSummaryCursor(f *testing.F) {
	f.Add("")
	f.Add(store.SummaryCursor{Start: time.Unix(1e9, 5), ID: store.SummaryID{3}, Day: time.Unix(86400, 0)}.String())
	f.Fuzz(func(t *testing.T, text string) {
		c, err := store.ParseSummaryCursor(text)
		if err != nil {
			return
		}
		if again, err := store.ParseSummaryCursor(c.String()); err != nil || again != c {
			t.Errorf("%q is %+v, and then %+v, %v", text, c, again, err)
		}
	})
}

func FuzzParseJourneyCursor(f *testing.F) {
	f.Add("")
	f.Add(store.JourneyCursor{Record: store.Cursor{Time: time.Unix(1e9, 5), ID: "n1-7"}, Newest: time.Unix(1e9, 6)}.String())
	f.Fuzz(func(t *testing.T, text string) {
		c, err := store.ParseJourneyCursor(text)
		if err != nil {
			return
		}
		if again, err := store.ParseJourneyCursor(c.String()); err != nil || again != c {
			t.Errorf("%q is %+v, and then %+v, %v", text, c, again, err)
		}
	})
}

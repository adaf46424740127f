package embedded

import (
	"context"
	"fmt"
	"slices"

	"github.com/waybill-log/waybill/store"
)

// Lookup implements store.Summaries.
func (s *Store) Lookup(ctx context.Context, l store.Lookup) (found []store.Summary, more bool, err error) {
	if err := l.Check(); err != nil {
		return nil, false, err
	}
	days, err := s.summaryDays()
	if err != nil {
		return nil, false, err
	}
	for _, d := range days {
		if err := s.useSummaries(ctx, d, func(f *summaryFile) error { return f.lookup(ctx, &found, &l) }); err != nil {
			return nil, false, fmt.Errorf("look up an ID: %w", err)
		}
		slices.SortFunc(found, func(a, b store.Summary) int { return store.CompareSummaries(&a, &b) })
		found = found[:min(len(found), l.Limit+1)]
	}
	return found[:min(len(found), l.Limit)], len(found) > l.Limit, nil
}

// lookup appends what is looked up, at most one more than the limit. It chooses in an
// index, and only then reads summaries.
func (f *summaryFile) lookup(ctx context.Context, found *[]store.Summary, l *store.Lookup) error {
	from, args := "aliases JOIN summaries ON number = summary WHERE alias = ?1 AND EXISTS (SELECT 1 FROM json_each(summaries.aliases) WHERE value = ?1)", []any{l.Alias} // one may have had it before
	switch {
	case l.Prefix != "":
		from, args = "summaries INDEXED BY keys WHERE key >= ? AND key < ?", beginning(l.Prefix)
	case l.Suffix != "":
		from, args = "summaries INDEXED BY ends WHERE reversed >= ? AND reversed < ?", beginning(store.Reversed(l.Suffix))
	}
	var some []store.Summary
	err := f.eachOf(ctx, scanAbout, func(sum store.Summary) { some = append(some, sum) },
		"SELECT revision, about FROM summaries WHERE number IN (SELECT number FROM "+from+" ORDER BY start DESC, id LIMIT ?)", append(args, l.Limit+1)...)
	*found = append(*found, some...)
	return err
}

// beginning are the bounds of what begins with a text: no byte of UTF-8 is 0xFF.
func beginning(text string) []any { return []any{text, text + "\xff"} }

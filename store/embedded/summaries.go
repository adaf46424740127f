package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waybill-log/waybill/store"
)

// summaries are a store's files of them, one for each day.
type summaries struct {
	mu     sync.RWMutex // held to use a file; locked to open, drop and set aside. Taken after Store.files
	files  map[day]*summaryFile
	closed bool
}

// PutSummaries implements store.Summaries. What it takes of one day is one transaction.
func (s *Store) PutSummaries(ctx context.Context, batch []store.Summary) ([]store.Revision, error) {
	days := map[day][]int{}
	for i, sum := range batch {
		d := dayOf(sum.Day)
		days[d] = append(days[d], i)
	}
	revisions := make([]store.Revision, len(batch))
	for _, d := range slices.Sorted(maps.Keys(days)) {
		if slices.ContainsFunc(days[d], func(i int) bool { return batch[i].Revision.IsZero() }) {
			if err := s.makeSummaries(d); err != nil {
				return nil, fmt.Errorf("put %d summaries: %w: %w", len(batch), store.ErrUnavailable, err)
			}
		}
		err := s.useSummaries(ctx, d, func(f *summaryFile) error { return f.put(ctx, batch, days[d], revisions) })
		if err != nil {
			return nil, fmt.Errorf("put %d summaries: %w", len(batch), err)
		}
	}
	return revisions, nil
}

// LoadSummaries implements store.Summaries.
func (s *Store) LoadSummaries(ctx context.Context, refs []store.SummaryRef) (found []store.Summary, err error) {
	days := map[day][]string{}
	for _, ref := range refs {
		d := dayOf(ref.Day)
		days[d] = append(days[d], ref.ID.String())
	}
	for d, ids := range days {
		err := s.useSummaries(ctx, d, func(f *summaryFile) error {
			return f.collect(ctx, &found, "id IN (SELECT unhex(value) FROM json_each(?))", list(ids))
		})
		if err != nil {
			return nil, fmt.Errorf("load %d summaries: %w", len(refs), err)
		}
	}
	return found, nil
}

// SummariesOf implements store.Summaries.
func (s *Store) SummariesOf(ctx context.Context, key string, traces []string) (found []store.Summary, err error) {
	days, err := s.summaryDays()
	if err != nil {
		return nil, err
	}
	for _, d := range days {
		err := s.useSummaries(ctx, d, func(f *summaryFile) error {
			return f.collect(ctx, &found, `key = ?1 AND key <> '' OR number IN
				(SELECT summary FROM traces WHERE trace IN (SELECT value FROM json_each(?2) WHERE value <> ''))`, key, list(traces))
		})
		if err != nil {
			return nil, fmt.Errorf("summaries of a journey: %w", err)
		}
	}
	wanted := map[string]bool{}
	for _, trace := range traces {
		wanted[trace] = true
	}
	return slices.DeleteFunc(found, func(sum store.Summary) bool { // one had the trace before
		return sum.Key != key && !slices.ContainsFunc(sum.Traces, func(trace string) bool { return wanted[trace] })
	}), nil
}

// PendingSummaries implements store.Summaries. It reads page by page, since each may
// write.
func (s *Store) PendingSummaries(ctx context.Context, partition int32, each func(store.SummaryRef, time.Time) bool) error {
	days, err := s.summaryDays()
	if err != nil {
		return err
	}
	for _, d := range days {
		for after, more := (store.SummaryID{}), true; more; {
			var page []pending
			err := s.useSummaries(ctx, d, func(f *summaryFile) (err error) {
				page, err = f.pending(ctx, partition, after)
				return err
			})
			if err != nil {
				return fmt.Errorf("summaries to be checked: %w", err)
			}
			for _, p := range page {
				if !each(p.ref, p.due) {
					return nil
				}
				after = p.ref.ID
			}
			more = len(page) == pendingPage
		}
	}
	return nil
}

// FindSummaries implements store.Summaries.
func (s *Store) FindSummaries(ctx context.Context, q store.SummaryQuery) (page []store.Summary, next store.SummaryCursor, err error) {
	if err := q.Check(); err != nil {
		return nil, store.SummaryCursor{}, err
	}
	days, err := s.summaryDays()
	if err != nil {
		return nil, store.SummaryCursor{}, err
	}
	for _, d := range days {
		if len(page) > q.Limit && q.From.Before(page[q.Limit].Start) {
			q.From = page[q.Limit].Start // whatever is older comes after this page
		}
		err := s.useSummaries(ctx, d, func(f *summaryFile) error { return f.find(ctx, &page, &q) })
		if err != nil {
			return nil, store.SummaryCursor{}, fmt.Errorf("find summaries: %w", err)
		}
		slices.SortFunc(page, func(a, b store.Summary) int { return store.CompareSummaries(&a, &b) })
		page = page[:min(len(page), q.Limit+1)]
	}
	if len(page) > q.Limit {
		page = page[:q.Limit]
		next = store.CursorAfter(&page[q.Limit-1])
	}
	return page, next, nil
}

// summaryDays are those that have summaries, newest first.
func (s *Store) summaryDays() ([]day, error) {
	s.summaries.mu.RLock()
	defer s.summaries.mu.RUnlock()
	if s.summaries.closed {
		return nil, errClosed()
	}
	return slices.SortedFunc(maps.Keys(s.summaries.files), func(a, b day) int { return cmp.Compare(b, a) }), nil
}

func errClosed() error { return fmt.Errorf("%w: it is closed", store.ErrUnavailable) }

// useSummaries calls use with a day's file, if there is one. A file that turns out to
// be damaged is set aside: what it held can be folded again from the records.
func (s *Store) useSummaries(ctx context.Context, d day, use func(*summaryFile) error) error {
	f, err := s.useFile(d, use)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errCorrupt):
		err = s.setSummariesAside(f, err)
	}
	if err != nil && !errors.Is(err, store.ErrUnavailable) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

func (s *Store) useFile(d day, use func(*summaryFile) error) (*summaryFile, error) {
	s.summaries.mu.RLock()
	defer s.summaries.mu.RUnlock()
	f := s.summaries.files[d]
	switch {
	case s.summaries.closed:
		return nil, errClosed()
	case f == nil:
		return nil, nil
	}
	return f, use(f)
}

// makeSummaries makes a day's file if there is none.
func (s *Store) makeSummaries(d day) error {
	s.summaries.mu.Lock()
	defer s.summaries.mu.Unlock()
	if s.summaries.files[d] != nil || s.summaries.closed {
		return nil
	}
	f, err := openSummaryFile(s.cfg.Dir, d, s.number.Add(1))
	if err == nil {
		err = syncDir(s.cfg.Dir)
	}
	if err != nil {
		return errors.Join(err, f.remove())
	}
	s.summaries.files[d] = f
	return nil
}

// openSummaries opens a file that is there, when the store opens.
func (s *Store) openSummaries(name string) error {
	d, n, ok := parseName(strings.TrimSuffix(name, summariesSuffix))
	if !ok {
		return nil // not one of ours
	}
	f, err := openSummaryFile(s.cfg.Dir, d, n)
	s.summaries.files[d] = f
	if errors.Is(err, errCorrupt) {
		return s.setSummariesAside(f, err)
	}
	return err
}

// summarySizes are the bytes that summaries take on disk.
func (s *Store) summarySizes() map[day]int64 {
	s.summaries.mu.RLock()
	defer s.summaries.mu.RUnlock()
	sizes := map[day]int64{}
	for d, f := range s.summaries.files {
		sizes[d] = f.size()
	}
	return sizes
}

// dropSummaries forgets those of a day.
func (s *Store) dropSummaries(d day) error {
	s.summaries.mu.Lock()
	defer s.summaries.mu.Unlock()
	f := s.summaries.files[d]
	if f == nil {
		return nil
	}
	delete(s.summaries.files, d)
	return f.remove()
}

func (s *Store) closeSummaries() error {
	s.summaries.mu.Lock()
	defer s.summaries.mu.Unlock()
	s.summaries.closed = true
	var errs []error
	for _, f := range s.summaries.files {
		errs = append(errs, f.db.Close())
	}
	s.summaries.files = nil
	return errors.Join(errs...)
}

// setSummariesAside takes a damaged file out of service, unless somebody else has.
func (s *Store) setSummariesAside(f *summaryFile, why error) error {
	s.summaries.mu.Lock()
	defer s.summaries.mu.Unlock()
	if s.summaries.files[f.of] != f {
		return nil
	}
	delete(s.summaries.files, f.of)
	_ = f.db.Close() // it is damaged
	return errors.Join(s.setNameAside(filepath.Base(f.path), why), f.removeLog())
}

package embedded

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/waybill-log/waybill/store"
)

// Retain implements store.Retainer: a day is some files.
func (s *Store) Retain(ctx context.Context, floor time.Time, dry bool) ([]store.Day, error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.files.Lock()
	defer s.files.Unlock()
	v := s.view()
	defer v.release()
	days := map[day]store.Day{}
	add := func(d day, records, bytes int64) {
		sum := days[d]
		days[d] = store.Day{Name: d.String(), Records: sum.Records + records, Bytes: sum.Bytes + bytes}
	}
	var old []segment
	for _, seg := range v {
		if seg.day() < dayOf(floor) {
			old = append(old, seg)
			add(seg.day(), int64(seg.layout().records), size(seg))
		}
	}
	for d, bytes := range s.summarySizes() {
		if d < dayOf(floor) {
			add(d, 0, bytes)
		}
	}
	out := slices.SortedFunc(maps.Values(days), func(a, b store.Day) int { return cmp.Compare(a.Name, b.Name) })
	if dry || len(days) == 0 || ctx.Err() != nil {
		return out, ctx.Err()
	}
	for d := range days {
		if err := s.dropSummaries(d); err != nil {
			return nil, err
		}
	}
	return out, s.forget(old)
}

// forget drops segments. The caller holds write and files.
func (s *Store) forget(old []segment) error {
	s.replace(old, nil)
	for _, seg := range old {
		if h, ok := seg.(*hot); ok && s.hots[h.of] == h {
			delete(s.hots, h.of)
		}
		drop(seg)
	}
	return s.countNumbers()
}

// keepTo drops the oldest segments while all take more than so many bytes, but for
// those that are written to. Summaries go after the last sealed segment of their
// day. 0: there is no bound.
func (s *Store) keepTo(bytes int64) error {
	if bytes == 0 {
		return nil
	}
	s.write.Lock()
	defer s.write.Unlock()
	s.files.Lock()
	defer s.files.Unlock()
	v := s.view()
	defer v.release()
	var total int64
	var sealedOnes []segment
	newest := day(0)
	for _, seg := range v {
		total += size(seg)
		newest = max(newest, seg.day())
		if _, ok := seg.(*sealed); ok {
			sealedOnes = append(sealedOnes, seg)
		}
	}
	slices.SortFunc(sealedOnes, func(a, b segment) int { return cmp.Compare(a.name(), b.name()) })
	sizes := s.summarySizes()
	for _, bytes := range sizes {
		total += bytes
	}
	summaries := slices.Sorted(maps.Keys(sizes))
	// dropBefore drops the summaries of the days before d while they are too many.
	dropBefore := func(d day) error {
		for len(summaries) > 0 && summaries[0] < d && total > bytes {
			first := summaries[0]
			s.log.Warn("summaries dropped: the store is larger than it may be", "day", first, "bytes", sizes[first])
			if err := s.dropSummaries(first); err != nil {
				return err
			}
			total -= sizes[first]
			summaries = summaries[1:]
		}
		return nil
	}
	var old []segment
	for _, seg := range sealedOnes {
		if err := dropBefore(seg.day()); err != nil {
			return err
		}
		if total <= bytes {
			break
		}
		s.log.Warn("segment dropped: the store is larger than it may be", "file", seg.name(), "records", seg.layout().records, "bytes", size(seg))
		total -= size(seg)
		old = append(old, seg)
	}
	if err := dropBefore(newest); err != nil || len(old) == 0 {
		return err
	}
	return s.forget(old)
}

var _ store.Retainer = (*Store)(nil)

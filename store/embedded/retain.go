package embedded

import (
	"cmp"
	"context"
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
	days := map[day]*store.Day{}
	var old []segment
	for _, seg := range v {
		if seg.day() >= dayOf(floor) {
			continue
		}
		old = append(old, seg)
		d, ok := days[seg.day()]
		if !ok {
			d = &store.Day{Name: seg.day().String()}
			days[seg.day()] = d
		}
		d.Records += int64(seg.layout().records)
		d.Bytes += size(seg)
	}
	var out []store.Day
	for _, d := range days {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b store.Day) int { return cmp.Compare(a.Name, b.Name) })
	if dry || len(old) == 0 || ctx.Err() != nil {
		return out, ctx.Err()
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
// those that are written to. 0: there is no bound.
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
	for _, seg := range v {
		total += size(seg)
		if _, ok := seg.(*sealed); ok {
			sealedOnes = append(sealedOnes, seg)
		}
	}
	slices.SortFunc(sealedOnes, func(a, b segment) int { return cmp.Compare(a.name(), b.name()) })
	var old []segment
	for _, seg := range sealedOnes {
		if total <= bytes {
			break
		}
		s.log.Warn("segment dropped: the store is larger than it may be", "file", seg.name(), "records", seg.layout().records, "bytes", size(seg))
		total -= size(seg)
		old = append(old, seg)
	}
	if len(old) == 0 {
		return nil
	}
	return s.forget(old)
}

var _ store.Retainer = (*Store)(nil)

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"
)

// idle is how long a hot segment that nobody writes to stays hot.
const idle = time.Hour

// tend seals what is full, or has been idle, and keeps to the size there may be.
func (s *Store) tend(ctx context.Context) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for ctx.Err() == nil {
		sealed := false
		for s.sealNext(ctx) {
			sealed = true
		}
		if sealed {
			// What sealing took is not needed until the next segment is full.
			debug.FreeOSMemory()
		}
		if err := s.keepTo(s.cfg.MaxBytes); err != nil && ctx.Err() == nil {
			s.log.Error("old segments could not be dropped", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-minute.C:
			s.freezeIdle()
		}
	}
}

func (s *Store) freezeIdle() {
	s.write.Lock()
	defer s.write.Unlock()
	for d, h := range s.hots {
		if time.Since(h.stamp) > idle && h.layout().records > 0 {
			s.freeze(d)
		}
	}
}

// sealNext seals the segment that has waited longest. Where that fails it is tried again.
func (s *Store) sealNext(ctx context.Context) (more bool) {
	s.mu.RLock()
	var h *hot
	if len(s.frozen) > 0 {
		h = s.frozen[0]
	}
	s.mu.RUnlock()
	if h == nil || ctx.Err() != nil {
		return false
	}
	err := s.setDamagedAside(s.seal(ctx, h))
	s.mu.Lock()
	s.trouble = err
	s.settled.Broadcast()
	s.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		s.log.Error("a segment cannot be sealed yet", "file", h.name(), "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	return true
}

// seal puts a sealed segment in the place of a frozen one and of small ones of its day.
func (s *Store) seal(ctx context.Context, h *hot) error {
	s.files.Lock()
	defer s.files.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Contains(s.segments, segment(h)) { // sealed, dropped or set aside
			s.frozen = slices.DeleteFunc(s.frozen, func(f *hot) bool { return f == h })
			s.settled.Broadcast()
		}
	}()
	v := s.view()
	defer v.release()
	if !slices.Contains(v, segment(h)) {
		return nil
	}
	old := []segment{h}
	records := h.layout().records
	for _, seg := range v {
		small, ok := seg.(*sealed)
		if ok && small.of == h.of && int(small.head.Records+records) <= s.cfg.SegmentRecords {
			old = append(old, small)
			records += small.head.Records
		}
	}
	return s.join(ctx, old)
}

// join makes one sealed segment of several. The caller holds files.
func (s *Store) join(ctx context.Context, old []segment) error {
	began := time.Now()
	by, err := sealAll(ctx, s.cfg.Dir, s.number.Add(1), old, s.access)
	if err != nil {
		return err
	}
	s.replace(old, by)
	for _, seg := range old {
		drop(seg)
	}
	s.log.Debug("segment sealed", "file", by.name(), "of", len(old), "records", by.head.Records, "bytes", by.size, "took", time.Since(began))
	return nil
}

// drop removes a segment's file once nobody reads it any more. It has left the list.
func drop(seg segment) {
	switch seg := seg.(type) {
	case *hot:
		seg.remove()
	case *sealed:
		seg.remove()
	}
}

// Compact seals everything, and joins what is small: each day has as few files as
// its records need.
func (s *Store) Compact(ctx context.Context) error {
	s.write.Lock()
	for d, h := range s.hots {
		if h.layout().records > 0 {
			s.freeze(d)
		}
	}
	s.write.Unlock()
	for {
		s.mu.RLock()
		waiting := len(s.frozen)
		trouble := s.trouble
		s.mu.RUnlock()
		if waiting == 0 {
			break
		}
		if trouble != nil {
			return fmt.Errorf("compact: %w", trouble)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		more, err := s.joinSmall(ctx)
		if err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		if !more {
			return nil
		}
	}
}

// joinSmall joins segments of one day that fit into one, if there are any.
func (s *Store) joinSmall(ctx context.Context) (more bool, err error) {
	s.files.Lock()
	small := s.small()
	if small != nil {
		err = s.join(ctx, small)
	}
	s.files.Unlock()
	return small != nil, s.setDamagedAside(err)
}

// setDamagedAside takes the segment out of service that err says is damaged. Any
// other error is given back.
func (s *Store) setDamagedAside(err error) error {
	var d *damaged
	if !errors.As(err, &d) {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	return s.setAside(d.segment, d.err)
}

// small returns segments of one day that fit into one.
func (s *Store) small() []segment {
	v := s.view()
	defer v.release()
	days := map[day][]*sealed{}
	for _, seg := range v {
		if seg, ok := seg.(*sealed); ok {
			days[seg.of] = append(days[seg.of], seg)
		}
	}
	for _, of := range days {
		slices.SortFunc(of, func(a, b *sealed) int { return int(a.head.Records) - int(b.head.Records) })
		var fit []segment
		records := 0
		for _, seg := range of {
			if records += int(seg.head.Records); records > s.cfg.SegmentRecords {
				break
			}
			fit = append(fit, seg)
		}
		if len(fit) > 1 {
			return fit
		}
	}
	return nil
}

// size is how many bytes a segment takes on disk.
func size(seg segment) int64 {
	switch seg := seg.(type) {
	case *sealed:
		return seg.size
	case *hot:
		if info, err := os.Stat(seg.path); err == nil {
			return info.Size()
		}
	}
	return 0
}

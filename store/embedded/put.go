package embedded

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/waybill-log/waybill/store"
)

// Put implements store.Writer. What it takes of one day is one transaction.
func (s *Store) Put(ctx context.Context, entries []store.Entry) (store.Result, error) {
	res, err := s.put(ctx, entries)
	if err == nil {
		return res, nil
	}
	res = store.Result{Unsettled: make([]int, len(entries))}
	for i := range entries {
		res.Unsettled[i] = i
	}
	if ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return res, err
}

// batch is what one Put brings that was not there before.
type batch struct {
	entries []store.Entry
	ids     map[string]int // of entries, to their place
	days    map[day][]*block
	twins   *twins
}

func (s *Store) put(ctx context.Context, entries []store.Entry) (store.Result, error) {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.makeRoom(ctx); err != nil {
		return store.Result{}, err
	}
	b := batch{entries: entries, ids: make(map[string]int, len(entries)), days: map[day][]*block{}}
	var res store.Result
	err := s.askAgain(ctx, func(v view) (err error) {
		b.twins = &twins{store: s, view: v, known: map[string]map[string][]byte{}}
		res, err = s.sort(&b)
		return err
	}, func(d *damaged) error { return s.setAside(d.segment, d.err) })
	if err != nil {
		return store.Result{}, err
	}
	for _, d := range slices.Sorted(maps.Keys(b.days)) {
		if err := s.commit(ctx, d, b.days[d]); err != nil {
			return store.Result{}, err
		}
	}
	return res, nil
}

// sort tells new entries from those that are there, and brings the new ones into blocks.
func (s *Store) sort(b *batch) (res store.Result, err error) {
	clear(b.ids)
	clear(b.days)
	for i, e := range b.entries {
		d := dayOf(e.Time)
		blocks := b.days[d]
		if n := len(blocks); n == 0 || blocks[n-1].bytes >= blockBytes {
			runtime.Gosched() // whoever reads waits for less than a time slice
			blocks = append(blocks, &block{})
			b.days[d] = blocks
		}
		in := blocks[len(blocks)-1]
		id := in.add(&s.reader, e)
		held, found, err := b.lookup(id, e)
		if err != nil {
			return store.Result{}, err
		}
		switch {
		case !held:
			b.ids[e.ID] = i
			res.Stored++
			continue
		case found != nil && bytes.Equal(found, e.Raw):
			res.Present++
		default:
			res.Rejected = append(res.Rejected, store.Rejection{Index: i, Reason: store.Conflict})
		}
		in.undo(e)
	}
	return res, nil
}

// lookup says whether an entry's identity is held, and by which record where that is known.
func (b *batch) lookup(id identity, e store.Entry) (held bool, found []byte, err error) {
	if i, ok := b.ids[e.ID]; ok {
		return true, b.entries[i].Raw, nil
	}
	return b.twins.lookup(id, e)
}

// commit writes the blocks of one day and makes them visible.
func (s *Store) commit(ctx context.Context, d day, blocks []*block) error {
	if last := blocks[len(blocks)-1]; len(last.times) == 0 {
		blocks = blocks[:len(blocks)-1]
	}
	if len(blocks) == 0 {
		return nil
	}
	h, err := s.hot(d)
	if err != nil {
		return err
	}
	payloads := make([][]byte, len(blocks))
	var payload, packed []byte
	for i, b := range blocks {
		payload = appendBlock(payload[:0], b.raws)
		packed = slices.Grow(packed[:0], s2.MaxEncodedLen(len(payload)))
		b.data = slices.Clone(s2.Encode(packed[:cap(packed)], payload)) // it stays in memory
		b.raws = nil
		payloads[i] = b.data
	}
	if err := h.append(ctx, payloads); err != nil {
		return err
	}
	h.stamp = time.Now()
	for _, b := range blocks {
		h.apply(b)
		s.mu.Lock()
		for _, id := range b.ids {
			if id.sequence > 0 {
				s.held.add(id.node, id.sequence)
			}
		}
		s.mu.Unlock()
		runtime.Gosched()
	}
	return nil
}

// hot returns the segment a day's records go to.
func (s *Store) hot(d day) (*hot, error) {
	if h := s.hots[d]; h != nil {
		return h, nil
	}
	h, err := openHot(s.cfg.Dir, d, s.number.Add(1))
	if err != nil {
		h.remove()
		return nil, err
	}
	if err := syncDir(s.cfg.Dir); err != nil {
		h.remove()
		return nil, err
	}
	s.hots[d] = h
	s.replace(nil, h)
	return h, nil
}

// makeRoom hands full segments over to be sealed, and waits where too many are.
func (s *Store) makeRoom(ctx context.Context) error {
	full := func(h *hot) bool {
		return int(h.layout().records) >= s.cfg.SegmentRecords || h.bytes >= int64(s.cfg.SegmentBytes)
	}
	for d, h := range s.hots {
		if !full(h) {
			continue
		}
		if err := s.awaitSealed(ctx); err != nil {
			return err
		}
		s.freeze(d)
	}
	for len(s.hots) > maxHots {
		idle := slices.MinFunc(slices.Collect(maps.Values(s.hots)), func(a, b *hot) int { return a.stamp.Compare(b.stamp) })
		if err := s.awaitSealed(ctx); err != nil {
			return err
		}
		s.freeze(idle.of)
	}
	return nil
}

// patience is how long Put waits for a segment to be sealed.
const patience = 5 * time.Second

func (s *Store) awaitSealed(ctx context.Context) error {
	late, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer context.AfterFunc(late, func() { s.mu.Lock(); s.settled.Broadcast(); s.mu.Unlock() })()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.frozen) >= maxFrozen {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case s.trouble != nil:
			return fmt.Errorf("segments cannot be sealed: %w", s.trouble)
		case late.Err() != nil:
			return fmt.Errorf("%d full segments wait to be sealed", len(s.frozen))
		}
		s.settled.Wait()
	}
	return nil
}

// freeze ends a hot segment. The writer calls it.
func (s *Store) freeze(d day) {
	h := s.hots[d]
	delete(s.hots, d)
	s.mu.Lock()
	s.frozen = append(s.frozen, h)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

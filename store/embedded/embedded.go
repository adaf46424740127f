package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/waybill-log/waybill/infra/lockfile"
	"github.com/waybill-log/waybill/store"
)

// Config says where the store is and how large it may grow.
type Config struct {
	Dir      string
	MaxBytes int64 // on disk; the oldest segments go where there are more. 0: no bound
	Logger   *slog.Logger

	SegmentRecords int // when a segment is full; 0: 65,536
	SegmentBytes   int // the same, in bytes of its records; 0: 48 MiB
}

func (cfg *Config) setDefaults() {
	cfg.SegmentRecords = cmp.Or(cfg.SegmentRecords, 1<<16)
	cfg.SegmentBytes = cmp.Or(cfg.SegmentBytes, 48<<20)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

// Store is an open store.
type Store struct {
	cfg    Config
	log    *slog.Logger
	unlock func() error

	write  sync.Mutex // held by the one writer
	hots   map[day]*hot
	number atomic.Uint64 // of the latest file
	reader reader

	mu       sync.RWMutex
	segments []segment // never changed in place
	held     numbers   // of all segments
	frozen   []*hot    // full, and to be sealed
	trouble  error     // why sealing waits; nil if it does not
	closed   bool

	summaries summaries

	access *access
	cache  *lru.Cache[blockAt, [][]byte]
	clocks *lru.Cache[uint64, []uint32]

	files    sync.Mutex // held by whoever replaces or drops files; taken after write, before mu
	erasures sync.Mutex // held by whoever reads or writes their file
	wake     chan struct{}
	settled  *sync.Cond // on mu: something was sealed
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// maxFrozen is how many full segments may wait to be sealed before Put does.
const maxFrozen = 2

// maxHots is how many days are written to at a time.
const maxHots = 8

// cachedBlocks bounds the blocks in memory; each is of blockBytes, and large ones
// are not kept.
const cachedBlocks = 512

// cachedClocks bounds the segments whose records' times are in memory.
const cachedClocks = 8

// Open locks the folder, creating it where needed, and opens the store in it. What
// a crash left half done is finished or undone; a file that is damaged is set aside
// under its name and an ending, and the rest is served.
func Open(cfg Config) (*Store, error) {
	cfg.setDefaults()
	unlock, err := lockfile.Acquire(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open embedded store: %w", err)
	}
	access, err := newAccess()
	if err != nil {
		return nil, err
	}
	cache, err := lru.New[blockAt, [][]byte](cachedBlocks)
	if err != nil {
		return nil, err
	}
	clocks, err := lru.New[uint64, []uint32](cachedClocks)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{cfg: cfg, log: cfg.Logger, unlock: unlock, hots: map[day]*hot{}, held: numbers{}, access: access, cache: cache, clocks: clocks, summaries: summaries{files: map[day]*summaryFile{}}, wake: make(chan struct{}, 1), stop: stop}
	s.settled = sync.NewCond(&s.mu)
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open embedded store in %s: %w", cfg.Dir, errors.Join(err, s.Close()))
	}
	s.running.Go(func() { s.tend(ctx) })
	if err := s.migrate(ctx); err != nil {
		return nil, fmt.Errorf("open embedded store in %s: %w", cfg.Dir, errors.Join(err, s.Close()))
	}
	return s, nil
}

// open reads the folder.
func (s *Store) open() error {
	names, err := fileNames(s.cfg.Dir)
	if err != nil {
		return err
	}
	replaced := map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, partSuffix) {
			if err := remove(filepath.Join(s.cfg.Dir, name)); err != nil {
				return err
			}
		}
		if _, n, ok := parseName(strings.TrimSuffix(strings.TrimSuffix(name, corruptSuffix), filepath.Ext(strings.TrimSuffix(name, corruptSuffix)))); ok {
			s.number.Store(max(s.number.Load(), n))
		}
	}
	for _, name := range names {
		if !strings.HasSuffix(name, sealedSuffix) {
			continue
		}
		seg, err := openSealed(filepath.Join(s.cfg.Dir, name), s.access)
		if errors.Is(err, errCorrupt) {
			if err := s.setNameAside(name, err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		s.segments = append(s.segments, seg)
		for _, other := range seg.head.Replaces {
			replaced[other] = true
		}
	}
	for _, name := range names {
		if replaced[name] {
			s.segments = slices.DeleteFunc(s.segments, func(seg segment) bool {
				if seg.name() == name {
					seg.release()
				}
				return seg.name() == name
			})
			if err := removeFiles(filepath.Join(s.cfg.Dir, name)); err != nil {
				return err
			}
			continue
		}
		var err error
		switch {
		case strings.HasSuffix(name, hotSuffix):
			err = s.openHot(name)
		case strings.HasSuffix(name, summariesSuffix):
			err = s.openSummaries(name)
		}
		if err != nil {
			return err
		}
	}
	return s.countNumbers()
}

// openHot opens a hot file that is there. What is whole of a damaged one goes into
// a new file before the old one is set aside.
func (s *Store) openHot(name string) error {
	d, n, ok := parseName(strings.TrimSuffix(name, hotSuffix))
	if !ok {
		return nil // not one of ours
	}
	h, err := openHot(s.cfg.Dir, d, n)
	if errors.Is(err, errCorrupt) {
		if h, err = s.salvage(h, err); err != nil {
			return err
		}
	}
	if err != nil {
		return errors.Join(err, h.db.Close())
	}
	s.segments = append(s.segments, h)
	if old := s.hots[d]; old != nil {
		s.frozen = append(s.frozen, old)
	}
	s.hots[d] = h
	return nil
}

func (s *Store) salvage(damaged *hot, why error) (*hot, error) {
	damaged.release()
	number := s.number.Add(1)
	h, err := openHot(s.cfg.Dir, damaged.of, number)
	if err != nil {
		return h, err
	}
	if err := h.append(context.Background(), damaged.blocks); err != nil {
		return h, err
	}
	h.release()
	if err := s.setNameAside(damaged.name(), why); err != nil {
		return h, err
	}
	return openHot(s.cfg.Dir, damaged.of, number)
}

// fileNames lists a folder in the order of days and numbers.
func fileNames(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names, nil
}

func removeFiles(path string) error {
	return errors.Join(remove(path), remove(path+"-journal"))
}

// setNameAside keeps a damaged file where nobody reads it.
func (s *Store) setNameAside(name string, why error) error {
	path := filepath.Join(s.cfg.Dir, name)
	s.log.Error("a damaged file is set aside; the rest is served", "file", name+corruptSuffix, "error", why)
	return errors.Join(os.Rename(path, path+corruptSuffix), remove(path+"-journal"))
}

// setAside takes a segment out that was found to be damaged. The writer calls it, or
// keeps it away.
func (s *Store) setAside(seg segment, why error) error {
	s.files.Lock()
	defer s.files.Unlock()
	if !s.replace([]segment{seg}, nil) {
		return nil // somebody else has done it
	}
	if err := s.setNameAside(seg.name(), why); err != nil {
		return err
	}
	if h, ok := seg.(*hot); ok && s.hots[h.of] == h {
		delete(s.hots, h.of)
	}
	seg.release()
	return s.countNumbers()
}

// replace puts one segment into the list in place of others. It returns false where
// those are no longer there.
func (s *Store) replace(old []segment, by segment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := make([]segment, 0, len(s.segments)+1)
	for _, seg := range s.segments {
		if !slices.Contains(old, seg) {
			next = append(next, seg)
		}
	}
	if len(next)+len(old) != len(s.segments) {
		return false
	}
	if by != nil {
		next = append(next, by)
	}
	s.segments = next
	return true
}

// countNumbers learns anew which numbers of which instance are held. The writer
// calls it, or keeps it away.
func (s *Store) countNumbers() error {
	all := numbers{}
	v := s.view()
	defer v.release()
	for _, seg := range v {
		n, err := seg.numbers()
		if err != nil {
			return err
		}
		all.join(n)
	}
	s.mu.Lock()
	s.held = all
	s.mu.Unlock()
	return nil
}

// view is the segments of one moment, for as long as it takes to read them.
type view []segment

func (s *Store) view() view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, seg := range s.segments {
		seg.hold()
	}
	return s.segments
}

// viewOpen is view, or an error once the store is closed.
func (s *Store) viewOpen() (view, error) {
	v := s.view()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		v.release()
		return nil, fmt.Errorf("%w: it is closed", store.ErrUnavailable)
	}
	return v, nil
}

func (v view) release() {
	for _, seg := range v {
		seg.release()
	}
}

// damaged is a segment that does not hold what was written to it.
type damaged struct {
	segment segment
	err     error
}

func (d *damaged) Error() string { return d.err.Error() }
func (d *damaged) Unwrap() error { return d.err }

// fault says of which segment an error is.
func fault(seg segment, err error) error {
	if errors.Is(err, errCorrupt) {
		return &damaged{seg, err}
	}
	return err
}

// ask asks the segments of one moment, and again without one that turns out to be damaged.
func (s *Store) ask(ctx context.Context, question func(view) error) error {
	return s.askAgain(ctx, question, func(d *damaged) error { return s.setDamagedAside(d) })
}

func (s *Store) askAgain(ctx context.Context, question func(view) error, setAside func(*damaged) error) error {
	for {
		v, err := s.viewOpen()
		if err != nil {
			return err
		}
		err = question(v)
		v.release()
		var d *damaged
		switch {
		case err == nil || errors.Is(err, store.ErrQuery):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.As(err, &d):
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		if err := setAside(d); err != nil {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
	}
}

// blockAt is a block's place in the store. It names the segment by its number, so
// that what is cached does not keep the segment itself in memory.
type blockAt struct {
	segment uint64
	n       int
}

// load reads a block, or has it in memory.
func (s *Store) load(seg segment, n int) ([][]byte, error) {
	at := blockAt{seg.id(), n}
	if records, ok := s.cache.Get(at); ok {
		return records, nil
	}
	records, err := seg.load(n)
	if err != nil {
		return nil, fault(seg, err)
	}
	size := 0
	for _, raw := range records {
		size += len(raw)
	}
	if size <= 4*blockBytes {
		s.cache.Add(at, records)
	}
	return records, nil
}

// times reads when a segment's records were written, or has it in memory.
func (s *Store) times(seg segment) ([]uint32, error) {
	if _, ok := seg.(*hot); ok {
		return seg.times()
	}
	if times, ok := s.clocks.Get(seg.id()); ok {
		return times, nil
	}
	times, err := seg.times()
	if err != nil {
		return nil, fault(seg, err)
	}
	s.clocks.Add(seg.id(), times)
	return times, nil
}

// Held implements store.Reader.
func (s *Store) Held(_ context.Context, node string, last uint64) (n int64, lowest uint64, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, 0, fmt.Errorf("%w: it is closed", store.ErrUnavailable)
	}
	n, lowest = s.held.held(node, last)
	return n, lowest, nil
}

// Count implements store.Reader.
func (s *Store) Count(context.Context) (n int64, err error) {
	v, err := s.viewOpen()
	if err != nil {
		return 0, err
	}
	defer v.release()
	for _, seg := range v {
		n += int64(seg.layout().records)
	}
	return n, nil
}

// Lag implements store.Reader: what is committed is read.
func (s *Store) Lag() time.Duration { return 0 }

// Ready implements store.Store.
func (s *Store) Ready(context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.trouble != nil && len(s.frozen) >= maxFrozen {
		return fmt.Errorf("%w: segments cannot be sealed: %w", store.ErrUnavailable, s.trouble)
	}
	return nil
}

// Close ends what runs, closes all files and unlocks the folder. It may be called twice.
func (s *Store) Close() error {
	s.stop()
	s.mu.Lock()
	s.settled.Broadcast()
	s.mu.Unlock()
	s.running.Wait()
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	for _, seg := range s.segments {
		seg.release()
	}
	s.segments, s.hots, s.frozen, s.closed = nil, map[day]*hot{}, nil, true
	return errors.Join(s.closeSummaries(), s.unlock())
}

var _ store.Store = (*Store)(nil)

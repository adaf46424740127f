package embedded

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"

	"github.com/waybill-log/waybill/store"
)

// hotVersion is a hot file's user_version.
const hotVersion = 1

// hot is a segment that is written to. Its file is a journal of blocks, read when
// the store opens and never again: what is asked is answered from memory.
type hot struct {
	holders
	path   string
	of     day
	number uint64
	db     *sql.DB
	stamp  time.Time // of the last write, by this process's clock

	mu       sync.RWMutex
	place    layout
	blocks   [][]byte // S2
	stamps   []uint32 // ms of each record
	bytes    int64    // of the records
	terms    *index
	hashes   map[uint64]struct{} // of event.ids without a number
	held     numbers
	journeys []journey
	journey  map[string]int // place in journeys
}

type journey struct {
	key  string
	last int64 // ns since 1970
}

const hotSchema = `CREATE TABLE blocks (n INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;`

// openHot opens a hot file, or creates it. Where blocks are damaged the others are
// there all the same, and the error wraps errCorrupt.
func openHot(dir string, d day, number uint64) (*hot, error) {
	h := &hot{
		path: filepath.Join(dir, fileName(d, number, hotSuffix)), of: d, number: number, stamp: time.Now(),
		terms: newIndex(), hashes: map[uint64]struct{}{}, held: numbers{}, journey: map[string]int{},
		place: layout{oldest: math.MaxInt64, newest: math.MinInt64},
	}
	h.last = h.close
	h.hold()
	// A rollback journal and not a WAL: blocks are appended, so there is little to write twice.
	db, err := sql.Open("sqlite", "file:"+h.path+"?_txlock=immediate&_pragma=journal_mode(truncate)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	h.db = db
	version, err := readVersion(db, hotVersion)
	if err == nil && version == 0 {
		_, err = db.Exec("BEGIN IMMEDIATE;" + hotSchema + markVersion(hotVersion) + "COMMIT;")
	}
	if err == nil && version > 0 {
		err = h.read()
	}
	if err != nil {
		return h, fmt.Errorf("%s: %w", h.name(), damage(err))
	}
	return h, nil
}

// read brings what the file holds into memory: blocks are parsed side by side,
// and indexed in their order.
func (h *hot) read() error {
	rows, err := h.db.Query("SELECT n, data FROM blocks ORDER BY n")
	if err != nil {
		return err
	}
	defer rows.Close()
	type parsed struct {
		block *block
		err   error
	}
	order := make(chan chan parsed, 4*runtime.GOMAXPROCS(0))
	broken := make(chan error, 1)
	go func() {
		defer close(order)
		var errs []error
		for n := 0; rows.Next(); n++ {
			var at int
			var data []byte
			if err := rows.Scan(&at, &data); err != nil {
				errs = append(errs, err)
				break
			}
			if at != n {
				errs = append(errs, fmt.Errorf("%w: block %d follows block %d", errCorrupt, at, n-1))
				n = at
			}
			out := make(chan parsed, 1)
			order <- out
			go func() {
				b, err := readBlock(h.of, at, data)
				out <- parsed{b, err}
			}()
		}
		broken <- errors.Join(append(errs, rows.Err())...)
	}()
	var errs []error
	for out := range order {
		p := <-out
		if p.err != nil {
			errs = append(errs, p.err)
			continue
		}
		h.apply(p.block)
	}
	return errors.Join(append(errs, <-broken)...)
}

// block is a number of records on their way into a hot segment.
type block struct {
	raws  [][]byte
	data  []byte // the same, S2
	times []int64
	ids   []identity
	keys  []string
	terms []byte // one after the other
	ends  []int  // of each term
	each  []int  // of each record, how many ends there are with it
	bytes int
}

// readBlock parses what a hot file holds.
func readBlock(d day, n int, sealed []byte) (*block, error) {
	records, err := openBlock(n, sealed)
	if err != nil {
		return nil, err
	}
	b := &block{data: sealed[8:]}
	var r reader
	for _, raw := range records {
		e, err := store.NewEntry(raw)
		if err != nil || dayOf(e.Time) != d {
			return nil, fmt.Errorf("%w: a record that was never written: %w", errCorrupt, err)
		}
		b.add(&r, e)
	}
	b.raws = nil
	return b, nil
}

func (b *block) add(r *reader, e store.Entry) identity {
	id := r.read(e.Raw, func(term []byte) {
		b.terms = append(b.terms, term...)
		b.ends = append(b.ends, len(b.terms))
	})
	b.each = append(b.each, len(b.ends))
	b.ids = append(b.ids, id)
	b.keys = append(b.keys, e.Key)
	b.times = append(b.times, e.Time.UnixNano())
	b.raws = append(b.raws, e.Raw)
	b.bytes += len(e.Raw)
	return id
}

// undo takes the record that was added last out again.
func (b *block) undo(e store.Entry) {
	n := len(b.raws) - 1
	b.raws, b.times, b.ids, b.keys, b.each = b.raws[:n], b.times[:n], b.ids[:n], b.keys[:n], b.each[:n]
	ends := 0
	if n > 0 {
		ends = b.each[n-1]
	}
	b.ends = b.ends[:ends]
	if ends > 0 {
		b.terms = b.terms[:b.ends[ends-1]]
	} else {
		b.terms = b.terms[:0]
	}
	b.bytes -= len(e.Raw)
}

// append writes blocks durably, all or none.
func (h *hot) append(ctx context.Context, payloads [][]byte) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, "INSERT INTO blocks (n, data) VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	n := len(h.blocks) // only the writer appends
	// What a commit that failed may have left is not there for anybody.
	if _, err := tx.ExecContext(ctx, "DELETE FROM blocks WHERE n >= ?", n); err != nil {
		return err
	}
	for i, data := range payloads {
		if _, err := insert.ExecContext(ctx, n+i, seal(data, uint64(n+i))); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// apply makes a block that is on disk visible.
func (h *hot) apply(b *block) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := h.place.records
	least, most := uint32(math.MaxUint32), uint32(0)
	term, start := 0, 0
	for i, t := range b.times {
		record := first + uint32(i)
		for ; term < b.each[i]; term++ {
			h.terms.add(b.terms[start:b.ends[term]], record)
			start = b.ends[term]
		}
		ms := h.of.ms(t)
		h.stamps = append(h.stamps, ms)
		least, most = min(least, ms), max(most, ms)
		h.place.oldest, h.place.newest = min(h.place.oldest, t), max(h.place.newest, t)
		if id := b.ids[i]; id.sequence > 0 {
			h.held.add(id.node, id.sequence)
		} else {
			h.hashes[hashID(id.id)] = struct{}{}
		}
		h.visit(b.keys[i], t)
	}
	h.blocks = append(h.blocks, b.data)
	h.place.first = append(h.place.first, first)
	h.place.min, h.place.max = append(h.place.min, least), append(h.place.max, most)
	h.place.records += uint32(len(b.times))
	h.bytes += int64(b.bytes)
}

// visit notes a journey's latest record.
func (h *hot) visit(key string, t int64) {
	if key == "" {
		return
	}
	i, ok := h.journey[key]
	if !ok {
		i = len(h.journeys)
		key = strings.Clone(key)
		h.journey[key] = i
		h.journeys = append(h.journeys, journey{key, t})
	}
	h.journeys[i].last = max(h.journeys[i].last, t)
}

func (h *hot) name() string { return filepath.Base(h.path) }
func (h *hot) day() day     { return h.of }
func (h *hot) id() uint64   { return h.number }

func (h *hot) layout() layout {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.place
}

func (h *hot) load(n int) ([][]byte, error) {
	h.mu.RLock()
	data := h.blocks[n]
	h.mu.RUnlock()
	payload, err := s2.Decode(nil, data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return parseBlock(payload)
}

func (h *hot) find(term string) (*roaring.Bitmap, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.terms.get(term), nil
}

func (h *hot) each(prefix string, visit func(string, uint64, func() (postings, error)) error) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var failed error
	h.terms.each(prefix, func(term string, p *postings) {
		if failed == nil {
			failed = visit(term, p.count(), func() (postings, error) { return *p, nil })
		}
	})
	return failed
}

func (h *hot) times() ([]uint32, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.stamps, nil
}

func (h *hot) holdsID(hash uint64) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	_, ok := h.hashes[hash]
	return ok
}

func (h *hot) ids(visit func(uint64)) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for hash := range h.hashes {
		visit(hash)
	}
	return nil
}

func (h *hot) numbers() (numbers, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.held, nil
}

func (h *hot) newest(n int, visit func(string, int64) bool) error {
	first := top[journey]{n: n, compare: later}
	h.mu.RLock()
	for _, j := range h.journeys {
		first.add(j)
	}
	h.mu.RUnlock()
	for _, j := range first.sorted() {
		if !visit(j.key, j.last) {
			break
		}
	}
	return nil
}

// later orders journeys by their latest record, newest first, then by key.
func later(a, b journey) int { return cmp.Or(cmp.Compare(b.last, a.last), cmp.Compare(a.key, b.key)) }

func (h *hot) close() {
	_ = h.db.Close() // all it was for is committed
}

// remove deletes the file once nobody reads it.
func (h *hot) remove() {
	h.last = func() {
		h.close()
		_ = removeFiles(h.path) // what stays is removed when the store opens
	}
	h.release()
}

func hashID(id string) uint64     { return xxhash.Sum64String("i" + id) }
func hashTerm(term string) uint64 { return xxhash.Sum64String(term) }

// damage tells a damaged file from other failures of SQLite.
func damage(err error) error {
	if err == nil {
		return nil
	}
	if text := err.Error(); strings.Contains(text, "malformed") || strings.Contains(text, "not a database") || errors.Is(err, errCorrupt) {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return err
}

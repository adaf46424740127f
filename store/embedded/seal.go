package embedded

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/FastFilter/xorfilter"
	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/klauspost/compress/zstd"
)

// historyBytes is how much of a segment's own records its blocks are compressed
// against.
const historyBytes = 64 << 10

// sealAll makes one sealed file of the records of others, under a name that tells
// nothing until it is complete. The others stay.
func sealAll(ctx context.Context, dir string, number uint64, from []segment, a *access) (*sealed, error) {
	path := filepath.Join(dir, fileName(from[0].day(), number, sealedSuffix))
	j, err := newJoint(from)
	if err != nil {
		return nil, err
	}
	w := &sealing{joint: j, head: head{Oldest: math.MaxInt64, Newest: math.MinInt64}}
	for _, s := range from {
		place := s.layout()
		w.head.Replaces = append(w.head.Replaces, s.name())
		w.head.Oldest, w.head.Newest = min(w.head.Oldest, place.oldest), max(w.head.Newest, place.newest)
	}
	part := path + partSuffix
	if err := w.write(ctx, part); err != nil {
		return nil, fmt.Errorf("seal %s: %w", filepath.Base(path), errors.Join(err, remove(part)))
	}
	if err := os.Rename(part, path); err != nil {
		return nil, errors.Join(err, remove(part))
	}
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	return openSealed(path, a)
}

// sealing writes one sealed file.
type sealing struct {
	*joint
	head   head
	layout []byte

	insert *sql.Stmt
	plain  *zstd.Encoder
}

func (w *sealing) write(ctx context.Context, path string) (err error) {
	if err := remove(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close(), syncFile(path)) }()
	if _, err := db.ExecContext(ctx, sealedSchema+markVersion(sealedVersion)); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if w.insert, err = tx.PrepareContext(ctx, "INSERT INTO parts (place, data) VALUES (?, ?)"); err != nil {
		return err
	}
	defer w.insert.Close()
	if w.plain, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault)); err != nil {
		return err
	}
	for _, step := range []func() error{func() error { return w.blocks(ctx) }, w.terms, w.keys, w.rest} {
		if err := step(); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (w *sealing) part(kind, n int, data []byte) error {
	place := partPlace(kind, n)
	_, err := w.insert.Exec(place, seal(data, uint64(place)))
	return err
}

func (w *sealing) packed(kind, n int, data []byte) error {
	return w.part(kind, n, w.plain.EncodeAll(data, nil))
}

// gathered is how many records are in memory at a time, on their way into blocks.
const gathered = 1 << 13

// blocks writes the records.
func (w *sealing) blocks(ctx context.Context) error {
	history, err := w.sample(ctx)
	if err != nil {
		return err
	}
	if err := w.part(historyPart, 0, history); err != nil {
		return err
	}
	options := []zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)}
	if len(history) > 0 {
		options = append(options, zstd.WithEncoderDictRaw(historyID, history))
	}
	enc, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return err
	}
	defer func() { _ = enc.Close() }()
	var payload, packed []byte
	n := 0
	for records := range slices.Chunk(w.order, gathered) {
		raws, err := w.gather(ctx, records)
		if err != nil {
			return err
		}
		for len(raws) > 0 {
			size, count := 0, 0
			for size < blockBytes && count < len(raws) {
				size += len(raws[count])
				count++
			}
			payload = appendBlock(payload[:0], raws[:count])
			packed = enc.EncodeAll(payload, packed[:0])
			if err := w.part(blockPart, n, packed); err != nil {
				return err
			}
			w.note(records[:count], size)
			raws, records = raws[count:], records[count:]
			n++
			runtime.Gosched()
		}
	}
	return nil
}

// note takes down where the records of a block lie.
func (w *sealing) note(records []uint32, size int) {
	least, most := uint32(math.MaxUint32), uint32(0)
	for _, r := range records {
		least, most = min(least, w.times[r]), max(most, w.times[r])
	}
	w.layout = binary.LittleEndian.AppendUint32(w.layout, w.head.Records)
	w.layout = binary.LittleEndian.AppendUint32(w.layout, least)
	w.layout = binary.LittleEndian.AppendUint32(w.layout, most)
	w.head.Records += uint32(len(records))
	w.head.Bytes += int64(size)
}

// sample takes records from all over a segment.
func (w *sealing) sample(ctx context.Context) ([]byte, error) {
	const average = 512
	var some []uint32
	for i := 0; i < len(w.order); i += max(1, len(w.order)*average/historyBytes) {
		some = append(some, w.order[i])
	}
	raws, err := w.gather(ctx, some)
	out := slices.Concat(raws...)
	return out[:min(len(out), historyBytes)], err
}

// terms writes the index, a page at a time.
func (w *sealing) terms() error {
	var out pager
	var firsts []byte
	n := 0
	flush := func(page []byte, first string) error {
		if page == nil {
			return nil
		}
		firsts = append(binary.AppendUvarint(firsts, uint64(len(first))), first...)
		n++
		return w.packed(pagePart, n-1, page)
	}
	hashes := []uint64{hashTerm("")} // a filter of nothing cannot be built
	for _, s := range w.from {
		if err := s.ids(func(hash uint64) { hashes = append(hashes, hash) }); err != nil {
			return fault(s, err)
		}
	}
	err := w.each(func(term string, records []uint32) error {
		hashes = append(hashes, hashTerm(term))
		return flush(out.add(term, records))
	})
	if err := cmp.Or(err, flush(out.page, out.first)); err != nil {
		return err
	}
	filter, err := xorfilter.NewBinaryFuse[uint16](hashes)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := filter.Save(&b); err != nil {
		return err
	}
	return cmp.Or(w.packed(firstPart, 0, firsts), w.part(filterPart, 0, b.Bytes()))
}

// keyChunk is how many correlation keys one part holds.
const keyChunk = 512

func (w *sealing) keys() error {
	latest := map[string]int64{}
	for _, s := range w.from {
		err := s.newest(math.MaxInt, func(key string, last int64) bool {
			latest[key] = max(latest[key], last)
			return true
		})
		if err != nil {
			return fault(s, err)
		}
	}
	all := make([]journey, 0, len(latest))
	for key, last := range latest {
		all = append(all, journey{key, last})
	}
	slices.SortFunc(all, later)
	for chunk := range slices.Chunk(all, keyChunk) {
		var b []byte
		before := w.head.Newest
		for _, j := range chunk {
			b = binary.AppendUvarint(b, uint64(before-j.last))
			b = append(binary.AppendUvarint(b, uint64(len(j.key))), j.key...)
			before = j.last
		}
		if err := w.packed(keyPart, w.head.Keys, b); err != nil {
			return err
		}
		w.head.Keys++
	}
	return nil
}

func (w *sealing) rest() error {
	var times []byte
	last := int64(0)
	for _, r := range w.order {
		ms := int64(w.times[r])
		times = binary.AppendVarint(times, ms-last)
		last = ms
	}
	all := numbers{}
	for _, s := range w.from {
		n, err := s.numbers()
		if err != nil {
			return fault(s, err)
		}
		all.join(n)
	}
	held, err := appendNumbers(nil, all)
	if err != nil {
		return err
	}
	about, err := json.Marshal(w.head)
	if err != nil {
		return err
	}
	return cmp.Or(w.packed(timePart, 0, times), w.packed(placePart, 0, w.layout), w.part(numberPart, 0, held), w.part(headPart, 0, about))
}

func appendNumbers(b []byte, all numbers) ([]byte, error) {
	for _, node := range slices.Sorted(maps.Keys(all)) {
		set := all[node]
		set.RunOptimize()
		bits, err := set.ToBytes()
		if err != nil {
			return nil, err
		}
		b = append(binary.AppendUvarint(b, uint64(len(node))), node...)
		b = append(binary.AppendUvarint(b, uint64(len(bits))), bits...)
	}
	return b, nil
}

func parseNumbers(b []byte) (numbers, error) {
	out := numbers{}
	for len(b) > 0 {
		n, rest, ok := uvarint(b)
		if !ok || n > uint64(len(rest)) {
			return nil, fmt.Errorf("%w: an instance's name", errCorrupt)
		}
		node := string(rest[:n])
		size, rest, ok := uvarint(rest[n:])
		if !ok || size > uint64(len(rest)) {
			return nil, fmt.Errorf("%w: an instance's records", errCorrupt)
		}
		set := roaring64.New()
		if err := set.UnmarshalBinary(rest[:size]); err != nil {
			return nil, fmt.Errorf("%w: an instance's records: %w", errCorrupt, err)
		}
		out[node], b = set, rest[size:]
	}
	return out, nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

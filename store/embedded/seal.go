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
	"os"
	"path/filepath"
	"slices"

	"github.com/FastFilter/xorfilter"
	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/klauspost/compress/zstd"

	"github.com/waybill-log/waybill/store"
)

// historyBytes is how much of a segment's own records its blocks are compressed
// against.
const historyBytes = 64 << 10

// item is a record on its way into a sealed segment: those of a journey stand side
// by side, journeys by their first record.
type item struct {
	begun int64 // when its journey was first heard of in this segment
	entry store.Entry
}

func compareItems(a, b item) int {
	return cmp.Or(cmp.Compare(a.begun, b.begun), cmp.Compare(a.entry.Key, b.entry.Key), store.Compare(a.entry, b.entry))
}

// sealAll makes one sealed file of the records of others, under a name that tells
// nothing until it is complete. The others stay.
func sealAll(ctx context.Context, dir string, number uint64, from []segment) (*sealed, error) {
	items, err := gather(ctx, from)
	if err != nil {
		return nil, err
	}
	d := from[0].day()
	path := filepath.Join(dir, fileName(d, number, sealedSuffix))
	w := &sealing{day: d, index: newIndex(), numbers: numbers{}, last: map[string]int64{}}
	for _, s := range from {
		w.head.Replaces = append(w.head.Replaces, s.name())
	}
	part := path + partSuffix
	if err := w.write(ctx, part, items); err != nil {
		return nil, fmt.Errorf("seal %s: %w", filepath.Base(path), errors.Join(err, remove(part)))
	}
	if err := os.Rename(part, path); err != nil {
		return nil, errors.Join(err, remove(part))
	}
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	return openSealed(path)
}

// gather reads all records of some segments, in the order of a sealed one.
func gather(ctx context.Context, from []segment) ([]item, error) {
	var items []item
	begun := map[string]int64{}
	for _, s := range from {
		place := s.layout()
		items = slices.Grow(items, int(place.records))
		for n := range place.first {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			records, err := s.load(n)
			if err != nil {
				return nil, fmt.Errorf("block %d of %s: %w", n, s.name(), err)
			}
			for _, raw := range records {
				e, err := store.NewEntry(raw)
				if err != nil {
					return nil, fmt.Errorf("%w: block %d of %s: %w", errCorrupt, n, s.name(), err)
				}
				t := e.Time.UnixNano()
				if e.Key != "" {
					if first, ok := begun[e.Key]; !ok || t < first {
						begun[e.Key] = t
					}
				}
				items = append(items, item{begun: t, entry: e})
			}
		}
	}
	for i := range items {
		if key := items[i].entry.Key; key != "" {
			items[i].begun = begun[key]
		}
	}
	slices.SortFunc(items, compareItems)
	return items, nil
}

// sealing writes one sealed file.
type sealing struct {
	day     day
	head    head
	index   *index
	numbers numbers
	ids     []uint64
	last    map[string]int64 // of each correlation key
	place   []byte
	times   []byte

	insert *sql.Stmt
	plain  *zstd.Encoder
}

func (w *sealing) write(ctx context.Context, path string, items []item) (err error) {
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
	for _, step := range []func() error{func() error { return w.blocks(items) }, w.terms, w.keys, w.rest} {
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

// blocks writes the records, and takes notes for all else.
func (w *sealing) blocks(items []item) error {
	history := sample(items)
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
	w.head.Oldest, w.head.Newest = items[0].entry.Time.UnixNano(), items[0].entry.Time.UnixNano()
	var r reader
	var payload, packed []byte
	for n := 0; len(items) > 0; n++ {
		size, count := 0, 0
		var raws [][]byte
		for size < blockBytes && count < len(items) {
			raws = append(raws, items[count].entry.Raw)
			size += len(items[count].entry.Raw)
			count++
		}
		w.note(&r, items[:count])
		payload = appendBlock(payload[:0], raws)
		packed = enc.EncodeAll(payload, packed[:0])
		if err := w.part(blockPart, n, packed); err != nil {
			return err
		}
		items = items[count:]
	}
	return nil
}

// note indexes the records of one block.
func (w *sealing) note(r *reader, items []item) {
	first := w.head.Records
	least, most := uint32(1<<32-1), uint32(0)
	for i, it := range items {
		record := first + uint32(i)
		t := it.entry.Time.UnixNano()
		id := r.read(it.entry.Raw, func(term []byte) { w.index.add(term, record) })
		if id.sequence > 0 {
			w.numbers.add(id.node, id.sequence)
		} else {
			w.ids = append(w.ids, hashID(id.id))
		}
		if it.entry.Key != "" {
			w.last[it.entry.Key] = max(w.last[it.entry.Key], t)
		}
		ms := w.day.ms(t)
		least, most = min(least, ms), max(most, ms)
		w.times = binary.LittleEndian.AppendUint32(w.times, ms)
		w.head.Oldest, w.head.Newest = min(w.head.Oldest, t), max(w.head.Newest, t)
		w.head.Bytes += int64(len(it.entry.Raw))
	}
	w.place = binary.LittleEndian.AppendUint32(w.place, first)
	w.place = binary.LittleEndian.AppendUint32(w.place, least)
	w.place = binary.LittleEndian.AppendUint32(w.place, most)
	w.head.Records += uint32(len(items))
}

// sample takes records from all over a segment.
func sample(items []item) []byte {
	var out []byte
	const average = 512
	for i := 0; i < len(items) && len(out) < historyBytes; i += max(1, len(items)*average/historyBytes) {
		out = append(out, items[i].entry.Raw...)
	}
	return out[:min(len(out), historyBytes)]
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
	hashes := slices.Concat(w.ids, []uint64{hashTerm("")}) // a filter of nothing cannot be built
	for _, term := range slices.Sorted(maps.Keys(w.index.places)) {
		hashes = append(hashes, hashTerm(term))
		if err := flush(out.add(term, &w.index.postings[w.index.places[term]])); err != nil {
			return err
		}
	}
	if err := flush(out.page, out.first); err != nil {
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
	all := make([]journey, 0, len(w.last))
	for key, last := range w.last {
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
	for last, b := int64(0), w.times; len(b) > 0; b = b[4:] {
		ms := int64(binary.LittleEndian.Uint32(b))
		times = binary.AppendVarint(times, ms-last)
		last = ms
	}
	held, err := appendNumbers(nil, w.numbers)
	if err != nil {
		return err
	}
	about, err := json.Marshal(w.head)
	if err != nil {
		return err
	}
	return cmp.Or(w.packed(timePart, 0, times), w.packed(placePart, 0, w.place), w.part(numberPart, 0, held), w.part(headPart, 0, about))
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

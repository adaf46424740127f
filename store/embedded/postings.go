package embedded

import (
	"encoding/binary"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// Postings on disk are runs of records, ascending: twice the distance from the run
// before, plus one where the run is longer than one record; then its length less two.

// runs writes postings.
type runs struct {
	out         []byte
	from, until uint32 // the run at hand
	end         uint32 // of the run before
}

func (r *runs) add(record uint32) {
	if record == r.until && r.until > r.from {
		r.until++
		return
	}
	r.flush()
	r.from, r.until = record, record+1
}

func (r *runs) flush() {
	if r.until == r.from {
		return
	}
	gap, length := uint64(r.from-r.end), uint64(r.until-r.from)
	if length == 1 {
		r.out = binary.AppendUvarint(r.out, gap<<1)
	} else {
		r.out = binary.AppendUvarint(r.out, gap<<1|1)
		r.out = binary.AppendUvarint(r.out, length-2)
	}
	r.end, r.from = r.until, r.until
}

func appendPostings(dst []byte, records []uint32) []byte {
	r := runs{out: dst}
	for _, record := range records {
		r.add(record)
	}
	r.flush()
	return r.out
}

// parsePostings reads postings of a segment of so many records.
func parsePostings(b []byte, records uint32) (*roaring.Bitmap, error) {
	out := roaring.New()
	single := make([]uint32, 0, 256)
	for at := uint64(0); len(b) > 0; {
		gap, rest, ok := uvarint(b)
		length := uint64(1)
		if ok && gap&1 == 1 {
			length, rest, ok = uvarint(rest)
			length += 2
		}
		from := at + gap>>1
		at, b = from+length, rest
		if !ok || at > uint64(records) || length > uint64(records) {
			return nil, fmt.Errorf("%w: records of a term", errCorrupt)
		}
		if length <= 4 {
			for i := from; i < at; i++ {
				single = append(single, uint32(i))
			}
			continue
		}
		out.AddMany(single)
		single = single[:0]
		out.AddRange(from, at)
	}
	out.AddMany(single)
	return out, nil
}

// A page holds terms in ascending order: how much a term shares with the one before,
// the rest of it, how many records have it, their postings' size, their postings.

// pager writes pages.
type pager struct {
	page   []byte
	before string
	first  string
	list   []byte
}

// pageBytes is about how large a page is before compression.
const pageBytes = 4 << 10

// add returns a page that is full, and its first term.
func (w *pager) add(term string, records []uint32) (page []byte, first string) {
	if len(w.page) >= pageBytes {
		page, first = w.page, w.first
		w.page, w.before = nil, ""
	}
	if len(w.page) == 0 {
		w.first = term
	}
	shared := 0
	for shared < len(term) && shared < len(w.before) && term[shared] == w.before[shared] {
		shared++
	}
	w.page = binary.AppendUvarint(w.page, uint64(shared))
	w.page = binary.AppendUvarint(w.page, uint64(len(term)-shared))
	w.page = append(w.page, term[shared:]...)
	w.page = binary.AppendUvarint(w.page, uint64(len(records)))
	w.list = appendPostings(w.list[:0], records)
	w.page = binary.AppendUvarint(w.page, uint64(len(w.list)))
	w.page = append(w.page, w.list...)
	w.before = term
	return page, first
}

// eachTerm visits the terms of a page until visit returns false.
func eachTerm(page []byte, visit func(term []byte, count uint64, list []byte) (bool, error)) error {
	var term []byte
	for b := page; len(b) > 0; {
		shared, b1, ok1 := uvarint(b)
		own, b2, ok2 := uvarint(b1)
		if !ok1 || !ok2 || shared > uint64(len(term)) || own > uint64(len(b2)) {
			return fmt.Errorf("%w: a term", errCorrupt)
		}
		term = append(term[:shared], b2[:own]...)
		count, b3, ok3 := uvarint(b2[own:])
		size, b4, ok4 := uvarint(b3)
		if !ok3 || !ok4 || size > uint64(len(b4)) {
			return fmt.Errorf("%w: a term's records", errCorrupt)
		}
		more, err := visit(term, count, b4[:size])
		if err != nil || !more {
			return err
		}
		b = b4[size:]
	}
	return nil
}

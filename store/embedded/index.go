package embedded

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// index finds records by their terms, in memory. A record is a number, given in
// ascending order.
type index struct {
	places   map[string]int // of a term's postings
	postings []postings
}

// postings are the records that have one term: a list while they are few.
type postings struct {
	few  []uint32
	many *roaring.Bitmap
}

const manyPostings = 512

func newIndex() *index { return &index{places: map[string]int{}} }

func (x *index) add(term []byte, record uint32) {
	i, ok := x.places[string(term)]
	if !ok {
		i = len(x.postings)
		x.places[string(term)] = i
		x.postings = append(x.postings, postings{})
	}
	p := &x.postings[i]
	switch {
	case p.many != nil:
		p.many.Add(record)
	case len(p.few) > 0 && p.few[len(p.few)-1] == record: // a word that is there twice
	case len(p.few) == manyPostings:
		p.many = roaring.BitmapOf(p.few...)
		p.many.Add(record)
		p.few = nil
	default:
		p.few = append(p.few, record)
	}
}

// get returns a bitmap of the caller's own; nil for a term that no record has.
func (x *index) get(term string) *roaring.Bitmap {
	i, ok := x.places[term]
	if !ok {
		return nil
	}
	return x.postings[i].bitmap()
}

func (p *postings) bitmap() *roaring.Bitmap {
	if p.many != nil {
		return p.many.Clone()
	}
	return roaring.BitmapOf(p.few...)
}

// appendTo lists the records, ascending.
func (p *postings) appendTo(dst []uint32) []uint32 {
	if p.many == nil {
		return append(dst, p.few...)
	}
	n := int(p.many.GetCardinality())
	dst = slices.Grow(dst, n)
	p.many.ManyIterator().NextMany(dst[len(dst) : len(dst)+n])
	return dst[:len(dst)+n]
}

func (p *postings) count() uint64 {
	if p.many != nil {
		return p.many.GetCardinality()
	}
	return uint64(len(p.few))
}

// each visits the terms with a prefix, in no order.
func (x *index) each(prefix string, visit func(term string, p *postings)) {
	for term, i := range x.places {
		if strings.HasPrefix(term, prefix) {
			visit(term, &x.postings[i])
		}
	}
}

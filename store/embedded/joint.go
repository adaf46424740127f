package embedded

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
)

// joint is several segments seen as one that is sealed. Their records are numbered
// one after the other; what they are found by is taken over from the segments. None
// of these may be written to any more.
type joint struct {
	from  []segment
	first []uint32 // record of each segment
	times []uint32 // of each record
	terms []jointTerm
	order []uint32 // records as they will stand
	place []uint32 // of each record in that order
	bytes []byte   // of the records gathered last
}

// jointTerm is a term of one of the segments.
type jointTerm struct {
	term    string
	from    int
	records func() (postings, error)
}

func newJoint(from []segment) (*joint, error) {
	j := &joint{from: from}
	for i, s := range from {
		j.first = append(j.first, uint32(len(j.times)))
		times, err := s.times()
		if err != nil {
			return nil, fault(s, err)
		}
		j.times = append(j.times, times...)
		err = s.each("", func(term string, _ uint64, records func() (postings, error)) error {
			j.terms = append(j.terms, jointTerm{term, i, records})
			return nil
		})
		if err != nil {
			return nil, fault(s, err)
		}
	}
	slices.SortFunc(j.terms, func(a, b jointTerm) int { return cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.from, b.from)) })
	return j, j.arrange()
}

// arrange orders the records: those of a journey stand side by side, journeys by
// their first record.
func (j *joint) arrange() error {
	type item struct{ begun, journey, time, record uint32 }
	items := make([]item, len(j.times))
	j.place = make([]uint32, len(j.times))
	for r, t := range j.times {
		items[r] = item{begun: t, time: t, record: uint32(r)}
		j.place[r] = uint32(r) // until there is an order
	}
	journey := uint32(0)
	err := j.each(func(term string, records []uint32) error {
		if term == "" || term[0] != keyTerm {
			return nil
		}
		journey++
		begun := j.times[records[0]]
		for _, r := range records {
			begun = min(begun, j.times[r])
		}
		for _, r := range records {
			items[r].begun, items[r].journey = begun, journey
		}
		return nil
	})
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.begun, b.begun), cmp.Compare(a.journey, b.journey), cmp.Compare(a.time, b.time), cmp.Compare(a.record, b.record))
	})
	j.order = make([]uint32, len(items))
	for n, it := range items {
		j.order[n], j.place[it.record] = it.record, uint32(n)
	}
	return err
}

// each visits the terms in ascending order, with the places of their records,
// ascending, which are valid until visit returns.
func (j *joint) each(visit func(term string, records []uint32) error) error {
	var places []uint32
	marks := make([]uint64, (len(j.times)+63)/64)
	for left := j.terms; len(left) > 0; {
		term := left[0].term
		places = places[:0]
		for ; len(left) > 0 && left[0].term == term; left = left[1:] {
			s := left[0].from
			p, err := left[0].records()
			if err != nil {
				return fault(j.from[s], err)
			}
			begin := len(places)
			places = p.appendTo(places)
			for i, r := range places[begin:] {
				places[begin+i] = j.place[j.first[s]+r]
			}
		}
		ascend(places, marks)
		runtime.Gosched()
		if err := visit(term, places); err != nil {
			return err
		}
	}
	return nil
}

// ascend sorts numbers that are all different: few by comparing them, many by
// marking each.
func ascend(numbers []uint32, marks []uint64) {
	if len(numbers) < len(marks)/8 {
		slices.Sort(numbers)
		return
	}
	clear(marks)
	for _, n := range numbers {
		marks[n/64] |= 1 << (n % 64)
	}
	i := 0
	for at, word := range marks {
		for ; word != 0; word &= word - 1 {
			numbers[i] = uint32(at*64 + bits.TrailingZeros64(word))
			i++
		}
	}
}

// gather reads records, in the order in which they are asked for. No block is read
// twice. The result is valid until the next call.
func (j *joint) gather(ctx context.Context, records []uint32) ([][]byte, error) {
	ascending := make([]int, len(records)) // indices of records
	for i := range ascending {
		ascending[i] = i
	}
	slices.SortFunc(ascending, func(a, b int) int { return cmp.Compare(records[a], records[b]) })
	from, block := -1, -1
	var place layout
	var raws [][]byte
	sizes := make([]int, len(records))
	j.bytes = j.bytes[:0]
	for _, i := range ascending {
		for from+1 < len(j.first) && j.first[from+1] <= records[i] {
			from++
			place, block = j.from[from].layout(), -1
		}
		r := records[i] - j.first[from]
		if block < 0 || r >= place.end(block) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			runtime.Gosched() // what happens in the background gives way
			block = place.block(r)
			var err error
			if raws, err = j.from[from].load(block); err != nil {
				return nil, fault(j.from[from], fmt.Errorf("block %d of %s: %w", block, j.from[from].name(), err))
			}
		}
		raw := raws[r-place.first[block]]
		j.bytes = append(j.bytes, raw...)
		sizes[i] = len(raw)
	}
	out := make([][]byte, len(records))
	at := 0
	for _, i := range ascending {
		out[i] = j.bytes[at : at+sizes[i]]
		at += sizes[i]
	}
	return out, nil
}

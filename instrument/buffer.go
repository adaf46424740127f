package instrument

import (
	"slices"

	"github.com/waybill-log/waybill/record"
)

// buffer keeps the records that Kafka has not acknowledged yet, in a lane of
// segments for each importance. It is bounded by the number of segments. The
// shipper's lock guards it.
//
//	free ──► lane: oldest … written to ──► free
//	                │ full, and a higher lane needs room
//	                └► dropped, and said so in the ledger
type buffer struct {
	account *account
	limit   int               // segments
	durable bool              // segments are files: one of memory alone is a stopgap
	lanes   [lanes][]*segment // oldest first; the last one is written to
	free    []*segment        // ready; the last one was used last, so is warmest in the caches
	made    int               // segments in lanes, free and being made
	bytes   int               // of waiting entries
	stopgap uint64            // entries that a kill would lose though there is a data folder

	rest, restFirst uint64 // how many entries were left when the buffer retired, and the first of them
}

// segment returns where an entry of n bytes of a lane goes; nil: there is no room.
func (b *buffer) segment(l lane, n int) *segment {
	if segmentHead+entryHead+n > segmentBytes {
		return nil
	}
	if ss := b.lanes[l]; len(ss) > 0 && ss[len(ss)-1].room(n) {
		return ss[len(ss)-1]
	}
	s := b.ready(l)
	if s == nil {
		return nil
	}
	s.reuse(b.account, l)
	b.lanes[l] = append(b.lanes[l], s)
	return s
}

// ready finds a segment that may be used for lane l.
func (b *buffer) ready(l lane) *segment {
	if n := len(b.free); n > 0 {
		s := b.free[n-1]
		b.free = b.free[:n-1]
		return s
	}
	if b.made < b.limit {
		b.made++
		return &segment{data: emptySegment()}
	}
	for other := range b.lanes { // one that is written to and holds nothing
		if ss := b.lanes[other]; lane(other) != l && len(ss) > 0 && ss[len(ss)-1].unsettled == 0 {
			b.lanes[other] = ss[:len(ss)-1]
			return ss[len(ss)-1]
		}
	}
	for lower := range l {
		for i, s := range b.lanes[lower] {
			if s.out == 0 {
				b.account.drop(record.Dropped{From: s.first(), To: s.last, Count: uint64(s.unsettled), Level: lower.String(), Reason: reasonFull})
				b.bytes -= s.bytes
				b.lanes[lower] = slices.Delete(b.lanes[lower], i, i+1)
				return s
			}
		}
	}
	return nil
}

// added counts the entry that was just written to s.
func (b *buffer) added(s *segment, before int) {
	b.bytes += s.bytes - before
	if b.durable && s.file == nil {
		b.stopgap++
	}
}

// emptied takes a segment back that holds nothing any more.
func (b *buffer) emptied(s *segment) {
	ss := b.lanes[s.lane]
	i := slices.Index(ss, s)
	switch {
	case i < 0:
	case i == len(ss)-1 && (s.file != nil || !b.durable):
		s.reuse(b.account, s.lane) // so that a service at rest works in memory that is warm
	default:
		b.lanes[s.lane] = slices.Delete(ss, i, i+1)
		if s.file == nil && b.durable {
			b.made--
			return
		}
		b.free = append(b.free, s)
	}
}

// unsettled is the lowest number waiting, 0 for none.
func (b *buffer) unsettled() (lowest uint64) {
	lowest = b.restFirst
	for _, ss := range b.lanes {
		for _, s := range ss {
			if s.unsettled > 0 {
				if n := s.first(); lowest == 0 || n < lowest {
					lowest = n
				}
				break
			}
		}
	}
	return lowest
}

// waiting counts the entries.
func (b *buffer) waiting() uint64 {
	n := b.rest
	for _, ss := range b.lanes {
		for _, s := range ss {
			n += uint64(s.unsettled)
		}
	}
	return n
}

// retire gives all segments away. What was left in them is remembered.
func (b *buffer) retire() []*segment {
	b.rest, b.restFirst = b.waiting(), b.unsettled()
	all := append(slices.Concat(b.lanes[:]...), b.free...)
	b.lanes, b.free = [lanes][]*segment{}, nil
	return all
}

// unfed are the segments with entries not handed to the producer yet, the
// oldest of each lane. None of them is dropped before they have been read.
func (b *buffer) unfed(found []cursor) []cursor {
	for _, ss := range b.lanes {
		if i := slices.IndexFunc(ss, func(s *segment) bool { return s.next < s.end }); i >= 0 {
			ss[i].out++
			found = append(found, cursor{seg: ss[i], at: ss[i].next, end: ss[i].end})
		}
	}
	return found
}

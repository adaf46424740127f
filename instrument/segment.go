package instrument

import (
	"encoding/binary"
	"hash/crc32"
	"os"

	"github.com/waybill-log/waybill/record"
)

// A segment is a piece of the buffer: memory of a fixed size, mapped from a
// file where there is a data folder, into which records are copied one behind
// the other.
//
//	┌ head ─┬ entry ┬ entry ┬ entry ┬ 0 ┄┄┄┄┐
//	        low ▲       next ▲      end ▲
//
// Up to low Kafka has all; up to next all was handed to the producer. The shipper's
// lock guards every field and the bytes from end on.
//
// An entry is 20 bytes of head, little endian, then key and record. A length of
// 0 ends the entries, whatever an earlier use has left behind it.
//
//	0 length of key and record     8 number            18 lane
//	4 checksum of all the rest     16 length of key    19 settled
type segment struct {
	data    []byte
	file    *os.File // nil: memory alone, gone with the process
	path    string
	account *account // whose numbers these are
	lane    lane

	end       int
	next      int
	low       int
	last      uint64 // number of the entry before end
	unsettled int    // entries
	bytes     int    // of them
	out       int    // of them, those at the producer or due to go there once more; more while they are read

	top, done int // see mark
	synced    int // end when the file was last synced
	use       int // counts how often it was emptied
}

const (
	segmentBytes = 1 << 20 // holds the largest record
	segmentHead  = 16
	segmentMagic = 0x47455357 // "WSEG"
	entryHead    = 20
	settledByte  = 19
)

// emptySegment is the bytes of a new segment.
func emptySegment() []byte {
	data := make([]byte, segmentBytes)
	binary.LittleEndian.PutUint32(data, segmentMagic)
	return data
}

// reuse empties the segment for a lane of an account.
func (s *segment) reuse(a *account, l lane) {
	*s = segment{data: s.data, file: s.file, path: s.path, account: a, lane: l, use: s.use + 1, end: segmentHead, next: segmentHead, low: segmentHead}
	s.terminate()
}

// terminate writes the length of 0 at end.
func (s *segment) terminate() {
	if s.end+4 <= len(s.data) {
		binary.LittleEndian.PutUint32(s.data[s.end:], 0)
	}
}

// room reports whether an entry of n bytes of key and record fits.
func (s *segment) room(n int) bool { return s.end+entryHead+n <= len(s.data) }

// write adds an entry: head and numbers make the record. Its length is written
// last, once the entry behind it is none: until then there is no entry.
func (s *segment) write(key, node string, n record.Numbers, head ...[]byte) {
	h := s.data[s.end:]
	tail := entryHead + copy(h[entryHead:], key)
	for _, piece := range head {
		tail += copy(h[tail:], piece)
	}
	end := tail + len(record.AppendNumbers(h[tail:tail:len(h)], node, n))
	binary.LittleEndian.PutUint64(h[8:], n.Sequence)
	binary.LittleEndian.PutUint16(h[16:], uint16(len(key)))
	h[18], h[settledByte] = byte(s.lane), 0
	binary.LittleEndian.PutUint32(h[4:], checksum(h[:end]))
	s.end += end
	s.terminate()
	binary.LittleEndian.PutUint32(h, uint32(end-entryHead))
	s.last = n.Sequence
	s.unsettled++
	s.bytes += end
}

// checksum is that of an entry: the CRC-32C of key and record, folded with the
// head, which is too short to be worth another call.
func checksum(h []byte) uint32 {
	head := binary.LittleEndian.Uint64(h[8:])
	return crc32.Checksum(h[entryHead:], castagnoli) ^ uint32(head) ^ uint32(head>>32) ^ uint32(h[16])<<8 ^ uint32(h[17])<<16 ^ uint32(h[18])<<24
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry is where a record lies in a segment.
type entry struct {
	at, length  int // length is of key and record
	number      uint64
	key, record []byte
	settled     bool
}

// at reads the entry at an offset below end.
func (s *segment) at(offset int) entry {
	h := s.data[offset:]
	n, key := int(binary.LittleEndian.Uint32(h)), int(binary.LittleEndian.Uint16(h[16:]))
	body := h[entryHead : entryHead+n : entryHead+n]
	return entry{
		at: offset, length: n, number: binary.LittleEndian.Uint64(h[8:]), key: body[:key:key], record: body[key:], settled: h[settledByte] == 1,
	}
}

// mark notes that Kafka has an entry that was handed over, and moves done on.
// Unlike all else it is the business of the goroutine that settles alone: it
// looks at nothing behind what that has been given.
func (s *segment) mark(e entry) {
	s.data[e.at+settledByte] = 1
	s.top = max(s.top, e.at+entryHead+e.length)
	for s.done = max(s.done, segmentHead); s.done < s.top && s.data[s.done+settledByte] == 1; {
		s.done += entryHead + int(binary.LittleEndian.Uint32(s.data[s.done:]))
	}
}

// settle takes an entry that is marked off the counts.
func (s *segment) settle(e entry) {
	s.low = max(s.low, s.done)
	s.unsettled--
	s.out--
	s.bytes -= entryHead + e.length
}

// first is the lowest number not settled.
func (s *segment) first() uint64 { return binary.LittleEndian.Uint64(s.data[s.low+8:]) }

// recover finds the entries in the bytes of a segment that a killed process has
// left. whole is false where bytes are not what was written: the entries that
// checksums prove are there all the same.
func (s *segment) recover() (whole bool) {
	if len(s.data) < segmentHead || binary.LittleEndian.Uint32(s.data) != segmentMagic {
		return false
	}
	s.end, s.next, s.low = segmentHead, segmentHead, segmentHead
	whole = len(s.data) == segmentBytes
	for at := segmentHead; at+entryHead <= len(s.data); {
		h := s.data[at:]
		n := int(binary.LittleEndian.Uint32(h))
		if n == 0 {
			break
		}
		if n > len(h)-entryHead || int(binary.LittleEndian.Uint16(h[16:])) > n {
			return false
		}
		if binary.LittleEndian.Uint32(h[4:]) != checksum(h[:entryHead+n]) {
			whole = false
			h[settledByte] = 1 // passed over, with its number: a ledger must not rest on it
		} else {
			s.last = max(s.last, binary.LittleEndian.Uint64(h[8:]))
		}
		if h[settledByte] != 1 {
			s.unsettled++
			s.bytes += entryHead + n
		}
		at += entryHead + n
		s.end = at
	}
	for s.low < s.end && s.data[s.low+settledByte] == 1 {
		s.low += entryHead + int(binary.LittleEndian.Uint32(s.data[s.low:]))
	}
	return whole
}

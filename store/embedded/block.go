package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// blockBytes is how many bytes of records one block takes, before compression: few
// enough to be read for one record, enough to compress well.
const blockBytes = 16 << 10

// errCorrupt is a file that does not hold what was written to it.
var errCorrupt = errors.New("corrupt")

// appendBlock writes records one after the other, their sizes in front.
func appendBlock(dst []byte, records [][]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(records)))
	for _, raw := range records {
		dst = binary.AppendUvarint(dst, uint64(len(raw)))
	}
	for _, raw := range records {
		dst = append(dst, raw...)
	}
	return dst
}

// parseBlock is the inverse of appendBlock. The records share b's memory.
func parseBlock(b []byte) ([][]byte, error) {
	n, rest, ok := uvarint(b)
	if !ok || n > uint64(len(rest)) {
		return nil, fmt.Errorf("%w: a block's head", errCorrupt)
	}
	sizes, at := rest, 0
	for range n { // skip the sizes to find where the records begin
		_, after, ok := uvarint(rest)
		if !ok {
			return nil, fmt.Errorf("%w: a record's size", errCorrupt)
		}
		rest = after
	}
	records := make([][]byte, n)
	for i := range records {
		size, after, _ := uvarint(sizes)
		sizes = after
		if size > uint64(len(rest)-at) {
			return nil, fmt.Errorf("%w: a record is cut", errCorrupt)
		}
		records[i] = rest[at : at+int(size) : at+int(size)]
		at += int(size)
	}
	if at != len(rest) {
		return nil, fmt.Errorf("%w: a block is longer than its records", errCorrupt)
	}
	return records, nil
}

// seal puts b's checksum in front of it; unseal checks it. Salt is the place b
// belongs to, so that one block is not taken for another.
func seal(b []byte, salt uint64) []byte {
	return append(binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(b)), xxhash.Sum64(b)^salt), b...)
}

func unseal(b []byte, salt uint64) ([]byte, error) {
	if len(b) < 8 || binary.LittleEndian.Uint64(b) != xxhash.Sum64(b[8:])^salt {
		return nil, fmt.Errorf("%w: a checksum does not match", errCorrupt)
	}
	return b[8:], nil
}

package live

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// position is the next offset of each partition, by its number. A partition that is not in
// it is read from its start.
type position []int64

// maxPartitions bounds the partitions of the topic, and so a token.
const maxPartitions = 1024

// maxToken is the longest token that is read: every partition with an offset of 8 bytes.
const maxToken = 12 << 10

const tokenVersion = 1

// ErrToken wraps every reason for which a token cannot be read.
var ErrToken = errors.New("not a place in the tail; take the last event's id as it stands there, or begin without one")

func (at position) of(partition int32) int64 {
	if int(partition) < len(at) {
		return at[partition]
	}
	return 0
}

func (at *position) set(partition int32, next int64) {
	for int(partition) >= len(*at) {
		*at = append(*at, 0)
	}
	(*at)[partition] = next
}

// String is what parsePosition reads: URL-safe, and nothing to look into.
func (at position) String() string {
	b := make([]byte, 1, 1+5*len(at))
	b[0] = tokenVersion
	for _, next := range at {
		b = binary.AppendUvarint(b, uint64(next))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parsePosition reads a token. Its error is ErrToken.
func parsePosition(token string) (position, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("%d characters are %w", len(token), ErrToken)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) == 0 || b[0] != tokenVersion || strings.ContainsAny(token, "\r\n") { // which base64 passes over
		return nil, ErrToken
	}
	at := position{}
	for b = b[1:]; len(b) > 0; {
		next, n := binary.Uvarint(b)
		if n <= 0 || next > math.MaxInt64 || n > 1 && b[n-1] == 0 || len(at) == maxPartitions {
			return nil, ErrToken
		}
		at, b = append(at, int64(next)), b[n:]
	}
	return slices.Clip(at), nil
}

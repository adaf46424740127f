package embedded

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// numbers are those of each instance's records that are held.
type numbers map[string]*roaring64.Bitmap

func (s numbers) add(node string, n uint64) {
	set, ok := s[node]
	if !ok {
		set = roaring64.New()
		s[strings.Clone(node)] = set
	}
	set.Add(n)
}

func (s numbers) has(node string, n uint64) bool {
	set, ok := s[node]
	return ok && set.Contains(n)
}

func (s numbers) join(other numbers) {
	for node, set := range other {
		if mine, ok := s[node]; ok {
			mine.Or(set)
		} else {
			s[node] = set.Clone()
		}
	}
}

// held counts an instance's numbers up to last, and tells the lowest.
func (s numbers) held(node string, last uint64) (n int64, lowest uint64) {
	set, ok := s[node]
	if !ok || set.IsEmpty() {
		return 0, 0
	}
	if n = int64(set.Rank(last)); n == 0 {
		return 0, 0
	}
	return n, set.Minimum()
}

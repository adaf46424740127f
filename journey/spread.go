package journey

import (
	"math/bits"
	"time"
)

// Spread is how durations are spread, all in ns. Its quantiles are up to an eighth too
// long. Zero: there were none.
type Spread struct {
	Count int           `json:"count"`
	Least time.Duration `json:"least"`
	P50   time.Duration `json:"p50"`
	P95   time.Duration `json:"p95"`
	P99   time.Duration `json:"p99"`
	Most  time.Duration `json:"most"`
}

// sketch counts durations, those together that differ by an eighth at most, and so its
// size does not grow with them.
type sketch struct {
	counts      map[uint16]int // by bucket
	count       int
	least, most time.Duration
}

// bucket numbers durations: up to 15 ns each its own, then eight to each power of two.
func bucket(d time.Duration) uint16 {
	n := uint64(max(d, 0))
	if n < 16 {
		return uint16(n)
	}
	shift := bits.Len64(n) - 4
	return uint16(shift*8) + uint16(n>>shift)
}

// largest is the longest duration of a bucket.
func largest(b uint16) time.Duration {
	if b < 16 {
		return time.Duration(b)
	}
	shift := (b - 8) / 8
	return time.Duration(uint64(b-shift*8+1)<<shift - 1)
}

func (s *sketch) add(d time.Duration) {
	if s.counts == nil {
		s.counts = map[uint16]int{}
	}
	s.counts[bucket(d)]++
	if s.count == 0 || d < s.least {
		s.least = d
	}
	s.most = max(s.most, d)
	s.count++
}

func (s *sketch) quantile(q float64) time.Duration {
	rest := int(q * float64(s.count))
	for b := range bucket(1<<63-1) + 1 {
		if rest -= s.counts[b]; rest < 0 {
			return min(largest(b), s.most)
		}
	}
	return s.most
}

func (s *sketch) spread() Spread {
	return Spread{s.count, s.least, s.quantile(0.5), s.quantile(0.95), s.quantile(0.99), s.most}
}

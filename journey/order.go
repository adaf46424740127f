package journey

import (
	"slices"

	"github.com/waybill-log/waybill/record"
)

// edge says that one record happened before another: indices of a list that is
// sorted by time. A soft one is most likely so, and not proved.
type edge struct {
	from, to int32
	soft     bool
}

// chain orders the numbered records of each instance.
func chain(edges []edge, rs []*record.Record) []edge {
	last := map[string]int32{}
	sorted := true
	for i, r := range rs {
		if r.Sequence == 0 {
			continue
		}
		if before, ok := last[r.Node]; ok {
			if rs[before].Sequence > r.Sequence {
				sorted = false
				break
			}
			edges = append(edges, edge{from: before, to: int32(i)})
		}
		last[r.Node] = int32(i)
	}
	if sorted {
		return edges
	}
	edges = edges[:0:0]
	byNode := map[string][]int32{}
	for i, r := range rs {
		if r.Sequence != 0 {
			byNode[r.Node] = append(byNode[r.Node], int32(i))
		}
	}
	for _, is := range byNode {
		sortBy(is, func(i int32) uint64 { return rs[i].Sequence })
		for n := 1; n < len(is); n++ {
			edges = append(edges, edge{from: is[n-1], to: is[n]})
		}
	}
	return edges
}

// causal places each of n records after its causes; among those that may come
// next the earliest does. Soft causes give way where they contradict others. Where
// the others contradict each other, the earliest record left goes first, so that a
// broken journey is still a journey; odd is one such, or none.
func causal(n int, edges []edge) (order []int32, odd int32) {
	first := make([]int32, n+1) // of each record's edges, sorted by where they come from
	waits := make([]struct{ hard, soft int32 }, n)
	for _, e := range edges {
		if e.from != e.to {
			first[e.from+1]++
			if e.soft {
				waits[e.to].soft++
			} else {
				waits[e.to].hard++
			}
		}
	}
	for i := range n {
		first[i+1] += first[i]
	}
	after := make([]edge, first[n])
	at := slices.Clone(first[:n])
	for _, e := range edges {
		if e.from != e.to {
			after[at[e.from]] = e
			at[e.from]++
		}
	}
	placed := make([]bool, n)
	order = make([]int32, 0, n)
	var free, likely indices // nothing is before; only soft causes are
	ready := func(i int32) {
		switch {
		case placed[i] || waits[i].hard > 0:
		case waits[i].soft > 0:
			likely.push(i)
		default:
			free.push(i)
		}
	}
	for i := range n {
		ready(int32(i))
	}
	odd = none
	earliest := int32(0)
	for len(order) < n {
		var i int32
		switch {
		case len(free) > 0:
			i = free.pop()
		case len(likely) > 0:
			i = likely.pop()
		default:
			for placed[earliest] {
				earliest++
			}
			i = earliest
			if odd == none {
				odd = i
			}
		}
		if placed[i] {
			continue
		}
		placed[i] = true
		order = append(order, i)
		for _, e := range after[first[i]:first[i+1]] {
			if e.soft {
				waits[e.to].soft--
			} else {
				waits[e.to].hard--
			}
			if waits[e.to].hard == 0 && (waits[e.to].soft == 0 || !e.soft) {
				ready(e.to)
			}
		}
	}
	return order, odd
}

// indices is a heap of record indices: records are sorted by time.
type indices []int32

func (h *indices) push(x int32) {
	s := append(*h, x)
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if s[up] <= s[i] {
			break
		}
		s[up], s[i] = s[i], s[up]
		i = up
	}
	*h = s
}

func (h *indices) pop() int32 {
	s := *h
	top := s[0]
	s[0] = s[len(s)-1]
	s = s[:len(s)-1]
	for i := 0; ; {
		least := 2*i + 1
		if least >= len(s) {
			break
		}
		if least+1 < len(s) && s[least+1] < s[least] {
			least++
		}
		if s[i] <= s[least] {
			break
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
	*h = s
	return top
}

package embedded

import (
	"container/heap"
	"slices"
)

// top keeps the first n of what it is given, in the order of compare.
type top[T any] struct {
	n       int
	compare func(a, b T) int
	held    []T // where there are n a heap, the last of them in front
}

func (t *top[T]) Len() int           { return len(t.held) }
func (t *top[T]) Less(i, j int) bool { return t.compare(t.held[i], t.held[j]) > 0 }
func (t *top[T]) Swap(i, j int)      { t.held[i], t.held[j] = t.held[j], t.held[i] }
func (t *top[T]) Push(any)           { panic("never called: add appends") }
func (t *top[T]) Pop() any           { panic("never called: add replaces") }

func (t *top[T]) full() bool { return len(t.held) >= t.n }

// takes reports whether x would be among the first n.
func (t *top[T]) takes(x T) bool { return !t.full() || t.compare(x, t.held[0]) < 0 }

func (t *top[T]) add(x T) {
	switch {
	case !t.full():
		if t.held = append(t.held, x); t.full() {
			heap.Init(t)
		}
	case t.takes(x):
		t.held[0] = x
		heap.Fix(t, 0)
	}
}

// sorted returns what is held, in order.
func (t *top[T]) sorted() []T {
	out := slices.Clone(t.held)
	slices.SortFunc(out, t.compare)
	return out
}

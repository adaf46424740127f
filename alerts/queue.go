package alerts

import "container/heap"

// queue gives what is due, the earliest first. What it holds may have changed since: whoever
// takes it looks.
type queue[T any] struct{ items []queued[T] }

type queued[T any] struct {
	at   int64 // ns since 1970
	what T
}

func (q *queue[T]) push(at int64, what T) { heap.Push((*order[T])(q), queued[T]{at, what}) }

// pop takes the first out that is due by a time.
func (q *queue[T]) pop(by int64) (at int64, what T, ok bool) {
	if len(q.items) == 0 || q.items[0].at > by {
		return 0, what, false
	}
	first := heap.Pop((*order[T])(q)).(queued[T])
	return first.at, first.what, true
}

// order makes a heap of a queue.
type order[T any] queue[T]

func (o *order[T]) Len() int           { return len(o.items) }
func (o *order[T]) Less(i, j int) bool { return o.items[i].at < o.items[j].at }
func (o *order[T]) Swap(i, j int)      { o.items[i], o.items[j] = o.items[j], o.items[i] }
func (o *order[T]) Push(one any)       { o.items = append(o.items, one.(queued[T])) }
func (o *order[T]) Pop() any {
	last := o.items[len(o.items)-1]
	o.items[len(o.items)-1] = queued[T]{}
	o.items = o.items[:len(o.items)-1]
	return last
}

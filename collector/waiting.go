package collector

import (
	"container/heap"
	"iter"
	"time"

	"github.com/waybill-log/waybill/store"
)

// waiting are journeys that only the store has, and that are to be judged again at
// some time: small, since there may be many.
type waiting struct {
	known map[store.SummaryID]waiter
	order *waiters
}

type waiter struct {
	check int64 // ns since 1970
	days  int32 // since 1970
}

func (w waiter) day() time.Time { return time.Unix(int64(w.days)*24*60*60, 0).UTC() }

func newWaiting() waiting { return waiting{map[store.SummaryID]waiter{}, &waiters{}} }

func (w waiting) add(ref store.SummaryRef, check time.Time) {
	w.known[ref.ID] = waiter{check.UnixNano(), int32(ref.Day.Unix() / (24 * 60 * 60))}
	heap.Push(w.order, dated{check.UnixNano(), ref.ID})
}

// take takes one out.
func (w waiting) take(id store.SummaryID) (waiter, bool) {
	one, ok := w.known[id]
	delete(w.known, id)
	return one, ok
}

// passed takes out those that are to be judged by now.
func (w waiting) passed(asOf time.Time) iter.Seq[store.SummaryRef] {
	return func(yield func(store.SummaryRef) bool) {
		for !asOf.IsZero() && w.order.Len() > 0 && (*w.order)[0].check <= asOf.UnixNano() {
			first := heap.Pop(w.order).(dated)
			one, ok := w.known[first.id]
			if !ok || one.check != first.check {
				continue // taken out meanwhile
			}
			delete(w.known, first.id)
			if !yield(store.SummaryRef{Day: one.day(), ID: first.id}) {
				return
			}
		}
	}
}

// waiters is a heap, the earliest first. Some may have been taken out.
type waiters []dated

type dated struct {
	check int64
	id    store.SummaryID
}

func (w waiters) Len() int           { return len(w) }
func (w waiters) Less(i, j int) bool { return w[i].check < w[j].check }
func (w waiters) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *waiters) Push(one any)      { *w = append(*w, one.(dated)) }
func (w *waiters) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}

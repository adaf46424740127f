package live

// ring is a queue whose elements keep their number for good.
type ring[T any] struct {
	items []T // a circle; len is a power of two, or zero
	first uint64
	end   uint64 // the number of the next one
}

func (r *ring[T]) len() int { return int(r.end - r.first) }

// at is an element by its number, from first to before end.
func (r *ring[T]) at(n uint64) T { return r.items[n&uint64(len(r.items)-1)] }

func (r *ring[T]) push(item T) {
	if r.len() == len(r.items) {
		grown := make([]T, max(64, 2*len(r.items)))
		for n := r.first; n < r.end; n++ {
			grown[n&uint64(len(grown)-1)] = r.at(n)
		}
		r.items = grown
	}
	r.items[r.end&uint64(len(r.items)-1)] = item
	r.end++
}

// shift takes the first one out.
func (r *ring[T]) shift() T {
	var none T
	i := r.first & uint64(len(r.items)-1)
	item := r.items[i]
	r.items[i] = none
	r.first++
	return item
}

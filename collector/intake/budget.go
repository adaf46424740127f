package intake

import (
	"fmt"
	"net/http"
	"sync"
)

// budget is the memory that all requests share.
type budget struct {
	mu   sync.Mutex
	all  int // bytes
	free int // of them
}

// lease is one request's part of a budget.
type lease struct {
	from    *budget
	taken   int // guarded by from.mu, like holders
	holders int
}

func newBudget(bytes int) *budget { return &budget{all: bytes, free: bytes} }

func (b *budget) lease() *lease { return &lease{from: b, holders: 1} }

// grow takes more. Its error is a *refusal: others have the rest, or there is
// not that much.
func (l *lease) grow(bytes int) error {
	l.from.mu.Lock()
	defer l.from.mu.Unlock()
	if l.taken+bytes > l.from.all {
		return &refusal{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("it takes more than %d bytes of memory; send smaller requests", l.from.all)}
	}
	if bytes > l.from.free {
		return &refusal{status: statusBusy, detail: "too much is under way; send the same request again later", after: retryBusy}
	}
	l.from.free -= bytes
	l.taken += bytes
	return nil
}

// shrink gives some back.
func (l *lease) shrink(bytes int) {
	l.from.mu.Lock()
	defer l.from.mu.Unlock()
	l.from.free += bytes
	l.taken -= bytes
}

// share adds a holder, who releases too.
func (l *lease) share() {
	l.from.mu.Lock()
	defer l.from.mu.Unlock()
	l.holders++
}

// release gives everything back once the last holder has called it.
func (l *lease) release() {
	l.from.mu.Lock()
	defer l.from.mu.Unlock()
	if l.holders--; l.holders == 0 {
		l.from.free += l.taken
		l.taken = 0
	}
}

package gateway

import (
	"context"
	"sync"
)

// flights are the answers under way, by key. The zero value is ready.
type flights struct {
	sync.Mutex
	open map[string]*flight
}

// flight is one of them.
type flight struct {
	landed chan struct{}
	kept   bool // its answer is in the cache; to be read once it has landed
}

// board returns the flight for a key; first says that the caller is to make it.
func (s *flights) board(key string) (f *flight, first bool) {
	s.Lock()
	defer s.Unlock()
	if f, ok := s.open[key]; ok {
		return f, false
	}
	if s.open == nil {
		s.open = map[string]*flight{}
	}
	f = &flight{landed: make(chan struct{})}
	s.open[key] = f
	return f, true
}

// land lets all go who wait for f.
func (s *flights) land(key string, f *flight) {
	s.Lock()
	delete(s.open, key)
	s.Unlock()
	close(f.landed)
}

func (f *flight) wait(ctx context.Context) (kept bool, err error) {
	select {
	case <-f.landed:
		return f.kept, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

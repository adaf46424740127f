package query

import (
	"sync"
	"time"
)

// How much of built journeys is kept, so that the windows of one that somebody scrolls through
// need not build it again, and agree with each other.
const (
	usualKept = 256 << 20 // bytes of their records; the largest journeys have 70 MB or so
	maxKept   = 64        // journeys
	keptFor   = 5 * time.Minute
)

// builds are journeys as they were built, by revision: those that were asked for last. Safe for
// concurrent use.
type builds struct {
	max int64

	mu    sync.Mutex
	kept  []*build // the one used last comes last
	bytes int64
}

// get is nil where a build is no longer kept.
func (b *builds) get(revision string) *build {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, one := range b.kept {
		if one.revision == revision {
			one.ends.Reset(keptFor)
			b.kept = append(append(b.kept[:i:i], b.kept[i+1:]...), one)
			return one
		}
	}
	return nil
}

// put keeps a build unless it is too large, and lets go those that were not used for longest.
func (b *builds) put(one *build) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(func(o *build) bool { return o.revision == one.revision })
	if one.bytes() > b.max {
		return
	}
	one.ends = time.AfterFunc(keptFor, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.drop(func(o *build) bool { return o == one })
	})
	b.kept = append(b.kept, one)
	b.bytes += one.bytes()
	for b.bytes > b.max || len(b.kept) > maxKept {
		oldest := b.kept[0]
		b.drop(func(o *build) bool { return o == oldest })
	}
}

// forget drops the builds that have records of some correlation keys.
func (b *builds) forget(keys []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(func(o *build) bool { return o.has(keys) })
}

// drop is called with the lock held.
func (b *builds) drop(which func(*build) bool) {
	var kept []*build
	for _, one := range b.kept {
		if !which(one) {
			kept = append(kept, one)
			continue
		}
		one.ends.Stop()
		b.bytes -= one.bytes()
	}
	b.kept = kept
}

package live

import (
	"bytes"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/store"
)

// maxAhead is the collector's: a record dated further after the broker's time is a dead letter.
const maxAhead = 24 * time.Hour

// accept checks a message as the collector does, so that nothing is shown which the store
// will not have. The entry has memory of its own: a message shares that of a whole fetch.
func (f *Follower) accept(m *sarama.ConsumerMessage) (store.Entry, bool) {
	e, err := store.NewEntry(bytes.Clone(m.Value))
	switch {
	case err != nil:
		return e, false
	case !m.Timestamp.IsZero() && e.Time.After(m.Timestamp.Add(maxAhead)):
		return e, false
	case f.cfg.Retention > 0 && e.Time.Before(time.Now().Add(-f.cfg.Retention).UTC().Truncate(24*time.Hour)):
		return e, false
	}
	return e, true
}

// arrival is a message that is being taken.
type arrival struct {
	offset int64
	item   *item    // nil: not to be shown
	hits   []*group // that want it
}

// take reads messages of one partition, matches them and gives them to whoever waits. What
// takes time is done before the lock.
func (f *Follower) take(number int32, messages []*sarama.ConsumerMessage) {
	groups := f.groups.Load()
	arrivals := make([]arrival, len(messages))
	for i, m := range messages {
		a := &arrivals[i]
		a.offset = m.Offset
		if e, ok := f.accept(m); ok {
			a.item = &item{entry: e, partition: number, offset: m.Offset}
			a.hits = matching(*groups, e)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.groups.Load()
	p := f.partitions[number]
	for _, a := range arrivals {
		if a.offset < p.next {
			continue
		}
		p.advance(a.offset + 1)
		if a.item == nil || !f.memory.add(a.item) {
			continue
		}
		if now != groups { // a client has come meanwhile, or gone
			a.hits = matching(*now, a.item.entry)
		}
		if len(a.hits) > 0 {
			a.item.token = f.position().String()
		}
		for _, g := range a.hits {
			g.push(a.item, f.cfg.QueueRecords, f.cfg.QueueBytes)
		}
	}
	f.evict()
	f.bell.ring()
	for _, g := range *now {
		if g.fed {
			g.fed = false
			g.bell.ring()
		}
	}
}

func matching(groups []*group, e store.Entry) (hits []*group) {
	for _, g := range groups {
		if g.matches(e) {
			hits = append(hits, g)
		}
	}
	return hits
}

// evict keeps memory within its bytes.
func (f *Follower) evict() {
	if f.memory.bytes <= f.cfg.Bytes {
		return
	}
	for f.memory.bytes > f.cfg.Bytes {
		i := f.memory.drop()
		p := f.partitions[i.partition]
		p.floor = max(p.floor, i.offset+1)
	}
	for _, g := range *f.groups.Load() {
		g.trim(f.memory.log.first)
	}
}

package live

import (
	"slices"

	"github.com/waybill-log/waybill/store"
)

// item is a record in memory. It does not change once it is there, but for its chains.
type item struct {
	entry     store.Entry
	partition int32
	offset    int64
	number    uint64 // in the log
	token     string // where to go on after it; empty where no group wanted it

	nextOfKey, nextOfTrace *item
}

// itemOverhead is what an item takes beside its record: itself, its token, and its places
// in the log and the indices; measured.
const itemOverhead = 480

func (i *item) size() int { return len(i.entry.Raw) + itemOverhead }

// memory is what came last, in the order of its coming. Its owner's lock guards it.
type memory struct {
	log    ring[*item]
	bytes  int
	byID   map[string]*item
	keys   map[string]chain
	traces map[string]chain
}

// chain is items with one thing in common, in the order of the log.
type chain struct{ first, last *item }

func newMemory() memory {
	return memory{byID: map[string]*item{}, keys: map[string]chain{}, traces: map[string]chain{}}
}

// add takes an item, unless its record is here already.
func (m *memory) add(i *item) bool {
	if _, there := m.byID[i.entry.ID]; there {
		return false
	}
	i.number = m.log.end
	m.log.push(i)
	m.byID[i.entry.ID] = i
	m.bytes += i.size()
	if key := i.entry.Key; key != "" {
		c := m.keys[key]
		if c.last == nil {
			c.first = i
		} else {
			c.last.nextOfKey = i
		}
		c.last = i
		m.keys[key] = c
	}
	if trace := i.entry.Trace; trace != "" {
		c := m.traces[trace]
		if c.last == nil {
			c.first = i
		} else {
			c.last.nextOfTrace = i
		}
		c.last = i
		m.traces[trace] = c
	}
	return true
}

// drop takes the oldest item out.
func (m *memory) drop() *item {
	i := m.log.shift()
	m.bytes -= i.size()
	delete(m.byID, i.entry.ID)
	if key := i.entry.Key; key != "" {
		if i.nextOfKey == nil {
			delete(m.keys, key)
		} else {
			m.keys[key] = chain{i.nextOfKey, m.keys[key].last}
		}
	}
	if trace := i.entry.Trace; trace != "" {
		if i.nextOfTrace == nil {
			delete(m.traces, trace)
		} else {
			m.traces[trace] = chain{i.nextOfTrace, m.traces[trace].last}
		}
	}
	i.nextOfKey, i.nextOfTrace = nil, nil // who holds it does not hold what came later
	return i
}

// forget drops all. Numbers go on.
func (m *memory) forget() {
	end := m.log.end
	*m = newMemory()
	m.log.first, m.log.end = end, end
}

func (m *memory) ofKey(key string) (out []store.Entry) {
	for i := m.keys[key].first; i != nil; i = i.nextOfKey {
		out = append(out, i.entry)
	}
	return out
}

func (m *memory) ofTraces(traces []string) (out []store.Entry) {
	for n, trace := range traces {
		if slices.Contains(traces[:n], trace) {
			continue
		}
		for i := m.traces[trace].first; i != nil; i = i.nextOfTrace {
			out = append(out, i.entry)
		}
	}
	return out
}

package embedded

import (
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// twins finds records that are there already. A number that its instance has
// counted is held or not; an event.id without a number is asked of each segment. Only what
// seems to be held is read: a true twin has the same correlation key, else the same
// trace, else the same time.
type twins struct {
	store *Store
	view  view
	known map[string]map[string][]byte // by term, then event.id
}

// lookup says whether a record's identity is held, and by which record. A number
// that is held by a record that cannot be a twin is held by none that is known.
func (t *twins) lookup(id identity, e store.Entry) (held bool, found []byte, err error) {
	if id.sequence > 0 {
		t.store.mu.RLock()
		held = t.store.held.has(id.node, id.sequence)
		t.store.mu.RUnlock()
	} else {
		hash := hashID(e.ID)
		for _, seg := range t.view {
			held = held || seg.holdsID(hash)
		}
	}
	if !held {
		return false, nil, nil
	}
	switch {
	case e.Key != "":
		found, err = t.byTerm(string(keyTerm)+e.Key, e.ID)
	case e.Trace != "":
		found, err = t.byTerm(string(traceTerm)+e.Trace, e.ID)
	default:
		found, err = t.byTime(e)
	}
	return found != nil || id.sequence > 0, found, err
}

func (t *twins) byTerm(term, id string) ([]byte, error) {
	records, ok := t.known[term]
	if !ok {
		records = map[string][]byte{}
		for _, seg := range t.view {
			err := t.store.withTerm(seg, term, func(raw []byte) error {
				if stub, err := record.Scan(raw); err == nil {
					records[stub.ID] = raw
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		t.known[term] = records
	}
	return records[id], nil
}

// byTime reads the blocks that may hold a record of this time.
func (t *twins) byTime(e store.Entry) ([]byte, error) {
	ns := e.Time.UnixNano()
	d := dayOf(e.Time)
	ms := d.ms(ns)
	for _, seg := range t.view {
		place := seg.layout()
		if seg.day() != d || ns < place.oldest || ns > place.newest {
			continue
		}
		for n := range place.first {
			if ms < place.min[n] || ms > place.max[n] {
				continue
			}
			records, err := t.store.load(seg, n)
			if err != nil {
				return nil, err
			}
			for _, raw := range records {
				if stub, err := record.Scan(raw); err == nil && stub.ID == e.ID {
					return raw, nil
				}
			}
		}
	}
	return nil, nil
}

// withTerm visits the records of a segment that have a term.
func (s *Store) withTerm(seg segment, term string, visit func(raw []byte) error) error {
	place := seg.layout()
	found, err := seg.find(term)
	if err != nil {
		return fault(seg, err)
	}
	if found == nil {
		return nil
	}
	at, records := -1, [][]byte(nil)
	for it := found.Iterator(); it.HasNext(); {
		n := it.Next()
		if n >= place.records {
			return nil
		}
		if block := place.block(n); block != at {
			at = block
			if records, err = s.load(seg, block); err != nil {
				return err
			}
		}
		if err := visit(records[n-place.first[at]]); err != nil {
			return err
		}
	}
	return nil
}

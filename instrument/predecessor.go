package instrument

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// predecessor is an instance of this service that was killed. What it had not
// shipped goes out behind the records of the living, then its ledger is closed
// and its folder goes.
type predecessor struct {
	account *account
	dir     string
	lock    *flock.Flock
	files   []string // segments not read yet
	seg     *segment // being replayed, a copy in memory; its file is seg.path
	path    string
	closing bool // its final ledger is under way
	closed  bool // Kafka has it
	next    *predecessor
}

func newPredecessor(dir, node string, lock *flock.Flock) (*predecessor, error) {
	var i instance
	b, err := os.ReadFile(filepath.Join(dir, instanceName))
	if err == nil {
		err = json.Unmarshal(b, &i)
	}
	if err != nil {
		return nil, err
	}
	p := &predecessor{account: &account{service: i.Service, node: node, topic: i.Topic}, dir: dir, lock: lock}
	if page, err := os.ReadFile(filepath.Join(dir, ledgerName)); err == nil {
		p.account.recover(page)
	}
	p.files, err = filepath.Glob(filepath.Join(dir, "*.segment"))
	return p, err
}

// load reads the next segment. One that is not as it was written is set aside;
// what is whole in it is replayed.
func (p *predecessor) load(aside func(file string) error) (corrupt bool, err error) {
	p.path, p.files = p.files[0], p.files[1:]
	b, err := os.ReadFile(p.path)
	if err != nil {
		return false, err
	}
	p.seg = &segment{data: b, account: p.account}
	whole := p.seg.recover()
	p.account.last = max(p.account.last, p.seg.last)
	if whole {
		return false, nil
	}
	return true, aside(p.path)
}

// take wraps entries of the segment being replayed.
func (p *predecessor) take(out []*parcel, window int) []*parcel {
	if p.seg == nil {
		return out
	}
	c := cursor{seg: p.seg, at: p.seg.next, end: p.seg.end}
	for window > 0 && c.at < c.end {
		if e := p.seg.at(c.at); e.settled {
			c.at += entryHead + e.length
			continue
		}
		out = append(out, c.take())
		window--
	}
	p.seg.next = c.at
	p.seg.out += c.taken
	return out
}

// advance goes on with the replay, once there is nothing live to ship, and
// reports whether there is something to take now.
func (s *shipper) advance(out outlet) bool {
	s.mu.Lock()
	p := s.replay
	if p == nil || p.seg != nil && p.seg.unsettled > 0 || p.closing {
		s.mu.Unlock()
		return false
	}
	done := p.path
	p.seg, p.path = nil, ""
	closed := p.closed
	s.mu.Unlock()
	if done != "" {
		if err := os.Remove(done); err != nil && !errors.Is(err, os.ErrNotExist) { // set aside
			s.failed(err)
		}
	}
	switch {
	case len(p.files) > 0:
		s.mu.Lock()
		defer s.mu.Unlock()
		corrupt, err := p.load(s.spool.setAside)
		if corrupt {
			s.spool.corrupt++
		}
		if err != nil {
			s.spool.err = err
		}
		return true
	case closed:
		_, _ = os.RemoveAll(p.dir), p.lock.Unlock()
		s.mu.Lock()
		s.replay = p.next
		s.spool.predecessors = p.next
		s.mu.Unlock()
		return true
	default:
		s.mu.Lock()
		p.closing = true
		closing := parcelOf(p.account.ledger(0, true), ledgerOf{replayed: p})
		s.mu.Unlock()
		out.send([]*parcel{closing})
		return false
	}
}

package instrument

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/waybill-log/waybill/record"
)

// predecessor is an instance of this service that was killed. What it had not
// shipped goes out behind the records of the living, then its ledger is closed
// and its folder goes. What Kafka refuses of it delays nobody but itself.
type predecessor struct {
	account *account
	dir     string
	lock    *flock.Flock
	files   []leftover // segments not read yet
	seg     *segment   // being replayed, a copy in memory; its file is path
	path    string
	again   []*parcel // to hand over once more
	resume  time.Time // nothing is handed over before
	refused int       // refusals without a success between
	closing bool      // its final ledger is under way
	closed  bool      // Kafka has it
	next    *predecessor
}

// leftover is a segment's file.
type leftover struct {
	path  string
	lane  lane
	first uint64 // number of its first record, settled or not
}

// newPredecessor reads what is in a dead instance's folder, but for the records.
// Files that nobody here has written are passed over.
func newPredecessor(dir, node string, lock *flock.Flock) (*predecessor, error) {
	var i instance
	b, err := os.ReadFile(filepath.Join(dir, instanceName))
	if err == nil {
		err = json.Unmarshal(b, &i)
	}
	switch {
	case err != nil:
		return nil, err
	case i.Version != formatVersion:
		return nil, fmt.Errorf("format %d, want %d", i.Version, formatVersion)
	case i.Service == "" || i.Topic == "":
		return nil, fmt.Errorf("%s names no service or topic", instanceName)
	}
	p := &predecessor{account: &account{service: i.Service, node: node, topic: i.Topic}, dir: dir, lock: lock}
	if page, err := os.ReadFile(filepath.Join(dir, ledgerName)); err == nil {
		p.account.recover(page)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if info, err := e.Info(); err != nil || !strings.HasSuffix(name, ".segment") || !info.Mode().IsRegular() || info.Size() > segmentBytes {
			continue
		}
		f, ok := peek(name)
		if !ok {
			_ = os.Remove(name) // was ready, and never written to
			continue
		}
		p.files = append(p.files, f)
	}
	slices.SortFunc(p.files, func(a, b leftover) int { return cmp.Compare(a.first, b.first) })
	return p, nil
}

// peek looks at the first record of a segment; false: there surely is none.
func peek(name string) (l leftover, ok bool) {
	l = leftover{path: name, lane: laneError}
	f, err := os.Open(name)
	if err != nil {
		return l, true
	}
	defer func() { _ = f.Close() }()
	var head [segmentHead + entryHead]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || binary.LittleEndian.Uint32(head[:]) != segmentMagic {
		return l, true
	}
	first := head[segmentHead:]
	l.lane, l.first = min(lane(first[18]), laneError), binary.LittleEndian.Uint64(first[8:])
	return l, binary.LittleEndian.Uint32(first) != 0
}

// load reads the next segment. One that is not as it was written is set aside;
// what is whole in it is replayed.
func (p *predecessor) load(aside func(file string) error) (s *segment, corrupt bool, err error) {
	b, err := os.ReadFile(p.files[0].path)
	if err != nil {
		return nil, false, err
	}
	s = &segment{data: b, account: p.account}
	if s.recover() {
		return s, false, nil
	}
	return s, true, aside(p.files[0].path)
}

// giveUp drops a segment for want of room. The page says so before the file goes.
func (p *predecessor) giveUp(i int) bool {
	b, err := os.ReadFile(p.files[i].path)
	if err != nil {
		return false
	}
	s := &segment{data: b, account: p.account}
	s.recover()
	p.account.last = max(p.account.last, s.last)
	if s.unsettled > 0 {
		page := make([]byte, pageBytes)
		p.account.drop(record.Dropped{From: s.first(), To: s.last, Count: uint64(s.unsettled), Level: p.files[i].lane.String(), Reason: reasonFull})
		p.account.keep(page)
		p.account.page = nil
		name := filepath.Join(p.dir, ledgerName)
		if writeFile(name+".new", page) != nil || os.Rename(name+".new", name) != nil {
			return false
		}
	}
	if os.Remove(p.files[i].path) != nil {
		return false
	}
	p.files = slices.Delete(p.files, i, i+1)
	return true
}

// take wraps entries of the segment being replayed.
func (p *predecessor) take(out []*parcel, window int) []*parcel {
	if p.seg == nil {
		return out
	}
	n := min(max(window, 0), len(p.again))
	out = append(out, p.again[:n]...)
	p.again = slices.Delete(p.again, 0, n)
	window -= n
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
// reports whether there is something to take now. It holds the lock for no file.
func (s *shipper) advance(out outlet) bool {
	s.mu.Lock()
	p := s.replay
	if p == nil || p.seg != nil && p.seg.unsettled > 0 || p.closing || time.Now().Before(p.resume) {
		s.mu.Unlock()
		return false
	}
	done := p.path
	p.seg, p.path = nil, "" // nothing of it is at the producer
	closed := p.closed
	s.mu.Unlock()
	if done != "" {
		if err := os.Remove(done); err != nil && !errors.Is(err, os.ErrNotExist) { // set aside
			s.failed(err)
		}
	}
	switch {
	case len(p.files) > 0:
		seg, corrupt, err := p.load(s.spool.setAside)
		if seg == nil {
			s.pass(p, err)
			return true
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		p.seg, p.path, p.files = seg, p.files[0].path, p.files[1:]
		p.account.last = max(p.account.last, seg.last)
		if corrupt {
			s.spool.corrupt++
		}
		if err != nil {
			s.spool.err = err
		}
		return true
	case closed:
		bury(p.dir)
		s.pass(p, nil)
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

// pass goes on to the next predecessor. Where err says why p cannot be read, it
// stays for the next start.
func (s *shipper) pass(p *predecessor, err error) {
	_ = p.lock.Unlock()
	next := p.next
	if next == nil && err == nil {
		next = s.spool.inherit() // those beyond maxPredecessors
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replay, s.spool.predecessors = next, next
	if err != nil {
		s.spool.err = err
	}
}

// refuse pauses the replay after a refusal by Kafka.
func (p *predecessor) refuse() {
	if now := time.Now(); now.After(p.resume) {
		p.resume = now.Add(backOff(p.refused))
		p.refused++
	}
}

package instrument

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waybill-log/waybill/record"
)

var (
	errFull   = errors.New("shipping buffer is full")
	errClosed = errors.New("instrument is shut down")
)

// shipper owns the records that Kafka has not acknowledged yet.
//
//	accept ─► buffer ─► take ─► feed ─► Kafka ─► settled ─► out of the buffer
//	                     ▲                 │ refused
//	                     └───── again ◄────┘
//
// The lowest number in the buffer is what the ledger says. Behind the live
// records, never before them, go those a killed predecessor has left in the
// data folder.
type shipper struct {
	cfg   Config
	node  string
	spool *spool // nil: no data folder

	mu       sync.Mutex
	account  *account
	buffer   buffer
	again    []*parcel // to hand over once more
	inFlight int       // parcels at the producer
	replays  int       // of them, those of a predecessor
	resume   time.Time // nothing is handed over before
	failures int       // refusals without a success between
	group    int       // most parcels at the producer, see refusedForGood; 0: any
	shrunk   bool      // the group at the producer was too large
	resting  bool      // feed waits to be woken
	hungry   bool      // because it has fed all there was
	lastErr  error
	closed   bool
	replay   *predecessor // nil: none, or all have been replayed

	wake     chan struct{} // something to feed, or all is settled
	spare    chan struct{} // the buffer needs a segment
	stop     chan struct{} // closed by close: no more records
	done     chan struct{} // closed when run has ended
	shutdown context.Context
	cancel   context.CancelFunc
}

// Bounds on what is at the producer at a time: enough to keep Kafka busy, and
// little enough that a full buffer can make room among the rest.
const (
	maxTake      = 1024 // parcels at a time
	maxTakeBytes = 2 << 20
	maxInFlight  = 2 * maxTake
	maxReplays   = 256
)

func newShipper(cfg Config, node string, sp *spool) *shipper {
	s := &shipper{
		cfg: cfg, node: node, spool: sp,
		account: &account{service: cfg.Service, node: node, topic: cfg.Topic, skew: cfg.Skew},
		wake:    make(chan struct{}, 1), spare: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	s.buffer = buffer{account: s.account, limit: cfg.BufferBytes / segmentBytes, durable: sp != nil}
	if sp != nil {
		s.replay = sp.predecessors
		s.buffer.limit = max(minSegments, s.buffer.limit-sp.left)
	}
	s.shutdown, s.cancel = context.WithCancel(context.Background())
	s.stock()
	go s.run()
	return s
}

// accept numbers a record and keeps it until Kafka has it. head is the record
// but for its numbers, in pieces, visit the hop it belongs to, nil for none; last closes
// the hop's count. It never waits for Kafka or a disk.
func (s *shipper) accept(key string, l lane, visit *hop, last bool, head ...[]byte) error {
	size := len(key) + tailBytes
	for _, piece := range head {
		size += len(piece)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errClosed
	}
	seg := s.buffer.segment(l, size)
	if seg == nil {
		s.account.refuse()
		s.mu.Unlock()
		return errFull
	}
	before := seg.bytes
	n := record.Numbers{Sequence: s.account.number()}
	if visit != nil {
		visit.sequence++
		n.HopSequence = visit.sequence
		if last {
			n.HopRecords, n.HopSends = visit.sequence, visit.sends.Load()
		}
	}
	seg.write(key, s.node, n, head...)
	s.account.given()
	s.buffer.added(seg, before)
	short := len(s.buffer.free) < spareSegments && s.buffer.made < s.buffer.limit
	if s.hungry {
		s.rouse()
	}
	s.mu.Unlock()
	if short {
		signal(s.spare)
	}
	return nil
}

func (s *shipper) health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := Health{
		Last: s.account.last, Unsettled: s.buffer.unsettled(), Bytes: s.buffer.bytes,
		Refused: s.account.refused, Volatile: s.buffer.stopgap, Err: s.lastErr,
	}
	if h.Unsettled == 0 {
		h.Unsettled = h.Last + 1
	}
	for _, d := range s.account.dropped {
		h.Dropped += counted(d)
	}
	if s.spool != nil {
		h.Data, h.DataErr, h.Corrupt = s.spool.home, s.spool.err, s.spool.corrupt
	}
	for p := s.replay; p != nil; p = p.next {
		h.Replaying++
	}
	return h
}

// close takes no more records, waits until Kafka has all or ctx ends, and
// writes the final ledger.
func (s *shipper) close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	close(s.stop)
	select {
	case <-s.done:
	case <-ctx.Done():
		s.cancel() // run ends by itself; a dead connection may hold it longer than ctx allows
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.buffer.waiting()
	if n == 0 {
		return nil
	}
	kept := ""
	if s.spool != nil && s.spool.home != "" {
		kept = fmt.Sprintf("; they wait in %s for the next start", s.spool.home)
	}
	return fmt.Errorf("%d records did not reach Kafka at %s%s: %w", n, strings.Join(s.cfg.Brokers, ", "), kept, errors.Join(ctx.Err(), s.lastErr))
}

// pending reports whether there are records of this instance to ship.
func (s *shipper) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.bytes > 0
}

// take returns what is to be handed to the producer now. Where there is nothing,
// pause says for how long; 0: until woken. Only feed calls it.
func (s *shipper) take(into []*parcel) (out []*parcel, pause time.Duration) {
	out = into[:0]
	s.mu.Lock()
	if wait := time.Until(s.resume); s.failures > 0 && wait > 0 {
		s.mu.Unlock()
		return out, wait
	}
	group, window := s.group, maxTake
	if s.inFlight > maxInFlight-maxTake {
		window = 0
	}
	if group > 0 {
		window = group
		if s.inFlight > 0 {
			window = 0 // the last of them to settle wakes feed
		}
	}
	s.shrunk = s.shrunk && window == 0
	n := min(max(window, 0), len(s.again))
	out = append(out, s.again[:n]...)
	s.again = slices.Delete(s.again, 0, n)
	var cursors [lanes]cursor
	open := cursors[:0]
	if len(out) < window {
		open = s.buffer.unfed(open)
	}
	if p := s.replay; len(open) == 0 && len(out) == 0 && p != nil {
		if pause = max(0, time.Until(p.resume)); pause == 0 {
			out = p.take(out, min(window, maxReplays-s.replays))
			s.replays += len(out)
		}
	}
	s.resting = len(open) == 0 && len(out) == 0
	s.hungry = s.resting && window > 0
	s.inFlight += len(out)
	s.mu.Unlock()

	live := len(out)
	for bytes := 0; len(out) < window && bytes < maxTakeBytes && len(open) > 0; { // entries do not change, so they are read without the lock
		oldest := 0
		for i := range open {
			if open[i].number() < open[oldest].number() {
				oldest = i
			}
		}
		out = append(out, open[oldest].take())
		bytes += out[len(out)-1].entry.length
		if open[oldest].at == open[oldest].end {
			break
		}
	}
	if len(open) > 0 {
		s.mu.Lock()
		for _, c := range open {
			c.seg.next = c.at
			c.seg.out += c.taken - 1
		}
		s.inFlight += len(out) - live
		s.mu.Unlock()
	}
	return out, pause
}

// cursor reads the entries of a segment from at to end.
type cursor struct {
	seg            *segment
	at, end, taken int
}

func (c *cursor) number() uint64 { return c.seg.at(c.at).number }

// take wraps the entry it is at and moves on.
func (c *cursor) take() *parcel {
	p := parcels.Get().(*parcel)
	e := c.seg.at(c.at)
	*p = parcel{topic: c.seg.account.topic, key: e.key, value: e.record, seg: c.seg, entry: e}
	c.at += entryHead + e.length
	c.taken++
	return p
}

var parcels = sync.Pool{New: func() any { return new(parcel) }}

// settled takes what Kafka has off the buffer. Only settle calls it.
func (s *shipper) settled(done []*parcel) {
	for _, p := range done {
		p.seg.mark(p.entry)
	}
	s.mu.Lock()
	s.lastErr = nil
	for _, p := range done {
		if p.seg.account == s.account {
			s.failures = 0
		} else {
			s.replay.refused = 0
		}
		s.remove(p)
	}
	s.mu.Unlock()
	for _, p := range done {
		*p = parcel{}
		parcels.Put(p)
	}
}

// refusedByKafka lets parcels go once more, after a pause for all.
func (s *shipper) refusedByKafka(refused []*parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refused[0].seg.account != s.account { // live records do not wait for it
		s.replay.refuse()
	} else if now := time.Now(); now.After(s.resume) {
		s.resume = now.Add(backOff(s.failures))
		s.failures++
	}
	s.repeat(refused)
}

// repeat lets parcels go once more.
func (s *shipper) repeat(refused []*parcel) {
	again := &s.again
	if refused[0].seg.account != s.account {
		again = &s.replay.again
	}
	*again = append(*again, refused...)
	slices.SortFunc(*again, func(a, b *parcel) int { return cmp.Compare(a.entry.number, b.entry.number) })
	for _, p := range refused {
		s.landed(p)
	}
}

// maxGroup is where groups begin that Kafka may refuse, and end.
const maxGroup = 64

// refusedForGood drops a record that Kafka will never take. Kafka says so of a
// whole batch, in which all others may be good. So what was refused goes again
// in groups of half the size, one group at a time, until it is taken or is
// alone; a group that is taken lets the next one double.
func (s *shipper) refusedForGood(refused []*parcel, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shrunk = true
	if p := refused[0]; len(refused) == 1 {
		p.seg.account.drop(record.Dropped{From: p.entry.number, To: p.entry.number, Reason: reason})
		p.seg.mark(p.entry)
		s.remove(p)
		return
	}
	if s.group == 0 {
		s.group = maxGroup
	}
	s.group = min(s.group, len(refused)/2)
	s.repeat(refused)
}

// remove takes a parcel's entry, which is marked, out of its segment.
func (s *shipper) remove(p *parcel) {
	live := p.seg.account == s.account
	if live {
		s.buffer.bytes -= entryHead + p.entry.length
	}
	p.seg.settle(p.entry)
	s.landed(p)
	if p.seg.unsettled == 0 {
		if live {
			s.buffer.emptied(p.seg)
		}
		s.rouse()
	}
}

// landed counts a parcel that has come back from the producer.
func (s *shipper) landed(p *parcel) {
	s.inFlight--
	if p.seg.account != s.account {
		s.replays--
	}
	if s.inFlight == 0 && s.group > 0 && !s.shrunk {
		if s.group *= 2; s.group > maxGroup {
			s.group = 0
		}
	}
	if s.inFlight == 0 || s.inFlight == maxInFlight-maxTake || s.replays == maxReplays/2 {
		s.rouse()
	}
}

// rouse wakes feed, if it rests.
func (s *shipper) rouse() {
	if s.resting {
		s.resting, s.hungry = false, false
		signal(s.wake)
	}
}

func (s *shipper) failed(err error) {
	s.mu.Lock()
	s.lastErr = err
	s.mu.Unlock()
}

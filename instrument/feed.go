package instrument

import (
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/waybill-log/waybill/record"
)

// run connects, feeds and settles until closed; beside it, keep.
func (s *shipper) run() {
	defer close(s.done)
	var beside sync.WaitGroup
	ended := make(chan struct{})
	beside.Go(func() { s.keep(ended) })
	settledAll := false
	if out := s.reach(); out != nil {
		written := make(chan error, 1)
		beside.Go(func() { s.settle(out, written) })
		settledAll = s.feed(out, written)
		out.close()
	}
	close(ended)
	beside.Wait() // nothing reads the buffer any more
	if s.spool != nil {
		s.mu.Lock()
		s.account.page = nil
		left, nothing := s.buffer.retire(), settledAll || s.account.last == 0
		s.mu.Unlock()
		s.spool.close(left, nothing) // waits for the disk, so without the lock
	}
}

// reach retries until Kafka answers. It gives up when the shipper is closed
// with nothing to ship, or cancelled.
func (s *shipper) reach() outlet {
	if s.cfg.Deliver != nil {
		return &delivery{deliver: s.cfg.Deliver, out: make(chan landing, 64)}
	}
	for attempt := 0; ; attempt++ {
		client, err := s.cfg.Security.connect(s.cfg.Brokers, carrierConfig(s.cfg.Service))
		if err == nil {
			return newCarrier(client)
		}
		s.failed(err)
		select {
		case <-time.After(backOff(attempt)):
		case <-s.shutdown.Done():
			return nil
		case <-s.stopIfIdle():
			return nil
		}
	}
}

// stopIfIdle is closed once nothing is left to ship and nothing more will come.
func (s *shipper) stopIfIdle() <-chan struct{} {
	if s.pending() {
		return nil
	}
	return s.stop
}

// linger lets some records gather before the first of them is handed over.
const linger = 3 * time.Millisecond

// feed hands over waiting records, and a ledger now and then. It reports whether
// Kafka has all of them and the final ledger.
func (s *shipper) feed(out outlet, written <-chan error) bool {
	ledger := time.NewTimer(s.jittered())
	defer ledger.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	stop := s.stop
	batch := make([]*parcel, 0, maxTake)
	for stop != nil || s.pending() {
		var rest time.Duration
		wake := s.wake
		batch, rest = s.take(batch)
		switch {
		case len(batch) > 0:
			out.send(batch)
			if len(batch) == cap(batch) || stop == nil {
				continue
			}
			rest, wake = linger, nil
		case rest == 0 && s.advance(out):
			continue
		case rest == 0:
			rest = time.Minute
		}
		pause.Reset(rest)
		select {
		case <-wake:
			if stop != nil {
				pause.Reset(linger)
				<-pause.C
			}
		case <-pause.C:
		case <-stop:
			stop = nil
		case <-s.shutdown.Done():
			return false
		case <-ledger.C:
			out.send([]*parcel{s.ledgerParcel(false)})
			ledger.Reset(s.jittered())
		}
	}
	return s.finish(out, written)
}

// finish writes the final ledger, and again until Kafka has it.
func (s *shipper) finish(out outlet, written <-chan error) bool {
	for attempt := 0; ; attempt++ {
		out.send([]*parcel{s.ledgerParcel(true)})
		select {
		case err := <-written:
			if err == nil {
				return true
			}
		case <-s.shutdown.Done():
			return false
		}
		select {
		case <-time.After(backOff(attempt)):
		case <-s.shutdown.Done():
			return false
		}
	}
}

// settle reads what became of each parcel until the outlet is closed.
func (s *shipper) settle(out outlet, written chan<- error) {
	for l := range out.landed() {
		if l.err != nil {
			s.failed(l.err)
		}
		if first := l.parcels[0]; first.seg == nil { // a ledger is alone in its topic, so in its batch
			for _, p := range l.parcels {
				s.ledgerWritten(p.ledger, written, l.err)
			}
			continue
		}
		switch reason := forGood(l.err); {
		case l.err == nil:
			s.settled(l.parcels)
		case reason != "":
			s.refusedForGood(l.parcels, reason)
		default:
			s.refusedByKafka(l.parcels)
		}
	}
}

// ledgerOf says whose ledger a parcel is.
type ledgerOf struct {
	replayed *predecessor // nil: the instance's own
	final    bool
}

func (s *shipper) ledgerWritten(of ledgerOf, written chan<- error, err error) {
	switch {
	case of.replayed != nil:
		s.mu.Lock()
		of.replayed.closed, of.replayed.closing = err == nil, false
		if err != nil {
			of.replayed.refuse()
		}
		s.rouse()
		s.mu.Unlock()
	case of.final:
		written <- err
	}
}

// ledgerParcel says what is true of this instance's numbers now.
func (s *shipper) ledgerParcel(stopped bool) *parcel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return parcelOf(s.account.ledger(s.buffer.unsettled(), stopped), ledgerOf{final: stopped})
}

func parcelOf(l record.Ledger, of ledgerOf) *parcel {
	b, err := json.Marshal(l)
	if err != nil {
		panic("a ledger has no value that JSON lacks: " + err.Error())
	}
	return &parcel{topic: record.TopicInstances, key: []byte(l.Node), value: b, ledger: of}
}

func (s *shipper) jittered() time.Duration {
	return s.cfg.LedgerEvery - rand.N(s.cfg.LedgerEvery/5+1)
}

// backOff doubles from 100 ms to 5 s, less up to half of it at random.
func backOff(attempt int) time.Duration {
	d := min(100*time.Millisecond<<min(attempt, 10), 5*time.Second)
	return d - rand.N(d/2)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

package ship

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// underWay is how many batches are handed over at once.
const underWay = 3

// dispatcher hands batches over, several at once, and moves positions in their order.
type dispatcher struct {
	carrier   Carrier
	positions *Positions
	warn      func(string)
	inOrder   bool
	fail      context.CancelCauseFunc // of who reads

	order   chan *shipment
	free    chan *Batch
	settled sync.WaitGroup
	shipped atomic.Int64
	refused atomic.Int64

	unsaved bool // that positions cannot be saved has been said
}

// shipment is a batch on its way.
type shipment struct {
	*Batch
	refused int
	done    chan error
}

func newDispatcher(cfg *Config, fail context.CancelCauseFunc) *dispatcher {
	d := &dispatcher{carrier: cfg.Carrier, positions: cfg.Positions, warn: cfg.Warn, inOrder: cfg.InOrder, fail: fail, order: make(chan *shipment, underWay-1), free: make(chan *Batch, underWay+1)}
	d.settled.Go(d.settle)
	return d
}

// submit takes a batch, and returns an empty one. It waits while too many are under way; reading ends that.
// What it has taken is handed over until carrying ends. Nothing is taken behind what was not.
func (d *dispatcher) submit(reading, carrying context.Context, b *Batch) *Batch {
	s := &shipment{Batch: b, done: make(chan error, 1)}
	if reading.Err() != nil {
		return &Batch{}
	}
	select {
	case d.order <- s:
	case <-reading.Done():
		return &Batch{}
	}
	carry := func() {
		var err error
		s.refused, err = d.carrier.Carry(carrying, b)
		s.done <- err
	}
	switch {
	case b.Records == 0: // only marks
		s.done <- nil
	case d.inOrder:
		carry()
	default:
		go carry()
	}
	select {
	case b := <-d.free:
		return b
	default:
		return &Batch{Body: make([]byte, 0, batchBytes+batchBytes/8)}
	}
}

// settle waits for batches in their order. After one that failed, no position moves.
func (d *dispatcher) settle() {
	failed := false
	due := time.NewTicker(saveEvery) // of what was settled when it was not due
	defer due.Stop()
	for {
		var s *shipment
		select {
		case s = <-d.order:
		case <-due.C:
			d.saved(d.positions.save(false))
			continue
		}
		if s == nil {
			return
		}
		err := <-s.done
		if err != nil {
			failed = true
			d.fail(err)
			continue
		}
		d.shipped.Add(int64(s.Records - s.refused))
		d.refused.Add(int64(s.refused))
		if failed {
			continue
		}
		d.saved(d.positions.settle(s.marks))
		s.reset()
		select {
		case d.free <- s.Batch: // the carrier has done with its bytes
		default:
		}
	}
}

// saved says once that positions could not be saved.
func (d *dispatcher) saved(err error) {
	if err != nil && !d.unsaved {
		d.unsaved = true
		d.warn(err.Error() + "; shipping goes on, and what is shipped again is stored once")
	}
}

// close waits for what is under way.
func (d *dispatcher) close() {
	close(d.order)
	d.settled.Wait()
}

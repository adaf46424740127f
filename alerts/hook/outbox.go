package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// outbox is what waits in one partition.
type outbox struct {
	m         *Manager
	partition int32
	journal   *flusher
	ctx       context.Context // of attempts
	cancel    context.CancelFunc
	stopping  chan struct{} // closed: nothing is begun any more
	running   sync.WaitGroup

	mu      sync.Mutex
	seq     uint64
	lanes   map[string]*lane
	started bool
}

func newOutbox(m *Manager, partition int32, journal alerts.Journal) *outbox {
	ctx, cancel := context.WithCancel(context.Background())
	return &outbox{
		m: m, partition: partition, ctx: ctx, cancel: cancel, stopping: make(chan struct{}),
		journal: &flusher{Journal: journal, base: ctx}, lanes: map[string]*lane{},
	}
}

// load reads what the last owner left. A value that cannot be read is left where it is.
func (b *outbox) load(kept iter.Seq2[string, []byte]) {
	heads, ended := map[string]uint64{}, map[string][]keptPast{}
	for key, value := range kept {
		kind, receiver, ok := split(key)
		if !ok {
			continue
		}
		var err error
		switch kind {
		case "waiting":
			p := &parcel{}
			if err = json.Unmarshal(value, p); err == nil {
				p.kept, p.tried = true, p.Delivery.Tries+p.Delivery.Redriven > 0
				l := b.lane(receiver)
				l.waiting = append(l.waiting, p)
				b.seq = max(b.seq, p.Seq)
			}
		case "head":
			var seq uint64
			if err = json.Unmarshal(value, &seq); err == nil {
				heads[receiver] = seq
				b.seq = max(b.seq, seq)
			}
		case "past":
			var e past
			if err = json.Unmarshal(value, &e); err == nil {
				ended[receiver] = append(ended[receiver], keptPast{key, e})
			}
		}
		if err != nil {
			b.m.log.Error("a kept notification cannot be read, and stays in the journal", "key", key, "error", err)
		}
	}
	for receiver, all := range ended {
		b.lane(receiver).recall(all)
	}
	for receiver, l := range b.lanes {
		l.resume(heads[receiver])
	}
}

// keptPast is one delivery that has ended, and the key it lies under.
type keptPast struct {
	key string
	past
}

// lane is the one of a receiver. The caller holds mu, or nobody else knows the outbox yet.
func (b *outbox) lane(receiver string) *lane {
	l := b.lanes[receiver]
	if l == nil {
		l = newLane(b, receiver)
		b.lanes[receiver] = l
		if b.started {
			b.launch(l)
		}
	}
	return l
}

func (b *outbox) start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started = true
	for _, l := range b.lanes {
		b.launch(l)
	}
}

func (b *outbox) launch(l *lane) { b.running.Go(l.run) }

// stop returns once nothing runs: at the latest when ctx has ended.
func (b *outbox) stop(ctx context.Context) {
	b.mu.Lock()
	b.started = false // lanes made from now on do not run
	close(b.stopping)
	b.mu.Unlock()
	forced := context.AfterFunc(ctx, b.cancel)
	b.running.Wait()
	forced()
	b.cancel()
}

func (b *outbox) stopped() bool {
	select {
	case <-b.stopping:
		return true
	default:
		return false
	}
}

// add queues a notification, which is bounded, and returns once it is kept.
func (b *outbox) add(ctx context.Context, n alerts.Notification) error {
	b.mu.Lock()
	if b.stopped() {
		b.mu.Unlock()
		return fmt.Errorf("queue notification %q in partition %d: %w", n.ID, b.partition, ErrNotOwned)
	}
	l := b.lane(n.Receiver)
	id := hashOf(n.ID)
	before, known := l.known[id]
	if known && (before == nil || before.kept) {
		b.mu.Unlock()
		return nil
	}
	p := before
	if p == nil {
		p = &parcel{Notification: n, Delivery: newDelivery(n, n.Receiver, time.Now())}
		b.m.queued(p)
		b.put(l, p)
	}
	b.mu.Unlock()
	err := b.journal.Flush(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		if !p.kept && l.known[id] == p {
			delete(l.known, id) // whoever asks again puts it again
		}
		return fmt.Errorf("queue notification %q for %s: %w", n.ID, n.Receiver, err)
	}
	l.take(p)
	return nil
}

// put writes a parcel that is new. It is known, and waits once it is kept. The caller holds mu.
func (b *outbox) put(l *lane, p *parcel) {
	b.seq++
	p.Seq = b.seq
	l.known[hashOf(p.Delivery.ID)] = p
	b.journal.Put(waitingKey(l.receiver, p.Delivery.ID), encoded(p))
}

// settle flushes what an attempt has come to. Where that does not work the deliveries go on: a crash
// would then repeat some, under their IDs, while to wait would keep alerts from everyone.
func (b *outbox) settle() {
	ctx, cancel := context.WithTimeout(b.ctx, settleWithin)
	defer cancel()
	if err := b.journal.Flush(ctx); err != nil && b.ctx.Err() == nil {
		b.m.meters.unkept.Inc()
		b.m.log.Error("what became of a notification is not kept, and it may be sent again after a crash: is Kafka there?", "partition", b.partition, "error", err)
	}
}

const (
	settleWithin = 5 * time.Second
	settleAgain  = time.Second
)

// keep flushes until it works; false: the outbox is stopped.
func (b *outbox) keep() bool {
	for {
		err := b.journal.Flush(b.ctx)
		if err == nil {
			return true
		}
		b.m.meters.unkept.Inc()
		if !errors.Is(err, context.Canceled) {
			b.m.log.Error("notifications wait, since they cannot be kept: is Kafka there?", "partition", b.partition, "error", err)
		}
		select {
		case <-time.After(settleAgain):
		case <-b.stopping:
			return false
		}
	}
}

// recall takes over the history. The newest come last.
func (l *lane) recall(all []keptPast) {
	size := l.box.m.cfg.History
	slices.SortFunc(all, func(a, c keptPast) int { return int(int64(a.N) - int64(c.N)) })
	old, last := all[:max(0, len(all)-size)], all[max(0, len(all)-size):]
	for _, e := range all {
		if e.key != pastKey(l.receiver, e.N, size) { // the history had another size
			l.box.journal.Delete(e.key)
		}
	}
	for _, e := range old {
		l.box.journal.Delete(e.key)
	}
	for _, e := range last {
		if key := pastKey(l.receiver, e.N, size); e.key != key || len(old) > 0 {
			l.box.journal.Put(key, encoded(e.past))
		}
		l.past = append(l.past, e.past)
		l.know(&e.past)
		l.ended = e.N + 1
	}
}

// resume takes over what waits. What comes up to head may have been delivered by the last owner;
// so may one whose end is in the history and that is still here.
func (l *lane) resume(head uint64) {
	l.begun = head
	slices.SortFunc(l.waiting, func(a, c *parcel) int { return int(int64(a.Seq) - int64(c.Seq)) })
	members := map[idHash]*parcel{}
	for _, p := range l.waiting {
		for id := range membersOf(p.Members) {
			members[id] = p
		}
	}
	for id, p := range members {
		l.known[id] = p
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(p *parcel) bool {
		id := hashOf(p.Delivery.ID)
		if _, gathered := members[id]; gathered || l.finished(p) {
			l.box.journal.Delete(waitingKey(l.receiver, p.Delivery.ID))
			return true
		}
		p.tried = p.tried || p.Seq <= head
		l.known[id] = p
		l.box.m.meters.queued.WithLabelValues(l.receiver).Inc()
		return false
	})
}

// finished reports whether a parcel's end is in the history.
func (l *lane) finished(p *parcel) bool {
	for i := range l.past {
		d := &l.past[i].Delivery
		if d.ID == p.Delivery.ID && d.Redriven == p.Delivery.Redriven {
			return true
		}
	}
	return false
}

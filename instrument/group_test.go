package instrument

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/record"
)

// idle is a shipper that nothing feeds from.
func idle(records int) *shipper {
	s := &shipper{
		node: "n", account: &account{node: "n"},
		wake: make(chan struct{}, 1), spare: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	s.buffer = buffer{account: s.account, limit: minSegments}
	s.shutdown, s.cancel = context.WithCancel(context.Background())
	for range records {
		s.write1()
	}
	return s
}

func (s *shipper) write1() {
	r := record.Record{Time: time.Unix(1, 0), Node: s.node}
	if err := s.accept("", laneInfo, nil, false, record.AppendHead(nil, &r)); err != nil {
		panic(err)
	}
}

func (s *shipper) takeNow() []*parcel {
	out, _ := s.take(nil)
	return out
}

// Whatever batches a topic takes, and whichever records are too large for it,
// only those are dropped, in few rounds, and then batches are of any size again.
func TestOnlyWhatIsTooLargeIsDropped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "records")
		most := rapid.IntRange(1, 80).Draw(t, "records in the largest batch")
		large := map[uint64]bool{}
		for _, i := range rapid.SliceOfN(rapid.IntRange(1, n), 0, 5).Draw(t, "too large") {
			large[uint64(i)] = true
		}
		s := idle(n)
		// Each half of what goes through takes a try above it; each one that is too
		// large takes seven halvings down and as many doublings up.
		left := 8 + 6*n/most + 20*len(large)
		for ; s.pending(); left-- {
			if left == 0 {
				t.Fatalf("too many rounds; groups of %d now", s.group)
			}
			batch := s.takeNow()
			if len(batch) == 0 {
				t.Fatal("nothing to hand over, and not all is settled")
			}
			for more := s.takeNow(); len(more) > 0; more = s.takeNow() {
				if s.group > 0 {
					t.Fatalf("%d more handed over while a group is out", len(more))
				}
				batch = append(batch, more...)
			}
			refused := len(batch) > most
			for _, m := range batch {
				refused = refused || large[m.entry.number]
			}
			if refused {
				s.refusedForGood(batch, reasonLarge)
			} else {
				s.settled(batch)
			}
		}
		dropped := map[uint64]bool{}
		for _, d := range s.account.dropped {
			for number := d.From; number <= d.To; number++ {
				dropped[number] = true
			}
		}
		if fmt.Sprint(dropped) != fmt.Sprint(large) {
			t.Errorf("dropped %v, want %v", dropped, large)
		}
		if s.inFlight != 0 || s.buffer.bytes != 0 {
			t.Errorf("%d in flight, %d bytes, with nothing pending", s.inFlight, s.buffer.bytes)
		}
		for range 8 {
			s.write1()
			s.settled(s.takeNow())
		}
		if s.group != 0 {
			t.Errorf("still groups of %d after 8 that were taken", s.group)
		}
	})
}

// The lowest number that is unsettled holds back those above it, which Kafka has.
func TestShutdownCountsWhatKafkaDoesNotHave(t *testing.T) {
	s := idle(5)
	out := s.takeNow()
	s.settled([]*parcel{out[1], out[3]})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.close(ctx); err == nil || !strings.HasPrefix(err.Error(), "3 records did not reach Kafka") {
		t.Errorf("got %v", err)
	}
	if l := s.account.ledger(s.buffer.unsettled(), true); l.Last != 5 || l.Unsettled != 1 {
		t.Errorf("ledger %+v", l)
	}
}

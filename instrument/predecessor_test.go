package instrument

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/record"
)

// dead leaves the folder of a killed instance of the service bank: one segment
// of each lane named, with so many records.
func dead(t testing.TB, data, node string, segments map[lane]int) (dir string) {
	t.Helper()
	s, err := openSpool(data, "bank", node, "topic", 1000)
	if err != nil {
		t.Fatal(err)
	}
	s.release() // whoever was found is still there
	a := &account{service: "bank", node: node, topic: "topic"}
	a.keep(s.page)
	for _, l := range slices.Sorted(func(yield func(lane) bool) {
		for l := range segments {
			if !yield(l) {
				return
			}
		}
	}) {
		seg, err := s.segment()
		if err != nil {
			t.Fatal(err)
		}
		seg.reuse(a, l)
		for range segments[l] {
			put(seg, a)
			a.given()
		}
		if err := errors.Join(unmap(seg.data), seg.file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(unmap(s.page), s.pageFile.Close(), s.lock.Unlock()); err != nil {
		t.Fatal(err)
	}
	return s.dir
}

func put(seg *segment, a *account) {
	seg.write("key", a.node, record.Numbers{Sequence: a.number()}, []byte(`{"message":"m"`))
}

func opened(t testing.TB, data, node string, limit int) *spool {
	t.Helper()
	s, err := openSpool(data, "bank", node, "topic", limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close(nil, true) })
	return s
}

func chain(p *predecessor) (nodes []string) {
	for ; p != nil; p = p.next {
		nodes = append(nodes, p.account.node)
	}
	return nodes
}

// A number from an entry that is not as written would make the ledger claim all
// numbers below it as lost.
func TestADamagedNumberIsNotBelieved(t *testing.T) {
	t.Parallel()
	seg := &segment{data: emptySegment()}
	a := &account{}
	seg.reuse(a, laneInfo)
	for range 3 {
		put(seg, a)
	}
	second := seg.at(segmentHead + entryHead + seg.at(segmentHead).length)
	binary.LittleEndian.PutUint64(seg.data[second.at+8:], 1<<40)
	found := &segment{data: seg.data}
	if found.recover() || found.last != 3 {
		t.Errorf("the last number is %d, want 3", found.last)
	}
	if found.unsettled != 2 {
		t.Errorf("%d records are whole, want 2", found.unsettled)
	}
}

// Killed between the two, a process would leave a number that no record has, and
// its ledger would call it lost.
func TestTheLedgersPageIsNotAheadOfTheBuffer(t *testing.T) {
	t.Parallel()
	a := &account{}
	page := make([]byte, pageBytes)
	a.keep(page)
	last := func() uint64 { return binary.LittleEndian.Uint64(page[8:]) }
	if n := a.number(); n != 1 || last() != 0 {
		t.Errorf("number %d: the page says %d before the record is there", n, last())
	}
	if a.given(); last() != 1 {
		t.Errorf("the page says %d", last())
	}
}

func TestAnAccountOutlivesAKillWhateverWasDropped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		page := make([]byte, pageBytes)
		a := &account{}
		a.keep(page)
		dropped := map[uint64]bool{}
		n := uint64(1)
		for range rapid.IntRange(0, 2*maxDropped).Draw(t, "ranges") {
			n += rapid.Uint64Range(0, 5).Draw(t, "kept")
			d := record.Dropped{
				From: n, To: n + rapid.Uint64Range(0, 3).Draw(t, "more"),
				Level: rapid.SampledFrom(levels[:]).Draw(t, "level"), Reason: rapid.SampledFrom(reasons[:]).Draw(t, "reason"),
			}
			for i := d.From; i <= d.To; i++ {
				dropped[i] = true
			}
			a.drop(d)
			n = d.To + 1
		}
		if len(a.dropped) > maxDropped {
			t.Fatalf("%d ranges", len(a.dropped))
		}
		var count uint64
		inside := map[uint64]bool{}
		for _, d := range a.dropped {
			count += counted(d)
			for i := d.From; i <= d.To; i++ {
				inside[i] = true
			}
		}
		if count != uint64(len(dropped)) {
			t.Fatalf("%d numbers counted, want %d", count, len(dropped))
		}
		for i := range dropped {
			if !inside[i] {
				t.Fatalf("%d is in no range", i)
			}
		}
		var b account
		if !b.recover(slices.Clone(page)) || !slices.Equal(a.dropped, b.dropped) {
			t.Fatalf("got %v, want %v", b.dropped, a.dropped)
		}
		page[pageHead+3]++
		if b = (account{}); len(dropped) > 0 && b.recover(page) {
			t.Fatal("damaged ranges are taken")
		}
	})
}

func TestWhatAnotherCannotReadIsLeftWhereItIs(t *testing.T) {
	t.Parallel()
	f := func(what, instance, want string) {
		t.Helper()
		data := t.TempDir()
		dir := dead(t, data, "a", map[lane]int{laneInfo: 3})
		if err := os.WriteFile(filepath.Join(dir, instanceName), []byte(instance), 0o600); err != nil {
			t.Fatal(err)
		}
		s := opened(t, data, "b", 1000)
		if s.predecessors != nil || len(s.unread) != 1 || !strings.Contains(s.unread[0].Error(), want) || !strings.Contains(s.unread[0].Error(), dir) {
			t.Errorf("%s: %v, and took over %v", what, s.unread, chain(s.predecessors))
		}
		if segments, err := filepath.Glob(filepath.Join(dir, "*.segment")); err != nil || len(segments) != 1 {
			t.Errorf("%s: left are %v", what, segments)
		}
	}
	f("no JSON", `{"version":1,`, "unexpected end")
	f("nothing", ``, "unexpected end")
	f("another version", `{"version":2,"service.name":"bank","topic":"t"}`, "format 2, want 1")
	f("no topic", `{"version":1,"service.name":"bank"}`, "names no service or topic")
}

func TestForeignFilesAreNoSegments(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	dir := dead(t, data, "a", map[lane]int{laneInfo: 3})
	if err := os.Mkdir(filepath.Join(dir, "folder.segment"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"notes.txt": 5, "huge.segment": segmentBytes + 1} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := opened(t, data, "b", 1000)
	if s.predecessors == nil || len(s.predecessors.files) != 1 || len(s.unread) != 0 {
		t.Errorf("%v %v", chain(s.predecessors), s.unread)
	}
}

func TestOfManyStartsAtOnceOneTakesOver(t *testing.T) {
	t.Parallel()
	for round := range 10 {
		data := t.TempDir()
		dead(t, data, "a", map[lane]int{laneInfo: 1})
		var wg sync.WaitGroup
		all := make([]*spool, 4)
		errs := make([]error, len(all))
		for i := range all {
			wg.Go(func() { all[i], errs[i] = openSpool(data, "bank", fmt.Sprint("b", i), "topic", 1000) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		took := 0
		for _, s := range all {
			took += len(chain(s.predecessors))
			if !s.lock.Locked() {
				t.Error("a living instance's folder is not locked")
			}
		}
		if took != 1 {
			t.Fatalf("round %d: taken over %d times", round, took)
		}
		for _, s := range all {
			s.close(nil, true)
		}
	}
}

// Another start finds the folder before it is locked, and removes it.
func TestAFolderTakenForAnAbandonedOneIsMadeAgain(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	hidden := filepath.Join(data, "instrument", "bank", ".new-a")
	if err := os.MkdirAll(hidden, 0o700); err != nil {
		t.Fatal(err)
	}
	other := flock.New(filepath.Join(hidden, lockName))
	if ok, err := other.TryLock(); !ok || err != nil {
		t.Fatal(err)
	}
	s := opened(t, data, "a", 1000)
	_ = other.Unlock()
	if ok, err := flock.New(filepath.Join(s.dir, lockName)).TryLock(); ok || err != nil {
		t.Errorf("the folder is not locked: %v", err)
	}
}

// A service that cannot start starts again and again.
func TestACrashLoopLeavesNothingThatSaysNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for i := range 5 {
		dead(t, data, fmt.Sprint("a", i), map[lane]int{laneInfo: 0, laneWarn: 0})
	}
	s := opened(t, data, "b", 1000)
	if s.predecessors != nil || s.left != 0 {
		t.Errorf("took over %v with %d segments", chain(s.predecessors), s.left)
	}
	if entries, err := os.ReadDir(s.root); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// However often a service is killed while Kafka is away, what it leaves is
// bounded, and what gives way is in the ledger of whose it was.
func TestPredecessorsGiveWayToTheBound(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for _, node := range []string{"a", "b", "c"} {
		dead(t, data, node, map[lane]int{laneDebug: 1, laneInfo: 2, laneError: 3})
	}
	for i, limit := range []int{9, 4, 4} { // the last one finds what is left
		s, err := openSpool(data, "bank", fmt.Sprint("d", i), "topic", limit)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(chain(s.predecessors)); got != "[a b c]" || s.left != limit {
			t.Errorf("limit %d: %s with %d segments", limit, got, s.left)
		}
		if limit == 4 {
			for p := s.predecessors; p != nil; p = p.next {
				want := []record.Dropped{{From: 1, To: 1, Level: "debug", Reason: reasonFull}, {From: 2, To: 3, Level: "info", Reason: reasonFull}}
				left := 1
				if p.account.node == "c" { // the youngest has more
					want, left = want[:1], 2
				}
				if !slices.Equal(p.account.dropped, want) || len(p.files) != left || p.account.last != 6 {
					t.Errorf("%s: dropped %v of %d, %d segments", p.account.node, p.account.dropped, p.account.last, len(p.files))
				}
			}
		}
		s.close(nil, true)
	}
}

func TestFewPredecessorsAreHeldOpenAtATime(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for i := range maxPredecessors + 2 {
		dead(t, data, fmt.Sprintf("a%03d", i), map[lane]int{laneError: 1})
	}
	s := opened(t, data, "b", 1000)
	if n := len(chain(s.predecessors)); n != maxPredecessors || s.left != maxPredecessors+2 {
		t.Fatalf("%d taken over, with %d segments", n, s.left)
	}
	ship := &shipper{spool: s, replay: s.predecessors, account: &account{}}
	for range maxPredecessors {
		bury(ship.replay.dir)
		ship.pass(ship.replay, nil)
	}
	if got := fmt.Sprint(chain(ship.replay)); got != "[a064 a065]" {
		t.Errorf("then %s", got)
	}
}

// No record is so large: what makes one is bounded. If one were, writing it would
// panic with the lock held.
func TestARecordThatNoSegmentHoldsIsRefused(t *testing.T) {
	t.Parallel()
	s := replaying(t)
	if err := s.accept("", laneError, nil, false, make([]byte, segmentBytes)); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	if h := s.health(); h.Last != 0 || h.Refused != 1 {
		t.Errorf("health %+v", h)
	}
}

// replaying is a shipper at work on a predecessor, without its goroutines.
func replaying(t *testing.T, files ...leftover) *shipper {
	t.Helper()
	data := t.TempDir()
	dead(t, data, "a", map[lane]int{laneError: 1})
	sp := opened(t, data, "b", 1000)
	if files != nil {
		sp.predecessors.files = files
	}
	s := &shipper{
		account: &account{node: "b", topic: "topic"}, spool: sp, replay: sp.predecessors, node: "b",
		wake: make(chan struct{}, 1), spare: make(chan struct{}, 1), shutdown: t.Context(),
	}
	s.buffer = buffer{account: s.account, limit: minSegments}
	return s
}

// A file that cannot be read now may be readable at the next start.
func TestASegmentThatCannotBeReadIsKept(t *testing.T) {
	t.Parallel()
	unreadable := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(unreadable, 0o700); err != nil {
		t.Fatal(err)
	}
	s := replaying(t, leftover{path: unreadable})
	p := s.replay
	if !s.advance(nil) || s.replay != nil || s.spool.err == nil {
		t.Errorf("it goes on with %v, error %v", chain(s.replay), s.spool.err)
	}
	if gone(unreadable) || gone(p.dir) || p.lock.Locked() {
		t.Error("it is not there for the next start")
	}
	if p := s.spool.inherit(); p != nil {
		t.Error("it is taken over twice by the same start")
	}
}

// Kafka refuses a predecessor's records, whose topic is gone say.
func TestARefusedReplayDelaysNoLiveRecord(t *testing.T) {
	t.Parallel()
	s := replaying(t)
	if !s.advance(nil) {
		t.Fatal("nothing to replay")
	}
	batch, _ := s.take(nil)
	if len(batch) != 1 || s.replays != 1 {
		t.Fatalf("%d taken", len(batch))
	}
	s.refusedByKafka(batch)
	if err := s.accept("", laneInfo, nil, false, []byte(`{"message":"m"`)); err != nil {
		t.Fatal(err)
	}
	batch, pause := s.take(nil)
	if len(batch) != 1 || pause != 0 || batch[0].seg.account != s.account {
		t.Fatalf("%d records to hand over, pause %v", len(batch), pause)
	}
	s.settled(batch)
	if batch, pause = s.take(nil); len(batch) != 0 || pause <= 0 || pause > 5*time.Second || !s.hungry {
		t.Errorf("%d records to hand over, pause %v", len(batch), pause)
	}
	s.replay.resume = time.Time{}
	if batch, _ = s.take(nil); len(batch) != 1 || batch[0].entry.number != 1 || batch[0].seg.account == s.account {
		t.Errorf("the record refused is not handed over again")
	}
}

// A ledger that Kafka refuses is not sent again at once.
func TestAPredecessorsLedgerWaitsAfterARefusal(t *testing.T) {
	t.Parallel()
	s := replaying(t, []leftover{}...)
	s.replay.files = nil
	sent := new(outbox)
	if s.advance(sent) || len(sent.parcels) != 1 {
		t.Fatal("no ledger was sent")
	}
	s.ledgerWritten(sent.parcels[0].ledger, nil, errors.New("refused"))
	if s.advance(sent) || len(sent.parcels) != 1 {
		t.Error("it is sent again at once")
	}
	s.replay.resume = time.Time{}
	if s.advance(sent); len(sent.parcels) != 2 {
		t.Error("it is not sent again")
	}
}

// outbox keeps what it is sent.
type outbox struct {
	outlet
	parcels []*parcel
}

func (o *outbox) send(parcels []*parcel) { o.parcels = append(o.parcels, parcels...) }

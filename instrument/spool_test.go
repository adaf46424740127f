package instrument_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// A child is this test binary as a service of its own, to be killed. What it
// says on stdout is a promise.
const childEnv = "WAYBILL_TEST_CHILD"

type childOrder struct {
	Addr, Data string
	Records    int // written in the correlation ID "Order-7", then it waits to be killed
	Size       int // bytes of text in each
	Debug      int // records of that level, written before
	Buffer     int // Config.BufferBytes
}

func beChild(order string) {
	var o childOrder
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		panic(err)
	}
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: "bank", Brokers: []string{o.Addr}, Data: o.Data, BufferBytes: o.Buffer, Console: slog.DiscardHandler, Level: slog.LevelDebug, Scoped: true,
	})
	if err != nil {
		panic(err)
	}
	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	text := strings.Repeat("x", o.Size)
	written := 0
	write := func(level slog.Level, what string, n int) {
		for i := range n {
			in.Logger().Log(ctx, level, fmt.Sprint(what, i), "text", text)
			if written += o.Size + 500; written > 64<<10 { // at a disk's pace
				time.Sleep(time.Millisecond)
				written = 0
			}
		}
	}
	write(slog.LevelDebug, "detail ", o.Debug)
	write(slog.LevelInfo, "record ", o.Records)
	fmt.Println(in.Node(), in.Health().Volatile)
	select {}
}

// killed runs a child until it has written all its records, kills it and
// returns the name of its instance.
func killed(t *testing.T, o childOrder) (node string) {
	t.Helper()
	return killedWhen(t, o, func() bool { return true })
}

func killedWhen(t *testing.T, o childOrder, now func() bool) (node string) {
	t.Helper()
	order, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(order))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var volatile int
	if _, err := fmt.Fscanln(out, &node, &volatile); err != nil || volatile > 0 {
		t.Errorf("child: %v, %d records wait in memory, since the disk is too slow\n%s", err, volatile, stderr.String())
	}
	until(t, "it may be killed", now)
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	return node
}

// of returns the records of a dead instance, by number.
func (k *kafka) of(t *testing.T, node string) map[uint64]record.Record {
	t.Helper()
	all := map[uint64]record.Record{}
	for _, m := range k.messages(t, record.TopicRecords) {
		r, err := record.Decode(m.Value)
		if err != nil {
			t.Fatal(err)
		}
		if r.Node != node {
			continue
		}
		if before, twice := all[r.Sequence]; twice && !bytes.Equal(before.Raw, r.Raw) {
			t.Errorf("number %d came as\n%s and as\n%s", r.Sequence, before.Raw, r.Raw)
		}
		all[r.Sequence] = r
	}
	return all
}

// closing is the final ledger of a dead instance.
func (k *kafka) closing(t *testing.T, node string) (final record.Ledger) {
	t.Helper()
	until(t, "the ledger of "+node+" is closed", func() bool {
		for _, m := range k.messages(t, record.TopicInstances) {
			if l, err := record.DecodeLedger(m.Value); err == nil && l.Node == node && l.Stopped {
				final = l
			}
		}
		return final.Stopped
	})
	return final
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestTheNextStartShipsWhatAKilledServiceHasLeft(t *testing.T) {
	t.Parallel()
	addr, data := freeAddr(t), t.TempDir()
	first := killed(t, childOrder{Addr: addr, Data: data, Records: 3000, Size: 1000})
	second := killed(t, childOrder{Addr: addr, Data: data, Records: 10})
	k := openKafka(t, t.TempDir(), addr)
	in := service(t, instrument.Config{Brokers: []string{addr}, Data: data})
	in.Logger().Info("alive")
	for node, n := range map[string]int{first: 3000, second: 10} {
		final := k.closing(t, node)
		if final.Last != uint64(n) || final.Unsettled != uint64(n+1) || len(final.Dropped) > 0 || final.Service != "bank" {
			t.Errorf("ledger %+v, want %d records", final, n)
		}
		all := k.of(t, node)
		for i := range n {
			if r := all[uint64(i+1)]; r.Message != fmt.Sprint("record ", i) || r.CorrelationID != "Order-7" {
				t.Fatalf("number %d of %d is %q", i+1, n, r.Message)
			}
		}
		if len(all) != n {
			t.Errorf("%d records, want %d", len(all), n)
		}
	}
	until(t, "nothing is left to replay", func() bool { return in.Health().Replaying == 0 })
	shutdown(t, in)
	if left := files(t, data); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What was dropped before a kill is in the ledger that another start closes.
func TestALedgerOutlivesAKill(t *testing.T) {
	t.Parallel()
	addr, data := freeAddr(t), t.TempDir()
	node := killed(t, childOrder{Addr: addr, Data: data, Debug: 400, Records: 900, Size: 10_000, Buffer: 8 << 20})
	k := openKafka(t, t.TempDir(), addr)
	in := service(t, instrument.Config{Brokers: []string{addr}, Data: data, BufferBytes: 8 << 20})
	final := k.closing(t, node)
	until(t, "nothing is left to replay", func() bool { return in.Health().Replaying == 0 })
	all := k.of(t, node)
	var dropped uint64
	for _, d := range final.Dropped {
		n := d.Count
		if n == 0 {
			n = d.To - d.From + 1
		}
		dropped += n
		if d.Level != "debug" || d.Reason != "the buffer was full" || d.From < 1 || d.To > 400 {
			t.Errorf("dropped %+v", d)
		}
	}
	if dropped == 0 || uint64(len(all))+dropped != final.Last || final.Unsettled != final.Last+1 || final.Last+final.Refused != 1300 || final.Refused == 0 {
		t.Errorf("%d arrived and %d are dropped, ledger %+v", len(all), dropped, final)
	}
}

// leave is what one child leaves for its next: more than is replayed in a moment.
func leave(t *testing.T, addr, data string) (node string, n int) {
	t.Helper()
	return killed(t, childOrder{Addr: addr, Data: data, Records: 5000, Size: 100}), 5000
}

// begun reports whether some of the records have arrived.
func (k *kafka) begun(t *testing.T) bool {
	t.Helper()
	for p := range int32(3) {
		if end, err := k.client.GetOffset(record.TopicRecords, p, sarama.OffsetNewest); err == nil && end > 0 {
			return true
		}
	}
	return false
}

// closed reports whether the final ledger of an instance is there now.
func (k *kafka) closed(t *testing.T, node string) bool {
	t.Helper()
	return slices.ContainsFunc(k.messages(t, record.TopicInstances), func(m *sarama.ConsumerMessage) bool {
		l, err := record.DecodeLedger(m.Value)
		return err == nil && l.Node == node && l.Stopped
	})
}

func TestAReplayThatIsKilledIsGoneOnWith(t *testing.T) {
	t.Parallel()
	addr, data := freeAddr(t), t.TempDir()
	first, n := leave(t, addr, data)
	k := openKafka(t, t.TempDir(), addr)
	second := killedWhen(t, childOrder{Addr: addr, Data: data, Records: 3}, func() bool { return k.begun(t) })
	if k.closed(t, first) {
		t.Fatal("the replay had ended before the kill: this shows nothing")
	}
	in := service(t, instrument.Config{Brokers: []string{addr}, Data: data})
	for node, n := range map[string]int{first: n, second: 3} {
		if final := k.closing(t, node); final.Last != uint64(n) || final.Unsettled != uint64(n+1) || len(final.Dropped) > 0 {
			t.Errorf("ledger %+v, want %d records", final, n)
		}
		if all := k.of(t, node); len(all) != n {
			t.Errorf("%d records, want %d", len(all), n)
		}
	}
	until(t, "nothing is left to replay", func() bool { return in.Health().Replaying == 0 })
	shutdown(t, in)
	if left := files(t, data); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestShutdownDoesNotWaitForAReplay(t *testing.T) {
	t.Parallel()
	addr, data := freeAddr(t), t.TempDir()
	node, n := leave(t, addr, data)
	k := openKafka(t, t.TempDir(), addr)
	one := service(t, instrument.Config{Brokers: []string{addr}, Data: data})
	until(t, "the replay has begun", func() bool { return k.begun(t) })
	one.Logger().Info("live")
	shutdown(t, one)
	if k.closed(t, node) {
		t.Fatal("the replay had ended before: this shows nothing")
	}
	if ledgers := k.ledgers(t, one); len(ledgers) == 0 || !ledgers[len(ledgers)-1].Stopped || ledgers[len(ledgers)-1].Last != 1 {
		t.Errorf("ledgers %+v", ledgers)
	}
	two := service(t, instrument.Config{Brokers: []string{addr}, Data: data})
	if h := two.Health(); h.Replaying != 1 {
		t.Errorf("health %+v", h)
	}
	if final := k.closing(t, node); final.Last != uint64(n) || final.Unsettled != uint64(n+1) {
		t.Errorf("ledger %+v", final)
	}
	if all := k.of(t, node); len(all) != n {
		t.Errorf("%d records, want %d", len(all), n)
	}
}

// A folder that this version cannot read is the operator's to look at.
func TestHealthNamesWhatCannotBeReplayed(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	dir := filepath.Join(data, "instrument", "bank", "old")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"LOCK": "", "instance.json": `{"version":9,"service.name":"bank","topic":"t"}`, "000001.segment": "as version 9 has it"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := service(t, instrument.Config{Brokers: []string{startKafka(t).Addr()}, Data: data})
	if h := in.Health(); len(h.Warnings) != 1 || !strings.Contains(h.Warnings[0], dir) || !strings.Contains(h.Warnings[0], "format 9") || h.Replaying != 0 {
		t.Errorf("health %+v", h)
	}
	if left := files(t, dir); len(left) != 3 {
		t.Errorf("left of it: %v", left)
	}
}

func TestTheFolderOfALivingInstanceIsLeftAlone(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	data := t.TempDir()
	one := service(t, instrument.Config{Brokers: []string{freeAddr(t)}, Data: data})
	defer one.Shutdown(done())
	one.Logger().Info("waits")
	two := service(t, instrument.Config{Brokers: []string{k.Addr()}, Data: data})
	two.Logger().Info("ships")
	if r := k.last(t, two); r.Message != "ships" {
		t.Errorf("got %s", r.Raw)
	}
	if h := two.Health(); h.Replaying != 0 || h.Data == "" || h.DataErr != nil {
		t.Errorf("health %+v", h)
	}
	shutdown(t, two)
	if all := k.of(t, one.Node()); len(all) > 0 {
		t.Errorf("the living one's records are shipped by another: %v", all)
	}
}

func TestWhatShutdownCouldNotShipGoesAtTheNextStart(t *testing.T) {
	t.Parallel()
	addr, data := freeAddr(t), t.TempDir()
	one := service(t, instrument.Config{Brokers: []string{addr}, Data: data})
	for range 7 {
		one.Logger().Info("waits")
	}
	if err := one.Shutdown(done()); err == nil || !strings.Contains(err.Error(), "7 records did not reach Kafka") || !strings.Contains(err.Error(), "wait in "+data) {
		t.Errorf("got %v", err)
	}
	if h := one.Health(); h.Unsettled != 1 || h.Last != 7 {
		t.Errorf("health %+v", h)
	}
	k := openKafka(t, t.TempDir(), addr)
	until(t, "the first has let go", func() bool {
		two := service(t, instrument.Config{Brokers: []string{addr}, Data: data})
		defer shutdown(t, two)
		if two.Health().Replaying == 0 {
			return false
		}
		until(t, "all is replayed", func() bool { return two.Health().Replaying == 0 })
		return true
	})
	if final := k.closing(t, one.Node()); final.Last != 7 || final.Unsettled != 8 {
		t.Errorf("ledger %+v", final)
	}
	if all := k.of(t, one.Node()); len(all) != 7 {
		t.Errorf("%d records, want 7", len(all))
	}
}

func TestADamagedSegmentIsSetAsideAndTheRestIsShipped(t *testing.T) {
	t.Parallel()
	f := func(what string, damage func(t *testing.T, path string), least int) {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			addr, data := freeAddr(t), t.TempDir()
			node := killed(t, childOrder{Addr: addr, Data: data, Records: 2000, Size: 1000})
			segments, err := filepath.Glob(filepath.Join(data, "instrument", "bank", node, "*.segment"))
			if err != nil || len(segments) < 3 {
				t.Fatalf("%v %v", segments, err)
			}
			var hurt string
			for _, s := range segments { // the one with the first records
				if b, err := os.ReadFile(s); err == nil && bytes.Contains(b, []byte(`"record 0"`)) {
					hurt = s
				}
			}
			damage(t, hurt)
			k := openKafka(t, t.TempDir(), addr)
			in := service(t, instrument.Config{Brokers: []string{addr}, Data: data})
			final := k.closing(t, node)
			if final.Last != 2000 || final.Unsettled != 2001 || len(final.Dropped) > 0 {
				t.Errorf("ledger %+v", final)
			}
			all := k.of(t, node)
			if all[2000].Message != "record 1999" || len(all) < least || len(all) == 2000 {
				t.Errorf("%d records, want %d or more and not all", len(all), least)
			}
			if h := in.Health(); h.Corrupt != 1 {
				t.Errorf("health %+v", h)
			}
			if aside := files(t, filepath.Join(data, "instrument", "bank", "corrupt")); len(aside) != 1 || !strings.Contains(aside[0], node) {
				t.Errorf("set aside: %v", aside)
			}
		})
	}
	write := func(at int64, b []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(b, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	f("a byte of a record", write(5000, []byte{0xFF}), 1990)
	f("the magic", write(0, []byte{0}), 1000)
	f("a length", write(16, []byte{0xFF, 0xFF, 0xFF, 0x7F}), 1000)
	f("truncated", func(t *testing.T, path string) {
		if err := os.Truncate(path, 300_000); err != nil {
			t.Fatal(err)
		}
	}, 1200)
	f("empty", func(t *testing.T, path string) {
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	}, 1000)
}

// What matters less gives way, and the ledger says so.
func TestAFullBufferGivesUpTheLowestLevelFirst(t *testing.T) {
	t.Parallel()
	addr, data := freeAddr(t), t.TempDir()
	in := service(t, instrument.Config{Brokers: []string{addr}, Data: data, BufferBytes: 8 << 20, Level: slog.LevelDebug, Console: slog.DiscardHandler})
	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	text := strings.Repeat("x", 10_000)
	write := func(level slog.Level, n int) {
		for range n {
			in.Logger().LogAttrs(ctx, level, level.String(), slog.String("text", text))
		}
	}
	write(slog.LevelDebug, 400)
	write(slog.LevelInfo, 400)
	write(slog.LevelError, 200) // by now debug is gone
	h := in.Health()
	if h.Refused != 0 || h.Dropped < 100 || h.Dropped > 400 || h.Bytes > 8<<20 {
		t.Errorf("health %+v", h)
	}
	write(slog.LevelWarn, 300) // and some of info
	write(slog.LevelDebug, 5)  // refused: nothing is lower
	h = in.Health()
	if h.Refused != 5 || h.Last != 1300 {
		t.Errorf("health %+v", h)
	}
	k := openKafka(t, t.TempDir(), addr)
	levels := map[string]uint64{}
	for _, r := range k.records(t, in) {
		levels[r.Level]++
	}
	shutdown(t, in)
	ledgers := k.ledgers(t, in)
	l := ledgers[len(ledgers)-1]
	dropped := map[string]uint64{}
	for _, d := range l.Dropped {
		n := d.Count
		if n == 0 {
			n = d.To - d.From + 1
		}
		if d.Reason != "the buffer was full" || d.To-d.From+1 < n {
			t.Errorf("dropped %+v", d)
		}
		dropped[d.Level] += n
	}
	if levels["error"] != 200 || levels["warn"] != 300 || levels["debug"]+dropped["debug"] != 400 || levels["info"]+dropped["info"] != 400 || dropped["info"] == 0 || levels["info"] == 0 {
		t.Errorf("arrived %v, dropped %v", levels, dropped)
	}
	if dropped["debug"] < 300 || l.Refused != 5 {
		t.Errorf("dropped %v, refused %d", dropped, l.Refused)
	}
}

func TestADataFolderThatCannotBeIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := instrument.Start(context.Background(), instrument.Config{Service: "bank", Data: file, Scoped: true})
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "choose another") {
		t.Errorf("got %v", err)
	}
}

package instrument_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// holds checks that an instance's records in Kafka have every number from 1 to last.
func holds(t *testing.T, all []record.Record, last uint64) {
	t.Helper()
	seen := map[uint64]string{}
	for _, r := range all {
		if before, twice := seen[r.Sequence]; twice && before != string(r.Raw) {
			t.Errorf("number %d is given twice:\n%s\n%s", r.Sequence, before, r.Raw)
		}
		seen[r.Sequence] = string(r.Raw)
	}
	for n := uint64(1); n <= last; n++ {
		if seen[n] == "" {
			t.Errorf("number %d of %d is missing", n, last)
		}
	}
	if uint64(len(seen)) != last {
		t.Errorf("%d numbers, want %d", len(seen), last)
	}
}

func TestRecordsWaitForABrokerThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	in := service(t, instrument.Config{Brokers: []string{addr}})
	start := time.Now()
	for i := range 100 {
		in.Logger().Info("waiting", "i", i)
	}
	called := time.Now()
	if took := called.Sub(start); took > 30*time.Second {
		t.Errorf("100 log calls took %v", took)
	}
	until(t, "Health names the error", func() bool { return in.Health().Err != nil })
	if h := in.Health(); h.Last != 100 || h.Unsettled != 1 || h.Bytes == 0 || h.Refused != 0 || !strings.Contains(h.Err.Error(), addr) {
		t.Errorf("health %+v", h)
	}
	k := openKafka(t, t.TempDir(), addr)
	all := k.records(t, in)
	holds(t, all, 100)
	for _, r := range all {
		if r.Time.Before(start) || r.Time.After(called) {
			t.Errorf("the time of number %d is not that of its log call: %v", r.Sequence, r.Time)
		}
	}
	if h := in.Health(); h.Unsettled != 101 || h.Bytes != 0 || h.Err != nil {
		t.Errorf("health %+v once records flow", h)
	}
	shutdown(t, in)
}

func TestNoNumberIsMissingWhenTheBrokerComesBack(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), freeAddr(t)
	k := openKafka(t, dir, addr)
	in := service(t, instrument.Config{Brokers: []string{addr}})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				in.Logger().Info("written before, during and after", "i", i)
			}
		}
	}()
	until(t, "records arrive", func() bool { return in.Health().Unsettled > 10 })
	k.stop()
	until(t, "Health names the error", func() bool { return in.Health().Err != nil })
	away := in.Health()
	k = openKafka(t, dir, addr)
	until(t, "records arrive again", func() bool { return in.Health().Unsettled > away.Last })
	close(stop)
	<-ended
	holds(t, k.records(t, in), in.Health().Last)
	shutdown(t, in)
}

func TestARecordRefusedForAFullBufferTakesNoNumber(t *testing.T) {
	// Not parallel: os.Stderr is replaced while the instrument starts.
	stderr, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	saved := os.Stderr
	os.Stderr = stderr
	addr := freeAddr(t)
	cfg := instrument.Config{Service: "bank", Brokers: []string{addr}, BufferBytes: 8 << 20, Console: quiet, Scoped: true}
	in, err := instrument.Start(context.Background(), cfg)
	cfg.Console = nil
	noisy, err2 := instrument.Start(context.Background(), cfg)
	os.Stderr = saved
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	defer noisy.Shutdown(done())

	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	ctx, visit := tracer(in).Start(ctx, "visit")
	for i := range 150 {
		in.Logger().With("w", 1).InfoContext(ctx, fmt.Sprint("large ", i), "text", strings.Repeat("x", 32<<10), "more", strings.Repeat("y", 32<<10))
	}
	full := in.Health()
	if full.Refused == 0 || full.Last+full.Refused != 151 || full.Bytes > 8<<20 {
		t.Errorf("health %+v", full)
	}
	in.Logger().Info("small")
	visit.End()
	k := openKafka(t, t.TempDir(), addr)
	all := k.records(t, in)
	holds(t, all, full.Last+2)
	hop := visit.SpanContext().SpanID().String()
	if end := one(t, all, record.KindHopEnd, "visit"); end.HopRecords != full.Last+1 {
		t.Errorf("the hop counts %d records, want %d", end.HopRecords, full.Last+1)
	}
	inHop := all[:0:0]
	for _, r := range all {
		if r.Hop() == hop {
			inHop = append(inHop, r)
		}
	}
	wholeHop(t, inHop, hop, 0)
	shutdown(t, in)
	if ledgers := k.ledgers(t, in); ledgers[len(ledgers)-1].Refused != full.Refused {
		t.Errorf("the ledger tells of %d refused records, want %d", ledgers[len(ledgers)-1].Refused, full.Refused)
	}

	lines := stderrLines(t, stderr)
	if uint64(len(lines)) != full.Refused {
		t.Fatalf("%d lines on stderr, want %d", len(lines), full.Refused)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line["message"].(string), "large ") || line["correlation.id"] != "Order-7" || line["labels"].(map[string]any)["w"] != "1" {
			t.Errorf("stderr: %.300v", line)
		}
	}
	// Where the console is stderr, a refused record is there once.
	if err := noisy.Shutdown(done()); err != nil {
		t.Error(err)
	}
	noisy.Logger().Info("afterwards")
	if more := stderrLines(t, stderr); len(more) != len(lines)+1 {
		t.Errorf("%d lines for one record", len(more)-len(lines))
	}
}

func stderrLines(t *testing.T, f *os.File) []map[string]any {
	t.Helper()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for d := json.NewDecoder(f); ; {
		var line map[string]any
		err := d.Decode(&line)
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
}

func TestShutdownKeepsToItsDeadline(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	for range 7 {
		in.Logger().Info("never shipped")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := in.Shutdown(ctx)
	if took := time.Since(start); took < 50*time.Millisecond || took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	if err == nil || !strings.Contains(err.Error(), "7 records did not reach Kafka at 127.0.0.1:") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if err := in.Shutdown(context.Background()); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestShutdownWithNothingToShipWaitsForNobody(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	shutdown(t, in)
}

func TestShutdownStopsShippingThoughItsContextHasEnded(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	in.Logger().Info("shipped")
	flushed(t, in)
	if err := in.Shutdown(done()); err != nil {
		t.Error(err)
	}
	in.Logger().Info("afterwards")
	if h := in.Health(); h.Last != 1 {
		t.Errorf("health %+v", h)
	}
}

func TestLogCallsAfterShutdownGetNoNumber(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	var console buffer
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Console: slog.NewTextHandler(&console, nil)})
	ctx, open := tracer(in).Start(foreign(in), "open")
	in.Logger().InfoContext(ctx, "before")
	shutdown(t, in)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			in.Logger().InfoContext(ctx, "after", "k", mad{})
			instrument.Delivered(ctx)
			_, span := tracer(in).Start(ctx, "after")
			span.End()
		})
	}
	wg.Wait()
	open.End()
	if h := in.Health(); h.Last != 2 || h.Unsettled != 3 || h.Refused != 0 {
		t.Errorf("health %+v", h)
	}
	holds(t, k.records(t, in), 2)
	if shown := console.String(); strings.Count(shown, "msg=after") != 4 || strings.Count(shown, "msg=delivered") != 4 {
		t.Errorf("the console shows %q", console.String())
	}
}

func TestManyMayLogWhileOneShutsDown(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Console: slog.DiscardHandler})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					in.Logger().Info("working")
				}
			}
		})
	}
	until(t, "some are logged", func() bool { return in.Health().Last > 100 })
	shutdown(t, in)
	last := in.Health().Last
	close(stop)
	wg.Wait()
	holds(t, k.records(t, in), last)
	if ledgers := k.ledgers(t, in); len(ledgers) == 0 || ledgers[len(ledgers)-1].Last != last {
		t.Errorf("ledgers %+v, want last %d", ledgers, last)
	}
}

// noise is text that no compression makes smaller.
func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		for b[i] < 'a' {
			rand.Read(b[i : i+1])
			b[i] = 'a' + b[i]%26
		}
	}
	return string(b)
}

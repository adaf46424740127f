package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// beWriter makes this test binary be a service that logs 5,000 records a second
// and keeps a ledger of its own of what it has logged, synced to disk.
const beWriter = "BE_WRITER"

// writerOrder says what the writer does.
type writerOrder struct {
	Broker string
	Data   string // empty: records wait in memory
	Ledger string // file of the writer's own
	Run    string // its journeys are <Run>-0, <Run>-1, …
	Drain  bool   // write nothing, ship what predecessors have left, and end
}

const (
	writerTick     = 10 * time.Millisecond
	writerPerTick  = 50
	writerJourneys = 40
)

func writer(text string) error {
	var o writerOrder
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	in, err := instrument.Start(ctx, instrument.Config{
		Service: "writer", Brokers: []string{o.Broker}, Data: o.Data, LedgerEvery: 200 * time.Millisecond, Console: slog.DiscardHandler, Scoped: true,
	})
	if err != nil {
		return err
	}
	if o.Drain {
		for in.Health().Replaying > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		return in.Shutdown(ctx)
	}
	ledger, err := os.OpenFile(o.Ledger, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	fmt.Println("writing")
	for n, tick := 0, time.NewTicker(writerTick); ctx.Err() == nil; <-tick.C {
		var logged strings.Builder
		for range writerPerTick {
			id := fmt.Sprintf("%s-%02d", o.Run, n%writerJourneys)
			of, _ := instrument.WithCorrelationID(context.Background(), id)
			in.Logger().InfoContext(of, "step", "n", n)
			fmt.Fprintf(&logged, "%s %d\n", id, n)
			n++
		}
		if _, err := ledger.WriteString(logged.String()); err != nil {
			return err
		}
		if err := ledger.Sync(); err != nil {
			return err
		}
	}
	within, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if h := in.Health(); h.Refused+h.Dropped > 0 {
		return fmt.Errorf("the buffer was full: %+v", h)
	}
	return in.Shutdown(within)
}

func startWriter(t *testing.T, o writerOrder) *exec.Cmd {
	t.Helper()
	order, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(cleanEnv(), beWriter+"="+string(order))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !o.Drain {
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "writing\n" {
			t.Fatalf("writer says %q: %v", line, err)
		}
	}
	return cmd
}

// shippingKills is how often broker and writer are killed, each.
func shippingKills() int {
	if os.Getenv("TORTURE") != "" {
		return 30
	}
	return 3
}

// flapping is a stack whose broker, collector and store are killed again and
// again, and a writer that is too.
type flapping struct {
	data, addr string
	up         *process
	url        string
}

func (f *flapping) start(t *testing.T) {
	t.Helper()
	f.up = waybill(t, "up", "--data", f.data, "--kafka-addr", f.addr, "--query-addr", "127.0.0.1:0", "--collector-addr", "127.0.0.1:0", "--otlp-http-addr", "", "--otlp-grpc-addr", "")
	f.url = f.up.says(t, `query is running.* url=(\S+)`)
}

// torture kills the stack and the writer in turn and returns what the writers'
// own ledgers hold: by journey, the numbers logged.
func (f *flapping) torture(t *testing.T, spool string) (ledger map[string]map[string]bool) {
	t.Helper()
	dir, run := t.TempDir(), testservers.Name(t)
	var ledgers []string
	write := func(kill int) *exec.Cmd {
		ledgers = append(ledgers, filepath.Join(dir, fmt.Sprint(kill)))
		return startWriter(t, writerOrder{Broker: f.addr, Data: spool, Ledger: ledgers[kill], Run: fmt.Sprintf("%s-%d", run, kill)})
	}
	f.start(t)
	w := write(0)
	for kill := range shippingKills() {
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
		f.up.kill(t)
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)
		if rand.IntN(2) == 0 { // the writer dies while its broker is away, or while it is there
			f.start(t)
			time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)
		}
		if err := w.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = w.Wait()
		if f.up.cmd.ProcessState != nil {
			f.start(t)
		}
		w = write(kill + 1)
	}
	if err := w.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(); err != nil {
		t.Errorf("the last writer, stopped in order: %v", err)
	}
	if spool != "" {
		if err := startWriter(t, writerOrder{Broker: f.addr, Data: spool, Drain: true}).Wait(); err != nil {
			t.Errorf("drain: %v", err)
		}
	}
	ledger = map[string]map[string]bool{}
	for _, name := range ledgers {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if id, n, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && strings.HasSuffix(line, "\n") {
				if ledger[id] == nil {
					ledger[id] = map[string]bool{}
				}
				ledger[id][n] = true
			}
		}
	}
	return ledger
}

// stored reads the journeys once the collector has caught up: by journey, its
// records by the number logged, each there once.
func (f *flapping) stored(t *testing.T, ledger map[string]map[string]bool) map[string]map[string]record.Record {
	t.Helper()
	after := time.Now()
	caughtUp := func() string {
		for id := range ledger {
			if j := ask(t, f.url, id); j != nil && j.AsOf != nil && j.AsOf.After(after) {
				return ""
			}
		}
		return fmt.Sprintf("the store has not all that came before %v", after)
	}
	eventually(t, 3*time.Minute, caughtUp)
	all := map[string]map[string]record.Record{}
	for id := range ledger {
		all[id] = map[string]record.Record{}
		j := ask(t, f.url, id)
		if j == nil {
			continue
		}
		if j.Completeness == journey.Lossy {
			t.Errorf("%s is called lossy: %s", id, j.CompletenessReason)
		}
		for _, r := range j.Records {
			n := r.Labels[0].Value
			if _, twice := all[id][n]; twice {
				t.Errorf("%s: record %s is there twice", id, n)
			}
			all[id][n] = *r
		}
	}
	return all
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// With a data folder, everything logged before a kill is in the store once.
func TestAKilledServiceLosesAndDoublesNothing(t *testing.T) {
	f := &flapping{data: t.TempDir(), addr: freeAddr(t)}
	spool := t.TempDir()
	ledger := f.torture(t, spool)
	stored := f.stored(t, ledger)
	logged, more := 0, 0
	for id, numbers := range ledger {
		logged += len(numbers)
		for n := range numbers {
			if _, ok := stored[id][n]; !ok {
				t.Errorf("%s: record %s was logged and is not there", id, n)
			}
		}
		more += len(stored[id]) - len(numbers)
	}
	// What the last tick before a kill had logged, and not yet in its own ledger.
	if most := shippingKills() * writerPerTick; more < 0 || more > most {
		t.Errorf("%d records more than logged, want at most %d", more, most)
	}
	left, err := filepath.Glob(filepath.Join(spool, "instrument", "writer", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	t.Logf("%d records through %d kills of the stack and %d of the writer: each there once (and %d logged in the last tick before a kill)",
		logged, shippingKills(), shippingKills(), more)
}

// Without one, what a kill has lost is what the last ledger calls unsettled.
func TestAKilledServiceWithoutAFolderLosesOnlyWhatItsLedgerCallsUnsettled(t *testing.T) {
	f := &flapping{data: t.TempDir(), addr: freeAddr(t)}
	ledger := f.torture(t, "")
	stored := f.stored(t, ledger)
	numbers := map[string]map[uint64]bool{} // by instance
	missing := 0
	for id := range ledger {
		for n := range ledger[id] {
			if _, ok := stored[id][n]; !ok {
				missing++
			}
		}
		for _, r := range stored[id] {
			if numbers[r.Node] == nil {
				numbers[r.Node] = map[uint64]bool{}
			}
			numbers[r.Node][r.Sequence] = true
		}
	}
	instances := 0
	for _, l := range ledgers(t, f.addr) {
		if l.Service != "writer" {
			continue
		}
		instances++
		for n := uint64(1); n < l.Unsettled; n++ {
			if !numbers[l.Node][n] {
				t.Errorf("%s has number %d settled, and it is not there", l.Node, n)
				break
			}
		}
	}
	if instances == 0 {
		t.Error("no ledger came")
	}
	t.Logf("%d records are missing, all of them unsettled in the last of %d ledgers", missing, instances)
}

// ledgers reads all loss ledgers.
func ledgers(t *testing.T, addr string) (all []record.Ledger) {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	client, err := sarama.NewClient([]string{addr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	partitions, err := client.Partitions(record.TopicInstances)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		end, err := client.GetOffset(record.TopicInstances, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		oldest, err := client.GetOffset(record.TopicInstances, p, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		if oldest == end {
			continue
		}
		part, err := consumer.ConsumePartition(record.TopicInstances, p, oldest)
		if err != nil {
			t.Fatal(err)
		}
		for at := oldest; at < end; {
			select {
			case m := <-part.Messages():
				at = m.Offset + 1
				l, err := record.DecodeLedger(m.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, l)
			case <-time.After(30 * time.Second):
				t.Fatalf("partition %d ends at %d, read to %d", p, end, at)
			}
		}
		part.Close()
	}
	return all
}

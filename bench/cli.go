package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waybill-log/waybill/instrument"
)

// cliArea measures the commands that people and scripts run, as processes of the binary that is shipped.
func cliArea(b *board) error {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "waybill")
	if err := build(path, ".", "./cmd/waybill"); err != nil {
		return err
	}
	return errors.Join(startUp(b, path), answered(b, dir, path), printed(b, path), paced(b, dir, path), ships(b))
}

// startUp measures how long a command takes that asks nobody.
func startUp(b *board, path string) error {
	const runs = 20
	var failed error
	running := func(name string, args ...string) func() float64 {
		return func() float64 {
			began := time.Now()
			for range runs {
				failed = errors.Join(failed, exec.Command(name, args...).Run())
			}
			return ms(time.Since(began)) / runs
		}
	}
	got := medians(running(path, "version"), running("true"))
	b.beside("start-up", "ms", got[0], got[1], 30)
	return failed
}

// answered measures what track takes over the server's own time, and when a tail shows its first line.
func answered(b *board, dir, path string) (err error) {
	p, server, kafka, err := runStack(dir, path)
	if err != nil {
		return err
	}
	defer func() { _, stopped := p.stop(); err = errors.Join(err, stopped) }()
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "seen", Brokers: []string{kafka}, Console: slog.DiscardHandler, Scoped: true})
	if err != nil {
		return err
	}
	const id = "a-journey"
	ctx, _ := instrument.WithCorrelationID(context.Background(), id)
	for range 50 {
		in.Logger().InfoContext(ctx, "debited the account", "amount", 42)
	}
	if err := errors.Join(in.Shutdown(context.Background()), untilTracked(server+"/api/v1/journeys/"+id)); err != nil {
		return err
	}
	var failed error
	got := medians(
		func() float64 {
			began := time.Now()
			failed = errors.Join(failed, exec.Command(path, "track", "--server", server, id).Run())
			return ms(time.Since(began))
		},
		func() float64 {
			began := time.Now()
			res, err := http.Get(server + "/api/v1/journeys/" + id)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			failed = errors.Join(failed, err)
			return ms(time.Since(began))
		},
		func() float64 {
			began := time.Now()
			failed = errors.Join(failed, exec.Command(path, "tail", "--server", server, "--since", "1h", "--limit", "1", "-q").Run())
			return ms(time.Since(began))
		},
	)
	if failed != nil {
		return failed
	}
	b.say("track of a journey of 50 records takes %.1f ms, of which the server takes %.1f ms", got[0], got[1])
	b.bounded("track-over-server", "ms", got[0]-got[1], 50)
	b.bounded("tail-first-line", "ms", got[2], 300)
	return nil
}

// printedRecords are those that a tail is given at once.
const printedRecords = 300_000

// printed measures what a tail can print, beside a loop that decodes each record as a map.
func printed(b *board, path string) error {
	w := newWorkload(printedRecords)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		out := bufio.NewWriterSize(rw, 64<<10)
		for i, value := range w.values {
			fmt.Fprintf(out, "id: v1.%d.%d.%d.%d\nevent: record\ndata: %s\n\n", i/4, i/4, i/4, i/4, value)
		}
		if out.Flush() == nil && http.NewResponseController(rw).Flush() == nil {
			<-r.Context().Done()
		}
	})}
	go server.Serve(ln)
	defer server.Close()
	url := "http://" + ln.Addr().String()
	var failed error
	rates, cpus := map[string][]float64{}, map[string][]float64{}
	for range rounds {
		for name, command := range map[string]func() (*exec.Cmd, error){
			"text": func() (*exec.Cmd, error) {
				return exec.Command(path, "tail", "--server", url, "-q", "--limit", strconv.Itoa(printedRecords)), nil
			},
			"jsonl": func() (*exec.Cmd, error) {
				return exec.Command(path, "tail", "--server", url, "-q", "-o", "jsonl", "--limit", strconv.Itoa(printedRecords)), nil
			},
			"naive": func() (*exec.Cmd, error) { return inRole("naive tail", url+" "+strconv.Itoa(printedRecords)) },
		} {
			took, used, err := lines(command, printedRecords)
			failed = errors.Join(failed, err)
			rates[name], cpus[name] = append(rates[name], printedRecords/took.Seconds()/1e3), append(cpus[name], float64(used.Microseconds())/printedRecords)
		}
	}
	if failed != nil {
		return failed
	}
	b.say("CPU a record: %.1f us as text, %.1f us as jsonl, %.1f us by a loop over maps", quantile(slices.Sorted(slices.Values(cpus["text"])), 0.5), quantile(slices.Sorted(slices.Values(cpus["jsonl"])), 0.5), quantile(slices.Sorted(slices.Values(cpus["naive"])), 0.5))
	b.goal("tail-prints", figure(quantile(slices.Sorted(slices.Values(rates["text"])), 0.5), "k/s"), figure(quantile(slices.Sorted(slices.Values(rates["naive"])), 0.5), "k/s"), fmt.Sprintf("%.2f", quantile(slices.Sorted(slices.Values(rates["text"])), 0.5)/quantile(slices.Sorted(slices.Values(rates["naive"])), 0.5)), ">=50k/s", quantile(slices.Sorted(slices.Values(rates["text"])), 0.5) >= 50)
	b.atMost("tail-cpu", "us", quantile(slices.Sorted(slices.Values(cpus["text"])), 0.5), quantile(slices.Sorted(slices.Values(cpus["naive"])), 0.5), 1)
	return nil
}

// lines counts what a command prints into a pipe, and says how long that took.
func lines(command func() (*exec.Cmd, error), want int) (took, used time.Duration, err error) {
	cmd, err := command()
	if err != nil {
		return 0, 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	n, err := counted(out)
	took = time.Since(began)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return took, 0, err
	}
	if n != want {
		err = fmt.Errorf("%v printed %d lines, want %d", cmd.Args, n, want)
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

func counted(out io.Reader) (n int, err error) {
	b := make([]byte, 64<<10)
	for {
		at, err := out.Read(b)
		n += bytes.Count(b[:at], []byte{'\n'})
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// playNaiveTail prints the records of a tail as people first do: each decoded as a map.
func playNaiveTail(argument string) error {
	url, count, _ := strings.Cut(argument, " ")
	left, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	res, err := http.Get(url + "/api/v1/tail")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	in, out := bufio.NewScanner(res.Body), bufio.NewWriter(os.Stdout)
	in.Buffer(nil, 4<<20)
	for left > 0 && in.Scan() {
		data, ok := bytes.CutPrefix(in.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		var r map[string]any
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		fmt.Fprintf(out, "%v %v %v %v %v\n", r["@timestamp"], r["log.level"], r["service.name"], r["message"], r["labels"])
		left--
	}
	return errors.Join(in.Err(), out.Flush())
}

const pacedRate, pacedSeconds = 50_000, 10

var receipt = regexp.MustCompile(`shown (\d+), skipped (\d+)\n$`)

// lineCounter counts lines that are written to it, and keeps the end of them.
type lineCounter struct {
	mu    sync.Mutex
	lines int
	end   []byte
}

func (c *lineCounter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines += bytes.Count(b, []byte{'\n'})
	c.end = append(c.end, b...)
	c.end = c.end[max(0, len(c.end)-200):]
	return len(b), nil
}

// receipt is the last one that a tail has said.
func (c *lineCounter) receipt() (shown, skipped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := receipt.FindSubmatch(c.end); m != nil {
		shown, _ = strconv.Atoi(string(m[1]))
		skipped, _ = strconv.Atoi(string(m[2]))
	}
	return shown, skipped
}

func (c *lineCounter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines
}

// paced has a tail print what comes to Kafka at 50,000 records a second. What it does not print, its receipt has.
func paced(b *board, dir, path string) (err error) {
	kafka, err := start("broker", filepath.Join(dir, "paced-broker")+" 127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.stop()) }()
	addr, err := kafka.line()
	if err != nil {
		return err
	}
	tail, err := start("tail", addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tail.stop()) }()
	at, err := tail.line()
	if err != nil {
		return err
	}
	w := newWorkload(pacedRate * pacedSeconds)
	cmd := exec.Command(path, "tail", "--server", "http://"+at, "--since", "1h") // what is written while it starts is its, too
	var said, printed lineCounter
	cmd.Stdout, cmd.Stderr = &printed, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	began := time.Now()
	if err := write(addr, w, pacedRate, func(int) error { return nil }); err != nil {
		return err
	}
	took := time.Since(began)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // its receipt comes each second
		if _, skipped := said.receipt(); printed.count()+skipped >= len(w.values) || time.Now().After(deadline) {
			break
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	_ = cmd.Wait() // it was interrupted
	shown, skipped := said.receipt()
	b.say("of %d records, written at %.0f/s, a tail printed %d and skipped %d", len(w.values), float64(len(w.values))/took.Seconds(), shown, skipped)
	if n := printed.count(); n != shown || shown+skipped != len(w.values) {
		return fmt.Errorf("%d lines were printed, and the receipt of %d records is %d shown, %d skipped", n, len(w.values), shown, skipped)
	}
	b.goal("tail-within-receipts", fmt.Sprintf("%d+%d", shown, skipped), "-", "-", fmt.Sprintf("=%d", len(w.values)), true)
	return nil
}

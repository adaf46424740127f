package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
)

func written(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// stackForShipping is a stack that takes in records.
func stackForShipping(t *testing.T) (p *process, collector, server, broker string) {
	t.Helper()
	p = waybill(t, append([]string{"up"}, loopback(t)...)...)
	collector = p.says(t, `collector is running.* admin=(\S+)`)
	broker = p.says(t, `collector is running.* brokers=\[(\S+)\]`)
	return p, collector, p.says(t, `query is running.* url=(\S+)`), broker
}

// noLetters checks that everything could be stored.
func noLetters(t *testing.T, broker string) {
	t.Helper()
	if r := once(t, nil, "deadletters", "list", "--kafka-brokers", broker, "-o", "jsonl"); r.code != 0 || r.stdout != "" {
		t.Errorf("dead letters: %+v", r)
	}
}

// Whoever is killed when, and whatever is shipped twice: each line is stored once.
func TestEachLineIsStoredOnceWhoeverIsKilled(t *testing.T) {
	_, collector, server, broker := stackForShipping(t)
	const journeys, lines = 40, 20_000
	var text bytes.Buffer
	for n := range lines {
		id := fmt.Sprintf("kill-%02d", n%journeys)
		switch n % 7 {
		case 0:
			fmt.Fprintf(&text, "undated line %d of %s\n", n, id)
		case 1, 2:
			fmt.Fprintf(&text, `{"time":"2026-11-20T10:%02d:%02dZ","msg":"equal lines of %s","more":"%s"}`+"\n", n/1200, n/20%60, id, strings.Repeat("x", 300))
		default:
			fmt.Fprintf(&text, `{"time":"2026-11-20T10:%02d:%02dZ","level":"info","msg":"line %d of %s","more":"%s"}`+"\n", n/1200, n/20%60, n, id, strings.Repeat("x", 300))
		}
	}
	dir := t.TempDir()
	log := written(t, dir, "app.log", text.String())
	args := []string{"ship", log, "--format", "json", "--collector-url", collector, "--id-from", `kill-\d\d`, "--data", dir}
	kills := 0
	for kills < 1000 {
		p := waybill(t, args...)
		ended := make(chan struct{})
		go func() { p.cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(time.Duration(50+rand.IntN(400)) * time.Millisecond):
			p.cmd.Process.Kill()
			<-ended
		}
		close(p.ended)
		if p.cmd.ProcessState.ExitCode() == 0 {
			break
		}
		kills++
		if kills%8 == 0 { // or it might never get to the end
			r := once(t, nil, args...)
			if r.code != 0 {
				t.Fatalf("%+v", r)
			}
			break
		}
	}
	t.Logf("%d kills", kills)
	if r := once(t, nil, args...); r.code != 0 || !strings.Contains(r.stderr, "read 0 lines of 0 files, shipped 0 records; 1 files shipped before") {
		t.Errorf("shipped again: %+v", r)
	}
	if r := once(t, nil, append(args, "--from-start")...); r.code != 0 || !strings.Contains(r.stderr, "shipped 20,000 records") {
		t.Errorf("from its start: %+v", r)
	}
	if r := once(t, nil, append(args, "--from-start", "--kafka-brokers", broker)...); r.code != 0 || !strings.Contains(r.stderr, "shipped 20,000 records") {
		t.Errorf("straight to Kafka: %+v", r)
	}
	for n := range journeys {
		id := fmt.Sprintf("kill-%02d", n)
		eventually(t, time.Minute, func() string {
			j := ask(t, server, id)
			if j == nil {
				return id + " is not there"
			}
			seen := map[string]int{}
			for _, r := range j.Records {
				seen[r.Identity()]++
			}
			if len(j.Records) != lines/journeys || len(seen) != lines/journeys {
				return fmt.Sprintf("%s has %d records, %d of them different, want %d", id, len(j.Records), len(seen), lines/journeys)
			}
			return ""
		})
	}
	noLetters(t, broker)
}

// Logs as they are found on several hosts, with the ID inside the message.
func TestALogOfAnyKindIsTrackedByAnIDInItsMessages(t *testing.T) {
	_, collector, server, broker := stackForShipping(t)
	dir := t.TempDir()
	ship := func(args ...string) {
		t.Helper()
		if r := once(t, nil, append([]string{"ship", "--collector-url", collector, "--data", dir}, args...)...); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	tracked := func(id string, want ...string) {
		t.Helper()
		eventually(t, time.Minute, func() string {
			r := once(t, nil, "track", "--server", server, id)
			for _, text := range want {
				if !strings.Contains(r.stdout, text) {
					return fmt.Sprintf("track %s lacks %q: %+v", id, text, r)
				}
			}
			return ""
		})
	}

	// A block that crosses two data nodes and a name node.
	for host, text := range map[string]string{
		"dn1": "261120 203518 143 INFO depot.Node$Receiver: Receiving block blk_-1608999687919862906 src: /10.250.19.102:54106\n261120 203521 143 INFO depot.Node$Responder: block blk_-1608999687919862906 terminating\n",
		"dn2": "261120 203519 27 INFO depot.Node$Receiver: Receiving block blk_-1608999687919862906 src: /10.250.10.6:40524\n",
		"nn":  "261120 203518 35 INFO depot.Names: allocateBlock /mnt/part-0. blk_-1608999687919862906\n261120 203530 35 INFO depot.Names: to delete blk_-1608999687919862906 blk_17\n",
	} {
		written(t, dir, host+".hdfs.log", text)
	}
	ship(filepath.Join(dir, "*.hdfs.log"), "--id-from", `blk_-?\d+`, "--all-ids", "--node-from", `path:(\w+)\.hdfs`,
		"--pattern", `^(?P<time>\d{6} \d{6}) \d+ (?P<level>\w+) (?P<service>[\w.$]+): (?P<message>.*)$`)
	tracked("blk_-1608999687919862906", "allocateBlock", "terminating", "10.250.10.6", "records         5")
	tracked("blk_17", "to delete", "records         1")

	// A request that makes an instance, on two hosts.
	written(t, dir, "api.stack.log", "api.log.1 2026-11-20 00:00:00.008 25746 INFO nova.api [req-38101a0b-2096-447d-96ea-a692162415ae 113d] POST /servers accepted\n")
	written(t, dir, "compute.stack.log", "compute.log.1 2026-11-20 00:00:04.500 2931 INFO nova.compute [req-38101a0b-2096-447d-96ea-a692162415ae 113d] [instance: b9000564-fe1a-409b-b8cc-1e88b294cd1d] VM Started\n")
	ship(filepath.Join(dir, "*.stack.log"), "--id-from", `(?P<request>req-[0-9a-f-]+)`, "--id-from", `instance: (?P<instance>[0-9a-f-]+)`)
	tracked("req-38101a0b-2096-447d-96ea-a692162415ae", "accepted", "VM Started")
	tracked("b9000564-fe1a-409b-b8cc-1e88b294cd1d", "accepted", "VM Started") // by its other name

	// A web server's request, in the field that its operators have put behind the combined format.
	written(t, dir, "access.log", `203.0.113.9 - - [20/Nov/2026:08:00:00 +0100] "POST /parcels HTTP/1.1" 503 12 "-" "curl/8.5.0" rid=9f86d081884c7d65`+"\n")
	written(t, dir, "app.log", `time=2026-11-20T07:00:00.010Z level=error msg="printer is away" request=9f86d081884c7d65`+"\n")
	ship(filepath.Join(dir, "access.log"), filepath.Join(dir, "app.log"), "--id-from", `rid=(\w+)`, "--id-from", "json:request")
	tracked("9f86d081884c7d65", "POST /parcels HTTP/1.1 503", "printer is away")
	noLetters(t, broker)
}

func TestShippingThatIsInterruptedSaysHowFarItCame(t *testing.T) {
	_, collector, _, _ := stackForShipping(t)
	dir := t.TempDir()
	log := written(t, dir, "app.log", "INFO one\nINFO two\n")
	p := waybill(t, "ship", "-f", log, "--collector-url", collector, "--data", dir)
	p.says(t, `is read as text`)
	eventually(t, time.Minute, func() string {
		if b, err := os.ReadFile(filepath.Join(dir, "ship", "positions.json")); err != nil || !bytes.Contains(b, []byte(`"offset":18`)) {
			return fmt.Sprintf("%s %v", b, err)
		}
		return ""
	})
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(t); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"read 2 lines of 1 files, shipped 2 records", "interrupted; the next run goes on behind what was acknowledged"} {
		if !strings.Contains(p.log(), want) {
			t.Errorf("nothing says %q in\n%s", want, p.log())
		}
	}
}

// At a terminal a bar tells how far shipping is. It makes room for what is said, and is gone at the end.
func TestShippingAtATerminalShowsHowFarItIs(t *testing.T) {
	const lines, free = 40_000, 10 // free: how many requests are answered at once
	held := make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	var asked atomic.Int64
	clerk := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n := asked.Add(1)
		if n == free {
			fmt.Fprint(w, `{"accepted":0,"refused_count":1,"refused":[{"line":1,"reason":"it is odd"}]}`)
			return
		}
		if n > free {
			<-held
		}
		fmt.Fprint(w, `{"accepted":1,"refused_count":0,"refused":[]}`)
	}))
	t.Cleanup(clerk.Close)
	t.Cleanup(release)
	dir := t.TempDir()
	log := written(t, dir, "app.log", strings.Repeat(`{"time":"2026-11-20T10:00:00Z","msg":"`+strings.Repeat("x", 1000)+`"}`+"\n", lines))
	u := at(t, 100, 10, nil, "ship", log, "--collector-url", clerk.URL, "--data", dir)
	bar := regexp.MustCompile(`(?m)^shipping +(\d+)% \|[█ ]+\|`)
	u.until(t, func(screen string) string {
		if m := bar.FindStringSubmatch(screen); m == nil || m[1] == "0" || m[1] == "100" {
			return "no bar that is under way"
		}
		if !regexp.MustCompile(`(?m)^waybill: 1 records are refused: it is odd$`).MatchString(screen) {
			return "no line of its own for what is refused"
		}
		return ""
	})
	release()
	if code := u.ends(t); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if screen := u.text(); strings.Contains(screen, "shipping") || !strings.Contains(screen, "read 40,000 lines of 1 files") {
		t.Errorf("at the end the screen shows\n%s", screen)
	}
}

func TestADryRunPrintsWhatItWouldShipAndNothingThatSteersATerminal(t *testing.T) {
	dir := t.TempDir()
	log := written(t, dir, "app.log", `{"time":"2026-11-20T10:00:00Z","level":"warn","msg":"a \u001b[31mb\u202e c\u0085","ctx":{"id":"x-1"}}`+"\nnot \x1b]0;json\x07\n")
	args := []string{"ship", "--dry-run", "--format", "json", log, "--id-from", "json:ctx.id", "--show-unparsed", "--data", dir}
	r := once(t, nil, args...)
	steering := regexp.MustCompile("[\x00-\x09\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2028\u2029]")
	if r.code != 0 || steering.MatchString(r.stdout) || steering.MatchString(r.stderr) {
		t.Errorf("%+v", r)
	}
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if len(lines) != 2 {
		t.Fatalf("%q", lines)
	}
	var one record.Record
	if err := json.Unmarshal([]byte(lines[0]), &one); err != nil || one.Message != "a \x1b[31mb\u202e c\u0085" || one.CorrelationID != "x-1" {
		t.Errorf("%v %+v", err, one)
	}
	for _, want := range []string{"unparsed: " + log + " at ", "not ·]0;json·", "a dry run, nothing was shipped", "1 unparsed, kept as plain messages"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, r.stderr)
		}
	}
	r = once(t, nil, append(args, "-o", "text")...)
	if want := "2026-11-20T10:00:00.000000000Z warn  app [x-1] a ·[31mb· c·  ctx.id=x-1\n"; !strings.HasPrefix(r.stdout, want) || steering.MatchString(r.stdout) {
		t.Errorf("%q, want %q", r.stdout, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "ship")); err == nil {
		t.Error("a dry run remembers positions")
	}
}

func TestMisuseOfShipIsToldAndHasItsExitCode(t *testing.T) {
	dir := t.TempDir()
	log := written(t, dir, "app.log", "one\n")
	f := func(code int, says string, args ...string) {
		t.Helper()
		if r := once(t, nil, append([]string{"ship", "--data", dir}, args...)...); r.code != code || !strings.Contains(r.stderr, says) || r.stdout != "" {
			t.Errorf("waybill ship %s: code %d, want %d, stderr lacks %q: %+v", strings.Join(args, " "), r.code, code, says, r)
		}
	}
	f(exitUsage, "want one of auto, json,", log, "--format", "xml")
	f(exitUsage, "want jsonl or text", log, "--dry-run", "-o", "xml")
	f(exitUsage, "no named group", log, "--pattern", `\d+`)
	f(exitUsage, "--pattern: error parsing regexp", log, "--pattern", `(`)
	f(exitUsage, "not both", log, "--pattern", `(?P<message>.*)`, "--format", "json")
	f(exitUsage, "--multiline: error parsing regexp", log, "--multiline", `(`)
	f(exitUsage, "--id-from: ", log, "--id-from", `(`)
	f(exitUsage, "names no field", log, "--id-from", `json:`)
	f(exitUsage, "--service-from: an empty name", log, "--service-from", "")
	f(exitUsage, "is no layout of a time", log, "--time-format", "whenever")
	f(exitUsage, "--timezone Mars/Olympus: want a name such as Europe/Berlin", log, "--timezone", "Mars/Olympus")
	f(exitUsage, "--max-line 1: want 1024 to", log, "--max-line", "1")
	f(exitUsage, "want http://host:port", log, "--collector-url", "nowhere")
	f(exitUnreachable, "no collector takes records at http://127.0.0.1:1/api/v1/records", log, "--collector-url", "http://127.0.0.1:1")
	f(exitUnreachable, "Kafka at 127.0.0.1:1", log, "--kafka-brokers", "127.0.0.1:1")
	f(exitFailed, "absent.log: no such file", "--dry-run", filepath.Join(dir, "absent.log"))
	f(exitFailed, "no file is called", "--dry-run", filepath.Join(dir, "absent*"))
	f(exitFailed, "stdin ends by itself", "--dry-run", "-f", "-")
}

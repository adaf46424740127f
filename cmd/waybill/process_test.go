package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
)

// beMain makes this test binary be waybill, so that processes under test are real ones.
const beMain = "BE_WAYBILL_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
	}
	if order := os.Getenv(beWriter); order != "" {
		if err := writer(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process is a running waybill.
type process struct {
	cmd    *exec.Cmd
	stdout io.ReadCloser
	out    *bufio.Reader // over stdout, for who reads line by line
	mu     sync.Mutex
	stderr bytes.Buffer
	line   chan struct{} // a line was written to stderr
	ended  chan struct{}
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.line <- struct{}{}:
	default:
	}
	return p.stderr.Write(b)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// waybill starts a process that ends, in order if it can, when the test ends.
func waybill(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], args...), line: make(chan struct{}, 1), ended: make(chan struct{})}
	p.cmd.Env = append(cleanEnv(), beMain+"=1")
	p.cmd.Stderr = p
	var err error
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		last := time.AfterFunc(15*time.Second, func() { p.cmd.Process.Kill() })
		p.wait(t)
		last.Stop()
		if t.Failed() {
			t.Logf("stderr of waybill %s:\n%s", strings.Join(args, " "), p.log())
		}
	})
	return p
}

// cleanEnv is the environment without settings and contexts of waybill's.
func cleanEnv() (out []string) {
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, envPrefix) {
			out = append(out, kv)
		}
	}
	return append(out, "XDG_CONFIG_HOME=/nonexistent")
}

func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	default:
		p.cmd.Wait()
		close(p.ended)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.wait(t)
}

// stop ends a process in order and returns its exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

// says waits until stderr matches, and returns the first group.
func (p *process) says(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for timeout := time.After(time.Minute); ; {
		if m := re.FindStringSubmatch(p.log()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-p.line:
		case <-timeout:
			t.Fatalf("stderr does not say %s:\n%s", pattern, p.log())
		}
	}
}

// firstLine reads one line of stdout.
func (p *process) firstLine(t *testing.T) string {
	t.Helper()
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(p.stdout).ReadString('\n')
		line <- text
	}()
	select {
	case text := <-line:
		return text
	case <-time.After(90 * time.Second):
		t.Fatalf("nothing on stdout; stderr:\n%s", p.log())
		return ""
	}
}

// result is what a command that ends by itself has left.
type result struct {
	code           int
	stdout, stderr string
}

// once runs a command line in this process.
func once(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, environ, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// loopback gives up, and demo with its services, a folder and free ports.
func loopback(t *testing.T, services ...string) []string {
	args := []string{"--data", t.TempDir()}
	for _, name := range append([]string{"kafka", "query", "collector", "otlp-http", "otlp-grpc"}, services...) {
		args = append(args, "--"+name+"-addr", "127.0.0.1:0")
	}
	return args
}

var demoServices = []string{"gateway", "registry", "bank", "game"}

// ask gets a journey; nil if there is none yet.
func ask(t *testing.T, server, id string) *journey.Journey {
	t.Helper()
	res, err := http.Get(server + "/api/v1/journeys/" + id)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", res.Status, body, err)
	}
	var j journey.Journey
	if err := json.Unmarshal(body, &j); err != nil {
		t.Fatal(err)
	}
	return &j
}

// eventually waits until ok returns an empty string, which else says what is amiss.
func eventually(t *testing.T, within time.Duration, ok func() string) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		amiss := ok()
		if amiss == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, amiss)
		}
	}
}

func delivered(t *testing.T, server, id string) string {
	t.Helper()
	j := ask(t, server, id)
	if j == nil {
		return id + " is not there"
	}
	if j.Verdict != journey.Delivered || j.Completeness != journey.Proved {
		return fmt.Sprintf("%s is %s (%s), %s (%s)", id, j.Verdict, j.Reason, j.Completeness, j.CompletenessReason)
	}
	return ""
}

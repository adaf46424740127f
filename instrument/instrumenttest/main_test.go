package instrumenttest_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// output is where package log, and so slog's first default, writes.
var output buffer

// TestMain finds goroutines that outlive the tests.
func TestMain(m *testing.M) {
	log.SetOutput(&output)
	code := m.Run()
	if leak := goleak.Find(); code == 0 && leak != nil {
		fmt.Fprintln(os.Stderr, leak)
		code = 1
	}
	os.Exit(code)
}

type buffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) String() string {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.String()
}

var _ io.Writer = (*buffer)(nil)

// tb is a test that records what is reported to it, and where.
type tb struct {
	mu       sync.Mutex
	helpers  map[string]bool
	failures []failure
	logs     []string
	cleanups []func()
}

type failure struct {
	text  string
	in    string // the function that the report is attributed to, as package testing does
	fatal bool
}

func (t *tb) Helper() {
	t.mu.Lock()
	defer t.mu.Unlock()
	pc, _, _, _ := runtime.Caller(1)
	if t.helpers == nil {
		t.helpers = map[string]bool{}
	}
	t.helpers[runtime.FuncForPC(pc).Name()] = true
}

func (t *tb) Errorf(format string, args ...any) { t.fail(false, format, args) }

func (t *tb) Fatalf(format string, args ...any) {
	t.fail(true, format, args)
	runtime.Goexit()
}

func (t *tb) fail(fatal bool, format string, args []any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pcs := make([]uintptr, 50)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		frame, more := frames.Next()
		if !t.helpers[frame.Function] || !more {
			t.failures = append(t.failures, failure{fmt.Sprintf(format, args...), frame.Function, fatal})
			return
		}
	}
}

func (t *tb) Logf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.logs = append(t.logs, fmt.Sprintf(format, args...))
}

func (t *tb) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.failures) > 0
}

func (t *tb) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

// run runs a test of its own and returns what it was told.
func run(test func(t *tb)) *tb {
	t := new(tb)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for i := len(t.cleanups) - 1; i >= 0; i-- {
				t.cleanups[i]()
			}
		}()
		test(t)
	}()
	<-done
	return t
}

// wantFailure asserts that one thing was reported, with these texts.
func wantFailure(t *testing.T, got *tb, texts ...string) {
	t.Helper()
	if len(got.failures) != 1 {
		t.Errorf("%d failures, want 1: %+v", len(got.failures), got.failures)
		return
	}
	for _, text := range texts {
		if !strings.Contains(got.failures[0].text, text) {
			t.Errorf("want %q in\n%s", text, got.failures[0].text)
		}
	}
	if in := got.failures[0].in; !strings.Contains(in, "instrumenttest_test.Test") {
		t.Errorf("attributed to %s, want the test", in)
	}
}

func wantNone(t *testing.T, got *tb) {
	t.Helper()
	for _, f := range got.failures {
		t.Errorf("reported: %s", f.text)
	}
}

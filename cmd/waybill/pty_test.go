package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// session is a waybill at a terminal, of which the test reads the screen and types on the keyboard.
type session struct {
	cmd   *exec.Cmd
	tty   *os.File
	ended chan struct{}

	mu     sync.Mutex
	screen *vt.Emulator
	said   strings.Builder // all that was written
}

func at(t *testing.T, columns, rows int, environ []string, args ...string) *session {
	t.Helper()
	s := &session{cmd: exec.Command(os.Args[0], args...), screen: vt.NewEmulator(columns, rows), ended: make(chan struct{})}
	s.cmd.Env = append(append(cleanEnv(), beMain+"=1", "TERM=xterm-256color"), environ...)
	var err error
	if s.tty, err = pty.StartWithSize(s.cmd, &pty.Winsize{Rows: uint16(rows), Cols: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() { // what a terminal answers, when it is asked what it can do
		defer close(answered)
		for b := make([]byte, 256); ; {
			n, err := s.screen.Read(b) // a pipe, beside the screen
			if err != nil {
				return
			}
			_, _ = s.tty.Write(b[:n]) // it may have ended
		}
	}()
	go func() {
		defer close(s.ended)
		for b := make([]byte, 4096); ; {
			n, err := s.tty.Read(b)
			s.mu.Lock()
			s.said.Write(b[:n])
			_, _ = s.screen.Write(b[:n]) // it takes all
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it may have ended
		<-s.ended
		s.screen.InputPipe().(io.Closer).Close()
		s.tty.Close()
		<-answered
	})
	return s
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// written is all that has been, sequences included.
func (s *session) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

// shows waits until the screen has a text.
func (s *session) shows(t *testing.T, wants ...string) {
	t.Helper()
	s.until(t, func(screen string) string {
		for _, want := range wants {
			if !strings.Contains(screen, want) {
				return "no " + want
			}
		}
		return ""
	})
}

func (s *session) until(t *testing.T, amiss func(screen string) string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		screen := s.text()
		why := amiss(screen)
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			said := s.written()
			t.Fatalf("%s on the screen:\n%s\nall that was written ends with %q", why, screen, said[max(0, len(said)-500):])
		}
	}
}

func (s *session) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// ends waits for the end, and gives the exit code.
func (s *session) ends(t *testing.T) int {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("it goes on:\n%s", s.text())
	}
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return s.cmd.ProcessState.ExitCode()
}

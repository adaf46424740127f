package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Exec is a program that gets [Payload] on stdin. No shell is between, and nothing of what is told
// is among its arguments. It took the notification if it exits 0; else it is run again.
// It needs Config.AllowExec.
type Exec struct {
	Command []string `yaml:"command"` // the program, by its whole path, and its arguments
}

const (
	maxArguments = 64
	maxOutput    = 16 << 10 // kept of what it prints
	endWithin    = 2 * time.Second
)

func (e *Exec) check(*Receiver) error {
	if len(e.Command) == 0 || len(e.Command) > maxArguments {
		return fmt.Errorf("exec.command has %d words, want 1 to %d", len(e.Command), maxArguments)
	}
	if !filepath.IsAbs(e.Command[0]) {
		return fmt.Errorf("exec.command begins with %.100q, want the program's whole path", e.Command[0])
	}
	for _, word := range e.Command {
		if strings.ContainsRune(word, 0) || len(word) > maxURL {
			return errors.New("exec.command has a word that no program takes")
		}
	}
	return nil
}

func (*Exec) perMinute() int { return 60 }

func (e *Exec) kind(m *Manager, _ *Receiver) (kind, error) {
	if !m.cfg.AllowExec {
		return nil, errors.New("it runs a program, which is off: allow it in the settings, or choose another kind")
	}
	return &program{m: m, command: e.Command}, nil
}

type program struct {
	m       *Manager
	command []string
}

func (e *program) where() string { return e.command[0] }
func (e *program) close()        {}

func (e *program) deliver(ctx context.Context, p *parcel, a *answer) {
	body := encoded(payloadOf(p))
	ctx, called := e.m.call(ctx, "exec", filepath.Base(e.command[0]), nil)
	cmd := exec.CommandContext(ctx, e.command[0], e.command[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "WAYBILL_TRACKING_NUMBER=" + p.Delivery.Tracking} // none of the secrets that Waybill's own has
	cmd.Dir = os.TempDir()
	cmd.Stdin = bytes.NewReader(body)
	out := &firstBytes{most: maxOutput}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = endWithin
	alone(cmd)
	a.request = head(fmt.Sprintf("%s\n\n%s", e.command[0], body[:min(len(body), maxRequestHead)]), maxRequestHead, nil)
	err := cmd.Run()
	a.text = head(string(out.kept), maxAnswerHead, nil)
	if cmd.ProcessState != nil {
		a.status = cmd.ProcessState.ExitCode()
	}
	if err != nil {
		a.err = fmt.Errorf("it ended with %w", err)
	}
	called(a.status, a.err)
}

// firstBytes keeps what comes first. Only one goroutine writes: exec knows that both outputs are the same.
type firstBytes struct {
	kept []byte
	most int
}

func (f *firstBytes) Write(p []byte) (int, error) {
	f.kept = append(f.kept, p[:min(len(p), f.most-len(f.kept))]...)
	return len(p), nil
}

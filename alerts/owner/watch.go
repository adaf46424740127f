package owner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// Watch is a file of rules that is read again when it changes. One that is wrong is said to be
// so, and the rules stay as they were. Safe for concurrent use.
type Watch struct {
	path   string
	accept func(*alerts.Rules) error
	log    *slog.Logger

	mu    sync.Mutex
	rules *alerts.Rules
	wrong string
	at    time.Time
	sum   [32]byte
	said  time.Time
}

const (
	lookEvery     = 2 * time.Second
	complainEvery = time.Minute
)

// NewWatch reads the file; no path has only the rules that are always there. Accept takes over
// what else stands in the file, such as receivers, and may refuse it; nil accepts.
func NewWatch(path string, accept func(*alerts.Rules) error, log *slog.Logger) (*Watch, error) {
	w := &Watch{path: path, accept: accept, log: log, at: time.Now()}
	if log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if path == "" {
		var err error
		w.rules, err = alerts.ParseRules(nil)
		return w, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	w.sum = sha256.Sum256(b)
	w.rules, err = w.read()
	return w, err
}

func (w *Watch) read() (*alerts.Rules, error) {
	rules, err := alerts.ReadRules(w.path)
	if err == nil && w.accept != nil {
		if err = w.accept(rules); err != nil {
			err = fmt.Errorf("rules in %s: %w", w.path, err)
		}
	}
	return rules, err
}

// Follow looks at the file until ctx ends.
func (w *Watch) Follow(ctx context.Context) {
	for w.path != "" && ctx.Err() == nil {
		pause(ctx, lookEvery)
		w.look(time.Now())
	}
}

// look reads the file again if it is another one.
func (w *Watch) look(now time.Time) {
	b, err := os.ReadFile(w.path)
	sum := sha256.Sum256(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && bytes.Equal(sum[:], w.sum[:]) {
		if w.wrong != "" && now.Sub(w.said) >= complainEvery {
			w.complain(now)
		}
		return
	}
	if err == nil {
		w.sum = sum
		var rules *alerts.Rules
		if rules, err = w.read(); err == nil {
			w.rules, w.wrong, w.at = rules, "", now
			w.log.Info("the rules are read again", "file", w.path, "rules", len(rules.Rules))
			return
		}
	}
	if w.wrong != err.Error() || now.Sub(w.said) >= complainEvery {
		w.wrong = err.Error()
		w.complain(now)
	}
}

func (w *Watch) complain(now time.Time) {
	w.said = now
	w.log.Error("the rules stay as they were: what the file says now is wrong", "file", w.path, "error", w.wrong)
}

// Rules are those that hold.
func (w *Watch) Rules() *alerts.Rules {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rules
}

// about is what the owners say of the rules.
func (w *Watch) about() About {
	w.mu.Lock()
	defer w.mu.Unlock()
	return About{
		Rules: w.rules.Rules, Route: w.rules.Route, Inhibitions: w.rules.Inhibitions, Receivers: alerts.ReceiverNames(&w.rules.Receivers), Wrong: w.wrong, At: w.at.UTC(),
	}
}

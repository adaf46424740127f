// Package dials is what one turns to see a system break: latency, errors, a game that is
// withdrawn, a consumer that pauses, a header that gets lost, a clock that is wrong, a service
// that lives and does not work.
//
//	d, err := dials.Open("data/dials.yaml")  // bank: {latency: 300ms}
//	go d.Run(ctx, log)                       // and whatever is written to the file later
//	d.Of("bank").Latency
//	err = d.Turn("game", dials.Dial{Paused: true})
//
// All processes share the file; the admin page writes it too. The package only says how the
// dials stand: the host of a service does what they say.
package dials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/waybill-log/waybill/demo-services/atomicfile"
)

// Dial is how one service misbehaves. Zero is not at all.
type Dial struct {
	Latency    time.Duration `yaml:"latency,omitempty" json:"latency"`         // before each answer
	Errors     float64       `yaml:"errors,omitempty" json:"errors"`           // of answers and messages handled: 0 to 1
	Withdrawn  bool          `yaml:"withdrawn,omitempty" json:"withdrawn"`     // the game takes no orders
	Paused     bool          `yaml:"paused,omitempty" json:"paused"`           // messages are left where they are
	LoseHeader bool          `yaml:"lose_header,omitempty" json:"lose_header"` // calls go out without what makes a journey of them
	Skew       time.Duration `yaml:"skew,omitempty" json:"skew"`               // of the clock
	Sick       bool          `yaml:"sick,omitempty" json:"sick"`               // heartbeats go on, and the API answers 500
}

// Bounds of what one may dial.
const (
	maxLatency = time.Minute
	maxSkew    = 24 * time.Hour
	maxBytes   = 64 << 10
)

func (d Dial) check() error {
	switch {
	case d.Latency < 0 || d.Latency > maxLatency:
		return fmt.Errorf("latency is %v, want 0 to %v", d.Latency, maxLatency)
	case d.Errors < 0 || d.Errors > 1:
		return fmt.Errorf("errors is %v, want 0 to 1", d.Errors)
	case d.Skew < -maxSkew || d.Skew > maxSkew:
		return fmt.Errorf("skew is %v, want at most %v either way", d.Skew, maxSkew)
	}
	return nil
}

// Dials are those of all services. Safe for concurrent use.
type Dials struct {
	path string
	now  atomic.Pointer[map[string]Dial]

	mu   sync.Mutex // one writer
	seen time.Time  // when the file was changed that is in now
}

// Open reads a file of dials. One that is not there is like an empty one.
func Open(path string) (*Dials, error) {
	d := &Dials{path: path}
	d.now.Store(&map[string]Dial{})
	return d, d.read()
}

// Of is how a service's dials stand.
func (d *Dials) Of(service string) Dial { return (*d.now.Load())[service] }

// All is how all stand that are not at zero.
func (d *Dials) All() map[string]Dial { return maps.Clone(*d.now.Load()) }

// Turn sets a service's dials, for every process that reads the file.
func (d *Dials) Turn(service string, to Dial) error {
	if err := to.check(); err != nil {
		return fmt.Errorf("dials of %s: %w", service, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.All()
	if all[service] = to; to == (Dial{}) {
		delete(all, service)
	}
	text, err := yaml.Marshal(all)
	if err != nil {
		return fmt.Errorf("write dials: %w", err)
	}
	if err := atomicfile.Write(d.path, text); err != nil {
		return fmt.Errorf("write dials: %w", err)
	}
	d.now.Store(&all)
	return nil
}

// read takes over what is in the file.
func (d *Dials) read() error {
	info, err := os.Stat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read dials: %w", err)
	}
	if info.Size() > maxBytes {
		return fmt.Errorf("dials in %s are longer than %d bytes", d.path, maxBytes)
	}
	text, err := os.ReadFile(d.path)
	if err != nil {
		return fmt.Errorf("read dials: %w", err)
	}
	all := map[string]Dial{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil && len(bytes.TrimSpace(text)) > 0 {
		return fmt.Errorf("dials in %s: %w", d.path, err)
	}
	for service, dial := range all {
		if err := dial.check(); err != nil {
			return fmt.Errorf("dials in %s: %s: %w", d.path, service, err)
		}
	}
	d.now.Store(&all)
	d.seen = info.ModTime()
	return nil
}

const lookEvery = 200 * time.Millisecond

// Run takes over what others write to the file, until ctx ends. What is wrong in it is logged,
// and the dials stay as they were.
func (d *Dials) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := d.look(); err != nil {
			log.ErrorContext(ctx, "dials stay as they were", "error", err)
		}
	}
}

// look reads the file if it has changed.
func (d *Dials) look() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	info, err := os.Stat(d.path)
	if err != nil || info.ModTime().Equal(d.seen) {
		return nil
	}
	d.seen = info.ModTime() // once for each change, also one that is wrong
	return d.read()
}

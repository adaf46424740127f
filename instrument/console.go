package instrument

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/waybill-log/waybill/record"
)

// console is the slog.Handler that shows records to people: one JSON object a
// line, with the names that records have, and without what is the same in all
// of them.
type console struct {
	logger
	out *output
}

// output writes whole lines.
type output struct {
	sync.Mutex
	io.Writer
}

func (o *output) show(line []byte) error {
	o.Lock()
	defer o.Unlock() // a user's Writer may panic
	_, err := o.Write(line)
	return err
}

func newConsole(in *Instrument, w io.Writer) *console {
	return &console{newLogger(in), &output{Writer: w}}
}

// Enabled implements slog.Handler.
func (h *console) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.in.cfg.Level.Level()
}

// Handle implements slog.Handler.
func (h *console) Handle(ctx context.Context, from slog.Record) error {
	c := h.begin(from)
	c.record = c.place(ctx, h.in.hops).show(c.record)
	if said := c.attrs.said; said != nil {
		c.record = record.AppendDeclaration(c.record, &said.record)
	}
	c.record = append(c.attrs.append(c.record), '}', '\n')
	err := h.out.show(c.record)
	c.done()
	return err
}

// WithAttrs implements slog.Handler.
func (h *console) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &console{h.withAttrs(attrs), h.out}
}

// WithGroup implements slog.Handler.
func (h *console) WithGroup(name string) slog.Handler { return &console{h.withGroup(name), h.out} }

// correlated shows the correlation ID on a console of the user's, and keeps its
// panics from the service.
type correlated struct {
	slog.Handler
	in *Instrument
}

// errNotShown is an error of the user's console, which is no panic.
var errNotShown = errors.New("console")

func (h correlated) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer h.recover()
	return h.Handler.Enabled(ctx, level)
}

func (h correlated) Handle(ctx context.Context, r slog.Record) error {
	defer h.recover()
	if id := CorrelationID(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("correlation.id", id))
	}
	if err := h.Handler.Handle(ctx, r); err != nil {
		return fmt.Errorf("%w: %w", errNotShown, err)
	}
	return nil
}

func (h correlated) WithAttrs(attrs []slog.Attr) (with slog.Handler) {
	with = h // where it panics
	defer h.recover()
	return correlated{h.Handler.WithAttrs(attrs), h.in}
}

func (h correlated) WithGroup(name string) (with slog.Handler) {
	with = h
	defer h.recover()
	return correlated{h.Handler.WithGroup(name), h.in}
}

func (h correlated) recover() {
	if p := recover(); p != nil {
		h.in.panicked()
	}
}

package instrument

import (
	"context"
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
	c.record = c.place(h.in.hops, ctx).show(c.record)
	if said := c.attrs.said; said != nil {
		c.record = record.AppendDeclaration(c.record, &said.record)
	}
	c.record = append(c.attrs.append(c.record), '}', '\n')
	h.out.Lock()
	_, err := h.out.Write(c.record)
	h.out.Unlock()
	c.done()
	return err
}

// WithAttrs implements slog.Handler.
func (h *console) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &console{h.withAttrs(attrs), h.out}
}

// WithGroup implements slog.Handler.
func (h *console) WithGroup(name string) slog.Handler { return &console{h.withGroup(name), h.out} }

// correlated shows the correlation ID on a console of the user's.
type correlated struct{ slog.Handler }

func (h correlated) Handle(ctx context.Context, r slog.Record) error {
	if id := CorrelationID(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("correlation.id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{h.Handler.WithAttrs(attrs)}
}

func (h correlated) WithGroup(name string) slog.Handler { return correlated{h.Handler.WithGroup(name)} }

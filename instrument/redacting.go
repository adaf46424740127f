package instrument

import (
	"context"
	"log/slog"
)

// middleware is one of slog-multi: slogmulti.Pipe(r.middleware).
func (r *redactor) middleware(next slog.Handler) slog.Handler {
	if r == nil {
		return next
	}
	return &redact{next: next, by: r}
}

// redact is the slog.Handler in front of all that show or ship a record.
type redact struct {
	next slog.Handler
	by   *redactor
	all  bool // inside a group whose name is a secret's
}

// Enabled implements slog.Handler.
func (h *redact) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler. A record without a secret is passed on as it is.
func (h *redact) Handle(ctx context.Context, r slog.Record) error {
	message := h.by.text(r.Message)
	var (
		changed bool
		clean   int // attributes before the first changed one
		first   slog.Attr
	)
	r.Attrs(func(a slog.Attr) bool {
		if h.all || !h.by.plain(&a) {
			if first, changed = h.attr(a); changed {
				return false
			}
		}
		clean++
		return true
	})
	if !changed && message == r.Message {
		return h.next.Handle(ctx, r)
	}
	return h.next.Handle(ctx, h.rebuilt(r, message, clean, first))
}

func (h *redact) rebuilt(r slog.Record, message string, clean int, first slog.Attr) slog.Record {
	out := slog.NewRecord(r.Time, r.Level, message, r.PC)
	i := 0
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case i == clean:
			a = first
		case i > clean:
			a, _ = h.attr(a)
		}
		i++
		out.AddAttrs(a)
		return true
	})
	return out
}

func (h *redact) attr(a slog.Attr) (slog.Attr, bool) {
	if h.all {
		return hide(a)
	}
	return h.by.attr(a)
}

// WithAttrs implements slog.Handler.
func (h *redact) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i], _ = h.attr(a)
	}
	return &redact{next: h.next.WithAttrs(clean), by: h.by, all: h.all}
}

// WithGroup implements slog.Handler.
func (h *redact) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &redact{next: h.next.WithGroup(name), by: h.by, all: h.all || h.by.key(name)}
}

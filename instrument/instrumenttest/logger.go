package instrumenttest

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/waybill-log/waybill/instrument"
)

// router is slog's default handler while services of a test run: what is logged
// goes to the service that its context came through, since each service alone
// cannot be the default of a process that holds several. All else goes on to the
// default there was.
type router struct {
	next   slog.Handler
	with   []func(slog.Handler) slog.Handler // what With and WithGroup were called for
	strays *strays
	ready  *atomic.Bool // next may be used
}

// defaultLogger guards slog's default, which is the process's.
var defaultLogger sync.Mutex

// routeDefault makes a router slog's default, unless one is.
func routeDefault() *strays {
	defaultLogger.Lock()
	defer defaultLogger.Unlock()
	next := slog.Default().Handler()
	if r, ok := next.(*router); ok {
		return r.strays
	}
	// SetDefault lets package log write to slog. The first default of slog writes
	// to package log: behind a router the two would wait for each other. So log
	// keeps its output, and next waits until it has it back.
	r := &router{next: next, strays: new(strays), ready: new(atomic.Bool)}
	output, flags := log.Writer(), log.Flags()
	slog.SetDefault(slog.New(r))
	log.SetOutput(output)
	log.SetFlags(flags)
	r.ready.Store(true)
	return r.strays
}

// Enabled implements slog.Handler.
func (r *router) Enabled(ctx context.Context, level slog.Level) bool {
	if in := instrument.FromContext(ctx); in != nil {
		return in.Logger().Enabled(ctx, level)
	}
	return r.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (r *router) Handle(ctx context.Context, from slog.Record) error {
	in := instrument.FromContext(ctx)
	switch {
	case in != nil:
		h := in.Logger().Handler()
		for _, with := range r.with {
			h = with(h)
		}
		return h.Handle(ctx, from)
	case !r.ready.Load():
		_, err := fmt.Fprintln(os.Stderr, from.Message)
		return err
	default:
		r.strays.add(from.Message)
		return r.next.Handle(ctx, from)
	}
}

// WithAttrs implements slog.Handler.
func (r *router) WithAttrs(attrs []slog.Attr) slog.Handler {
	return r.having(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (r *router) WithGroup(name string) slog.Handler {
	return r.having(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (r *router) having(with func(slog.Handler) slog.Handler) *router {
	return &router{next: with(r.next), with: append(slices.Clip(r.with), with), strays: r.strays, ready: r.ready}
}

// strays are the last messages logged without the context of a service. Whose
// they are nobody knows, so they only explain why a journey lacks one.
type strays struct {
	mu   sync.Mutex
	last [64]string
	n    int
}

func (s *strays) add(message string) {
	s.mu.Lock()
	s.last[s.n%len(s.last)] = message
	s.n++
	s.mu.Unlock()
}

func (s *strays) has(message string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.last[:min(s.n, len(s.last))], message)
}

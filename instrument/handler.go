package instrument

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/waybill-log/waybill/record"
)

// handler is the slog.Handler that ships. It never blocks; its error, when the
// buffer is full, makes slog-multi's Failover write to stderr.
type handler struct{ logger }

func newHandler(in *Instrument) *handler { return &handler{newLogger(in)} }

// logger is what a handler has from With and WithGroup.
type logger struct {
	in     *Instrument
	prefix string // open groups, each followed by a dot
	with   attributes
}

func newLogger(in *Instrument) logger {
	return logger{in: in, with: attributes{panicked: in.panicked}}
}

func (l logger) withAttrs(attrs []slog.Attr) logger {
	l.with = l.with.clone()
	for _, a := range attrs {
		l.with.add(l.prefix, a, 0)
	}
	return l
}

func (l logger) withGroup(name string) logger {
	if name != "" {
		l.prefix += name + "."
	}
	return l
}

// call is the scratch memory of one log call.
type call struct {
	record []byte
	attrs  attributes
	clock  record.Clock

	// Where the call before this one belonged. Most calls are followed by one in
	// the same context: that of another handler, or the next of the request.
	hops *hops
	ctx  context.Context // nil: none
	at   place

	// The place in the source of the call before this one.
	pc     uintptr
	origin []byte
}

// place is hops.place with memory.
func (c *call) place(ctx context.Context, h *hops) *place {
	if ctx != nil && c.ctx == ctx && c.hops == h && !c.at.open.ended.Load() {
		return &c.at
	}
	c.hops, c.ctx, c.at = h, nil, h.place(ctx)
	// Contexts that are no pointers need not be comparable.
	if c.at.open != nil && reflect.TypeOf(ctx).Kind() == reflect.Pointer {
		c.ctx = ctx
	}
	return &c.at
}

var calls = sync.Pool{New: func() any { return new(call) }}

// begin reads the attributes of a log call and opens its record.
func (l *logger) begin(from slog.Record) *call {
	c := calls.Get().(*call)
	c.attrs.reset(&l.with)
	from.Attrs(func(a slog.Attr) bool {
		switch kind := a.Value.Kind(); kind {
		case slog.KindAny, slog.KindGroup, slog.KindLogValuer:
			c.attrs.add(l.prefix, a, 0)
		default:
			c.attrs.label(l.prefix, a.Key, a.Value, kind)
		}
		return true
	})
	t := from.Time
	if !record.Datable(t) {
		if !t.IsZero() {
			c.attrs.label("", "waybill.time", slog.TimeValue(t), slog.KindTime)
		}
		t = time.Now()
	}
	c.record = c.clock.AppendStart(c.record[:0], t, levelName(from.Level), record.Bounded(from.Message, maxMessage))
	return c
}

// done gives c back, unless it has grown out of proportion.
func (c *call) done() {
	if cap(c.record) <= 64<<10 && cap(c.attrs.labels) <= 64<<10 {
		calls.Put(c)
	}
}

var logKind = record.AppendKind(nil, record.KindLog)

// Enabled implements slog.Handler. A declaration is shipped at any level.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.in.cfg.Level.Level() || ctx != nil && ctx.Value(declaredKey{}) != nil
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, from slog.Record) error {
	if !from.Time.IsZero() {
		from.Time = h.in.skewed(from.Time)
	}
	c := h.begin(from)
	at := c.place(ctx, h.in.hops)
	start := len(c.record)
	kind, lane := logKind, laneOf(from.Level)
	if said := c.attrs.said; said != nil {
		c.record = record.AppendDeclaration(c.record, &said.record)
		kind, lane = record.AppendKind(nil, said.record.Kind), laneError
	}
	if at.saga != nil {
		c.record = record.AppendSaga(c.record, *at.saga)
	}
	said := len(c.record)
	c.record = record.AppendError(c.record, c.attrs.err)
	if c.pc != from.PC || c.pc == 0 {
		c.pc, c.origin = from.PC, h.in.origins.of(from.PC)
	}
	open, end := labelsOpen, labelsEnd
	if len(c.attrs.labels) == 0 {
		open, end = nil, nil
	}
	// Most of a record is there already: it is put together where it waits.
	err := h.in.ship.accept(at.key, lane, at.hop, false,
		c.record[:start], h.in.service, at.context(), c.record[start:said], c.origin, c.record[said:], open, c.attrs.labels, end, kind)
	c.done()
	return err
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler { return &handler{h.withAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler { return &handler{h.withGroup(name)} }

// levelName is ECS's log.level of a slog level; levels between keep the lower name.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelDebug:
		return "trace"
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

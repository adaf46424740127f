package instrument

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// handler is the slog.Handler that ships. It never blocks; its error, when the
// buffer is full, makes slog-multi's Failover write to stderr.
type handler struct {
	in     *Instrument
	prefix string // open groups, each followed by a dot
	with   record.Record
}

func newHandler(in *Instrument) *handler { return &handler{in: in} }

// Enabled implements slog.Handler. An outcome is shipped at any level.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.in.cfg.Level.Level() || ctx.Value(outcomeKey{}) != nil
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, from slog.Record) error {
	t := from.Time
	if t.IsZero() {
		t = time.Now()
	}
	r := h.in.base(t)
	r.Level, r.Message = levelName(from.Level), cut(from.Message, maxMessage)
	r.Error = h.with.Error
	r.Labels = h.with.Labels[:len(h.with.Labels):len(h.with.Labels)]
	if from.PC != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{from.PC}).Next()
		r.Origin = record.Origin{File: frame.File, Line: frame.Line, Function: frame.Function}
	}
	from.Attrs(func(a slog.Attr) bool {
		h.addAttr(&r, h.prefix, a)
		return true
	})

	id, in := h.in.hops.at(ctx)
	r.CorrelationID = id
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		r.TraceID = sc.TraceID().String()
		// A span of the caller, or one of another journey, is a hop that this record
		// would open and nothing would end.
		if !sc.IsRemote() && (in.hop == nil || in.of(id)) {
			r.SpanID = sc.SpanID().String()
		}
		if in.of(id) && in.hop.root != sc.SpanID() {
			r.HopID = in.hop.root.String()
		}
	}
	if !in.of(id) {
		in.hop = nil
	}
	return h.in.ship.accept(&r, in.hop, false)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *h
	out.with.Labels = h.with.Labels[:len(h.with.Labels):len(h.with.Labels)]
	for _, a := range attrs {
		h.addAttr(&out.with, h.prefix, a)
	}
	return &out
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	out := *h
	out.prefix += name + "."
	return &out
}

// addAttr flattens groups to dotted labels; an error becomes error.*.
func (h *handler) addAttr(r *record.Record, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range value.Group() {
			h.addAttr(r, prefix, member)
		}
		return
	}
	switch v := value.Any().(type) {
	case outcome:
		r.Kind, r.Declared, r.Outcome = record.KindOutcome, string(v), v.result()
		return
	case error:
		if prefix == "" && (a.Key == "error" || a.Key == "err") {
			r.Error.Type, r.Error.Message = fmt.Sprintf("%T", v), cut(h.text(value), maxValue)
			return
		}
	}
	switch {
	case len(r.Labels) < maxLabels:
		r.Labels = append(r.Labels, record.Label{Key: cut(prefix+a.Key, maxKey), Value: cut(h.text(value), maxValue)})
	case len(r.Labels) == maxLabels:
		r.Labels = append(r.Labels, record.Label{Key: "waybill.cut", Value: fmt.Sprintf("more than %d labels", maxLabels)})
	}
}

// text renders a value without losing a digit. A value that panics says so, as
// slog's own handlers do.
func (h *handler) text(v slog.Value) (s string) {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindAny:
	default:
		return v.String()
	}
	defer func() {
		if p := recover(); p != nil {
			if v := reflect.ValueOf(v.Any()); v.Kind() == reflect.Pointer && v.IsNil() {
				s = "<nil>"
				return
			}
			h.in.ship.panicked()
			s = fmt.Sprintf("!PANIC: %v", p)
		}
	}()
	switch v := v.Any().(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case []byte:
		return string(v)
	case encoding.TextMarshaler:
		if b, err := v.MarshalText(); err == nil {
			return string(b)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v.Any()); err != nil {
		return fmt.Sprintf("%T cannot be shown", v.Any())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

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

package instrument

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// Bounds on one record; what is over is cut and marked.
const (
	maxMessage = 256 << 10
	maxValue   = 32 << 10 // of a label, in bytes
	maxLabels  = 512
	cutMark    = "…[cut]"
)

// handler is the slog.Handler that ships. It never blocks; its error, when the
// buffer is full, makes slog-multi's Failover write to stderr.
type handler struct {
	in     *Instrument
	prefix string // open groups, each followed by a dot
	with   record.Record
}

func newHandler(in *Instrument) *handler { return &handler{in: in} }

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.in.cfg.Level.Level()
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
		addAttr(&r, h.prefix, a)
		return true
	})

	var visit *hop
	r.CorrelationID = CorrelationID(ctx)
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		r.TraceID, r.SpanID = sc.TraceID().String(), sc.SpanID().String()
		if s, ok := h.in.hops.of(sc.SpanID()); ok {
			visit = s.hop
			if c, _ := ctx.Value(contextKey{}).(correlation); c.id == "" {
				r.CorrelationID = s.id
			}
			if s.hop.root != sc.SpanID() {
				r.HopID = s.hop.root.String()
			}
		}
	}
	return h.in.ship.accept(&r, visit, false)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *h
	out.with.Labels = h.with.Labels[:len(h.with.Labels):len(h.with.Labels)]
	for _, a := range attrs {
		addAttr(&out.with, h.prefix, a)
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
func addAttr(r *record.Record, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range value.Group() {
			addAttr(r, prefix, member)
		}
		return
	}
	switch v := value.Any().(type) {
	case outcome:
		r.Kind, r.Declared, r.Outcome = record.KindOutcome, v.declared, v.result
		return
	case error:
		if prefix == "" && (a.Key == "error" || a.Key == "err") {
			r.Error.Type, r.Error.Message = fmt.Sprintf("%T", v), cut(v.Error(), maxValue)
			return
		}
	}
	switch {
	case len(r.Labels) < maxLabels:
		r.Labels = append(r.Labels, record.Label{Key: prefix + a.Key, Value: cut(text(value), maxValue)})
	case len(r.Labels) == maxLabels:
		r.Labels = append(r.Labels, record.Label{Key: "waybill.cut", Value: fmt.Sprintf("more than %d labels", maxLabels)})
	}
}

// text renders a value without losing a digit.
func text(v slog.Value) string {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindAny:
	default:
		return v.String()
	}
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
	if b, err := json.Marshal(v.Any()); err == nil {
		return string(b)
	}
	return fmt.Sprintf("%T cannot be shown", v.Any())
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

func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + cutMark
}

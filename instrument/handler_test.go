package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

func TestTheHandlerIsOneOfSlog(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	slogtest.Run(t, func(*testing.T) slog.Handler { return in.Logger().Handler() }, func(t *testing.T) map[string]any {
		r := k.last(t, in)
		m := map[string]any{slog.LevelKey: r.Level, slog.MessageKey: r.Message}
		if strings.HasSuffix(t.Name(), "/zero-time") {
			// A record has a time: without one of its own, that of arrival.
			if age := time.Since(r.Time); age < 0 || age > time.Minute {
				t.Errorf("time %v", r.Time)
			}
		} else {
			m[slog.TimeKey] = r.Time
		}
		if r.Origin != (record.Origin{}) {
			m[slog.SourceKey] = r.Origin
		}
		for _, l := range r.Labels {
			nest(m, strings.Split(l.Key, "."), l.Value)
		}
		return m
	})
}

func nest(m map[string]any, path []string, value string) {
	for _, group := range path[:len(path)-1] {
		if m[group] == nil {
			m[group] = map[string]any{}
		}
		m = m[group].(map[string]any)
	}
	m[path[len(path)-1]] = value
}

type point struct {
	X, Y int `json:",omitempty"`
	Name string
}

type stringer struct{ text string }

func (s stringer) String() string { return s.text }

type pointerStringer struct{ text string }

func (s *pointerStringer) String() string { return s.text }

type valuer func() slog.Value

func (v valuer) LogValue() slog.Value { return v() }

type mad struct{}

func (mad) MarshalJSON() ([]byte, error) { panic("out of mind") }

func TestNoDigitOfAValueIsLost(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	f := func(value any, want string) {
		t.Helper()
		in.Logger().Info("value", "k", value)
		r := k.last(t, in)
		if got := label(r, "k"); got != want || len(r.Labels) != 1 {
			t.Errorf("%T: got %q, want %q: %s", value, got, want, r.Raw)
		}
	}
	f(uint64(math.MaxUint64), "18446744073709551615")
	f(int64(math.MinInt64), "-9223372036854775808")
	f(0.1, "0.1")
	f(math.NaN(), "NaN")
	f(math.Inf(-1), "-Inf")
	f(true, "true")
	f(nil, "null")
	f("", "")
	f(time.Date(2026, 11, 23, 14, 0, 0, 120, time.FixedZone("", 8*3600)), "2026-11-23T14:00:00.00000012+08:00")
	f(1500*time.Millisecond, "1.5s")
	f([]byte("bytes"), "bytes")
	f(stringer{"said"}, "said")
	f((*pointerStringer)(nil), "<nil>")
	f(netip.MustParseAddr("::1"), "::1")
	f(slog.LevelWarn, "WARN")
	f(errors.New("no money"), "no money")
	f(point{X: 1, Name: "<a> & b"}, `{"X":1,"Name":"<a> & b"}`)
	f(&point{Y: 2}, `{"Y":2,"Name":""}`)
	f([]uint64{math.MaxUint64}, "[18446744073709551615]")
	f(map[string]int{"b": 1, "a": 2}, `{"a":2,"b":1}`)
	f(func() {}, "func() cannot be shown")
	f(struct{ F float64 }{math.NaN()}, "struct { F float64 } cannot be shown")
	f("invalid \xff UTF-8", "invalid \uFFFD UTF-8")
	f("nul \x00 and 連接\n", "nul \x00 and 連接\n")
	f(valuer(func() slog.Value {
		return slog.AnyValue(valuer(func() slog.Value { return slog.Uint64Value(math.MaxUint64) }))
	}), "18446744073709551615")
}

func TestAValueThatPanicsIsOnRecordAsThat(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	f := func(value any, want string, panics uint64) {
		t.Helper()
		in.Logger().Info("value", "before", 1, "k", value, "after", 2)
		r := k.last(t, in)
		if got := label(r, "k"); !strings.HasPrefix(got, want) || label(r, "before") != "1" || label(r, "after") != "2" {
			t.Errorf("got %s", r.Raw)
		}
		if got := in.Health().Panics; got != panics {
			t.Errorf("%d panics counted, want %d", got, panics)
		}
	}
	f(valuer(func() slog.Value { panic("out of mind") }), "LogValue panicked", 0) // slog's own doing
	f(mad{}, "!PANIC: out of mind", 1)
	f(fmt.Stringer(nilMap(nil)), "!PANIC: assignment to entry in nil map", 2)
	f(badError{}, "!PANIC: no words", 3)
	in.Logger().Info("value", "error", badError{})
	if r := k.last(t, in); r.Error != (record.Error{Type: "instrument_test.badError", Message: "!PANIC: no words"}) {
		t.Errorf("got %s", r.Raw)
	}
}

type nilMap map[string]int

func (m nilMap) String() string {
	m["a"] = 1
	return "never"
}

type badError struct{}

func (badError) Error() string { panic("no words") }

func TestGroupsAreDottedLabels(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	l := in.Logger().With("a", 1).WithGroup("g").With("b", 2, slog.Group("h", "c", 3))
	branch := l.With("d", 4)
	l.With("e", 5).WithGroup("").Info("msg", "f", 6, slog.Group("", "i", 7), slog.Group("none"), "v", valuer(func() slog.Value {
		return slog.GroupValue(slog.Int("w", 8))
	}))
	f := func(want string) {
		t.Helper()
		if r := k.last(t, in); fmt.Sprint(r.Labels) != want {
			t.Errorf("got %v\nwant %s", r.Labels, want)
		}
	}
	f("[{a 1} {g.b 2} {g.h.c 3} {g.e 5} {g.f 6} {g.i 7} {g.v.w 8}]")
	// A logger made from the same one has none of that.
	branch.Info("msg")
	f("[{a 1} {g.b 2} {g.h.c 3} {g.d 4}]")
}

func TestAnErrorAttributeIsTheRecordsError(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	cause := fmt.Errorf("debit: %w", errors.New("no money"))
	f := func(l *slog.Logger, want record.Error, labels ...any) {
		t.Helper()
		l.Error("not debited", labels...)
		if r := k.last(t, in); r.Error != want || r.Level != "error" {
			t.Errorf("got %s", r.Raw)
		}
	}
	f(in.Logger(), record.Error{Type: "*fmt.wrapError", Message: "debit: no money"}, "error", cause)
	f(in.Logger(), record.Error{Type: "*fmt.wrapError", Message: "debit: no money"}, "err", cause)
	f(in.Logger().With("error", cause), record.Error{Type: "*fmt.wrapError", Message: "debit: no money"})
	f(in.Logger().With("error", cause), record.Error{Type: "*errors.errorString", Message: "later"}, "error", errors.New("later"))
	f(in.Logger(), record.Error{}, "cause", cause)
	f(in.Logger(), record.Error{}, "error", "text")
	f(in.Logger().WithGroup("g"), record.Error{}, "error", cause)
	if r := k.last(t, in); label(r, "g.error") != "debit: no money" {
		t.Errorf("got %s", r.Raw)
	}
}

func TestOfEqualKeysTheLastCounts(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	in.Logger().With("a", 1, "b", 1).Info("msg", "a", 2, "c\x00", 3, "a", 4, "c\x00", 5)
	if r := k.last(t, in); fmt.Sprint(r.Labels) != `[{b 1} {a 4} {c\x00 5}]` {
		t.Errorf("got %v", r.Labels)
	}
	in.Logger().With("g.abc", 1).Info("msg", "x", 2, slog.Group("g", "abc", 3, "", 4), "g.abc", 5, `\x`, 6, "", 7)
	if r := k.last(t, in); fmt.Sprint(r.Labels) != `[{x 2} {g. 4} {g.abc 5} {\x 7}]` {
		t.Errorf("got %v", r.Labels)
	}
}

func TestALevelKeepsTheNameBelow(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Level: slog.Level(-100)})
	f := func(level slog.Level, want string) {
		t.Helper()
		in.Logger().Log(context.Background(), level, "msg")
		if r := k.last(t, in); r.Level != want {
			t.Errorf("%v: got %s, want %s", level, r.Level, want)
		}
	}
	f(-100, "trace")
	f(slog.LevelDebug-1, "trace")
	f(slog.LevelDebug, "debug")
	f(slog.LevelInfo-1, "debug")
	f(slog.LevelInfo, "info")
	f(slog.LevelWarn-1, "info")
	f(slog.LevelWarn, "warn")
	f(slog.LevelError-1, "warn")
	f(slog.LevelError, "error")
	f(100, "error")
}

func TestTheLevelMayChangeWhileRunning(t *testing.T) {
	t.Parallel()
	var level slog.LevelVar
	in := unreachedWith(t, instrument.Config{Level: &level, Console: slog.DiscardHandler})
	f := func(want uint64) {
		t.Helper()
		in.Logger().Debug("fine print")
		if got := in.Health().Last; got != want {
			t.Errorf("%d records, want %d", got, want)
		}
	}
	f(0)
	level.Set(slog.LevelDebug)
	f(1)
	level.Set(slog.LevelInfo)
	f(1)
}

func TestARecordWithoutContextIsOutsideAnyJourney(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	before := time.Now()
	in.Logger().Info("started")
	r := k.last(t, in)
	if r.CorrelationID != "" || r.CorrelationKey != "" || r.TraceID != "" || r.Hop() != "" || r.HopSequence != 0 {
		t.Errorf("got %s", r.Raw)
	}
	if r.Sequence != 1 || r.Identity() != in.Node()+"-1" || r.Kind != record.KindLog || r.Version != record.Version || r.Service != "bank" {
		t.Errorf("got %s", r.Raw)
	}
	if r.Time.Before(before) || r.Time.After(time.Now()) {
		t.Errorf("time %v", r.Time)
	}
	if !strings.HasSuffix(r.Origin.File, "handler_test.go") || r.Origin.Line == 0 || !strings.HasSuffix(r.Origin.Function, ".TestARecordWithoutContextIsOutsideAnyJourney") {
		t.Errorf("origin %+v", r.Origin)
	}
}

func TestARecordOutsideAHopMayHaveACorrelationID(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	in.Logger().InfoContext(ctx, "found again")
	if r := k.last(t, in); r.CorrelationID != "Order-7" || r.CorrelationKey != "order-7" || r.TraceID != "" {
		t.Errorf("got %s", r.Raw)
	}
}

func TestARecordTooLargeIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Console: slog.DiscardHandler})
	const mark = "…[cut]"
	f := func(what string, write func(*slog.Logger)) record.Record {
		t.Helper()
		write(in.Logger())
		r := k.last(t, in) // decoding refuses what is over record.MaxBytes
		if !strings.Contains(string(r.Raw), "cut") {
			t.Errorf("%s: nothing says that it was cut", what)
		}
		return r
	}
	r := f("5 MB of message", func(l *slog.Logger) { l.Info(strings.Repeat("連", 5<<20/3), "order_id", 7) })
	if text, ok := strings.CutSuffix(r.Message, mark); !ok || strings.Trim(text, "連") != "" || len(text) < 200<<10 || label(r, "order_id") != "7" {
		t.Errorf("5 MB of message: %d bytes end in %q", len(r.Message), r.Message[len(r.Message)-20:])
	}
	r = f("5 MB of control characters", func(l *slog.Logger) { l.Info(strings.Repeat("\x01", 5<<20), "order_id", 7) })
	if text, ok := strings.CutSuffix(r.Message, mark); !ok || strings.Trim(text, "\x01") != "" || len(text) < 10<<10 || label(r, "order_id") != "7" {
		t.Errorf("control characters: %d bytes end in %q, labels %d", len(r.Message), r.Message[len(r.Message)-20:], len(r.Labels))
	}
	r = f("5 MB of bytes that are no text", func(l *slog.Logger) { l.Info(strings.Repeat("\x80", 5<<20)) })
	if text, ok := strings.CutSuffix(r.Message, mark); !ok || strings.Trim(text, "\uFFFD") != "" || len(text) < 10<<10 {
		t.Errorf("no text: %d bytes", len(r.Message))
	}
	r = f("a long value", func(l *slog.Logger) { l.Info("msg", "k", strings.Repeat("v", 5<<20)) })
	if text, ok := strings.CutSuffix(label(r, "k"), mark); !ok || len(text) != 32<<10 {
		t.Errorf("a long value: %d bytes", len(label(r, "k")))
	}
	r = f("a long error", func(l *slog.Logger) { l.Info("msg", "err", errors.New(strings.Repeat("v", 5<<20))) })
	if text, ok := strings.CutSuffix(r.Error.Message, mark); !ok || len(text) != 32<<10 {
		t.Errorf("a long error: %d bytes", len(r.Error.Message))
	}
	r = f("10,000 attributes", func(l *slog.Logger) {
		var attrs []any
		for i := range 10_000 {
			attrs = append(attrs, strconv.Itoa(i), i)
		}
		l.With(attrs[:2000]...).Info("msg", attrs[2000:]...)
	})
	if len(r.Labels) != 513 || label(r, "511") != "511" || label(r, "waybill.cut") == "" {
		t.Errorf("10,000 attributes: %d labels, %q", len(r.Labels), label(r, "waybill.cut"))
	}
	many := func(key, value string) func(*slog.Logger) {
		return func(l *slog.Logger) {
			var attrs []any
			for i := range 200 {
				attrs = append(attrs, strconv.Itoa(i)+key, value)
			}
			l.Info("msg", attrs...)
		}
	}
	r = f("long values", many("", strings.Repeat("v", 32<<10)))
	if len(r.Labels) != 200 || len(label(r, "7")) != 32<<10 || label(r, "199") != strings.Repeat("v", 1<<10)+mark {
		t.Errorf("long values: %d labels", len(r.Labels))
	}
	r = f("long values of control characters", many("", strings.Repeat("\x01", 32<<10)))
	if len(r.Labels) != 200 || r.Message != "msg" || !strings.HasSuffix(label(r, "199"), "\x01"+mark) {
		t.Errorf("long values of control characters: %d labels", len(r.Labels))
	}
	r = f("long keys", many(strings.Repeat("k", 32<<10), "v"))
	if len(r.Labels) != 200 || !strings.HasPrefix(r.Labels[7].Key, "7kkk") || len(r.Labels[7].Key) != 256+len(mark) {
		t.Errorf("long keys: %d labels", len(r.Labels))
	}
	long := strings.Repeat("\x01", 1<<20)
	r = f("a long span", func(*slog.Logger) {
		_, span := tracer(in).Start(context.Background(), long, trace.WithSpanKind(trace.SpanKindServer))
		span.RecordError(errors.New(long))
		span.End()
	})
	if r.Kind != record.KindHopEnd || !strings.HasSuffix(r.SpanName, mark) || !strings.HasSuffix(r.Error.Message, mark) || r.HopRecords != 2 {
		t.Errorf("a long span: %.200s", r.Raw)
	}
}

// The console shows the journey, and what it does not show at its own level.
func TestTheConsoleShowsTheCorrelationID(t *testing.T) {
	t.Parallel()
	var console buffer
	in := unreachedWith(t, instrument.Config{Console: slog.NewTextHandler(&console, &slog.HandlerOptions{Level: slog.LevelWarn})})
	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	in.Logger().InfoContext(ctx, "quiet")
	in.Logger().With("a", 1).WarnContext(ctx, "loud")
	in.Logger().Warn("outside")
	shown := console.String()
	if lines := strings.Split(strings.TrimSpace(shown), "\n"); len(lines) != 2 || !strings.HasSuffix(lines[0], `msg=loud a=1 correlation.id=Order-7`) || strings.Contains(lines[1], "correlation") {
		t.Errorf("console shows\n%s", shown)
	}
	if last := in.Health().Last; last != 3 {
		t.Errorf("%d records shipped, want 3", last)
	}
}

// BenchmarkHandle is the price of a log call inside a hop, beside that of the
// standard library's to nowhere. Kafka is not there, so an instance is replaced
// before its buffer is full.
func BenchmarkHandle(b *testing.B) {
	write := func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelInfo, "debited", slog.String("order_id", "A-1001"), slog.Int64("amount", 100),
			slog.String("currency", "EUR"), slog.Bool("first", true), slog.Duration("took", time.Millisecond))
	}
	b.Run("waybill", func(b *testing.B) {
		b.ReportAllocs()
		var in *instrument.Instrument
		var ctx context.Context
		for i := 0; b.Loop(); i++ {
			if i%20_000 == 0 {
				b.StopTimer()
				if in != nil {
					in.Shutdown(done())
				}
				in = unreachedWith(b, instrument.Config{Console: slog.DiscardHandler})
				ctx, _ = tracer(in).Start(foreign(in), "visit", trace.WithSpanKind(trace.SpanKindServer))
				b.StartTimer()
			}
			write(ctx, in.Logger())
		}
		if in.Health().Refused > 0 {
			b.Error("the buffer was full")
		}
	})
	b.Run("slog.JSONHandler", func(b *testing.B) {
		b.ReportAllocs()
		l := slog.New(slog.NewJSONHandler(io.Discard, nil))
		for b.Loop() {
			write(context.Background(), l)
		}
	})
}

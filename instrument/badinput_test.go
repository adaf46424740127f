package instrument_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/IBM/sarama"
	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

const cutMark = "…[cut]"

// bad is a service whose every record is checked: it arrives, the console shows
// it as one line of JSON, and no panic reaches whoever logs.
type bad struct {
	*kafka
	in      *instrument.Instrument
	console *buffer
	shown   int // lines so far
}

func badService(t *testing.T, cfg instrument.Config) *bad {
	t.Helper()
	b := &bad{kafka: startKafka(t), console: new(buffer)}
	cfg.Service, cfg.Brokers, cfg.Output, cfg.Scoped = "bank", []string{b.Addr()}, b.console, true
	var err error
	if b.in, err = instrument.Start(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, b.in) })
	return b
}

// write returns the one record that a log call made.
func (b *bad) write(t *testing.T, what string, call func(*slog.Logger)) record.Record {
	t.Helper()
	before := b.in.Health()
	func() {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s: the service panics: %v", what, p)
			}
		}()
		call(b.in.Logger())
	}()
	if h := b.in.Health(); h.Last != before.Last+1 || h.Refused != before.Refused {
		t.Fatalf("%s: health %+v, before %+v", what, h, before)
	}
	r := b.last(t, b.in) // decodes it, and refuses what no store would take
	canonical(t, what, r)
	lines := strings.SplitAfter(b.console.String(), "\n")
	if len(lines) != b.shown+2 || lines[b.shown+1] != "" {
		t.Fatalf("%s: the console shows %d lines, want %d", what, len(lines)-1, b.shown+1)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[b.shown]), &line); err != nil || line["message"] != r.Message {
		t.Errorf("%s: the console shows %.200q: %v", what, lines[b.shown], err)
	}
	b.shown++
	return r
}

func canonical(t interface{ Errorf(string, ...any) }, what string, r record.Record) {
	raw := r.Raw
	r.Raw = nil
	if again := record.Append(nil, &r); !bytes.Equal(again, raw) {
		t.Errorf("%s: the bytes are\n%.2000s\nand decoded and written again\n%.2000s", what, raw, again)
	}
}

// knot is a value that contains itself, by pointer and by map.
type knot struct {
	Self *knot
	Map  map[string]any
}

// ring is a LogValuer that is in the group it returns, several times.
type ring struct{ times int }

func (r *ring) LogValue() slog.Value {
	members := make([]slog.Attr, r.times)
	for i := range members {
		members[i] = slog.Any(strconv.Itoa(i), r)
	}
	return slog.GroupValue(members...)
}

// hydra is the same under one key, so that no number of labels ends it.
type hydra struct{}

func (h hydra) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("h", h), slog.Any("h", h), slog.Any("h", h))
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

type selfish map[string]any

func (s selfish) String() string { panic(s) }

func TestBadValuesAreShippedAndShown(t *testing.T) {
	t.Parallel()
	for _, redaction := range []instrument.Redaction{{}, {Off: true}} {
		t.Run(fmt.Sprintf("redaction off %v", redaction.Off), func(t *testing.T) {
			t.Parallel()
			b := badService(t, instrument.Config{Redact: redaction})
			f := func(what string, value any, want string) {
				t.Helper()
				r := b.write(t, what, func(l *slog.Logger) { l.Info("msg", "before", 1, "k", value, "after", 2) })
				if got := label(r, "k"); !strings.HasPrefix(got, want) || label(r, "before") != "1" || label(r, "after") != "2" {
					t.Errorf("%s: got %q, want %q; %.500s", what, got, want, r.Raw)
				}
				r = b.write(t, what+", from With", func(l *slog.Logger) { l.With("k", value).WithGroup("g").Info("msg", "after", 2) })
				if got := label(r, "k"); !strings.HasPrefix(got, want) || label(r, "g.after") != "2" {
					t.Errorf("%s, from With: got %q, want %q", what, got, want)
				}
			}
			k := &knot{}
			k.Self = k
			f("a pointer to itself", k, "*instrument_test.knot cannot be shown")
			m := map[string]any{}
			m["m"] = m
			f("a map in itself", m, "map[string]interface {} cannot be shown")
			f("both", &knot{Map: m}, "*instrument_test.knot cannot be shown")
			f("a panic with what contains itself", selfish(m), "!PANIC: instrument_test.selfish")
			f("a panicking LogValuer", valuer(func() slog.Value { panic("out of mind") }), "LogValue panicked")
			f("a panicking JSON", mad{}, "!PANIC: out of mind")
			f("a panicking error", badError{}, "!PANIC: no words")
			f("a nil error", (*nilError)(nil), "<nil>")
			f("a nil Stringer", (*pointerStringer)(nil), "<nil>")
			f("NaN", math.NaN(), "NaN")
			f("+Inf", math.Inf(1), "+Inf")
			f("-Inf", math.Inf(-1), "-Inf")
			f("NaN inside", []float64{math.NaN()}, "[]float64 cannot be shown")
			f("the year 10000", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "10000-01-01T00:00:00Z")
			f("the year -1", time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), "-0001-01-01T00:00:00Z")
			f("a negative duration", -90*time.Second, "-1m30s")
			f("the least duration", time.Duration(math.MinInt64), "-2562047h47m16.854775808s")
			f("invalid UTF-8", "a\xffb", "a\uFFFDb")
			f("invalid UTF-8 in bytes", []byte("a\xff"), "a\uFFFD")
			f("a channel", make(chan int), "chan int cannot be shown")
			f("CR and LF", "a\r\nSet-Cookie: b", "a\r\n")

			huge := func(what string, value any, want string) {
				t.Helper()
				r := b.write(t, what, func(l *slog.Logger) { l.Info("msg", "k", value) })
				if got := label(r, "k"); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, cutMark) || len(got) > 33<<10 {
					t.Errorf("%s: %d bytes, %.100q", what, len(got), got)
				}
			}
			if !redaction.Off {
				huge("20 MB", bytes.Repeat([]byte("x"), 20<<20), strings.Repeat("x", 32<<10))
				huge("5 MB that escape", strings.Repeat("\x01", 5<<20), strings.Repeat("\x01", (32<<10)/6))
				huge("5 MB of a list", make([]bool, 1<<20), "[false,false,")
			}

			g := func(what string, value any, atLeast int, text string) {
				t.Helper()
				r := b.write(t, what, func(l *slog.Logger) { l.Info("msg", "before", 1, "k", value) })
				if label(r, "before") != "1" || len(r.Labels) < atLeast || !strings.Contains(string(r.Raw), text) {
					t.Errorf("%s: %d labels, no %q: %.500s", what, len(r.Labels), text, r.Raw)
				}
				b.write(t, what+", from With", func(l *slog.Logger) { l.With("k", value).Info("msg") })
			}
			deep := "nested too deeply"
			many := "too many groups"
			if redaction.Off {
				deep, many = "!DEPTH", "more than 4096 groups"
			}
			g("a LogValuer in itself", &ring{1}, 2, deep)
			g("ten times in itself", &ring{10}, 100, "waybill.cut")
			g("in itself under one key", hydra{}, 2, many)
			nested := slog.Int("bottom", 1)
			for range 10_000 {
				nested = slog.Attr{Key: "g", Value: slog.GroupValue(nested)}
			}
			g("10,000 groups deep", nested.Value, 2, deep)
		})
	}
}

func TestBadTextsAreShippedAndShown(t *testing.T) {
	t.Parallel()
	b := badService(t, instrument.Config{})
	f := func(message, want string) {
		t.Helper()
		r := b.write(t, fmt.Sprintf("message %.20q", message), func(l *slog.Logger) { l.Info(message) })
		if r.Message != want {
			t.Errorf("got %.100q, want %.100q", r.Message, want)
		}
	}
	f("", "")
	f("a\xff\xfeb", "a\uFFFD\uFFFDb")
	f("\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD") // half of a surrogate pair
	f("a\x00\r\n\u2028\U0001F4E6", "a\x00\r\n\u2028\U0001F4E6")
	f(strings.Repeat("m", 5<<20), strings.Repeat("m", 256<<10)+cutMark)

	g := func(name, want string) {
		t.Helper()
		what := fmt.Sprintf("key %.20q", name)
		r := b.write(t, what, func(l *slog.Logger) { l.Info("msg", name, "v", "after", 1) })
		if label(r, want) != "v" || label(r, "after") != "1" || len(r.Labels) != 2 {
			t.Errorf("%s: got %.500s", what, r.Raw)
		}
		r = b.write(t, what+" of a group", func(l *slog.Logger) { l.Info("msg", slog.Group(name, "in", "v")) })
		r2 := b.write(t, what+" of WithGroup", func(l *slog.Logger) { l.WithGroup(name).With("in", "v").Info("msg") })
		inside := want + ".in"
		switch {
		case name == "": // its members are in the group around it
			inside = "in"
		case len(name) > 256:
			inside = want
		}
		if label(r, inside) != "v" || label(r2, inside) != "v" || len(r.Labels) != 1 || len(r2.Labels) != 1 {
			t.Errorf("%s of a group: got %.500s\nand %.500s", what, r.Raw, r2.Raw)
		}
	}
	g("", `\x`)
	g("a.b", "a.b")
	g("..", "..")
	g("a\nb\r", `a\x0ab\x0d`)
	g("nul\x00", `nul\x00`)
	g(`"quoted" \`, `"quoted" \`)
	g("\xff", "\uFFFD")
	g("del\x7f", `del\x7f`)
	g("waybill.cut", "waybill.cut")
	g(strings.Repeat("k", 1<<20), strings.Repeat("k", 256)+cutMark)
	g(strings.Repeat("連", 1<<18), strings.Repeat("連", 85)+cutMark)

	r := b.write(t, "1,000 groups", func(l *slog.Logger) {
		for range 1000 {
			l = l.WithGroup("g")
		}
		l.Info("msg", "k", "v")
	})
	if want := strings.Repeat("g.", 128) + cutMark; len(r.Labels) != 1 || label(r, want) != "v" {
		t.Errorf("1,000 groups: got %.500s", r.Raw)
	}
	r = b.write(t, "10,000 attributes", func(l *slog.Logger) {
		attrs := make([]any, 0, 10_000)
		for i := range cap(attrs) {
			attrs = append(attrs, slog.Int("k"+strconv.Itoa(i), i))
		}
		l.Info("msg", attrs...)
	})
	if len(r.Labels) != 513 || label(r, "k511") != "511" || label(r, "waybill.cut") != "more than 512 labels" {
		t.Errorf("10,000 attributes: %d labels", len(r.Labels))
	}
	r = b.write(t, "10,000 of one key", func(l *slog.Logger) {
		l = l.With("k", "with", "other", 1)
		attrs := make([]any, 0, 10_000)
		for i := range cap(attrs) {
			attrs = append(attrs, slog.Int("k", i))
		}
		l.Info("msg", attrs...)
	})
	if len(r.Labels) != 2 || label(r, "k") != "9999" || label(r, "other") != "1" {
		t.Errorf("10,000 of one key: got %.500s", r.Raw)
	}
	r = b.write(t, "the largest record", func(l *slog.Logger) {
		ctx, _ := instrument.WithCorrelationID(context.Background(), strings.Repeat(`"`, 128))
		ctx = instrument.Saga(ctx, strings.Repeat("\x01", 999), strings.Repeat("\x02", 999), "forward")
		var labels []any
		for i := range 600 {
			labels = append(labels, strconv.Itoa(i)+strings.Repeat("\x01", 300), strings.Repeat("\x02", 40<<10))
		}
		l = l.With(labels...)
		l.ErrorContext(ctx, strings.Repeat("\x01", 1<<20), "err", errors.New(strings.Repeat("\x01", 1<<20)))
	})
	if len(r.Raw) < 700<<10 {
		t.Errorf("the largest record has %d bytes", len(r.Raw))
	}
}

// An error may have no words, whoever asks it.
func TestErrorsWithoutWordsStayInTheService(t *testing.T) {
	t.Parallel()
	b := badService(t, instrument.Config{})
	f := func(what string, err error, kind, text string) {
		t.Helper()
		r := b.write(t, what, func(l *slog.Logger) { l.Error("msg", "error", err) })
		if r.Error.Type != kind || r.Error.Message != text {
			t.Errorf("%s: got %+v", what, r.Error)
		}
		ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
		before := b.in.Health().Last
		got := b.in.Process(ctx, order("7"), "bank", func(ctx context.Context) error {
			instrument.Failed(ctx, err)
			return err
		})
		if got == nil {
			t.Errorf("%s: Process returns nil", what)
		}
		all := b.records(t, b.in)
		if n := b.in.Health().Last - before; n != 3 {
			t.Fatalf("%s: %d records of a failed message, want 3", what, n)
		}
		b.shown = strings.Count(b.console.String(), "\n")
		for _, r := range all[before+1:] { // what was declared, and the hop's end
			canonical(t, what, r)
			if r.Error.Type != kind || r.Error.Message != text {
				t.Errorf("%s: %s has %+v", what, r.Kind, r.Error)
			}
		}
		if end := all[before+2]; end.Kind != record.KindHopEnd || end.Outcome != record.Failure {
			t.Errorf("%s: the hop ends with %s", what, end.Raw)
		}
	}
	e := echo.New()
	e.Use(b.in.Echo())
	e.GET("/", func(echo.Context) error { return (*nilError)(nil) })
	res := httptest.NewRecorder()
	e.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/", nil))
	if end := b.last(t, b.in); res.Code != 500 || end.Kind != record.KindHopEnd || end.Error.Message != "<nil>" {
		t.Errorf("status %d, the hop ends with %s", res.Code, end.Raw)
	}
	f("a nil pointer", (*nilError)(nil), "*instrument_test.nilError", "<nil>")
	f("a panic", badError{}, "instrument_test.badError", "!PANIC: no words")
}

func TestAContextThatIsNilIsNone(t *testing.T) {
	t.Parallel()
	b := badService(t, instrument.Config{})
	var none context.Context
	r := b.write(t, "slog", func(l *slog.Logger) { l.InfoContext(none, "msg") })
	if r.CorrelationID != "" || r.Message != "msg" {
		t.Errorf("got %s", r.Raw)
	}
	r = b.write(t, "the handler", func(l *slog.Logger) {
		if h := l.Handler(); h.Enabled(none, slog.LevelInfo) && !h.Enabled(none, slog.LevelDebug) {
			_ = h.Handle(none, slog.NewRecord(time.Now(), slog.LevelInfo, "direct", 0))
		}
	})
	if r.Message != "direct" {
		t.Errorf("got %s", r.Raw)
	}
	if id := instrument.CorrelationID(none); id != "" || instrument.FromContext(none) != nil {
		t.Errorf("got %q", id)
	}
}

// A record outside 1970 to 2262 would be a dead letter.
func TestATimeNoStoreTakesIsReplaced(t *testing.T) {
	t.Parallel()
	b := badService(t, instrument.Config{})
	f := func(at time.Time, want string) {
		t.Helper()
		before := time.Now()
		r := b.write(t, at.String(), func(l *slog.Logger) {
			_ = l.Handler().Handle(context.Background(), slog.NewRecord(at, slog.LevelInfo, "msg", 0))
		})
		if want == "" {
			if !r.Time.Equal(at) || len(r.Labels) != 0 {
				t.Errorf("%v: got %s", at, r.Raw)
			}
			return
		}
		if r.Time.Before(before) || r.Time.After(time.Now()) || label(r, "waybill.time") != want {
			t.Errorf("%v: got %s", at, r.Raw)
		}
	}
	f(time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC), "")
	f(time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC), "")
	f(time.Unix(0, 0).UTC(), "1970-01-01T00:00:00Z")
	f(time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), "1969-12-31T00:00:00Z")
	f(time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC), "2263-01-01T00:00:00Z")
	f(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "10000-01-01T00:00:00Z")
	f(time.Date(292277026596, 1, 1, 0, 0, 0, 0, time.UTC), "292277026596-01-01T00:00:00Z")

	_, span := tracer(b.in).Start(foreign(b.in), "visit", trace.WithTimestamp(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)))
	span.End(trace.WithTimestamp(time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)))
	all := b.records(t, b.in)
	for _, r := range all[len(all)-2:] {
		canonical(t, "a span", r)
		if label(r, "waybill.time") == "" || time.Since(r.Time) > time.Minute {
			t.Errorf("got %s", r.Raw)
		}
	}
}

// The SDK's limits may be off, and a store takes so many labels and links.
func TestASpanWithoutLimitsIsCut(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	provider := sdktrace.NewTracerProvider(sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{
		AttributeValueLengthLimit: -1, AttributeCountLimit: -1, EventCountLimit: -1, LinkCountLimit: -1, AttributePerEventCountLimit: -1, AttributePerLinkCountLimit: -1,
	}))
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, TracerProvider: provider})
	provider.RegisterSpanProcessor(in.SpanProcessor())
	var attrs []attribute.KeyValue
	var links []trace.Link
	for i := range 3000 {
		attrs = append(attrs, attribute.String(strconv.Itoa(i), "v\xff\r\n"))
		links = append(links, trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{byte(i), byte(i >> 8), 1}})})
	}
	_, span := provider.Tracer("test").Start(context.Background(), "visit\r\n\xff", trace.WithAttributes(attrs...), trace.WithLinks(links...))
	span.End()
	for _, r := range k.records(t, in) {
		canonical(t, "a span", r)
		if len(r.Links) != 512 || len(r.Labels) < 512 || len(r.Labels) > 514 || label(r, "waybill.cut") == "" {
			t.Errorf("%d links, %d labels", len(r.Links), len(r.Labels))
		}
	}
	if in.Health().Last != 2 {
		t.Errorf("%d records", in.Health().Last)
	}
}

func TestNamesThatWouldFillEveryRecordAreRefused(t *testing.T) {
	t.Parallel()
	_, err := instrument.Start(context.Background(), instrument.Config{Service: strings.Repeat("s", 1025), Scoped: true})
	if err == nil || !strings.Contains(err.Error(), "want at most 1024") {
		t.Errorf("got %v", err)
	}
}

// What an HTTP server hands on, and what Kafka carries, may hold any bytes.
func TestHeadersWithLineBreaksGoNowhere(t *testing.T) {
	t.Parallel()
	b := badService(t, instrument.Config{})
	evil := "Order-7\r\nSet-Cookie: admin=1"
	var sent http.Header
	client := &http.Client{Transport: b.in.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		sent = r.Header
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	}))}
	message := &sarama.ProducerMessage{Topic: "shop.orders"}
	handle := func(ctx context.Context) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://bank.example/", nil)
		if err != nil {
			t.Error(err)
			return
		}
		if res, err := client.Do(req); err != nil {
			t.Error(err)
		} else {
			res.Body.Close()
		}
		if _, _, err := b.in.Send(ctx, &fake{}, message); err != nil {
			t.Error(err)
		}
	}
	names := []string{"x-correlation-id", "traceparent", "tracestate", "baggage", "messaging.message.conversation_id"}
	clean := func(what, id string) {
		t.Helper()
		if len(id) != 32 || sent.Get("x-correlation-id") != id {
			t.Errorf("%s: journey %q, sent as %q", what, id, sent.Get("x-correlation-id"))
		}
		for name, values := range sent {
			if strings.ContainsAny(strings.Join(values, ""), "\r\n") {
				t.Errorf("%s: %s goes out as %q", what, name, values)
			}
		}
		for _, h := range message.Headers {
			if bytes.ContainsAny(h.Value, "\r\n") {
				t.Errorf("%s: %s goes out as %q", what, h.Key, h.Value)
			}
		}
	}

	req := httptest.NewRequest(http.MethodGet, "/orders/a%0d%0ab", nil)
	for _, name := range names {
		req.Header[http.CanonicalHeaderKey(name)] = []string{evil}
	}
	res := httptest.NewRecorder()
	b.in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handle(r.Context()) })).ServeHTTP(res, req)
	clean("HTTP", res.Header().Get("x-correlation-id"))

	received := &sarama.ConsumerMessage{Topic: "shop.orders"}
	for _, name := range names {
		received.Headers = append(received.Headers, &sarama.RecordHeader{Key: []byte(name), Value: []byte(evil)})
	}
	var id string
	if err := b.in.Process(context.Background(), received, "bank", func(ctx context.Context) error {
		id = instrument.CorrelationID(ctx)
		handle(ctx)
		return nil
	}); err != nil {
		t.Error(err)
	}
	clean("Kafka", id)

	all := b.records(t, b.in)
	for _, r := range all {
		canonical(t, "a hop", r)
		if strings.Contains(string(r.Raw), "admin") {
			t.Errorf("a refused ID is on record: %s", r.Raw)
		}
	}
	if visit := one(t, all, record.KindHopStart, "GET /orders/a\r\nb"); visit.HTTP.Path != "/orders/a\r\nb" {
		t.Errorf("got %s", visit.Raw)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// rude is a console that does what the test says.
type rude struct {
	slog.Handler
	enabled, handle, with func()
	err                   error
}

func (h rude) Enabled(context.Context, slog.Level) bool { h.enabled(); return true }
func (h rude) Handle(context.Context, slog.Record) error {
	h.handle()
	return h.err
}
func (h rude) WithAttrs([]slog.Attr) slog.Handler { h.with(); return h }
func (h rude) WithGroup(string) slog.Handler      { h.with(); return h }

func TestAConsoleOfTheUsersDoesNoHarm(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	fine := func() {}
	awful := func() { panic("out of mind") }
	f := func(what string, h rude, panics uint64) {
		t.Helper()
		in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Console: h})
		in.Logger().With("a", 1).WithGroup("g").Info("msg", "b", 2)
		in.Logger().Debug("below the level: only the console may want it")
		if r := k.last(t, in); r.Message != "msg" || label(r, "a") != "1" || label(r, "g.b") != "2" {
			t.Errorf("%s: got %s", what, r.Raw)
		}
		if h := in.Health(); h.Panics != panics || h.Last != 1 {
			t.Errorf("%s: health %+v", what, h)
		}
	}
	f("fine", rude{enabled: fine, handle: fine, with: fine}, 0)
	f("errors", rude{enabled: fine, handle: fine, with: fine, err: errors.New("disk full")}, 0)
	f("panics when it handles", rude{enabled: fine, handle: awful, with: fine}, 2)
	f("panics with attributes", rude{enabled: fine, handle: fine, with: awful}, 2)
	f("panics when asked", rude{enabled: awful, handle: fine, with: fine}, 2)
}

// Others go on logging and what is logged is shipped, while a console holds one
// log call up.
func TestAConsoleThatBlocksKeepsNoRecordBack(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	release, held := make(chan struct{}), make(chan struct{})
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Console: rude{
		enabled: func() {}, handle: func() { <-release }, with: func() {},
	}})
	go func() {
		defer close(held)
		in.Logger().Info("held up")
	}()
	until(t, "it is shipped", func() bool { return in.Health().Last == 1 })
	if r := k.last(t, in); r.Message != "held up" {
		t.Errorf("got %s", r.Raw)
	}
	select {
	case <-held:
		t.Error("the console does not hold it up")
	default:
	}
	close(release)
	<-held
}

type panickyWriter struct{}

func (panickyWriter) Write([]byte) (int, error) { panic("broken pipe") }

func TestAnOutputThatPanicsStopsNobody(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "bank", Brokers: []string{k.Addr()}, Output: panickyWriter{}, Scoped: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, in) })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 2 {
			in.Logger().Info("msg")
		}
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the second log call waits for the first")
	}
	if all := k.records(t, in); len(all) != 2 || in.Health().Panics != 2 {
		t.Errorf("%d records, health %+v", len(all), in.Health())
	}
}

func TestTheConsoleHandlerIsOneOfSlog(t *testing.T) {
	var console *buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		console = new(buffer)
		t.Setenv("OTEL_SDK_DISABLED", "true") // nothing beside the console
		in, err := instrument.Start(context.Background(), instrument.Config{Service: "bank", Output: console, Scoped: true})
		if err != nil {
			t.Fatal(err)
		}
		return in.Logger().Handler()
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal([]byte(console.String()), &line); err != nil {
			t.Fatal(err)
		}
		m := map[string]any{slog.LevelKey: line["log.level"], slog.MessageKey: line["message"]}
		if !strings.HasSuffix(t.Name(), "/zero-time") {
			m[slog.TimeKey] = line["@timestamp"]
		}
		labels, _ := line["labels"].(map[string]any)
		for k, v := range labels {
			nest(m, strings.Split(k, "."), v.(string))
		}
		return m
	})
}

// valid is s with U+FFFD for each byte that is no UTF-8.
func valid(s string) string { return strings.Map(func(r rune) rune { return r }, s) }

// tree draws attributes: keys and texts of any bytes, numbers, groups in groups.
// want gets what must be in the labels.
func tree(t *rapid.T, prefix string, depth int, want map[string]string) []slog.Attr {
	var attrs []slog.Attr
	for range rapid.IntRange(0, 4).Draw(t, "n") {
		key := rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "a.b", "", "nul\x00", `nul\x00`, "\xff", "\uFFFD", `"`, `\x`}), rapid.StringN(0, 8, 8)).Draw(t, "key")
		name := record.LabelKey(prefix + key)
		set := func(v slog.Value, text string) {
			attrs = append(attrs, slog.Attr{Key: key, Value: v})
			want[name] = text
		}
		kind := rapid.IntRange(0, 6).Draw(t, "kind")
		switch {
		case kind == 0:
			n := rapid.Int64().Draw(t, "int64")
			set(slog.Int64Value(n), strconv.FormatInt(n, 10))
		case kind == 1:
			n := rapid.Uint64().Draw(t, "uint64")
			set(slog.Uint64Value(n), strconv.FormatUint(n, 10))
		case kind == 2:
			n := rapid.Uint64().Draw(t, "any")
			set(slog.AnyValue([]uint64{n}), "["+strconv.FormatUint(n, 10)+"]")
		case kind == 3:
			x := rapid.Float64().Draw(t, "float64")
			set(slog.Float64Value(x), strconv.FormatFloat(x, 'g', -1, 64))
		case kind == 4 && depth < 4:
			inside := prefix
			if key != "" {
				inside += key + "."
			}
			members := tree(t, inside, depth+1, want)
			v := slog.GroupValue(members...)
			if rapid.Bool().Draw(t, "valuer") {
				group := v
				v = slog.AnyValue(valuer(func() slog.Value { return group }))
			}
			attrs = append(attrs, slog.Attr{Key: key, Value: v})
		default:
			s := string(rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "text"))
			set(slog.StringValue(s), valid(s))
		}
	}
	return attrs
}

// Whatever is logged arrives as record.Append would write what record.Decode reads.
func TestWhateverIsLoggedArrivesCanonical(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Console: quiet, Redact: instrument.Redaction{Off: true}})
	rapid.Check(t, func(r *rapid.T) {
		type call struct {
			message string
			want    map[string]string
		}
		var calls []call
		before := in.Health().Last
		for range rapid.IntRange(1, 5).Draw(r, "calls") {
			c := call{string(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(r, "message")), map[string]string{}}
			with := tree(r, "", 0, c.want)
			group := rapid.SampledFrom([]string{"", "g", "a", "\xff"}).Draw(r, "group")
			prefix := ""
			if group != "" {
				prefix = group + "."
			}
			attrs := tree(r, prefix, 0, c.want)
			slog.New(in.Logger().Handler().WithAttrs(with).WithGroup(group)).LogAttrs(context.Background(), slog.LevelInfo, c.message, attrs...)
			calls = append(calls, c)
		}
		arrived := k.records(t, in)[before:]
		if len(arrived) != len(calls) {
			r.Fatalf("%d records of %d calls", len(arrived), len(calls))
		}
		for i, one := range arrived {
			canonical(r, "a log call", one)
			c := calls[i]
			if want := valid(c.message); one.Message != want {
				r.Errorf("message %q, want %q", one.Message, want)
			}
			if len(one.Labels) != len(c.want) {
				r.Errorf("%d labels, want %d: %s", len(one.Labels), len(c.want), one.Raw)
			}
			for key, want := range c.want {
				if got := label(one, key); got != want {
					r.Errorf("label %q is %q, want %q", key, got, want)
				}
			}
		}
	})
}

package instrument_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// environment sets what Start reads, all else being unset.
func environment(t *testing.T, pairs ...string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") || strings.HasPrefix(name, "WAYBILL_") {
			t.Setenv(name, "")
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

func TestTheEnvironmentNamesTheService(t *testing.T) {
	k := startKafka(t)
	f := func(cfg instrument.Config, service, version, env string, pairs ...string) {
		t.Helper()
		environment(t, append(pairs, "WAYBILL_KAFKA_BROKERS", k.Addr())...)
		cfg.Console, cfg.Scoped = quiet, true
		in, err := instrument.Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		in.Logger().Info("started")
		shutdown(t, in)
		if r := k.last(t, in); r.Service != service || r.ServiceVer != version || r.Environment != env {
			t.Errorf("%v: got %q %q %q, want %q %q %q", pairs, r.Service, r.ServiceVer, r.Environment, service, version, env)
		}
	}
	const name, attrs = "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"
	f(instrument.Config{}, "bank", "", "", name, "bank")
	f(instrument.Config{}, "bank", "1.2", "live", attrs, "service.name=bank, service.version=1.2,deployment.environment.name=live")
	f(instrument.Config{}, "bank", "", "old", name, "bank", attrs, "service.name=shop,deployment.environment=old")
	f(instrument.Config{}, "the bank, Inc", "a=b", "", attrs, "service.name=the%20bank%2C Inc,service.version=a=b,junk,=x,bad=%zz")
	f(instrument.Config{Service: "shop", Version: "2", Environment: "test"}, "shop", "2", "test", name, "bank", attrs, "service.version=1.2,deployment.environment.name=live")
}

func TestTheEnvironmentNamesTheBrokers(t *testing.T) {
	k := startKafka(t)
	environment(t, "WAYBILL_KAFKA_BROKERS", freeAddr(t)+" , "+k.Addr())
	in := service(t, instrument.Config{})
	in.Logger().Info("to the second")
	flushed(t, in)

	environment(t, "WAYBILL_KAFKA_BROKERS", freeAddr(t))
	in = service(t, instrument.Config{Brokers: []string{k.Addr()}})
	in.Logger().Info("to the configured one")
	flushed(t, in)
}

func TestAConfigErrorSaysWhatToDo(t *testing.T) {
	environment(t)
	f := func(cfg instrument.Config, want string) {
		t.Helper()
		in, err := instrument.Start(context.Background(), cfg)
		if in != nil || err == nil || !strings.HasPrefix(err.Error(), "start instrument: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", cfg, err, want)
		}
	}
	f(instrument.Config{}, "set Config.Service or OTEL_SERVICE_NAME")
	f(instrument.Config{Service: "bank", BufferBytes: 1000}, "BufferBytes is 1000, want at least 8388608")
	f(instrument.Config{Service: "bank", BufferBytes: -1}, "BufferBytes is -1")
	f(instrument.Config{Service: "bank", LedgerEvery: -time.Second}, "LedgerEvery is -1s, want more than 0")
	f(instrument.Config{Service: "bank", Brokers: []string{"kafka"}}, `Kafka broker "kafka" has no port: want host:port`)
	f(instrument.Config{Service: "bank", Security: instrument.Security{User: "u"}}, `Kafka's user "u" has no password`)
	f(instrument.Config{Service: "bank", TracerProvider: noop.NewTracerProvider(), SpanProcessors: make([]sdktrace.SpanProcessor, 1)}, "register them with your own TracerProvider")
	t.Setenv("WAYBILL_KAFKA_BROKERS", "127.0.0.1:7692,kafka")
	f(instrument.Config{Service: "bank"}, `Kafka broker "kafka" has no port: want host:port`)
	t.Setenv("WAYBILL_KAFKA_TLS", "perhaps")
	f(instrument.Config{Service: "bank"}, `WAYBILL_KAFKA_TLS is "perhaps", want true or false`)
	t.Setenv("WAYBILL_LOG_LEVEL", "loud")
	f(instrument.Config{Service: "bank"}, `WAYBILL_LOG_LEVEL is "loud", want debug, info, warn or error`)
}

// Not parallel: it sets the process's defaults.
func TestStartBecomesTheProcesssDefault(t *testing.T) {
	k := startKafka(t)
	logger, provider, propagator := slog.Default(), otel.GetTracerProvider(), otel.GetTextMapPropagator()
	defer func() {
		slog.SetDefault(logger)
		otel.SetTracerProvider(provider)
		otel.SetTextMapPropagator(propagator)
	}()
	k.service(t, "scoped")
	if slog.Default() != logger || otel.GetTracerProvider() != provider {
		t.Error("a scoped instance became the default")
	}
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "bank", Brokers: []string{k.Addr()}, Console: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer shutdown(t, in)
	ctx := otel.GetTextMapPropagator().Extract(context.Background(), carrier{"x-correlation-id": "Order-7"})
	ctx, span := otel.Tracer("test").Start(ctx, "visit")
	slog.InfoContext(ctx, "debited")
	span.End()
	all := k.records(t, in)
	wholeHop(t, all, span.SpanContext().SpanID().String(), 0)
	if r := logged(t, all, "debited"); r.CorrelationID != "Order-7" || r.HopSequence != 2 || len(all) != 3 {
		t.Errorf("records:\n%s", show(all))
	}
}

func TestEachStartIsAnotherInstance(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	first, second := k.service(t, "bank"), k.service(t, "bank")
	if first.Node() == second.Node() {
		t.Errorf("both are %s", first.Node())
	}
	for _, in := range []*instrument.Instrument{first, second} {
		in.Logger().Info("started")
		if r := k.last(t, in); r.Identity() != record.EventID(in.Node(), 1) {
			t.Errorf("got %s", r.Raw)
		}
	}
}

func TestTheEnvironmentSetsTheLevelShipped(t *testing.T) {
	f := func(name string, level slog.Leveler, want int) {
		t.Helper()
		environment(t, "WAYBILL_LOG_LEVEL", name)
		in := unreachedWith(t, instrument.Config{Level: level})
		for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			in.Logger().Log(context.Background(), l, "logged")
		}
		if got := in.Health().Last; got != uint64(want) {
			t.Errorf("%q: %d records, want %d", name, got, want)
		}
	}
	f("", nil, 3)
	f("debug", nil, 4)
	f(" WARN ", nil, 2)
	f("info+1", nil, 2)
	f("debug", slog.LevelError, 1)
}

// ended collects spans as a processor of one's own sees them.
type ended struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
	stops int
}

func (e *ended) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

func (e *ended) OnEnd(s sdktrace.ReadOnlySpan) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spans = append(e.spans, s)
}

func (e *ended) Shutdown(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stops++
	return nil
}

func (e *ended) ForceFlush(context.Context) error { return nil }

func TestResourceAttributesOfTheEnvironmentAreOnTheResource(t *testing.T) {
	environment(t, "OTEL_SERVICE_NAME", "bank", "OTEL_RESOURCE_ATTRIBUTES", "service.version=1.2,deployment.environment.name=live,k8s.pod.name=bank-0,team=a%20b")
	f := func(cfg instrument.Config, want map[string]string) {
		t.Helper()
		var seen ended
		cfg.Brokers, cfg.Console, cfg.Scoped, cfg.SpanProcessors = []string{freeAddr(t)}, quiet, true, []sdktrace.SpanProcessor{&seen}
		in, err := instrument.Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, span := tracer(in).Start(context.Background(), "visit")
		span.End()
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			in.Shutdown(ctx) // Kafka is not there
		}()
		until(t, "the processor is shut down", func() bool {
			seen.mu.Lock()
			defer seen.mu.Unlock()
			return seen.stops > 0
		})
		cancel()
		<-stopped
		if len(seen.spans) != 1 || seen.stops != 1 {
			t.Fatalf("%d spans seen, %d times shut down", len(seen.spans), seen.stops)
		}
		want["service.instance.id"] = in.Node()
		for _, a := range seen.spans[0].Resource().Attributes() {
			if got := a.Value.AsString(); want[string(a.Key)] != got {
				t.Errorf("%s is %q, want %q", a.Key, got, want[string(a.Key)])
			}
			delete(want, string(a.Key))
		}
		if len(want) > 0 {
			t.Errorf("not there: %v", want)
		}
	}
	f(instrument.Config{}, map[string]string{"service.name": "bank", "service.version": "1.2", "deployment.environment.name": "live", "k8s.pod.name": "bank-0", "team": "a b"})
	f(instrument.Config{Service: "shop", Version: "2", Environment: "test"}, map[string]string{"service.name": "shop", "service.version": "2", "deployment.environment.name": "test", "k8s.pod.name": "bank-0", "team": "a b"})
}

// Not parallel: the environment turns it off.
func TestADisabledInstrumentLogsAndCarriesOnOnly(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	environment(t, "OTEL_SDK_DISABLED", "True", "WAYBILL_KAFKA_BROKERS", listener.Addr().String(), "WAYBILL_KAFKA_TLS", "perhaps")
	var console buffer
	in, err := instrument.Start(context.Background(), instrument.Config{Console: slog.NewTextHandler(&console, nil), Scoped: true})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan http.Header, 1)
	below := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	calls := client(t, in)
	e := newEcho(in)
	e.POST("/buy", func(c echo.Context) error {
		ctx := c.Request().Context()
		in.Logger().InfoContext(ctx, "bought")
		instrument.Delivered(ctx)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, below, nil)
		do(t, calls, req)
		return c.NoContent(http.StatusAccepted)
	})
	url := serve(t, e)
	res := post(t, client(t, nil), url+"/buy", "traceparent", traceparent, "x-correlation-id", "Order-7", "baggage", "user=1")
	if got := res.Header.Get("x-correlation-id"); res.StatusCode != http.StatusAccepted || got != "Order-7" {
		t.Errorf("answered %d in journey %q", res.StatusCode, got)
	}
	header := <-seen
	if header.Get("traceparent") != traceparent || header.Get("x-correlation-id") != "Order-7" || !strings.Contains(header.Get("baggage"), "user=1") {
		t.Errorf("passed on %v", header)
	}
	res = post(t, client(t, nil), url+"/nowhere")
	if got := res.Header.Values("x-correlation-id"); len(got) != 0 {
		t.Errorf("a journey %q where none can be", got)
	}
	if got := console.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "msg=bought correlation.id=Order-7") || !strings.Contains(got, "msg=delivered") {
		t.Errorf("console shows %s", got)
	}

	// A provider of one's own may have the processor all the same.
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(in.SpanProcessor()))
	ctx, span := tp.Tracer("test").Start(context.Background(), "visit")
	in.Logger().InfoContext(ctx, "visited")
	span.End()

	h := in.Health()
	if !h.Disabled || h.Last != 0 || h.Unsettled != 1 || h.Refused != 0 || h.Err != nil || len(h.Warnings) != 0 {
		t.Errorf("health %+v", h)
	}
	if err := in.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	listener.(*net.TCPListener).SetDeadline(time.Now())
	if c, err := listener.Accept(); err == nil {
		c.Close()
		t.Error("Kafka was called")
	}
}

func TestOnlyTrueDisables(t *testing.T) {
	for _, value := range []string{"", "false", "1", "yes", "nottrue"} {
		environment(t, "OTEL_SDK_DISABLED", value)
		in := unreached(t)
		in.Logger().Info("logged")
		if h := in.Health(); h.Disabled || h.Last != 1 {
			t.Errorf("%q: %+v", value, h)
		}
	}
}

// keepLogger undoes what Start does to slog's default.
func keepLogger(t *testing.T) {
	t.Helper()
	logger := slog.Default()
	t.Cleanup(func() { slog.SetDefault(logger) })
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	slogmulti "github.com/samber/slog-multi"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
)

func instrumentArea(b *board) error {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	kafka, err := start("broker", filepath.Join(dir, "broker")+" 127.0.0.1:0")
	if err != nil {
		return err
	}
	defer kafka.stop()
	addr, err := kafka.line()
	if err != nil {
		return err
	}
	for _, measure := range []func(*board, string, string) error{logCalls, blackHole, shipping, requests} {
		if err := measure(b, addr, dir); err != nil {
			return err
		}
	}
	return nil
}

// call logs with five attributes, as all sides of a comparison do.
func call(ctx context.Context, l *slog.Logger) {
	l.LogAttrs(ctx, slog.LevelInfo, "debited the account of the customer", slog.String("order_id", "A-1001"), slog.Int64("amount", 100),
		slog.String("currency", "EUR"), slog.Bool("first", true), slog.Duration("took", 1500*time.Microsecond))
}

// calls measures n calls, in bursts between which settle waits, unmeasured, until
// nothing is left to ship. A pause comes before each burst, so that all sides begin
// with caches as cold as those of a service that has waited for work. What counts
// is the CPU time of the calling thread: the machine is shared, with Kafka beside
// it first of all.
func calls(ctx context.Context, n int, l *slog.Logger, settle func()) (ns float64) {
	const burst = 1000
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var spent time.Duration
	for range n / burst {
		settle()
		time.Sleep(5 * time.Millisecond)
		began := threadCPU()
		for range burst {
			call(ctx, l)
		}
		spent += threadCPU() - began
	}
	return float64(spent.Nanoseconds()) / float64(n)
}

// logCalls measures the price of a log call inside a journey.
func logCalls(b *board, addr, dir string) error {
	begin := func(cfg instrument.Config) (*instrument.Instrument, context.Context, func(), error) {
		cfg.Service, cfg.Version, cfg.Environment, cfg.Brokers, cfg.Scoped = "bank", "1.2.3", "production", []string{addr}, true
		cfg.Data = filepath.Join(dir, "calls")
		in, err := instrument.Start(context.Background(), cfg)
		if err != nil {
			return nil, nil, nil, err
		}
		ctx, _ := in.TracerProvider().Tracer("bench").Start(context.Background(), "visit", trace.WithSpanKind(trace.SpanKindServer))
		return in, ctx, func() {
			for in.Health().Bytes > 0 {
				time.Sleep(time.Millisecond)
			}
		}, nil
	}
	alone, aloneCtx, aloneSettled, err := begin(instrument.Config{Console: slog.DiscardHandler})
	if err != nil {
		return err
	}
	whole, wholeCtx, wholeSettled, err := begin(instrument.Config{Output: io.Discard})
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(nothing{})))
	tracer := sdktrace.NewTracerProvider().Tracer("bench")
	otelCtx, _ := tracer.Start(context.Background(), "visit")
	json := slog.NewJSONHandler(io.Discard, nil)

	const n = 200_000
	type side struct {
		name   string
		ctx    context.Context
		logger *slog.Logger
		settle func()
		ns     float64
	}
	none := func() {}
	sides := []*side{
		{name: "our shipping handler alone", ctx: aloneCtx, logger: slog.New(alone.ShippingHandler()), settle: aloneSettled},
		{name: "slog.JSONHandler", ctx: context.Background(), logger: slog.New(json), settle: none},
		{name: "otelslog with batch processor", ctx: otelCtx, logger: slog.New(otelslog.NewHandler("bank", otelslog.WithLoggerProvider(provider))), settle: none},
		{name: "our default composition", ctx: wholeCtx, logger: whole.Logger(), settle: wholeSettled},
		{name: "slog-multi Fanout of two slog.JSONHandlers", ctx: context.Background(), logger: slog.New(slogmulti.Fanout(json, json)), settle: none},
	}
	var ways []func() float64
	for _, s := range sides {
		calls(s.ctx, 20_000, s.logger, s.settle) // warm
		ways = append(ways, func() float64 { return calls(s.ctx, n, s.logger, s.settle) })
	}
	for i, ns := range medians(ways...) {
		sides[i].ns = ns
		b.say("%s: %.0f ns", sides[i].name, ns)
	}
	for _, in := range []*instrument.Instrument{alone, whole} {
		if h := in.Health(); h.Refused+h.Dropped+h.Volatile > 0 {
			b.say("not all went the usual way: %+v", h)
		}
		if err := in.Shutdown(context.Background()); err != nil {
			return err
		}
	}
	b.atMost("handler-vs-json", "ns", sides[0].ns, sides[1].ns, 1)
	b.atMost("handler-vs-otelslog", "ns", sides[0].ns, sides[2].ns, 0.4)
	b.atMost("composition-vs-fanout", "ns", sides[3].ns, sides[4].ns, 1)
	return allocations(b)
}

// allocations counts those of a call while nothing else runs: Kafka is away.
func allocations(b *board) error {
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "bank", Brokers: []string{"127.0.0.1:1"}, Output: io.Discard, Scoped: true})
	if err != nil {
		return err
	}
	ctx, _ := in.TracerProvider().Tracer("bench").Start(context.Background(), "visit", trace.WithSpanKind(trace.SpanKindServer))
	for name, l := range map[string]*slog.Logger{"handler": slog.New(in.ShippingHandler()), "composition": in.Logger()} {
		b.bounded(name+"-allocations", "", testing.AllocsPerRun(10_000, func() { call(ctx, l) }), 0)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = in.Shutdown(gone) // nobody wants them
	return nil
}

// nothing is an exporter that does nothing.
type nothing struct{}

func (nothing) Export(context.Context, []sdklog.Record) error { return nil }
func (nothing) Shutdown(context.Context) error                { return nil }
func (nothing) ForceFlush(context.Context) error              { return nil }

// hole is a proxy in front of Kafka that can stop answering without closing.
type hole struct {
	net.Listener
	to   string
	dark atomic.Bool
}

// newHole listens for clients; Kafka shall listen at to.
func newHole() (*hole, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err = errors.Join(err, free.Close()); err != nil {
		return nil, err
	}
	h := &hole{Listener: ln, to: free.Addr().String()}
	go h.serve()
	return h, nil
}

func (h *hole) serve() {
	for {
		c, err := h.Accept()
		if err != nil {
			return
		}
		go h.carry(c)
	}
}

func (h *hole) carry(from net.Conn) {
	to, err := net.Dial("tcp", h.to)
	if err != nil {
		from.Close()
		return
	}
	pipe := func(dst, src net.Conn) {
		defer dst.Close()
		for b := make([]byte, 64<<10); ; {
			n, err := src.Read(b)
			if err != nil {
				return
			}
			if h.dark.Load() {
				continue
			}
			if _, err := dst.Write(b[:n]); err != nil {
				return
			}
		}
	}
	go pipe(to, from)
	pipe(from, to)
}

// blackHole measures log calls while Kafka takes and never answers.
func blackHole(b *board, _, dir string) error {
	const (
		goroutines = 100
		every      = 2 * time.Millisecond // 50,000 calls a second in all
		lasting    = 60 * time.Second
		bufferMiB  = 64
	)
	h, err := newHole()
	if err != nil {
		return err
	}
	defer h.Close()
	kafka, err := start("broker", filepath.Join(dir, "black-broker")+" "+h.to+" "+h.Addr().String())
	if err != nil {
		return err
	}
	defer kafka.stop()
	if _, err := kafka.line(); err != nil {
		return err
	}
	data := filepath.Join(dir, "black")
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: "bank", Version: "1.2.3", Environment: "production", Brokers: []string{h.Addr().String()}, Data: data,
		BufferBytes: bufferMiB << 20, Output: io.Discard, Scoped: true,
	})
	if err != nil {
		return err
	}
	ctx, _ := in.TracerProvider().Tracer("bench").Start(context.Background(), "visit", trace.WithSpanKind(trace.SpanKindServer))
	call(ctx, in.Logger())
	for in.Health().Bytes > 0 {
		time.Sleep(time.Millisecond)
	}
	// crowd measures what; it returns the durations of all calls, sorted.
	crowd := func(lasting time.Duration, what func()) []time.Duration {
		each := make([][]time.Duration, goroutines)
		var all sync.WaitGroup
		for g := range goroutines {
			each[g] = make([]time.Duration, 0, lasting/every+1)
			all.Go(func() {
				time.Sleep(rand.N(every))
				tick := time.NewTicker(every)
				defer tick.Stop()
				for end := time.Now().Add(lasting); ; {
					<-tick.C
					began := time.Now()
					what()
					spent := time.Since(began)
					if began.After(end) || len(each[g]) == cap(each[g]) {
						return
					}
					each[g] = append(each[g], spent)
				}
			})
		}
		all.Wait()
		sorted := slices.Concat(each...)
		slices.Sort(sorted)
		return sorted
	}
	show := func(name string, sorted []time.Duration) {
		b.say("%s: %d calls, p50 %v, p99 %v, p99.9 %v, longest %v", name, len(sorted), quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 0.999), sorted[len(sorted)-1])
	}
	json := slog.New(slog.NewJSONHandler(io.Discard, nil))
	show("calibration, nothing called", crowd(10*time.Second, func() {}))
	show("calibration, slog.JSONHandler", crowd(10*time.Second, func() { call(ctx, json) }))

	before, _, err := resident()
	if err != nil {
		return err
	}
	h.dark.Store(true)
	sorted := crowd(lasting, func() { call(ctx, in.Logger()) })
	show("Kafka black-holed", sorted)
	after, mapped, err := resident()
	if err != nil {
		return err
	}
	disk, err := size(data)
	if err != nil {
		return err
	}
	health := in.Health()
	b.say("waiting %d MiB, on disk %d MiB, mapped %d MiB, memory beside %+d MiB, bound %d MiB; refused %d, which went to the console", health.Bytes>>20, disk>>20, mapped>>20, (after-before)>>20, bufferMiB, health.Refused)
	if health.Refused == 0 {
		return fmt.Errorf("the buffer was not full at the end: %+v", health)
	}
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	b.bounded("black-hole-p99", "us", micros(quantile(sorted, 0.99)), 20)
	b.bounded("black-hole-p99.9", "us", micros(quantile(sorted, 0.999)), 200)
	b.bounded("black-hole-disk", "MiB", float64(disk)/(1<<20), bufferMiB+1)
	b.bounded("black-hole-memory", "MiB", float64(after-before)/(1<<20), bufferMiB)
	h.dark.Store(false)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = in.Shutdown(gone) // what is left is of no use to anybody
	return nil
}

// size is what the files in a folder take.
func size(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// shipped is how many records a process ships.
const shipped = 500_000

// shipping measures the CPU of a whole process that ships records.
func shipping(b *board, addr, _ string) error {
	receiver, err := start("otlp receiver", "")
	if err != nil {
		return err
	}
	defer receiver.stop()
	otlp, err := receiver.line()
	if err != nil {
		return err
	}
	var failed error
	run := func(role, argument string) float64 {
		c, err := start(role, argument)
		if err != nil {
			failed = err
			return 0
		}
		text, err := c.line()
		if err == nil {
			err = c.stop()
		}
		seconds, err2 := strconv.ParseFloat(text, 64)
		if err != nil || err2 != nil {
			failed = fmt.Errorf("%s says %q: %w", role, text, err)
		}
		return seconds * 1e6 / shipped
	}
	m := medians(func() float64 { return run("ship with waybill", addr) }, func() float64 { return run("ship with otelslog", otlp) })
	if failed != nil {
		return failed
	}
	b.atMost("cpu-per-million", "s", m[0], m[1], 0.5)
	return nil
}

// shipWaybill says how many CPU seconds shipping took, start and stop included.
func shipWaybill(addr string) error {
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: "bank", Version: "1.2.3", Environment: "production", Brokers: []string{addr}, Console: slog.DiscardHandler, Scoped: true,
	})
	if err != nil {
		return err
	}
	ctx, _ := in.TracerProvider().Tracer("bench").Start(context.Background(), "visit", trace.WithSpanKind(trace.SpanKindServer))
	l := in.Logger()
	for i := range shipped {
		if i%1000 == 0 {
			for in.Health().Bytes > 16<<20 {
				time.Sleep(time.Millisecond)
			}
		}
		call(ctx, l)
	}
	if err := in.Shutdown(context.Background()); err != nil {
		return err
	}
	if h := in.Health(); h.Unsettled != h.Last+1 || h.Refused+h.Dropped > 0 {
		return fmt.Errorf("not all are shipped: %+v", h)
	}
	fmt.Println(cpu().Seconds())
	return nil
}

func shipOtelslog(addr string) error {
	ctx := context.Background()
	exporter, err := otlploghttp.New(ctx, otlploghttp.WithEndpoint(addr), otlploghttp.WithInsecure())
	if err != nil {
		return err
	}
	counted := &counting{Exporter: exporter}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(counted, sdklog.WithMaxQueueSize(65536))))
	span, _ := sdktrace.NewTracerProvider().Tracer("bench").Start(ctx, "visit")
	l := slog.New(otelslog.NewHandler("bank", otelslog.WithLoggerProvider(provider)))
	for i := range shipped {
		if i%1000 == 0 { // its queue drops what is too much
			for int64(i)-counted.n.Load() > 30_000 {
				time.Sleep(time.Millisecond)
			}
		}
		call(span, l)
	}
	if err := provider.Shutdown(ctx); err != nil {
		return err
	}
	if n := counted.n.Load(); n != shipped {
		return fmt.Errorf("%d records exported, want %d", n, shipped)
	}
	fmt.Println(cpu().Seconds())
	return nil
}

type counting struct {
	sdklog.Exporter
	n atomic.Int64
}

func (c *counting) Export(ctx context.Context, records []sdklog.Record) error {
	err := c.Exporter.Export(ctx, records)
	c.n.Add(int64(len(records)))
	return err
}

// requests measures what the echo middleware and the RoundTripper add to a call.
func requests(b *board, addr, _ string) error {
	sampler := sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01))
	os.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	os.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.01")
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "bank", Brokers: []string{addr}, Console: slog.DiscardHandler, Scoped: true})
	if err != nil {
		return err
	}
	defer in.Shutdown(context.Background())
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler))
	both := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	options := []otelhttp.Option{otelhttp.WithTracerProvider(provider), otelhttp.WithPropagators(both)}

	web := func(use ...echo.MiddlewareFunc) *echo.Echo {
		e := echo.New()
		e.Use(use...)
		e.GET("/accounts/:id", func(c echo.Context) error { return c.String(http.StatusOK, "100 EUR\n") })
		return e
	}
	type side struct {
		server *httptest.Server
		client *http.Client
	}
	transport := func() *http.Transport { return http.DefaultTransport.(*http.Transport).Clone() }
	plain := side{httptest.NewServer(web()), &http.Client{Transport: transport()}}
	ours := side{httptest.NewServer(web(in.Echo())), &http.Client{Transport: in.Transport(transport())}}
	peer := side{httptest.NewServer(otelhttp.NewHandler(web(), "bank", options...)), &http.Client{Transport: otelhttp.NewTransport(transport(), options...)}}
	sides := []side{plain, ours, peer}
	for _, s := range sides {
		defer s.server.Close()
	}
	get := func(s side) (time.Duration, error) {
		began := time.Now()
		res, err := s.client.Get(s.server.URL + "/accounts/7")
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err == nil && res.StatusCode != http.StatusOK {
			err = errors.New(res.Status)
		}
		return time.Since(began), err
	}
	// The sides take turns request by request, so that what runs beside them, shipping
	// and Kafka too, is there for all. Before each is a pause: one behind the other
	// would measure what shipping leaves of two cores, and not what a request of a
	// service that is not overloaded waits for. A round gives the median, since the
	// machine now and then does other things for much longer than a request takes.
	const each, pause = 3_000, 300 * time.Microsecond
	round := func() ([]float64, error) {
		spent := make([][]time.Duration, len(sides))
		for range each {
			for i, s := range sides {
				time.Sleep(pause)
				d, err := get(s)
				if err != nil {
					return nil, err
				}
				spent[i] = append(spent[i], d)
			}
		}
		var m []float64
		for _, all := range spent {
			slices.Sort(all)
			m = append(m, float64(quantile(all, 0.5).Nanoseconds())/1000)
		}
		return m, nil
	}
	if _, err := round(); err != nil { // warm
		return err
	}
	all := make([][]float64, len(sides))
	for range rounds {
		m, err := round()
		if err != nil {
			return err
		}
		for i := range m {
			all[i] = append(all[i], m[i])
		}
	}
	m := make([]float64, len(sides))
	for i := range all {
		slices.Sort(all[i])
		m[i] = all[i][rounds/2]
	}
	b.say("a request: %.1f us without, %.1f us with ours, %.1f us with otelhttp alone", m[0], m[1], m[2])
	b.atMost("http-extra-latency", "us", m[1]-m[0], m[2]-m[0], 1.1)
	return nil
}

package instrument_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// ownProvider starts an instrument on a provider of one's own, which is not shut down.
func ownProvider(t *testing.T, cfg instrument.Config, options ...sdktrace.TracerProviderOption) (*instrument.Instrument, *sdktrace.TracerProvider) {
	t.Helper()
	tp := sdktrace.NewTracerProvider(append(options, sdktrace.WithIDGenerator(instrument.IDGenerator()))...)
	cfg.TracerProvider = tp
	return service(t, cfg), tp
}

func TestSpansOfOnesOwnProviderAreHops(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	var seen ended
	in, tp := ownProvider(t, instrument.Config{Brokers: []string{k.Addr()}},
		sdktrace.WithSampler(sdktrace.AlwaysRecord(sdktrace.NeverSample())), sdktrace.WithSpanProcessor(&seen))
	tp.RegisterSpanProcessor(in.SpanProcessor())
	if in.TracerProvider() != trace.TracerProvider(tp) {
		t.Error("TracerProvider is another")
	}
	url := serve(t, in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		in.Logger().InfoContext(r.Context(), "visited")
		in.Send(r.Context(), &fake{}, &sarama.ProducerMessage{Topic: "orders"})
	})))
	id := post(t, client(t, nil), url).Header.Get("x-correlation-id")
	all := k.records(t, in)
	root := one(t, all, record.KindHopStart, "POST /")
	wholeHop(t, all, root.SpanID, 1)
	if len(all) != 5 || root.CorrelationID != id || root.TraceID != id || len(id) != 32 {
		t.Errorf("answered %q, records:\n%s", id, show(all))
	}
	shutdown(t, in)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if len(seen.spans) != 2 || seen.stops != 0 {
		t.Errorf("%d spans, shut down %d times", len(seen.spans), seen.stops)
	}
	if w := in.Health().Warnings; len(w) != 0 {
		t.Errorf("warnings %q", w)
	}
}

// Not parallel: it sets the process's defaults.
func TestOnesOwnProviderIsNotMadeTheDefault(t *testing.T) {
	environment(t)
	provider, propagator := otel.GetTracerProvider(), otel.GetTextMapPropagator()
	defer otel.SetTextMapPropagator(propagator)
	keepLogger(t)
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: "bank", Brokers: []string{freeAddr(t)}, Console: quiet, TracerProvider: sdktrace.NewTracerProvider(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Shutdown(done())
	if otel.GetTracerProvider() != provider {
		t.Error("the provider became the default")
	}
	if otel.GetTextMapPropagator() != in.Propagator() {
		t.Error("the propagator is not the default")
	}
}

func TestHealthWarnsOfHopsThatAreMissing(t *testing.T) {
	t.Parallel()
	const sampler, processor = "wrap the sampler of your TracerProvider in sdktrace.AlwaysRecord", "register Instrument.SpanProcessor"
	f := func(name, want string, register bool, s sdktrace.Sampler, do func(*instrument.Instrument)) {
		t.Helper()
		in, tp := ownProvider(t, instrument.Config{Brokers: []string{freeAddr(t)}}, sdktrace.WithSampler(s))
		t.Cleanup(func() { in.Shutdown(done()) })
		if register {
			tp.RegisterSpanProcessor(in.SpanProcessor())
		}
		do(in)
		do(in)
		w := in.Health().Warnings
		if want == "" && len(w) != 0 || want != "" && (len(w) != 1 || !strings.Contains(w[0], want)) {
			t.Errorf("%s: warnings %q, want %q", name, w, want)
		}
	}
	log := func(in *instrument.Instrument) {
		ctx, span := tracer(in).Start(context.Background(), "visit")
		in.Logger().InfoContext(ctx, "visited")
		span.End()
		in.Logger().InfoContext(ctx, "afterwards")
	}
	send := func(in *instrument.Instrument) {
		in.Send(context.Background(), &fake{}, &sarama.ProducerMessage{Topic: "orders"})
	}
	handle := func(in *instrument.Instrument) {
		post(t, client(t, nil), serve(t, in.Handler(http.NotFoundHandler())))
	}
	process := func(in *instrument.Instrument) {
		in.Process(context.Background(), &sarama.ConsumerMessage{Topic: "orders"}, "g", func(ctx context.Context) error {
			in.Logger().InfoContext(ctx, "processed")
			return nil
		})
	}
	for name, do := range map[string]func(*instrument.Instrument){"log": log, "send": send, "handle": handle, "process": process} {
		f(name+" unsampled", sampler, true, sdktrace.NeverSample(), do)
		f(name+" unseen", processor, false, sdktrace.AlwaysSample(), do)
		f(name+" recorded", "", true, sdktrace.AlwaysRecord(sdktrace.NeverSample()), do)
	}
	// A caller's span is not ours to record.
	f("remote", "", true, sdktrace.NeverSample(), func(in *instrument.Instrument) {
		in.Logger().InfoContext(foreign(in), "visited")
		in.Logger().Info("outside any journey")
	})
	f("without a sampler of one's own", "", true, sdktrace.AlwaysSample(), log)
}

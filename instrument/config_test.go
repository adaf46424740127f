package instrument_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// environment sets what Start reads, all else being unset.
func environment(t *testing.T, pairs ...string) {
	t.Helper()
	for _, name := range []string{"OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "WAYBILL_KAFKA_BROKERS", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"} {
		t.Setenv(name, "")
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
	t.Setenv("WAYBILL_KAFKA_BROKERS", "127.0.0.1:7692,kafka")
	f(instrument.Config{Service: "bank"}, `Kafka broker "kafka" has no port: want host:port`)
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

package instrumenttest_test

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/instrument/instrumenttest"
)

// What a team forgets, and how its test tells.

func TestALogCallWithoutItsContextIsCaught(t *testing.T) {
	t.Parallel()
	f := func(name string, call func(in *instrument.Instrument, ctx context.Context), texts ...string) {
		t.Helper()
		var drawing string
		got := run(func(t *tb) {
			rec := instrumenttest.New(t)
			game := rec.Service("game")
			_ = game.Process(context.Background(), of("Order-7"), "game", func(ctx context.Context) error {
				call(game, ctx)
				return nil
			})
			j := rec.Journey("Order-7")
			drawing = j.String()
			j.Logged(name)
		})
		if texts == nil {
			wantNone(t, got)
			if !strings.Contains(drawing, "info  "+name+"  points=100\n") {
				t.Errorf("%s is not in\n%s", name, drawing)
			}
			return
		}
		wantFailure(t, got, texts...)
	}
	ctx := context.Background()
	f("slog with", func(_ *instrument.Instrument, ctx context.Context) { slog.InfoContext(ctx, "slog with", "points", 100) })
	f("slog without", func(*instrument.Instrument, context.Context) { slog.Info("slog without", "points", 100) },
		`nobody logged "slog without", but slog did without the context of a service`)
	f("slog with another", func(*instrument.Instrument, context.Context) { slog.InfoContext(ctx, "slog with another") },
		`nobody logged "slog with another", but slog did without the context of a service`)
	f("logger with", func(in *instrument.Instrument, ctx context.Context) {
		in.Logger().InfoContext(ctx, "logger with", "points", 100)
	})
	f("logger without", func(in *instrument.Instrument, _ context.Context) {
		in.Logger().Info("logger without", "points", 100)
	}, `nobody logged "logger without", but game did outside any journey: was the context passed?`, "outside any journey: was the context passed?\n  game  info  logger without  points=100\n")
	f("another journey", func(in *instrument.Instrument, ctx context.Context) {
		ctx, _ = instrument.WithCorrelationID(ctx, "Order-8")
		in.Logger().InfoContext(ctx, "another journey")
	}, `nobody logged "another journey", but game did in journey Order-8`)
	f("nothing at all", func(*instrument.Instrument, context.Context) {}, `nobody logged "nothing at all"`+"\n\njourney ")
}

func TestAMessageSentWithoutTheInstrumentIsCaught(t *testing.T) {
	t.Parallel()
	sent := func(t *tb) *instrumenttest.Recorder {
		rec := instrumenttest.New(t)
		bank, game := rec.Service("bank"), rec.Service("game")
		ctx := bank.Propagator().Extract(context.Background(), carrier{instrument.HeaderCorrelationID: "Order-7"})
		_, span := bank.TracerProvider().Tracer("bank").Start(ctx, "order")
		_, _, _ = rec.Producer().SendMessage(&sarama.ProducerMessage{Topic: "orders"})
		span.End()
		for _, m := range rec.Messages("orders") {
			_ = game.Process(context.Background(), m, "game", func(context.Context) error { return nil })
		}
		return rec
	}
	hint := "outside any journey: was the context passed?\n  message on orders, partition 0 offset 0: it has no x-correlation-id\n"
	got := run(func(t *tb) { sent(t).Journey("Order-7").Visited("bank").Then("game").OverKafka("orders") })
	wantFailure(t, got, "bank did not hand on to game, nor to anybody", hint)
	got = run(func(t *tb) { sent(t).Only() })
	wantFailure(t, got, "want one journey, and 2 were written", "journey Order-7 is ", "\nbank  order  internal, success\n", "\ngame  process orders  consumer, success\n", hint)
}

type carrier map[string]string

func (c carrier) Get(key string) string { return c[key] }
func (c carrier) Set(key, value string) { c[key] = value }
func (c carrier) Keys() []string        { return nil }

// A call whose client does not carry the context makes a second journey.
func TestACallWithoutItsContextIsCaught(t *testing.T) {
	t.Parallel()
	f := func(carried bool) *tb {
		return run(func(t *tb) {
			rec := instrumenttest.New(t)
			gateway, bank := rec.Service("gateway"), rec.Service("bank")
			server := httptest.NewServer(bank.Handler(http.NotFoundHandler()))
			t.Cleanup(server.Close)
			client := server.Client()
			if carried {
				client.Transport = gateway.Transport(client.Transport)
			}
			_ = gateway.Process(context.Background(), of("Order-7"), "gateway", func(ctx context.Context) error {
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
				res, err := client.Do(req)
				if err == nil {
					res.Body.Close()
				}
				return err
			})
			rec.Only().Visited("gateway").Then("bank").OverHTTP()
		})
	}
	wantNone(t, f(true))
	got := f(false)
	wantFailure(t, got, "want one journey, and 2 were written", "gateway  process orders  consumer, success\n", "bank  GET /  server, success, 404\n")
	if !got.failures[0].fatal {
		t.Error("the test goes on without a journey")
	}
}

// What tests before did with slog and log still works.
func TestTheDefaultLoggerIsOnlyRouted(t *testing.T) {
	t.Parallel()
	var ctx context.Context
	rec := instrumenttest.New(t)
	game := rec.Service("game")
	_ = game.Process(t.Context(), &sarama.ConsumerMessage{Topic: "orders"}, "game", func(c context.Context) error {
		ctx = c
		logger := slog.With("a", 1).WithGroup("g").With("b", 2)
		logger.InfoContext(ctx, "grouped", "c", 3)
		logger.DebugContext(ctx, "below the level")
		logger.Info("grouped elsewhere", "c", 3)
		log.Print("printed")
		return nil
	})
	j := rec.Only().Logged("grouped")
	if got := j.String(); !strings.Contains(got, "info  grouped  a=1  g.b=2  g.c=3\n") || strings.Contains(got, "below") {
		t.Errorf("got\n%s", got)
	}
	if got := output.String(); !strings.Contains(got, "INFO grouped elsewhere a=1 g.b=2 g.c=3\n") || !strings.Contains(got, " printed\n") || strings.Contains(got, "INFO grouped a=1") {
		t.Errorf("package log wrote\n%s", got)
	}
	if slog.Default().Enabled(ctx, slog.LevelDebug) || !slog.Default().Enabled(ctx, slog.LevelInfo) {
		t.Error("enabled otherwise than the service's logger")
	}
}

package instrument

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/IBM/sarama"
	slogmulti "github.com/samber/slog-multi"
	"go.opentelemetry.io/otel/trace"
)

type sink struct {
	sarama.AsyncProducer
	in  chan *sarama.ProducerMessage
	out chan *sarama.ProducerMessage
	err chan *sarama.ProducerError
}

func newSink() *sink {
	s := &sink{in: make(chan *sarama.ProducerMessage, 1024), out: make(chan *sarama.ProducerMessage, 1024), err: make(chan *sarama.ProducerError)}
	go func() {
		for m := range s.in {
			s.out <- m
		}
		close(s.out)
		close(s.err)
	}()
	return s
}
func (s *sink) Input() chan<- *sarama.ProducerMessage     { return s.in }
func (s *sink) Successes() <-chan *sarama.ProducerMessage { return s.out }
func (s *sink) Errors() <-chan *sarama.ProducerError      { return s.err }
func (s *sink) AsyncClose()                               { close(s.in) }

func BenchmarkPieces(b *testing.B) {
	write := func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelInfo, "debited", slog.String("order_id", "A-1001"), slog.Int64("amount", 100),
			slog.String("currency", "EUR"), slog.Bool("first", true), slog.Duration("took", time.Millisecond))
	}
	for _, data := range []bool{false, true} {
		cfg := Config{Service: "bank", Version: "1.2.3", Environment: "prod", Producer: newSink(), Scoped: true, Console: slog.DiscardHandler}
		name := "memory"
		if data {
			cfg.Data = b.TempDir()
			name = "files"
		}
		in, err := Start(context.Background(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		ctx, _ := in.tracer.Start(context.Background(), "visit", trace.WithSpanKind(trace.SpanKindServer))
		run := func(name string, l *slog.Logger) {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					write(ctx, l)
					if i++; i%10000 == 0 {
						b.StopTimer()
						for in.Health().Bytes > 0 {
							time.Sleep(time.Millisecond)
						}
						b.StartTimer()
					}
				}
				if h := in.Health(); h.Refused > 0 || h.Volatile > 0 {
					b.Logf("%+v", h)
				}
			})
		}
		run(name+"/handler", slog.New(newHandler(in)))
		run(name+"/console", slog.New(newConsole(in, io.Discard)))
		in.cfg.Console = nil
		run(name+"/all", slog.New(in.handler(io.Discard)))
		defer in.Shutdown(context.Background())
	}
	js := slog.NewJSONHandler(io.Discard, nil)
	for name, l := range map[string]*slog.Logger{"json": slog.New(js), "fanout": slog.New(slogmulti.Fanout(js, js))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				write(context.Background(), l)
			}
		})
	}
}

func BenchmarkIdle(b *testing.B) {
	in := &Instrument{cfg: Config{Level: slog.LevelInfo}}
	in.service = []byte(`,"service.name":"bank","service.version":"1.2.3","service.environment":"prod","service.node.name":"06h0iu5sc4c010uihhira"`)
	in.ship = idle(0)
	in.ship.node = "06h0iu5sc4c010uihhira"
	in.hops = newHops(in)
	ctx := context.Background()
	in.tracer = nil
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})
	in.hops.shard[1].open[sc.SpanID()] = newSpan("0af7651916cd43dd8448eb211c80319c", sc, trace.SpanID{}, nil, true)
	ctx = trace.ContextWithSpanContext(ctx, sc)
	l := slog.New(newHandler(in))
	b.ReportAllocs()
	for b.Loop() {
		l.LogAttrs(ctx, slog.LevelInfo, "debited", slog.String("order_id", "A-1001"), slog.Int64("amount", 100),
			slog.String("currency", "EUR"), slog.Bool("first", true), slog.Duration("took", time.Millisecond))
		s := in.ship.buffer.lanes[1][0]
		if s.end > 800000 {
			s.reuse(in.ship.account, 1)
		}
		in.ship.hungry, in.ship.resting = false, false
	}
}

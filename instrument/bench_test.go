package instrument

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	slogmulti "github.com/samber/slog-multi"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sys/unix"
)

func cpuNow() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return t.Nano()
}

func TestPace(t *testing.T) {
	if os.Getenv("PACE") == "" {
		t.Skip()
	}
	runtime.LockOSThread()
	mk := func() *Instrument {
		in := &Instrument{cfg: Config{Level: slog.LevelInfo}, redact: newRedactor(Redaction{})}
		in.service = []byte(`,"service.name":"bank","service.version":"1.2.3","service.environment":"prod","service.node.name":"06h0iu5sc4c010uihhira"`)
		in.ship = idle(0)
		in.ship.node = "06h0iu5sc4c010uihhira"
		in.hops = newHops(in)
		sp := span{hop: &hop{}, id: "x", key: "0af7651916cd43dd8448eb211c80319c", context: []byte(`,"correlation.id":"0af7651916cd43dd8448eb211c80319c","correlation.key":"0af7651916cd43dd8448eb211c80319c","trace.id":"0af7651916cd43dd8448eb211c80319c","span.id":"afe4db863e0eb89a"`),
			shown: []byte(`,"correlation.id":"0af7651916cd43dd8448eb211c80319c","trace.id":"0af7651916cd43dd8448eb211c80319c"`)}
		in.hops.shard[1].open[trace.SpanID{1}] = sp
		return in
	}
	in := mk()
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	js := slog.NewJSONHandler(io.Discard, nil)
	nop := slog.New(slog.DiscardHandler)
	_ = nop
	ls := map[string]*slog.Logger{"handler": slog.New(newHandler(in)), "json": slog.New(js), "console": slog.New(newConsole(in, io.Discard)), "whole": slog.New(in.handler(io.Discard)), "fanout": slog.New(slogmulti.Fanout(js, js)),
		"redact": slog.New(in.redact.middleware(floor{})), "floor": slog.New(floor{})}
	only := os.Getenv("ONLY")
	res := map[string][]float64{}
	for range 25 * reps() {
		for name, l := range ls {
			if only != "" && only != name {
				continue
			}
			const n = 20000
			b := cpuNow()
			for range n {
				l.LogAttrs(ctx, slog.LevelInfo, "debited the account of the customer", slog.String("order_id", "A-1001"), slog.Int64("amount", 100),
					slog.String("currency", "EUR"), slog.Bool("first", true), slog.Duration("took", 1500*time.Microsecond))
				if ss := in.ship.buffer.lanes[1]; len(ss) > 0 && ss[0].end > 800000 {
					ss[0].reuse(in.ship.account, 1)
				}
				in.ship.hungry, in.ship.resting = false, false
			}
			res[name] = append(res[name], float64(cpuNow()-b)/n)
		}
	}
	for name, r := range res {
		slices.Sort(r)
		fmt.Printf("%-10s min %.0f median %.0f\n", name, r[0], r[len(r)/2])
	}
}

type floor struct{}

func (floor) Enabled(context.Context, slog.Level) bool      { return true }
func (floor) Handle(_ context.Context, r slog.Record) error { return nil }
func (f floor) WithAttrs([]slog.Attr) slog.Handler          { return f }
func (f floor) WithGroup(string) slog.Handler               { return f }

func reps() int {
	if os.Getenv("ONLY") != "" {
		return 10
	}
	return 1
}

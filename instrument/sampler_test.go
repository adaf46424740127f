package instrument_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// unsampled is the traceparent of a caller that samples nothing.
var unsampled = strings.TrimSuffix(traceparent, "01") + "00"

func TestAnUnsampledCallerIsTrackedAllTheSame(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	calls := client(t, in)
	seen := make(chan http.Header, 1)
	below := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	url := serve(t, in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		in.Logger().InfoContext(r.Context(), "debited")
		req, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, below, nil)
		do(t, calls, req)
	})))
	res := post(t, client(t, nil), url, "traceparent", unsampled)
	if got := res.Header.Get("x-correlation-id"); got != callerTrace {
		t.Errorf("journey %q", got)
	}
	header := <-seen
	if got := header.Get("traceparent"); !strings.HasPrefix(got, "00-"+callerTrace+"-") || !strings.HasSuffix(got, "-00") {
		t.Errorf("traceparent passed on: %q", got)
	}
	if got := header.Get("x-correlation-id"); got != callerTrace {
		t.Errorf("x-correlation-id passed on: %q", got)
	}
	all := k.records(t, in)
	hop := pick(all, record.KindHopStart, "POST /")
	if len(hop) != 1 || hop[0].ParentID != callerSpan || len(all) != 5 {
		t.Fatalf("records:\n%s", show(all))
	}
	wholeHop(t, all, hop[0].SpanID, 1)
}

// The SDK's tests of OTEL_TRACES_SAMPLER are of a reader that Start bypasses.
func TestTheEnvironmentChoosesTheSampler(t *testing.T) {
	f := func(name, arg string, want string, warned bool) {
		t.Helper()
		t.Setenv("OTEL_TRACES_SAMPLER", name)
		t.Setenv("OTEL_TRACES_SAMPLER_ARG", arg)
		var console buffer
		in := unreachedWith(t, instrument.Config{Console: slog.NewTextHandler(&console, nil)})
		got := ""
		for _, c := range []struct{ name, traceparent string }{{"root", ""}, {"child of a sampled caller", traceparent}, {"child of an unsampled caller", unsampled}} {
			ctx := in.Propagator().Extract(context.Background(), carrier{"traceparent": c.traceparent})
			_, span := tracer(in).Start(ctx, "visit", trace.WithSpanKind(trace.SpanKindServer))
			if span.SpanContext().IsSampled() {
				got += "1"
			} else {
				got += "0"
			}
			if !span.IsRecording() {
				t.Errorf("%s: %s is not recorded", name, c.name)
			}
			span.End()
		}
		if got != want {
			t.Errorf("%s %s samples %s, want %s", name, arg, got, want)
		}
		if shown := console.String(); warned != strings.Contains(shown, `msg="trace sampler ignored"`) {
			t.Errorf("%s %s: console shows %q", name, arg, shown)
		}
		hops := 3 * 2
		if warned {
			hops++
		}
		if last := in.Health().Last; last != uint64(hops) {
			t.Errorf("%s %s: %d records, want %d", name, arg, last, hops)
		}
	}
	f("", "", "110", false)
	f("always_on", "", "111", false)
	f("always_off", "", "000", false)
	f("Always_Off ", "", "000", false)
	f("traceidratio", "0", "000", false)
	f("traceidratio", " 1 ", "111", false)
	f("traceidratio", "", "111", false)
	f("parentbased_always_on", "", "110", false)
	f("parentbased_always_off", "", "010", false)
	f("parentbased_traceidratio", "0", "010", false)
	f("parentbased_traceidratio", "1", "110", false)
	for _, arg := range []string{"-0.1", "1.1", "NaN", "half", "1e400"} {
		f("traceidratio", arg, "110", true)
		f("parentbased_traceidratio", arg, "110", true)
	}
	f("jaeger_remote", "", "110", true)
}

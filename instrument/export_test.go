package instrument_test

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// receiver takes spans over OTLP.
type receiver struct {
	mu    sync.Mutex
	spans map[string]string // span ID → service name
}

func (o *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	var req collect.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(b, &req) != nil {
		http.Error(w, "no spans", http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, resource := range req.GetResourceSpans() {
		name := ""
		for _, a := range resource.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				name = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				o.spans[hex.EncodeToString(s.GetSpanId())] = name
			}
		}
	}
}

func TestSampledSpansAreExportedBesideAllHops(t *testing.T) {
	k := startKafka(t)
	f := func(exported bool, pairs ...string) {
		t.Helper()
		got := &receiver{spans: map[string]string{}}
		url := serve(t, got)
		for i := range pairs {
			pairs[i] = strings.Replace(pairs[i], "URL", url, 1)
		}
		environment(t, append(pairs, "WAYBILL_KAFKA_BROKERS", k.Addr(), "OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.5")...)
		in := service(t, instrument.Config{})
		want, spans := map[string]string{}, 0
		// With 100 spans, that all or none are sampled does not happen.
		for ; spans < 100; spans++ {
			_, span := tracer(in).Start(context.Background(), "visit")
			if span.SpanContext().IsSampled() && exported {
				want[span.SpanContext().SpanID().String()] = "bank"
			}
			span.End()
		}
		shutdown(t, in)
		if all := k.records(t, in); len(pick(all, record.KindHopStart, "")) != spans || len(pick(all, record.KindHopEnd, "")) != spans {
			t.Errorf("%q: %d records of %d hops", pairs, len(all), spans)
		}
		got.mu.Lock()
		defer got.mu.Unlock()
		if exported && (len(want) == 0 || len(want) == spans) || len(got.spans) != len(want) {
			t.Errorf("%q: %d spans exported, want %d of %d", pairs, len(got.spans), len(want), spans)
		}
		for id, name := range want {
			if got.spans[id] != name {
				t.Errorf("%q: span %s of %q exported, want of %q", pairs, id, got.spans[id], name)
			}
		}
		if w := in.Health().Warnings; len(w) != 0 {
			t.Errorf("%q: warnings %q", pairs, w)
		}
	}
	const exporter, all, traces = "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	f(true, all, "URL")
	f(true, traces, "URL/v1/traces")
	f(true, exporter, " OTLP ", all, "URL", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	f(true, all, "URL", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
	f(false, exporter, "none", all, "URL")
	f(false)
}

func TestAnExporterThatIsNotHereIsAWarning(t *testing.T) {
	f := func(want string, pairs ...string) {
		t.Helper()
		environment(t, pairs...)
		var console buffer
		in := unreachedWith(t, instrument.Config{Console: slog.NewTextHandler(&console, nil)})
		if w := in.Health().Warnings; len(w) != 1 || !strings.Contains(w[0], "spans are not exported: "+want) || !strings.Contains(console.String(), "spans are not exported") {
			t.Errorf("%q: warnings %q, console %q, want %s", pairs, w, console.String(), want)
		}
	}
	f(`OTEL_TRACES_EXPORTER "zipkin" is unknown, want otlp or none`, "OTEL_TRACES_EXPORTER", "zipkin")
	f(`OTEL_EXPORTER_OTLP_PROTOCOL "grpc" is not spoken: set http/protobuf`, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	f(`OTEL_EXPORTER_OTLP_PROTOCOL "http/json" is not spoken`, "OTEL_TRACES_EXPORTER", "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")
}

// A receiver that hangs takes the deadline; records are flushed within it.
func TestAReceiverThatHangsDoesNotKeepRecordsFromBeingFlushed(t *testing.T) {
	k := startKafka(t)
	asked, release := make(chan struct{}, 8), make(chan struct{})
	url := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	}))
	defer close(release)
	environment(t, "WAYBILL_KAFKA_BROKERS", k.Addr(), "OTEL_EXPORTER_OTLP_ENDPOINT", url)
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "bank", Console: quiet, Scoped: true})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracer(in).Start(context.Background(), "visit")
	span.End()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stopped := make(chan error)
	go func() { stopped <- in.Shutdown(ctx) }()
	<-asked
	flushed(t, in)
	until(t, "the final ledger is there", func() bool {
		l := k.ledgers(t, in)
		return len(l) > 0 && l[len(l)-1].Stopped
	})
	select {
	case err := <-stopped:
		t.Errorf("shut down before the receiver answered: %v", err)
	case <-time.After(0):
	}
	cancel()
	if err := <-stopped; err == nil || !strings.Contains(err.Error(), "stop exporting spans: ") {
		t.Errorf("shutdown: %v", err)
	}
}

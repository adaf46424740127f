package instrument_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// foreign is a context that has come from elsewhere, in the journey "Order-7".
func foreign(in *instrument.Instrument) context.Context {
	return in.Propagator().Extract(context.Background(), carrier{"x-correlation-id": "Order-7", "traceparent": traceparent})
}

const (
	callerTrace = "0af7651916cd43dd8448eb211c80319c"
	callerSpan  = "b7ad6b7169203331"
	traceparent = "00-" + callerTrace + "-" + callerSpan + "-01"
)

// carrier is a carrier of exactly these keys.
type carrier map[string]string

func (c carrier) Get(key string) string { return c[key] }
func (c carrier) Set(key, value string) { c[key] = value }
func (c carrier) Keys() []string        { return nil }

func tracer(in *instrument.Instrument) trace.Tracer { return in.TracerProvider().Tracer("test") }

// Many at once still number their hop without a hole.
func TestRecordsOfOneHopFromManyGoroutines(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	ctx, root := tracer(in).Start(foreign(in), "visit", trace.WithSpanKind(trace.SpanKindServer))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				in.Logger().InfoContext(ctx, "working")
			}
			_, call := tracer(in).Start(ctx, "call", trace.WithSpanKind(trace.SpanKindClient))
			call.End()
		})
	}
	wg.Wait()
	root.End()
	all := k.records(t, in)
	if len(all) != 8*22+2 {
		t.Errorf("%d records", len(all))
	}
	for i, r := range all {
		if r.Sequence != uint64(i+1) || r.HopSequence != uint64(i+1) {
			t.Fatalf("record %d of the only hop: %s", i+1, r.Raw)
		}
	}
	wholeHop(t, all, root.SpanContext().SpanID().String(), 8)
}

// A span that serves opens a hop of its own, below whatever span.
func TestAHopInsideAHopCountsForItself(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	outer, root := tracer(in).Start(foreign(in), "outer", trace.WithSpanKind(trace.SpanKindServer))
	inner, visit := tracer(in).Start(outer, "inner", trace.WithSpanKind(trace.SpanKindConsumer))
	in.Logger().InfoContext(inner, "inside")
	visit.End()
	root.End()
	all := k.records(t, in)
	wholeHop(t, all, root.SpanContext().SpanID().String(), 0)
	wholeHop(t, all, visit.SpanContext().SpanID().String(), 0)
	if r := logged(t, all, "inside"); r.Hop() != visit.SpanContext().SpanID().String() || r.CorrelationID != "Order-7" {
		t.Errorf("got %s", r.Raw)
	}
}

// What is written under another correlation ID is another journey's, and would
// be missing among the numbers of the hop if it had one.
func TestAnotherCorrelationIDInsideAHopIsOutsideTheHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	ctx, root := tracer(in).Start(foreign(in), "visit", trace.WithSpanKind(trace.SpanKindServer))
	other, ok := instrument.WithCorrelationID(ctx, "Invoice-1")
	if !ok {
		t.Fatal("refused")
	}
	in.Logger().InfoContext(other, "billed")
	_, call := tracer(in).Start(other, "call", trace.WithSpanKind(trace.SpanKindClient))
	call.End()
	in.Logger().InfoContext(ctx, "back")
	root.End()

	all := k.records(t, in)
	wholeHop(t, all, root.SpanContext().SpanID().String(), 0)
	wholeHop(t, all, call.SpanContext().SpanID().String(), 1)
	if r := logged(t, all, "billed"); r.CorrelationID != "Invoice-1" || r.HopSequence != 0 || r.Hop() != "" || r.TraceID != callerTrace {
		t.Errorf("got %s", r.Raw)
	}
	if r := one(t, all, record.KindHopStart, "call"); r.CorrelationID != "Invoice-1" || r.HopSequence != 1 {
		t.Errorf("got %s", r.Raw)
	}
	if r := logged(t, all, "back"); r.CorrelationID != "Order-7" || r.HopSequence != 2 {
		t.Errorf("got %s", r.Raw)
	}
}

func TestAnotherSpellingOfTheSameUUIDStaysInTheHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	ctx, _ := instrument.WithCorrelationID(context.Background(), "0199c1d2-aaaa-4bbb-8ccc-0123456789ab")
	ctx, root := tracer(in).Start(ctx, "visit")
	ctx, _ = instrument.WithCorrelationID(ctx, "0199C1D2AAAA4BBB8CCC0123456789AB")
	in.Logger().InfoContext(ctx, "spelled out")
	root.End()
	all := k.records(t, in)
	wholeHop(t, all, root.SpanContext().SpanID().String(), 0)
	if r := logged(t, all, "spelled out"); r.HopSequence != 2 || r.CorrelationID != "0199C1D2AAAA4BBB8CCC0123456789AB" {
		t.Errorf("got %s", r.Raw)
	}
}

func TestARecordAfterItsInnerSpanEndedIsStillInTheHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	ctx, root := tracer(in).Start(foreign(in), "visit", trace.WithSpanKind(trace.SpanKindServer))
	inner, span := tracer(in).Start(ctx, "inner")
	span.End()
	in.Logger().InfoContext(inner, "afterwards")
	_, late := tracer(in).Start(inner, "late")
	late.End()
	root.End()
	in.Logger().InfoContext(ctx, "too late")
	all := k.records(t, in)
	hop := root.SpanContext().SpanID().String()
	if r := logged(t, all, "afterwards"); r.HopID != hop || r.HopSequence != 4 {
		t.Errorf("got %s", r.Raw)
	}
	if r := one(t, all, record.KindHopStart, "late"); r.HopID != hop {
		t.Errorf("got %s", r.Raw)
	}
	wholeHop(t, all[:len(all)-1], hop, 0)
	if r := all[len(all)-1]; r.Message != "too late" || r.CorrelationID != "Order-7" || r.SpanID != hop || r.HopSequence != 0 {
		t.Errorf("got %s", r.Raw)
	}
}

// The caller's span is a hop of the caller: a record in it here would look like
// a hop of this service that never ended.
func TestARecordBetweenArrivalAndTheFirstSpanIsInNoHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	in.Logger().InfoContext(foreign(in), "arrived")
	if r := k.last(t, in); r.CorrelationID != "Order-7" || r.TraceID != callerTrace || r.Hop() != "" || r.HopSequence != 0 {
		t.Errorf("got %s", r.Raw)
	}
}

// Some code passes on the span and drops all else of the context.
func TestASpanAloneKeepsTheCorrelationID(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	_, root := tracer(in).Start(foreign(in), "visit", trace.WithSpanKind(trace.SpanKindServer))
	bare := trace.ContextWithSpan(context.Background(), root)
	in.Logger().InfoContext(bare, "bare")
	headers := carrier{}
	in.Propagator().Inject(bare, headers)
	_, child := tracer(in).Start(bare, "child")
	child.End()
	root.End()
	if headers["x-correlation-id"] != "Order-7" || headers["baggage"] != "correlation.id=Order-7" {
		t.Errorf("passed on %v", headers)
	}
	all := k.records(t, in)
	for _, r := range all {
		if r.CorrelationID != "Order-7" {
			t.Errorf("got %s", r.Raw)
		}
	}
	wholeHop(t, all, root.SpanContext().SpanID().String(), 1) // what was injected is sent by somebody later
}

// A message written to an outbox is sent later, by a span of its own. The hop
// that wrote it counts it, or nothing would tell that it is missing.
func TestWorkHandedOnByItsContextIsASend(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	ctx, root := tracer(in).Start(foreign(in), "visit", trace.WithSpanKind(trace.SpanKindServer))
	outbox := carrier{}
	in.Propagator().Inject(ctx, outbox)
	inner, child := tracer(in).Start(ctx, "child")
	in.Propagator().Inject(inner, carrier{})
	child.End()
	call, client := tracer(in).Start(ctx, "call", trace.WithSpanKind(trace.SpanKindClient))
	in.Propagator().Inject(call, carrier{}) // the call itself, counted by its span
	client.End()
	other, _ := instrument.WithCorrelationID(ctx, "Order-8")
	in.Propagator().Inject(other, carrier{}) // of another journey
	in.Propagator().Inject(context.Background(), carrier{})

	// The relay is a hop of its own, although the one it goes on from is still open.
	_, relay := tracer(in).Start(in.Propagator().Extract(context.Background(), outbox), "send", trace.WithSpanKind(trace.SpanKindProducer))
	relay.End()
	root.End()
	all := k.records(t, in)
	wholeHop(t, all, root.SpanContext().SpanID().String(), 3)
	wholeHop(t, all, relay.SpanContext().SpanID().String(), 1)
	for _, r := range all {
		if r.SpanID == relay.SpanContext().SpanID().String() && r.ParentID != root.SpanContext().SpanID().String() {
			t.Errorf("the relay's parent is %s", r.ParentID)
		}
	}
}

func TestASpanIsOnRecordAsAHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Service: "bank", Version: "1.2", Environment: "test", Brokers: []string{k.Addr()}})
	cause := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	_, span := tracer(in).Start(context.Background(), "transfer", trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithLinks(trace.Link{SpanContext: cause, Attributes: []attribute.KeyValue{attribute.String("correlation.id", "Order-6")}}),
		trace.WithAttributes(attribute.String("messaging.destination.partition.id", "2"), attribute.Int("messaging.kafka.offset", 0),
			attribute.Int("messaging.message.attempt", 3), attribute.Int64("amount", 1<<53+1)))
	span.RecordError(errors.New("no money"))
	span.SetStatus(codes.Error, "refused")
	span.SetName("transfer money")
	span.End()
	all := k.records(t, in)
	start, end := all[0], all[1]
	id := span.SpanContext().TraceID().String()
	if start.Kind != record.KindHopStart || start.Message != "transfer" || start.CorrelationID != id || start.ParentID != "" || start.HopRecords != 0 {
		t.Errorf("start: %s", start.Raw)
	}
	if start.Service != "bank" || start.ServiceVer != "1.2" || start.Environment != "test" || start.Node != in.Node() {
		t.Errorf("start: %s", start.Raw)
	}
	want := record.Link{TraceID: cause.TraceID().String(), SpanID: cause.SpanID().String(), CorrelationID: "Order-6"}
	if len(end.Links) != 1 || end.Links[0] != want {
		t.Errorf("links %+v, want %+v", end.Links, want)
	}
	if m := (record.Messaging{Partition: 2, HasOffset: true, Attempt: 3}); end.Messaging != m || label(end, "amount") != "9007199254740993" {
		t.Errorf("end: %s", end.Raw)
	}
	if end.Kind != record.KindHopEnd || end.SpanName != "transfer money" || end.Level != "error" || end.Outcome != record.Failure ||
		end.Error.Message != "no money" || end.Error.Type != "*errors.errorString" || end.Duration != end.Time.Sub(start.Time) || end.Duration <= 0 {
		t.Errorf("end: %s", end.Raw)
	}
}

// The pieces of a hop record that are encoded once, and those that never are.
func TestAHopIsWrittenAsRecordsAre(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Version: "1.2", Environment: `te"st`, Brokers: []string{k.Addr()}})
	for _, id := range []string{"Order-7", `q"u\ote`, "0199c1d2-aaaa-4bbb-8ccc-0123456789ab", ""} {
		ctx, _ := instrument.WithCorrelationID(context.Background(), id)
		ctx, root := tracer(in).Start(instrument.Saga(ctx, "transfer", "debit", record.Forward), "visit", trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", "GET"), attribute.String("http.route", "/orders/:id"), attribute.String("url.path", "/orders/7"), attribute.Int("amount", 7)),
			trace.WithLinks(trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})}))
		inner, call := tracer(in).Start(ctx, "call", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("url.full", "http://bank/orders/7?password=x")))
		in.Logger().InfoContext(inner, "calling")
		call.SetAttributes(attribute.Int("http.response.status_code", 500))
		call.SetStatus(codes.Error, "refused")
		call.End()
		_, huge := tracer(in).Start(ctx, strings.Repeat("huge ", 1<<17), trace.WithAttributes(attribute.String("text", strings.Repeat("huge ", 1<<17))))
		huge.End()
		root.RecordError(errors.New("no money"))
		root.SetName("visited")
		root.End()
	}
	all := k.records(t, in)
	if len(all) != 4*7 {
		t.Errorf("%d records", len(all))
	}
	for _, r := range all {
		canonical := r
		canonical.Raw = nil
		if got, want := string(r.Raw), string(record.Append(nil, &canonical)); got != want {
			t.Errorf("written\n%.999s\nwant\n%.999s", got, want)
		}
	}
}

func TestAHopMayCallTheServiceItIsIn(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	calls := client(t, in)
	var url string
	mux := http.NewServeMux()
	mux.HandleFunc("POST /outer", func(_ http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), http.MethodPost, url+"/inner", nil)
		do(t, calls, req)
	})
	mux.HandleFunc("POST /inner", func(http.ResponseWriter, *http.Request) {})
	url = serve(t, in.Handler(mux))
	post(t, client(t, nil), url+"/outer")
	all := k.records(t, in)
	outer := pick(all, record.KindHopEnd, "POST /outer")
	wholeHop(t, all, outer[0].SpanID, 1)
	for _, r := range pick(all, record.KindHopEnd, "POST /inner") {
		if r.SpanKind == "server" {
			wholeHop(t, all, r.SpanID, 0)
		}
	}
}

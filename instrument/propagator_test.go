package instrument_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

func TestWhichHeaderNamesTheJourney(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	const minted = "minted"
	f := func(want string, headers carrier) {
		t.Helper()
		ctx := in.Propagator().Extract(context.Background(), headers)
		before := instrument.CorrelationID(ctx)
		ctx, span := tracer(in).Start(ctx, "visit")
		defer span.End()
		got := instrument.CorrelationID(ctx)
		if want == minted {
			if before != "" {
				t.Errorf("%v: journey %q before there is a span", headers, before)
			}
			before, want = got, span.SpanContext().TraceID().String()
		}
		if got != want || before != want {
			t.Errorf("%v: journey %q and %q, want %q", headers, before, got, want)
		}
	}
	const header, bag, conversation, trace = "x-correlation-id", "baggage", "messaging.message.conversation_id", "traceparent"
	f("h", carrier{header: "h", bag: "correlation.id=b", conversation: "c", trace: traceparent})
	f("b", carrier{bag: "user=1,correlation.id=b;ttl=5", conversation: "c", trace: traceparent})
	f("c", carrier{conversation: "c", trace: traceparent})
	f(callerTrace, carrier{trace: traceparent})
	f(minted, carrier{})
	// What is refused counts as absent.
	f("b", carrier{header: "not valid", bag: "correlation.id=b", conversation: "c", trace: traceparent})
	f("c", carrier{header: "not valid", bag: "correlation.id=not%20valid", conversation: "c", trace: traceparent})
	f(callerTrace, carrier{header: "not valid", bag: "correlation.id=not%20valid", conversation: "not valid", trace: traceparent})
	f(callerTrace, carrier{bag: "=;,", trace: traceparent})
	f(minted, carrier{header: "not valid", trace: "00-00000000000000000000000000000000-b7ad6b7169203331-01"})
	f(minted, carrier{header: "", bag: "", conversation: "", trace: ""})
}

// buffer collects what a console shows.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestARefusedIDIsOnRecordByLengthAndHashOnly(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	var console buffer
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Console: slog.NewJSONHandler(&console, nil)})
	f := func(id, shown string) {
		t.Helper()
		ctx := in.Propagator().Extract(context.Background(), carrier{"x-correlation-id": id, "traceparent": traceparent})
		if got := instrument.CorrelationID(ctx); got != callerTrace {
			t.Errorf("%.20q: journey %q", id, got)
		}
		r := k.last(t, in)
		sum := sha256.Sum256([]byte(id))
		if r.Message != "correlation ID refused" || r.Level != "warn" || label(r, "length") != fmt.Sprint(len(id)) || label(r, "sha256") != hex.EncodeToString(sum[:8]) || r.CorrelationID != callerTrace {
			t.Errorf("%.20q: %s", id, r.Raw)
		}
		if bytes.Contains(r.Raw, []byte(shown)) || strings.Contains(console.String(), shown) {
			t.Errorf("%.20q is on record: %s", id, r.Raw)
		}
	}
	f(strings.Repeat("z", 129), "zzz")
	f("two words", "words")
	f("line\r\nx-injected: 1", "injected")
	f("ümlaut", "mlaut")
	f("\x00nul", "nul")
	f("del\x7f", "del")
}

func TestARefusedHeaderIsNotAnsweredEither(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	url := serve(t, in.Handler(http.NotFoundHandler()))
	res := post(t, client(t, nil), url, "x-correlation-id", "two words")
	if got := res.Header.Values("x-correlation-id"); len(got) != 1 || len(got[0]) != 32 {
		t.Errorf("answered %q, want an ID that was minted", got)
	}
}

// throughKafka hands ctx through the headers of a message.
func throughKafka(ctx context.Context, in *instrument.Instrument, handle func(context.Context)) error {
	producer := &fake{}
	if _, _, err := in.Send(ctx, producer, &sarama.ProducerMessage{Topic: "t"}); err != nil {
		return err
	}
	return in.Process(context.Background(), received(producer.sent[0]), "g", func(ctx context.Context) error {
		handle(ctx)
		return nil
	})
}

func TestEveryAllowedIDGoesThroughEveryHeader(t *testing.T) {
	in := unreached(t)
	rapid.Check(t, func(t *rapid.T) {
		id := string(rapid.SliceOfN(rapid.ByteRange(0x21, 0x7E), 1, record.MaxIDLen).Draw(t, "id"))
		other := rapid.SampledFrom([]string{"", "user=1", "correlation.id=stale,user=1;x=y"}).Draw(t, "other baggage")
		bag, err := baggage.Parse(other)
		if err != nil {
			t.Fatal(err)
		}
		ctx, ok := instrument.WithCorrelationID(baggage.ContextWithBaggage(context.Background(), bag), id)
		if !ok || instrument.CorrelationID(ctx) != id {
			t.Fatalf("refused %q", id)
		}
		sent := propagation.MapCarrier{}
		in.Propagator().Inject(ctx, sent)
		for _, only := range []string{"x-correlation-id", "baggage"} {
			got := in.Propagator().Extract(context.Background(), carrier{only: sent[only]})
			if instrument.CorrelationID(got) != id {
				t.Errorf("%q came back from %s: %q as %q", id, only, sent[only], instrument.CorrelationID(got))
			}
			if only == "baggage" && other != "" && baggage.FromContext(got).Member("user").Value() != "1" {
				t.Errorf("other baggage is gone: %s", sent[only])
			}
		}
		header := http.Header{}
		in.Propagator().Inject(ctx, propagation.HeaderCarrier(header))
		if got := instrument.CorrelationID(in.Propagator().Extract(context.Background(), propagation.HeaderCarrier(header))); got != id {
			t.Errorf("%q came back from HTTP headers as %q", id, got)
		}
		err = throughKafka(ctx, in, func(ctx context.Context) {
			if got := instrument.CorrelationID(ctx); got != id {
				t.Errorf("%q came back from Kafka headers as %q", id, got)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheEnvironmentChoosesThePropagators(t *testing.T) {
	f := func(names, fields string, warned bool) {
		t.Helper()
		environment(t, "OTEL_PROPAGATORS", names)
		var console buffer
		in := unreachedWith(t, instrument.Config{Console: slog.NewTextHandler(&console, nil)})
		member, err := baggage.NewMember("user", "1")
		if err != nil {
			t.Fatal(err)
		}
		bag, err := baggage.New(member)
		if err != nil {
			t.Fatal(err)
		}
		ctx := baggage.ContextWithBaggage(context.Background(), bag)
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{0: 1, 15: 2}, SpanID: trace.SpanID{1, 2}, TraceFlags: trace.FlagsSampled,
		}))
		ctx, _ = instrument.WithCorrelationID(ctx, "Order-7")
		sent := propagation.MapCarrier{}
		in.Propagator().Inject(ctx, sent)
		if got := strings.Join(slices.Sorted(maps.Keys(sent)), " "); got != fields {
			t.Errorf("%s writes %s, want %s", names, got, fields)
		}
		back := in.Propagator().Extract(context.Background(), sent)
		if got := instrument.CorrelationID(back); got != "Order-7" {
			t.Errorf("%s: journey %q", names, got)
		}
		carried := len(sent) > 1 && names != "baggage"
		if got := trace.SpanContextFromContext(back); got.SpanID() != trace.SpanContextFromContext(ctx).SpanID() && carried {
			t.Errorf("%s: span %s came back", names, got.SpanID())
		}
		for _, want := range []string{"baggage", "ot-baggage-user"} {
			if _, sends := sent[want]; sends && baggage.FromContext(back).Member("user").Value() != "1" {
				t.Errorf("%s: baggage %s came back", names, baggage.FromContext(back))
			}
		}
		if shown := console.String(); warned != strings.Contains(shown, `msg="propagators ignored"`) || warned != (len(in.Health().Warnings) == 1) {
			t.Errorf("%s: console shows %q, health %q", names, shown, in.Health().Warnings)
		}
	}
	const id = "x-correlation-id"
	f("", "baggage traceparent "+id, false)
	f("tracecontext,baggage", "baggage traceparent "+id, false)
	f(" TraceContext , tracecontext", "traceparent "+id, false)
	f("baggage", "baggage "+id, false)
	f("b3", "b3 "+id, false)
	f("b3multi,baggage", "baggage x-b3-sampled x-b3-spanid x-b3-traceid "+id, false)
	f("jaeger", "uber-trace-id "+id, false)
	f("xray", "X-Amzn-Trace-Id "+id, false)
	f("ottrace", "ot-baggage-correlation.id ot-baggage-user ot-tracer-sampled ot-tracer-spanid ot-tracer-traceid "+id, false)
	f("baggage,ottrace,tracecontext", "baggage ot-baggage-correlation.id ot-baggage-user ot-tracer-sampled ot-tracer-spanid ot-tracer-traceid traceparent "+id, false)
	f("none", id, false)
	f("tracecontext,none", id, false)
	f("none,baggage", id, false)
	f(",", id, false)
	f("b4", "baggage traceparent "+id, true)
	f("b3,carrier-pigeon", "baggage traceparent "+id, true)
}

func TestNothingIsPassedOnOutsideAJourney(t *testing.T) {
	t.Parallel()
	headers := carrier{}
	unreached(t).Propagator().Inject(context.Background(), headers)
	if len(headers) != 0 {
		t.Errorf("passed on %v", headers)
	}
}

func TestThePropagatorNamesWhatItWrites(t *testing.T) {
	t.Parallel()
	in := unreached(t)
	written := carrier{}
	in.Propagator().Inject(foreign(in), written)
	fields := fmt.Sprint(in.Propagator().Fields())
	if len(written) != 3 {
		t.Errorf("wrote %v", written)
	}
	for key := range written {
		if !strings.Contains(fields, key) {
			t.Errorf("%s is not in %s", key, fields)
		}
	}
}

func TestAnIDThatIsNotVisibleASCIIIsRefused(t *testing.T) {
	t.Parallel()
	before, _ := instrument.WithCorrelationID(context.Background(), "before")
	for _, id := range []string{"", "a b", "a\n", "é", strings.Repeat("a", 129)} {
		after, ok := instrument.WithCorrelationID(before, id)
		if ok || instrument.CorrelationID(after) != "before" {
			t.Errorf("%q was taken: %v %q", id, ok, instrument.CorrelationID(after))
		}
	}
	if id := instrument.CorrelationID(context.Background()); id != "" {
		t.Errorf("journey %q outside any", id)
	}
}

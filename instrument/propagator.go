package instrument

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// conversationHeader names the correlation ID where OpenTelemetry's messaging
// conventions are written as headers.
const conversationHeader = "messaging.message.conversation_id"

// propagator carries the correlation ID beside W3C trace context and baggage,
// or whatever OTEL_PROPAGATORS names, so that any OpenTelemetry instrumentation
// of a service carries it too.
//
// Reading, the ID is x-correlation-id, else the baggage member correlation.id,
// else messaging.message.conversation_id, else the incoming trace ID, else the
// trace ID that the next span mints. A refused value is logged by length and hash only.
type propagator struct {
	in      *Instrument
	trace   propagation.TextMapPropagator // all but baggage
	baggage bool                          // the W3C header
	bags    bool                          // baggage has a header of some kind
	w3c     bool                          // trace is W3C's, and so is baggage
}

// propagatorFromEnv reads OTEL_PROPAGATORS, names in any case. An error comes
// with the default, as the OpenTelemetry specification asks.
func propagatorFromEnv(in *Instrument, getenv func(string) string) (*propagator, error) {
	standard := &propagator{in: in, trace: propagation.TraceContext{}, baggage: true, bags: true, w3c: true}
	text := strings.ToLower(strings.TrimSpace(getenv("OTEL_PROPAGATORS")))
	if text == "" {
		return standard, nil
	}
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if _, err := autoprop.TextMapPropagator(names...); err != nil {
		return standard, fmt.Errorf("OTEL_PROPAGATORS %q: %w", text, err)
	}
	p := &propagator{in: in, trace: propagation.NewCompositeTextMapPropagator()}
	if slices.Contains(names, "none") || len(names) == 0 {
		return p, nil
	}
	if len(names) == 2 && slices.Contains(names, "tracecontext") && slices.Contains(names, "baggage") {
		return standard, nil
	}
	p.baggage = slices.Contains(names, "baggage")
	p.bags = p.baggage || slices.Contains(names, "ottrace")
	if others := slices.DeleteFunc(names, func(name string) bool { return name == "baggage" }); len(others) > 0 {
		p.trace, _ = autoprop.TextMapPropagator(others...)
	}
	return p, nil
}

func (p *propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	if h, ok := carrier.(propagation.HeaderCarrier); ok {
		carrier = header(h)
	}
	id, in := p.in.hops.at(ctx)
	p.in.hops.handOn(ctx, id, in)
	if id == "" || !p.bags {
		p.trace.Inject(ctx, carrier)
		if id != "" {
			carrier.Set(HeaderCorrelationID, id)
		}
		if p.baggage {
			propagation.Baggage{}.Inject(ctx, carrier)
		}
		return
	}
	carrier.Set(HeaderCorrelationID, id)
	bag := baggage.FromContext(ctx)
	alone := p.baggage && bag.Len() == 0 && plain(id)
	if !alone && bag.Member(baggageMember).Value() != id {
		if member, err := baggage.NewMemberRaw(baggageMember, id); err == nil {
			if b, err := bag.SetMember(member); err == nil {
				ctx = baggage.ContextWithBaggage(ctx, b)
			}
		}
	}
	p.trace.Inject(ctx, carrier)
	switch {
	case alone:
		carrier.Set("baggage", aloneInBag+id)
	case p.baggage:
		propagation.Baggage{}.Inject(ctx, carrier)
	}
}

// plain reports whether id stands in baggage as it is.
func plain(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// send is Inject for a call of which the span is known.
func (p *propagator) send(ctx context.Context, open *span, sc trace.SpanContext, h http.Header) {
	if open == nil || !p.w3c || !plain(open.id) || baggage.FromContext(ctx).Len() > 0 {
		p.Inject(ctx, header(h))
		return
	}
	var b [len("00--") + 32 + 16 + len("-00") + len(aloneInBag) + record.MaxIDLen]byte
	traceID, spanID, flags := sc.TraceID(), sc.SpanID(), sc.TraceFlags()&(trace.FlagsSampled|trace.FlagsRandom)
	text := append(hex.AppendEncode(append(b[:0], "00-"...), traceID[:]), '-')
	text = append(hex.AppendEncode(text, spanID[:]), '-')
	text = hex.AppendEncode(text, []byte{byte(flags)})
	parent := len(text)
	text = append(append(text, aloneInBag...), open.id...)
	all := string(text)
	values := []string{all[:parent], all[parent:], open.id}
	h["Traceparent"], h["Baggage"], h["X-Correlation-Id"] = values[:1:1], values[1:2:2], values[2:]
	if state := sc.TraceState(); state.Len() > 0 {
		h["Tracestate"] = []string{state.String()}
	}
}

func (p *propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if h, ok := carrier.(propagation.HeaderCarrier); ok {
		carrier = header(h)
	}
	ctx, c := p.read(ctx, carrier)
	return &carried{ctx, c}
}

func (p *propagator) read(ctx context.Context, carrier propagation.TextMapCarrier) (context.Context, correlation) {
	ctx = p.context(ctx, carrier)
	return ctx, correlation{in: p.in, id: p.id(ctx, ctx, carrier)}
}

// context reads trace context and baggage.
func (p *propagator) context(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	ctx = p.trace.Extract(ctx, carrier)
	if p.baggage && !minted(ctx, carrier) { // last, as some others put theirs in its place
		ctx = propagation.Baggage{}.Extract(ctx, carrier)
	}
	return ctx
}

// aloneInBag begins the baggage that has but a correlation ID.
const aloneInBag = baggageMember + "="

// minted reports whether the baggage says nothing but that the journey is named
// by its trace, as that of most calls does: to parse it takes as long as to read
// all other headers. Whoever carries on the trace carries on that name.
func minted(ctx context.Context, carrier propagation.TextMapCarrier) bool {
	id, alone := strings.CutPrefix(carrier.Get("baggage"), aloneInBag)
	if !alone || id != carrier.Get(HeaderCorrelationID) {
		return false
	}
	if all, ok := carrier.(propagation.ValuesGetter); ok && len(all.Values("baggage")) != 1 {
		return false
	}
	return isTrace(id, trace.SpanContextFromContext(ctx).TraceID())
}

// id reads the correlation ID, empty where there is none but the trace's. What
// is refused is logged in the journey of log.
func (p *propagator) id(ctx, log context.Context, carrier propagation.TextMapCarrier) string {
	if id, ok := p.valid(log, carrier.Get(HeaderCorrelationID)); ok {
		return id
	}
	if id, ok := p.valid(log, baggage.FromContext(ctx).Member(baggageMember).Value()); ok {
		return id
	}
	id, _ := p.valid(log, carrier.Get(conversationHeader))
	return id
}

func (p *propagator) valid(log context.Context, id string) (string, bool) {
	if record.ValidID(id) {
		return id, true
	}
	if id != "" {
		sum := sha256.Sum256([]byte(id))
		p.in.logger.WarnContext(log, "correlation ID refused", "length", len(id), "sha256", hex.EncodeToString(sum[:8]))
	}
	return "", false
}

func (p *propagator) Fields() []string {
	fields := append(slices.Clone(p.trace.Fields()), HeaderCorrelationID)
	if p.baggage {
		fields = append(fields, propagation.Baggage{}.Fields()...)
	}
	return fields
}

// header carries over HTTP. Of equal headers it reads the last, where
// propagation.HeaderCarrier reads the first.
type header http.Header

// canonical is a header's name as net/http spells it; textproto would take
// memory for each of these, several times a request.
func canonical(key string) string {
	switch key {
	case HeaderCorrelationID:
		return "X-Correlation-Id"
	case conversationHeader:
		return "Messaging.message.conversation_id"
	case "traceparent":
		return "Traceparent"
	case "tracestate":
		return "Tracestate"
	case "baggage":
		return "Baggage"
	}
	return textproto.CanonicalMIMEHeaderKey(key)
}

func (h header) Get(key string) string {
	values := h[canonical(key)]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

func (h header) Values(key string) []string { return h[canonical(key)] }

func (h header) Set(key, value string) { h[canonical(key)] = []string{value} }

func (h header) Keys() []string { return propagation.HeaderCarrier(h).Keys() }

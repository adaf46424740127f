package instrument

import (
	"net/http"
	"strings"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// Handler makes every request served by next a hop, refused and failed ones
// included. The response carries the correlation ID. Where next is a
// http.ServeMux, the hop is named by the pattern that matched. Where OpenTelemetry
// has a MeterProvider, http.server.request.duration is measured.
func (in *Instrument) Handler(next http.Handler, options ...EdgeOption) http.Handler {
	return in.gate(options).handler(next)
}

// exchange is what the span of a request or a call is on record with. It goes
// beside the span, since most spans are not sampled: attributes of one that
// nobody exports would be put together, copied and sorted for the hop alone.
type exchange struct {
	record.HTTP                 // without secrets
	address     [1]record.Label // server.address, without a key where there is none
	open        *span           // from the span's start on; nil: it is not recorded
	own         span            // what open points to
}

// span is one to be begun. A provider of one's own may hand a start to several instances.
func (e *exchange) span() *span {
	if e == nil || e.open != nil {
		return new(span)
	}
	e.open = &e.own
	return e.open
}

func (e *exchange) setAddress(by *redactor, hostport string) {
	if host, _ := splitHostPort(hostport); host != "" {
		e.address[0] = record.Label{Key: addressLabel, Value: by.value(addressLabel, host)}
	}
}

// lean reports whether only sampled spans need attributes: nobody but the hops
// and an exporter looks at spans.
func (in *Instrument) lean() bool {
	return in.cfg.disabled || in.own != nil && len(in.cfg.SpanProcessors) == 0
}

// gate is where requests come in.
type gate struct {
	in       *Instrument
	reader   reader
	lean     bool
	kind     []trace.SpanStartOption
	duration duration
}

func (in *Instrument) gate(options []EdgeOption) *gate {
	return &gate{
		in: in, reader: in.reader(options), lean: in.lean(), duration: serverDuration(),
		kind: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)},
	}
}

func (g *gate) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := g.arrive(w, r)
		defer v.span.End() // last, and directly: it puts a panic on record and lets it go on
		defer v.leave()
		next.ServeHTTP(v.writer, v.request)
		v.returned = true
	})
}

// visit is one request being served.
type visit struct {
	gate     *gate
	carried  carried
	exchange exchange
	tap      tap
	span     trace.Span
	arrived  time.Time // zero: nobody measures
	came     *http.Request
	request  *http.Request       // as the handler gets it
	writer   http.ResponseWriter // as the handler gets it
	body     *countedBody        // nil: nobody asks for its size
	full     bool                // its span has attributes of its own
	returned bool
}

// arrive begins a visit. The caller has to defer its span's End, then leave.
func (g *gate) arrive(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{gate: g, came: r}
	if g.duration.Enabled(r.Context()) {
		v.arrived = time.Now()
	}
	method, original := knownMethod(r.Method)
	v.exchange.Method = method
	v.exchange.Route = route(r.Pattern)
	v.exchange.Path = g.in.redact.text(r.URL.Path)
	v.exchange.setAddress(g.in.redact, r.Host)
	v.carried.Context, v.carried.correlation = g.reader.read(r.Context(), header(r.Header))
	v.carried.exchange = &v.exchange
	options := g.kind
	if !g.lean {
		options = append(options[:1:1], trace.WithAttributes(serverAttributes(r)...))
	} else if original != "" {
		options = append(options[:1:1], trace.WithAttributes(semconv.HTTPRequestMethodOriginal(original)))
	}
	ctx, span := g.in.tracer.Start(&v.carried, spanName(r), options...)
	v.carried.exchange, v.span = nil, span
	v.request, v.writer = r.WithContext(ctx), v.tap.wrap(w)
	if v.full = !g.lean || span.SpanContext().IsSampled(); v.full {
		if g.lean {
			span.SetAttributes(serverAttributes(r)...)
		}
		if r.Body != nil && r.Body != http.NoBody {
			v.body = &countedBody{ReadCloser: r.Body}
			v.request.Body = v.body
		}
	}
	id := ""
	if v.exchange.open != nil {
		id = v.exchange.open.id
	} else {
		id, _ = g.in.hops.at(ctx)
	}
	if id != "" {
		w.Header()["X-Correlation-Id"] = []string{id}
	}
	return v
}

// leave notes how it ended. Its span's End comes behind.
func (v *visit) leave() {
	if form := v.request.MultipartForm; form != nil {
		v.came.MultipartForm = form // so that net/http removes its files
	}
	failUnless(&v.returned, v.span)
	if !v.returned {
		return
	}
	if pattern := v.request.Pattern; pattern != v.came.Pattern { // a mux below has set it
		v.exchange.Route = route(pattern)
		v.span.SetName(spanName(v.request))
		if v.full {
			v.span.SetAttributes(semconv.HTTPRoute(v.exchange.Route))
		}
	}
	v.exchange.Status = v.tap.code()
	if code, text, failed := serverFailure(v.exchange.Status); failed {
		v.span.SetStatus(code, text)
	}
	if v.full {
		v.span.SetAttributes(responseAttributes(v.exchange.Status, v.body.size(), v.tap.written.Load())...)
	}
	if !v.arrived.IsZero() {
		v.gate.duration.record(v.request.Context(), v.arrived, serverMeasured(v.request, v.exchange.Status))
	}
}

// spanName is asked when a request comes, and again where only then a mux has
// set its pattern.
func spanName(r *http.Request) string {
	if r.Pattern == "" {
		return r.Method + " " + r.URL.Path
	}
	if rest, ok := strings.CutPrefix(r.Pattern, r.Method); ok && strings.HasPrefix(rest, " /") {
		return r.Pattern // is the name already
	}
	return r.Method + " " + route(r.Pattern)
}

// route is a pattern's path, without method and host.
func route(pattern string) string {
	if at := strings.IndexByte(pattern, '/'); at >= 0 {
		return pattern[at:]
	}
	return ""
}

package instrument

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Handler makes every request served by next a hop, refused and failed ones
// included. The response carries the correlation ID. Where next is a
// http.ServeMux, the hop is named by the pattern that matched.
func (in *Instrument) Handler(next http.Handler, options ...EdgeOption) http.Handler {
	return in.middleware(options)(next)
}

func (in *Instrument) middleware(options []EdgeOption) func(http.Handler) http.Handler {
	traced := otelhttp.NewMiddleware("",
		otelhttp.WithTracerProvider(in.provider),
		otelhttp.WithPropagators(in.reader(options)),
		otelhttp.WithSpanNameFormatter(spanName),
	)
	return func(next http.Handler) http.Handler {
		return traced(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { in.serve(w, r, next) }))
	}
}

// serve is what a hop does around next.
func (in *Instrument) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	span := trace.SpanFromContext(r.Context())
	if id, _ := in.hops.at(r.Context()); id != "" {
		header(w.Header()).Set(HeaderCorrelationID, id)
	}
	pattern, returned := r.Pattern, false
	defer failUnless(&returned, span)
	next.ServeHTTP(w, r)
	returned = true
	if r.Pattern != pattern { // otelhttp has noted the one known before
		span.SetAttributes(attribute.String("http.route", route(r.Pattern)))
	}
}

// Transport makes every outgoing request carry the correlation ID, and be a
// hop's send. A nil base is http.DefaultTransport.
func (in *Instrument) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return otelhttp.NewTransport(base,
		otelhttp.WithTracerProvider(in.provider),
		otelhttp.WithPropagators(in.propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }),
	)
}

// spanName is called when a request comes and again when it has been served,
// since only then a mux has set its pattern.
func spanName(_ string, r *http.Request) string {
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
	return pattern[max(0, strings.IndexByte(pattern, '/')):]
}

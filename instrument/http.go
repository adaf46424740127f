package instrument

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
)

// Handler makes every request served by next a hop, refused and failed ones
// included. The response carries the correlation ID.
func (in *Instrument) Handler(next http.Handler) http.Handler {
	return otelhttp.NewHandler(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(HeaderCorrelationID, CorrelationID(r.Context()))
			next.ServeHTTP(w, r)
			if r.Pattern != "" {
				trace.SpanFromContext(r.Context()).SetName(r.Pattern)
			}
		}),
		"",
		otelhttp.WithTracerProvider(in.provider),
		otelhttp.WithPropagators(in.propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }),
	)
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

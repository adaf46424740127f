package instrument

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Transport makes every outgoing request carry the correlation ID, and be a
// hop's send. It ends when the response has been read or closed. A nil base is
// http.DefaultTransport. Where OpenTelemetry has a MeterProvider,
// http.client.request.duration is measured.
func (in *Instrument) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{
		in: in, base: base, lean: in.lean(), duration: clientDuration(),
		kind: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient)},
	}
}

type transport struct {
	in       *Instrument
	base     http.RoundTripper
	lean     bool
	kind     []trace.SpanStartOption
	duration duration
}

// errand is one request being made.
type errand struct {
	carried  carried
	exchange exchange
	body     responseBody
}

// RoundTrip implements http.RoundTripper. The request stays as it is; base gets
// another, with a header of its own.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL == nil {
		return t.base.RoundTrip(r) // which says so
	}
	var began time.Time
	if t.duration.Enabled(r.Context()) {
		began = time.Now()
	}
	e := &errand{carried: carried{r.Context(), *carriedBy(r.Context())}}
	e.carried.exchange = &e.exchange
	method, original := knownMethod(r.Method)
	name := r.Method
	if name == "" {
		name = method // GET
	}
	ctx, span := t.in.tracer.Start(&e.carried, name+" "+r.URL.Path, t.kind...)
	e.carried.exchange, e.body.span = nil, span
	full := !t.lean || span.SpanContext().IsSampled()
	if e.exchange.open != nil {
		e.exchange.Method, e.exchange.Path = method, t.in.redact.text(r.URL.Path)
		e.exchange.setAddress(t.in.redact, host(r))
	}
	if full {
		span.SetAttributes(clientAttributes(r)...)
	} else if original != "" {
		span.SetAttributes(semconv.HTTPRequestMethodOriginal(original))
	}
	out := r.WithContext(ctx)
	out.Header = make(http.Header, len(r.Header)+4)
	for name, values := range r.Header {
		out.Header[name] = values[:len(values):len(values)]
	}
	t.in.propagator.send(ctx, e.exchange.open, span.SpanContext(), out.Header)

	res, err := t.base.RoundTrip(out)
	if err == nil {
		err = wholeResponse(t.base, r, res)
	}
	if err != nil {
		if !began.IsZero() {
			t.duration.record(ctx, began, clientMeasured(r, nil, err))
		}
		e.body.failed(err)
		span.End()
		return res, err
	}
	if !began.IsZero() {
		t.duration.record(ctx, began, clientMeasured(r, res, nil))
	}
	e.exchange.Status = res.StatusCode
	if code, text, failed := clientFailure(res.StatusCode); failed {
		span.SetStatus(code, text)
	}
	if full {
		span.SetAttributes(answerAttributes(res)...)
	}
	e.body.ReadCloser = res.Body
	res.Body = &e.body
	if _, ok := e.body.ReadCloser.(io.Writer); ok { // the protocol has been switched
		res.Body = upgradedBody{&e.body}
	}
	return res, nil
}

// wholeResponse sees that what comes from base is what net/http asks of it. Of
// responses without a body, some have none and some an empty one.
func wholeResponse(base http.RoundTripper, r *http.Request, res *http.Response) error {
	switch {
	case res == nil:
		return fmt.Errorf("http: RoundTripper %T returned neither a response nor an error", base)
	case res.Body != nil:
	case res.ContentLength > 0 && r.Method != http.MethodHead:
		return fmt.Errorf("http: RoundTripper %T returned a response of %d bytes without a body", base, res.ContentLength)
	default:
		res.Body = http.NoBody
	}
	return nil
}

// responseBody ends its span when it has been read, or closed.
type responseBody struct {
	io.ReadCloser
	span  trace.Span
	ended atomic.Bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.end()
	} else if err != nil {
		b.failed(err)
	}
	return n, err
}

// Close ends the span first: it may block.
func (b *responseBody) Close() error {
	b.end()
	return b.ReadCloser.Close()
}

func (b *responseBody) end() {
	if !b.ended.Swap(true) {
		b.span.End()
	}
}

func (b *responseBody) failed(err error) {
	b.span.SetAttributes(semconv.ErrorType(err))
	b.span.SetStatus(codes.Error, err.Error())
}

// upgradedBody can be written to.
type upgradedBody struct{ *responseBody }

func (b upgradedBody) Write(p []byte) (int, error) {
	n, err := b.ReadCloser.(io.Writer).Write(p)
	if err != nil {
		b.failed(err)
	}
	return n, err
}

package instrument

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	slogmulti "github.com/samber/slog-multi"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/waybill-log/waybill/record"
)

// Instrument is one instrumented service instance. Safe for concurrent use.
type Instrument struct {
	cfg        Config
	node       string
	ship       *shipper // nil: disabled
	hops       *hops
	service    []byte // encoded: what is the same in all its records
	origins    origins
	redact     *redactor
	panics     atomic.Uint64
	logger     *slog.Logger
	own        *sdktrace.TracerProvider // nil where the caller has one
	beside     []sdktrace.SpanProcessor // own's, but for hops
	provider   trace.TracerProvider
	tracer     trace.Tracer
	propagator *propagator
	warnings   warnings
	unrecorded sync.Once
	unseen     sync.Once
	stop       sync.Once
}

// Start sets a service up. Unless cfg.Scoped, it becomes the process's default
// for slog and OpenTelemetry. It does not wait for Kafka: records wait instead.
// With OTEL_SDK_DISABLED=true it logs to the console and carries headers on,
// and does nothing else.
func Start(ctx context.Context, cfg Config) (*Instrument, error) {
	cfg, err := cfg.withEnv(os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("start instrument: %w", err)
	}
	in := &Instrument{cfg: cfg, node: newNode(time.Now()), redact: newRedactor(cfg.Redact)}
	base := in.base(time.Time{})
	in.service = record.AppendService(nil, &base)
	in.hops = newHops(in)
	var unread []error
	if !cfg.disabled {
		var sp *spool
		if cfg.Data != "" {
			if sp, err = openSpool(cfg.Data, cfg.Service, in.node, cfg.Topic, cfg.BufferBytes/segmentBytes); err != nil {
				return nil, fmt.Errorf("start instrument: %w", err)
			}
			unread = sp.unread
		}
		in.ship = newShipper(cfg, in.node, sp)
	}
	in.logger = slog.New(in.handler(cfg.Output))
	if in.propagator, err = propagatorFromEnv(in, os.Getenv); err != nil {
		in.warn("propagators ignored", err)
	}
	switch {
	case cfg.disabled:
		in.provider = noop.NewTracerProvider()
	case cfg.TracerProvider != nil:
		in.provider = cfg.TracerProvider
	default:
		in.own = in.newProvider(ctx)
		in.provider = in.own
	}
	for _, err := range unread {
		in.warn("records of a killed instance are not shipped", err)
	}
	if s := cfg.Security; !cfg.disabled && s.User != "" && s.mechanism() == SASLPlain && !s.TLS {
		in.warnings.add(warnReadable)
	}
	in.tracer = in.provider.Tracer("github.com/waybill-log/waybill/instrument")
	if !cfg.Scoped {
		slog.SetDefault(in.logger)
		if cfg.TracerProvider == nil {
			otel.SetTracerProvider(in.provider)
		}
		otel.SetTextMapPropagator(in.propagator)
	}
	return in, nil
}

// handler is what a record goes through.
//
//	redact ─► recover ─┬► ship ─ full ─► stderr
//	                   └► console
//
// The console comes last, so that one that blocks keeps no record from being shipped.
func (in *Instrument) handler(w io.Writer) slog.Handler {
	stderr := newConsole(in, w)
	var shown slog.Handler = stderr
	if in.cfg.Console != nil {
		shown = correlated{in.cfg.Console, in}
	}
	ends := shown
	switch {
	case in.ship == nil: // disabled
	case in.cfg.Console == nil: // all records are on stderr, so the refused ones are
		ends = slogmulti.Fanout(newHandler(in), shown)
	default:
		ends = slogmulti.Fanout(slogmulti.Failover()(newHandler(in), stderr), shown)
	}
	return slogmulti.Pipe(in.redact.middleware, slogmulti.RecoverHandlerError(in.recovered)).Handler(ends)
}

// recovered is told of what went wrong in a handler. What the shipper refuses it
// counts itself.
func (in *Instrument) recovered(_ context.Context, _ slog.Record, err error) {
	if !errors.Is(err, errFull) && !errors.Is(err, errClosed) && !errors.Is(err, errNotShown) {
		in.panicked()
	}
}

// panicked counts a value in a log call that panicked.
func (in *Instrument) panicked() { in.panics.Add(1) }

// newProvider makes the provider whose spans are hops, as the environment wants it.
func (in *Instrument) newProvider(ctx context.Context) *sdktrace.TracerProvider {
	sampler, err := samplerFromEnv(os.Getenv)
	if err != nil {
		in.warn("trace sampler ignored", err)
	}
	exporter, err := exporterFromEnv(ctx, os.Getenv)
	if err != nil {
		in.warn("spans are not exported", err)
	}
	in.beside = in.cfg.SpanProcessors
	if exporter != nil {
		in.beside = append(slices.Clone(in.beside), exporter)
	}
	attrs := []attribute.KeyValue{attribute.String("service.name", in.cfg.Service), attribute.String("service.instance.id", in.node)}
	if in.cfg.Version != "" {
		attrs = append(attrs, attribute.String("service.version", in.cfg.Version))
	}
	if in.cfg.Environment != "" {
		attrs = append(attrs, attribute.String("deployment.environment.name", in.cfg.Environment))
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithSampler(sdktrace.AlwaysRecord(sampler)),
		sdktrace.WithIDGenerator(idGenerator{}),
		sdktrace.WithResource(resource.NewSchemaless(attrs...)), // the SDK adds OTEL_RESOURCE_ATTRIBUTES
		sdktrace.WithSpanProcessor(in.hops),
	}
	for _, p := range in.beside {
		options = append(options, sdktrace.WithSpanProcessor(beside{p}))
	}
	return sdktrace.NewTracerProvider(options...)
}

// skewed is a time as this instance's clock shows it.
func (in *Instrument) skewed(t time.Time) time.Time {
	if in.cfg.Skew == nil {
		return t
	}
	return t.Add(in.cfg.Skew())
}

// Logger is the service's logger.
func (in *Instrument) Logger() *slog.Logger { return in.logger }

// ShippingHandler is the part of Logger that ships, for a composition of one's
// own. It never blocks, and returns an error when the buffer is full or the
// instance has been shut down. It does not redact.
func (in *Instrument) ShippingHandler() slog.Handler { return newHandler(in) }

// Node is the instance's name, new at every start.
func (in *Instrument) Node() string { return in.node }

// TracerProvider gives tracers whose spans become hops.
func (in *Instrument) TracerProvider() trace.TracerProvider { return in.provider }

// SpanProcessor turns spans into hops. Who has a TracerProvider of their own
// registers it there; see Config.TracerProvider.
func (in *Instrument) SpanProcessor() sdktrace.SpanProcessor { return in.hops }

// Propagator carries trace context, baggage and the correlation ID.
func (in *Instrument) Propagator() propagation.TextMapPropagator { return in.propagator }

// Health says how shipping goes.
type Health struct {
	Last      uint64 // highest number given; 0: none
	Unsettled uint64 // lowest number Kafka has not acknowledged; Last+1: none
	Bytes     int    // waiting in the buffer
	Refused   uint64 // records that never got a number, the buffer being full of what is no less important
	Dropped   uint64 // records given up for more important ones, or refused by Kafka for good
	Panics    uint64 // values in log calls that panicked, whose records say so, and consoles that did
	Err       error  // the last error of Kafka; nil once records flow again

	Data      string   // the folder of this instance's buffer; empty: records wait in memory
	DataErr   error    // why records wait in memory though a data folder is set; nil: they do not
	Volatile  uint64   // records that waited in memory since the disk was full or slow
	Corrupt   int      // pieces of predecessors' buffers that were damaged and set aside
	Replaying int      // killed predecessors whose records are still to be shipped
	Warnings  []string // what is wrong with the set-up, and what to do; each once, and no more than 16
	Disabled  bool     // OTEL_SDK_DISABLED: nothing is shipped
}

// Health returns the state of shipping now.
func (in *Instrument) Health() Health {
	h := Health{Unsettled: 1, Disabled: true}
	if in.ship != nil {
		h = in.ship.health()
	}
	h.Panics, h.Warnings = in.panics.Load(), in.warnings.all()
	return h
}

// Shutdown ends open work: records are flushed and the final ledger is written.
// When ctx ends first, the error says how many records did not reach Kafka.
// Log calls after it go to stderr.
func (in *Instrument) Shutdown(ctx context.Context) (err error) {
	in.stop.Do(func() {
		exported := make(chan error, 1)
		go func() { exported <- shutdownAll(ctx, in.beside) }()
		if in.own != nil {
			// The provider itself has nothing to wait for, and must stop though ctx has ended.
			err = in.own.Shutdown(context.WithoutCancel(ctx))
		}
		if in.ship != nil {
			err = errors.Join(err, in.ship.close(ctx))
		}
		if failed := <-exported; failed != nil {
			err = errors.Join(err, fmt.Errorf("stop exporting spans: %w", failed))
		}
	})
	return err
}

// base is a record with everything that is the same for the whole instance.
func (in *Instrument) base(t time.Time) record.Record {
	return record.Record{
		Time: t, Service: in.cfg.Service, ServiceVer: in.cfg.Version, Environment: in.cfg.Environment, Node: in.node,
	}
}

package instrument

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	slogmulti "github.com/samber/slog-multi"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// Instrument is one instrumented service instance. Safe for concurrent use.
type Instrument struct {
	cfg        Config
	node       string
	ship       *shipper
	hops       *hops
	service    []byte // encoded: what is the same in all its records
	origins    origins
	redact     *redactor
	logger     *slog.Logger
	provider   *sdktrace.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	stop       sync.Once
}

// Start sets a service up. Unless cfg.Scoped, it becomes the process's default
// for slog and OpenTelemetry. It does not wait for Kafka: records wait instead.
func Start(_ context.Context, cfg Config) (*Instrument, error) {
	cfg, err := cfg.withEnv(os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("start instrument: %w", err)
	}
	in := &Instrument{cfg: cfg, node: newNode(time.Now()), redact: newRedactor(cfg.Redact)}
	base := in.base(time.Time{})
	in.service = record.AppendService(nil, &base)
	var sp *spool
	if cfg.Data != "" {
		if sp, err = openSpool(cfg.Data, cfg.Service, in.node, cfg.Topic); err != nil {
			return nil, fmt.Errorf("start instrument: %w", err)
		}
	}
	in.ship = newShipper(cfg, in.node, sp)
	in.hops = newHops(in)
	in.propagator = propagator{in: in, trace: propagation.TraceContext{}, baggage: propagation.Baggage{}}

	in.logger = slog.New(in.handler(cfg.Output))

	sampler, err := samplerFromEnv(os.Getenv)
	if err != nil {
		in.logger.Warn("trace sampler ignored", "error", err)
	}
	in.provider = sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysRecord(sampler)),
		sdktrace.WithIDGenerator(idGenerator{}),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", cfg.Service),
			attribute.String("service.version", cfg.Version),
			attribute.String("service.instance.id", in.node),
		)),
		sdktrace.WithSpanProcessor(in.hops),
	)
	in.tracer = in.provider.Tracer("github.com/waybill-log/waybill/instrument")
	if !cfg.Scoped {
		slog.SetDefault(in.logger)
		otel.SetTracerProvider(in.provider)
		otel.SetTextMapPropagator(in.propagator)
	}
	return in, nil
}

// handler is what a record goes through.
//
//	redact ─► recover ─┬► console
//	                   └► ship ─ full ─► stderr
func (in *Instrument) handler(w io.Writer) slog.Handler {
	stderr := newConsole(in, w)
	ends := slogmulti.Fanout(stderr, newHandler(in)) // all records are on stderr, so the refused ones are
	if in.cfg.Console != nil {
		ends = slogmulti.Fanout(correlated{in.cfg.Console}, slogmulti.Failover()(newHandler(in), stderr))
	}
	return slogmulti.Pipe(in.redact.middleware, slogmulti.RecoverHandlerError(in.recovered)).Handler(ends)
}

// recovered is told of what went wrong in a handler. What the shipper refuses it
// counts itself.
func (in *Instrument) recovered(_ context.Context, _ slog.Record, err error) {
	if !errors.Is(err, errFull) && !errors.Is(err, errClosed) {
		in.ship.panicked()
	}
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

// Propagator carries trace context, baggage and the correlation ID.
func (in *Instrument) Propagator() propagation.TextMapPropagator { return in.propagator }

// Health says how shipping goes.
type Health struct {
	Last      uint64 // highest number given; 0: none
	Unsettled uint64 // lowest number Kafka has not acknowledged; Last+1: none
	Bytes     int    // waiting in the buffer
	Refused   uint64 // records that never got a number, the buffer being full of what is no less important
	Dropped   uint64 // records given up for more important ones, or refused by Kafka for good
	Panics    uint64 // values in log calls that panicked; their records say so
	Err       error  // the last error of Kafka; nil once records flow again

	Data      string // the folder of this instance's buffer; empty: records wait in memory
	DataErr   error  // why records wait in memory though a data folder is set; nil: they do not
	Volatile  uint64 // records that waited in memory since the disk was full or slow
	Corrupt   int    // pieces of predecessors' buffers that were damaged and set aside
	Replaying int    // killed predecessors whose records are still to be shipped
}

// Health returns the state of shipping now.
func (in *Instrument) Health() Health { return in.ship.health() }

// Shutdown ends open work: records are flushed and the final ledger is written.
// When ctx ends first, the error says how many records did not reach Kafka.
// Log calls after it go to stderr.
func (in *Instrument) Shutdown(ctx context.Context) (err error) {
	in.stop.Do(func() {
		// Tracing has nothing to wait for, and must stop though ctx has ended.
		if err = in.provider.Shutdown(context.WithoutCancel(ctx)); err != nil {
			err = fmt.Errorf("stop tracing: %w", err)
		}
		err = errors.Join(err, in.ship.close(ctx))
	})
	return err
}

// base is a record with everything that is the same for the whole instance.
func (in *Instrument) base(t time.Time) record.Record {
	return record.Record{
		Time: t, Service: in.cfg.Service, ServiceVer: in.cfg.Version, Environment: in.cfg.Environment, Node: in.node,
	}
}

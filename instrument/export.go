package instrument

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exporterFromEnv exports sampled spans beside the hops where the environment
// names a receiver of OTLP: OTEL_TRACES_EXPORTER=otlp, or an endpoint. It is nil
// where none is asked for. The exporter itself reads the rest of
// OTEL_EXPORTER_OTLP_*, OTEL_BSP_* included.
func exporterFromEnv(ctx context.Context, getenv func(string) string) (sdktrace.SpanProcessor, error) {
	const traces, all = "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"
	switch name := strings.ToLower(strings.TrimSpace(getenv("OTEL_TRACES_EXPORTER"))); name {
	case "":
		if getenv(traces+"ENDPOINT") == "" && getenv(all+"ENDPOINT") == "" {
			return nil, nil
		}
	case "none":
		return nil, nil
	case "otlp":
	default:
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER %q is unknown, want otlp or none: another exporter goes into Config.SpanProcessors", name)
	}
	if protocol := strings.TrimSpace(first(getenv(traces+"PROTOCOL"), getenv(all+"PROTOCOL"))); protocol != "" && protocol != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL %q is not spoken: set http/protobuf and the receiver's HTTP port (4318), or put an exporter of yours into Config.SpanProcessors", protocol)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	return sdktrace.NewBatchSpanProcessor(exporter), nil
}

// beside is a span processor that the Instrument shuts down itself: the provider
// has to stop although ctx has ended, and a receiver that is away must not keep
// records from being flushed.
type beside struct{ sdktrace.SpanProcessor }

func (beside) Shutdown(context.Context) error { return nil }

// shutdownAll shuts down what is beside the hops, all at once.
func shutdownAll(ctx context.Context, all []sdktrace.SpanProcessor) error {
	results := make(chan error, len(all))
	for _, p := range all {
		go func() { results <- p.Shutdown(ctx) }()
	}
	var errs []error
	for range all {
		select {
		case err := <-results:
			errs = append(errs, err)
		case <-ctx.Done():
			return errors.Join(append(errs, ctx.Err())...)
		}
	}
	return errors.Join(errs...)
}

package instrument

import (
	"fmt"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// samplerFromEnv reads OTEL_TRACES_SAMPLER and its argument; the SDK's own
// reader is private, and setting a sampler turns it off. An error comes with
// the default sampler, as the OpenTelemetry specification asks; it takes names
// in any case.
func samplerFromEnv(getenv func(string) string) (sdktrace.Sampler, error) {
	standard := sdktrace.ParentBased(sdktrace.AlwaysSample())
	ratio := func() (sdktrace.Sampler, error) {
		arg := strings.TrimSpace(getenv("OTEL_TRACES_SAMPLER_ARG"))
		if arg == "" {
			return sdktrace.TraceIDRatioBased(1), nil
		}
		p, err := strconv.ParseFloat(arg, 64)
		if err != nil || !(p >= 0 && p <= 1) {
			return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q, want a number from 0 to 1", arg)
		}
		return sdktrace.TraceIDRatioBased(p), nil
	}
	switch name := strings.TrimSpace(getenv("OTEL_TRACES_SAMPLER")); strings.ToLower(name) {
	case "", "parentbased_always_on":
		return standard, nil
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "traceidratio":
		s, err := ratio()
		if err != nil {
			return standard, err
		}
		return s, nil
	case "parentbased_traceidratio":
		s, err := ratio()
		if err != nil {
			return standard, err
		}
		return sdktrace.ParentBased(s), nil
	default:
		return standard, fmt.Errorf("OTEL_TRACES_SAMPLER %q is unknown", name)
	}
}

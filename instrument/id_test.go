package instrument

import (
	"context"
	"math"
	"strconv"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/waybill-log/waybill/record"
)

// 100,000 IDs put ± 1 % at six standard deviations, 20,000 at less than three.
func TestARatioSamplerKeepsItsShareOfMintedIDs(t *testing.T) {
	t.Parallel()
	const n = 100_000
	for _, p := range []float64{0.01, 0.1, 0.5, 0.9} {
		arg := strconv.FormatFloat(p, 'g', -1, 64)
		sampler, err := samplerFromEnv(func(name string) string {
			return map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": arg}[name]
		})
		if err != nil {
			t.Fatal(err)
		}
		kept := 0
		for range n {
			id, _ := idGenerator{}.NewIDs(context.Background())
			if sampler.ShouldSample(sdktrace.SamplingParameters{TraceID: id}).Decision == sdktrace.RecordAndSample {
				kept++
			}
		}
		if share := float64(kept) / n; math.Abs(share-p) > 0.01 {
			t.Errorf("ratio %v keeps %v", p, share)
		}
	}
}

func TestTraceIDsSortByTimeAndAreCorrelationIDs(t *testing.T) {
	t.Parallel()
	last, seen := "", map[string]bool{}
	for range 20 {
		before := time.Now().UnixMilli()
		traceID, spanID := idGenerator{}.NewIDs(context.Background())
		after := time.Now().UnixMilli()
		id := traceID.String()
		if id <= last || !record.ValidID(id) || record.Key(id) != id || !spanID.IsValid() || seen[record.ShortID(id)] {
			t.Errorf("trace ID %s, span ID %s after %s", id, spanID, last)
		}
		if ms, err := strconv.ParseInt(id[:12], 16, 64); err != nil || ms < before || ms > after {
			t.Errorf("%s starts with %d, want %d to %d", id, ms, before, after)
		}
		last = id
		seen[record.ShortID(id)] = true
		for time.Now().UnixMilli() <= after { // IDs of one millisecond are in no order
		}
	}
}

func TestNodeNamesSortByTime(t *testing.T) {
	t.Parallel()
	last := ""
	for _, ms := range []int64{0, 1, 1 << 20, 1<<20 + 1, 1763906400000, 1763906400001, 1<<47 + 5, 1<<48 - 1} {
		a, b := newNode(time.UnixMilli(ms)), newNode(time.UnixMilli(ms))
		if a == b {
			t.Errorf("two instances of one millisecond are both %s", a)
		}
		if len(a) < 20 || len(a) > 22 || !record.ValidID(a) {
			t.Errorf("node name %q", a)
		}
		if min(a, b) <= last {
			t.Errorf("%s and %s come after %s", a, b, last)
		}
		last = max(a, b)
	}
}

package instrument_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

func TestAnOutcomeIsDeclaredInItsHop(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	ctx, visit := tracer(in).Start(foreign(in), "visit", trace.WithSpanKind(trace.SpanKindServer))
	instrument.Delivered(ctx)
	instrument.Failed(ctx, errors.New("no money"))
	visit.End()
	all := k.records(t, in)
	wholeHop(t, all, visit.SpanContext().SpanID().String(), 0)
	delivered, failed := all[1], all[2]
	if delivered.Kind != record.KindOutcome || delivered.Declared != record.Delivered || delivered.Outcome != record.Success || delivered.Level != "info" || delivered.CorrelationID != "Order-7" || len(delivered.Labels) != 0 {
		t.Errorf("delivered: %s", delivered.Raw)
	}
	if failed.Kind != record.KindOutcome || failed.Declared != record.Failed || failed.Outcome != record.Failure || failed.Level != "error" ||
		failed.Error != (record.Error{Type: "*errors.errorString", Message: "no money"}) || len(failed.Labels) != 0 {
		t.Errorf("failed: %s", failed.Raw)
	}
	for _, r := range []record.Record{delivered, failed} {
		if !strings.HasSuffix(r.Origin.Function, ".TestAnOutcomeIsDeclaredInItsHop") || !strings.HasSuffix(r.Origin.File, "outcome_test.go") {
			t.Errorf("origin %+v", r.Origin)
		}
	}
}

func TestAnOutcomeGoesToTheInstanceThatTheContextCameThrough(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	gateway, bank := k.service(t, "gateway"), k.service(t, "bank")
	for _, in := range []*instrument.Instrument{gateway, bank} {
		in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { instrument.Delivered(r.Context()) })).
			ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}
	for _, in := range []*instrument.Instrument{gateway, bank} {
		if r := one(t, k.records(t, in), record.KindOutcome, ""); r.Sequence != 2 || r.HopSequence != 2 {
			t.Errorf("got %s", r.Raw)
		}
	}
}

// A verdict must not hang on how much a service logs.
func TestAnOutcomeIsShippedAtAnyLevel(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	var console buffer
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Level: slog.LevelError + 1,
		Console: slog.NewJSONHandler(&console, &slog.HandlerOptions{Level: slog.LevelError})})
	ctx := foreign(in)
	instrument.Delivered(ctx)
	in.Logger().ErrorContext(ctx, "below the level")
	instrument.Failed(ctx, errors.New("no money"))
	all := k.records(t, in)
	if len(all) != 2 || all[0].Declared != record.Delivered || all[1].Declared != record.Failed {
		t.Errorf("records:\n%s", show(all))
	}
	if shown := console.String(); strings.Contains(shown, "delivered") || !strings.Contains(shown, `"waybill.outcome":"failed"`) || !strings.Contains(shown, `"error":"no money"`) {
		t.Errorf("the console shows\n%s", shown)
	}
}

// Not parallel: it sets the process's defaults.
func TestAnOutcomeElsewhereGoesToTheDefaultLogger(t *testing.T) {
	k := startKafka(t)
	saved := slog.Default()
	defer slog.SetDefault(saved)
	var other buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&other, &slog.HandlerOptions{AddSource: true})))
	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	instrument.Failed(ctx, errors.New("no money"))
	if shown := other.String(); !strings.Contains(shown, `level=ERROR`) || !strings.Contains(shown, `outcome_test.go`) || !strings.Contains(shown, `msg=failed error="no money" waybill.outcome=failed`) {
		t.Errorf("the default logger shows %q", shown)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(&other, &slog.HandlerOptions{Level: slog.LevelError + 1})))
	before := other.String()
	instrument.Failed(ctx, errors.New("no money"))
	if after := other.String(); after != before {
		t.Errorf("a default logger of another kind keeps its level: %q", after)
	}

	in := k.service(t, "bank")
	slog.SetDefault(in.Logger())
	instrument.Delivered(ctx)
	if r := k.last(t, in); r.Declared != record.Delivered || r.CorrelationID != "Order-7" {
		t.Errorf("got %s", r.Raw)
	}
}

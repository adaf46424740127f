package instrumenttest_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/instrument/instrumenttest"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// of is a message of a journey.
func of(id string) *sarama.ConsumerMessage {
	return &sarama.ConsumerMessage{Topic: "orders", Headers: []*sarama.RecordHeader{{Key: []byte(instrument.HeaderCorrelationID), Value: []byte(id)}}}
}

func nothing(context.Context) error { return nil }

func TestAJourneyIsFoundInAnySpelling(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	game := rec.Service("game")
	const uuid = "0199c1d2-aaaa-4bbb-8ccc-0123456789ab"
	for _, id := range []string{"Order-7", "Order-8", "order-8", uuid, strings.ToUpper(uuid)} {
		_ = game.Process(t.Context(), of(id), "game", nothing)
	}
	for id, want := range map[string]string{"order-7": "Order-7", "Order-8": "Order-8", "order-8": "order-8", strings.ReplaceAll(uuid, "-", ""): uuid} {
		if j := rec.Journey(id); j.CorrelationID != want {
			t.Errorf("%s is %s, want %s", id, j.CorrelationID, want)
		}
	}
	if j := rec.Journey(uuid); len(j.Hops) != 2 {
		t.Errorf("spellings of one UUID are %d hops, want 2", len(j.Hops))
	}

	got := run(func(t *tb) { instrumenttest.New(t).Journey("Order-7") })
	wantFailure(t, got, "want journey Order-7, and 0 were written")
	got = run(func(t *tb) {
		rec := instrumenttest.New(t)
		_ = rec.Service("game").Process(context.Background(), of("Order-8"), "game", nothing)
		rec.Journey("Order-7")
	})
	wantFailure(t, got, "want journey Order-7, and 1 were written", "journey Order-8 is ")
}

// A server answers before its hop ends, and work goes on in goroutines.
func TestAJourneyIsReadOnceItsHopsHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := instrumenttest.New(t)
		game := rec.Service("game")
		go game.Process(t.Context(), of("Order-7"), "game", func(ctx context.Context) error {
			time.Sleep(4 * time.Second)
			instrument.Delivered(ctx)
			return nil
		})
		synctest.Wait()
		began := time.Now()
		rec.Underway("Order-7").Verdict(journey.InTransit)
		if took := time.Since(began); took > time.Second {
			t.Errorf("Underway took %v", took)
		}
		rec.Journey("Order-7").Delivered()
		if took := time.Since(began); took < 4*time.Second || took >= 5*time.Second {
			t.Errorf("a hop of 4 s was waited for %v", took)
		}

		go game.Process(t.Context(), of("Order-8"), "game", func(context.Context) error {
			time.Sleep(time.Hour)
			return nil
		})
		synctest.Wait()
		began = time.Now()
		rec.Journey("Order-8").Verdict(journey.InTransit)
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("a hop that does not end was waited for %v", took)
		}
		time.Sleep(time.Hour)
	})
}

func TestRoutesSayWhoIsExpected(t *testing.T) {
	t.Parallel()
	f := func(want journey.Verdict, services ...string) {
		t.Helper()
		s := newShop(t)
		s.closed = func(context.Context) {} // nobody declares
		s.rec.Route("orders", services...)
		s.rec.Route("confirmations", "bank")
		s.buy("")
		s.consume()
		s.rec.Only().Verdict(want).Whole()
	}
	f(journey.Delivered, "game")
	f(journey.InTransit, "game", "audit")
}

func TestATestThatFailsShowsItsJourneys(t *testing.T) {
	t.Parallel()
	got := run(func(t *tb) {
		rec := instrumenttest.New(t)
		game := rec.Service("game")
		_ = game.Process(context.Background(), of("Order-7"), "game", nothing)
		game.Logger().Info("stray")
		t.Errorf("a reason of the test's own")
	})
	if len(got.logs) != 1 || !strings.Contains(got.logs[0], "journey Order-7 is ") || !strings.Contains(got.logs[0], "game  info  stray\n") {
		t.Errorf("logged %q", got.logs)
	}
	got = run(func(t *tb) {
		rec := instrumenttest.New(t)
		_ = rec.Service("game").Process(context.Background(), of("Order-7"), "game", nothing)
	})
	if len(got.logs) != 0 || len(got.failures) != 0 {
		t.Errorf("a test that passes: %q, %v", got.logs, got.failures)
	}
}

func TestStartKeepsSettings(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	game := rec.Start(instrument.Config{Service: "game", Version: "1.2", Level: slog.LevelDebug, Brokers: []string{"no port"}, Topic: "elsewhere"})
	_ = game.Process(t.Context(), of("Order-7"), "game", func(ctx context.Context) error {
		slog.DebugContext(ctx, "in detail")
		return nil
	})
	if j := rec.Only().Logged("in detail"); j.Records[0].ServiceVer != "1.2" {
		t.Errorf("version %q", j.Records[0].ServiceVer)
	}
	got := run(func(t *tb) { instrumenttest.New(t).Service("") })
	if len(got.failures) != 1 || !got.failures[0].fatal {
		t.Errorf("a service without a name: %+v", got.failures)
	}
}

// Not parallel: it sets the environment.
func TestRealServicesDataIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("WAYBILL_DATA", dir)
	var own string
	wantNone(t, run(func(t *tb) {
		game := instrumenttest.New(t).Service("game")
		game.Logger().Info("kept elsewhere")
		own = game.Health().Data
	}))
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 || own != "" {
		t.Errorf("%v in the data folder; the test's is %q", left, own)
	}
}

// A service that was shut down has said all, and its journey can still be read.
func TestAServiceMayEndBeforeItsTest(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	game := rec.Service("game")
	_ = game.Process(t.Context(), of("Order-7"), "game", nothing)
	if err := game.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec.Only().Visited("game")
	ledgers := rec.Messages(record.TopicInstances)
	if len(ledgers) != 1 {
		t.Fatalf("%d ledgers, want 1", len(ledgers))
	}
	if l, err := record.DecodeLedger(ledgers[0].Value); err != nil || !l.Stopped || l.Last != 2 || l.Unsettled != 3 {
		t.Errorf("ledger %+v, %v", l, err)
	}
	if !slices.ContainsFunc(rec.Messages(record.TopicRecords), func(m *sarama.ConsumerMessage) bool { return string(m.Key) == "order-7" }) {
		t.Error("no record of the journey in memory")
	}
}

package journey_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// judgedAlike compares a fold's summary with the journey of the same records.
func judgedAlike(f *journey.Fold, records []record.Record, ev journey.Evidence) error {
	s, j := f.Summary(ev), journey.Build(records, ev)
	if s.Verdict != j.Verdict || s.Reason != j.Reason || s.VerdictHop != j.VerdictHop {
		return fmt.Errorf("folded: %s: %s (%s)\n built: %s: %s (%s)", s.Verdict, s.Reason, s.VerdictHop, j.Verdict, j.Reason, j.VerdictHop)
	}
	if !reflect.DeepEqual(s.Finding, j.Finding) {
		return fmt.Errorf("folded: %+v\n built: %+v", s.Finding, j.Finding)
	}
	if j.Completeness != journey.Lossy && !reflect.DeepEqual(s.CompletenessFinding, j.CompletenessFinding) {
		return fmt.Errorf("folded: %+v\n built: %+v", s.CompletenessFinding, j.CompletenessFinding)
	}
	if (s.Completeness == journey.Proved) != (j.Completeness == journey.Proved) {
		return fmt.Errorf("folded: %s: %s\n built: %s: %s", s.Completeness, s.CompletenessReason, j.Completeness, j.CompletenessReason)
	}
	if s.Kind != j.Kind || !s.Start.Equal(j.Start) || !s.End.Equal(j.End) || s.Hops != len(j.Hops) || len(s.Sagas) != len(j.Sagas) || len(s.Aliases) != len(j.Aliases) {
		return fmt.Errorf("folded: %+v\n built: %s %v to %v, %d hops, sagas %v", s, j.Kind, j.Start, j.End, len(j.Hops), j.Sagas)
	}
	if len(s.Stations) != len(j.Stations) {
		return fmt.Errorf("stations %v, %+v", s.Stations, j.Stations)
	}
	return nil
}

// folded splits records over several folds, in any order, some of them twice, and
// joins what became of them, through bytes.
func folded(rt *rapid.T, records []record.Record) *journey.Fold {
	if len(records) == 0 {
		return &journey.Fold{}
	}
	some := append(slices.Clone(records), rapid.SliceOf(rapid.SampledFrom(records)).Draw(rt, "again")...)
	parts := make([]journey.Fold, rapid.IntRange(1, 4).Draw(rt, "parts"))
	for _, r := range rapid.Permutation(some).Draw(rt, "order") {
		n := rapid.IntRange(0, len(parts)-1).Draw(rt, "part")
		parts[n].Add(&r)
		if rapid.IntRange(0, 9).Draw(rt, "stored") == 0 {
			parts[n] = *stored(rt, &parts[n])
		}
	}
	whole := &journey.Fold{}
	for n := range parts {
		whole.Join(stored(rt, &parts[n]))
	}
	return whole
}

func stored(rt *rapid.T, f *journey.Fold) *journey.Fold {
	b := f.Append(nil)
	out, err := journey.ParseFold(b)
	if err != nil {
		rt.Fatal(err)
	}
	if !bytes.Equal(out.Append(nil), b) {
		rt.Fatal("a fold is written otherwise after it has been read")
	}
	return out
}

func TestASummaryJudgesAsBuildDoes(t *testing.T) {
	evidence := []journey.Evidence{
		{},
		{AsOf: caughtUp.Add(time.Hour)},
		{AsOf: caughtUp.Add(time.Hour), Routes: []journey.Route{{Topic: "shop.orders", Stations: []string{"game", "audit"}, Within: time.Minute}}},
		{AsOf: caughtUp.Add(4 * time.Minute), Groups: []journey.Group{groupAt("game", 17, time.Second, 4*time.Minute)}},
	}
	for _, name := range []string{"purchase", "interleaved", "batch", "replay", "otel", "retried", "failed", "lost", "dropped", "visit"} {
		all := golden(t, name, "")
		rapid.Check(t, func(rt *rapid.T) {
			records := slices.DeleteFunc(slices.Clone(all), func(record.Record) bool { return rapid.IntRange(0, 9).Draw(rt, "dropped") == 0 })
			ev := rapid.SampledFrom(evidence).Draw(rt, "evidence")
			if err := judgedAlike(folded(rt, records), records, ev); err != nil {
				rt.Fatalf("%s: %v", name, err)
			}
		})
	}
}

func TestASummaryOfAnythingJudgesAsBuildDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := brokenRecords(rt)
		if err := judgedAlike(folded(rt, records), records, journey.Evidence{AsOf: caughtUp}); err != nil {
			rt.Fatal(err)
		}
	})
}

// A journey of hundreds of thousands of records is not held whole; of too many
// hops its summary says so.
func TestAFoldIsBounded(t *testing.T) {
	var f journey.Fold
	s := newScript()
	s.begin("bank-1", "b1", "", "server")
	f.Add(&s.records[0])
	for n := range 200_000 {
		r := record.Record{Time: caughtUp, Service: "bank", Node: "bank-1", Sequence: uint64(2 + n), SpanID: "b1", HopSequence: uint64(2 + n), CorrelationID: "x"}
		f.Add(&r)
	}
	if size := len(f.Append(nil)); size > 200 {
		t.Errorf("200,000 log records of one hop take %d bytes", size)
	}
	if sum := f.Summary(journey.Evidence{}); sum.Verdict != journey.InTransit || sum.Over {
		t.Errorf("%s: %s", sum.Verdict, sum.Reason)
	}
	for n := range journey.MaxMoments {
		r := record.Record{Kind: record.KindHopStart, Time: caughtUp, Service: "bank", Node: "bank-2", Sequence: uint64(1 + n), SpanID: fmt.Sprint(n), SpanKind: "server", CorrelationID: "x"}
		f.Add(&r)
	}
	if sum := f.Summary(journey.Evidence{}); sum.Verdict != journey.Unconfirmed || !sum.Over {
		t.Errorf("%s: %s", sum.Verdict, sum.Reason)
	}
}

func TestASummaryKnowsWhenToLookAgain(t *testing.T) {
	var f journey.Fold
	for _, r := range ordered().records {
		f.Add(&r)
	}
	ev := journey.Evidence{AsOf: caughtUp.Add(time.Second), Groups: []journey.Group{groupAt("game", 17, 0, time.Second)}}
	if next := f.Next(ev); !next.Equal(caughtUp.Add(time.Minute + 2*time.Millisecond)) {
		t.Errorf("a message that waits: %v", next)
	}
	deadline := caughtUp.Add(time.Minute + 2*time.Millisecond)
	for late, wait := range map[time.Duration]time.Duration{0: 2 * time.Second, time.Second: 2 * time.Second, time.Minute: 30 * time.Second, 24 * time.Hour: time.Hour} {
		ev.AsOf = deadline.Add(late)
		if next := f.Next(ev); !next.Equal(ev.AsOf.Add(wait)) {
			t.Errorf("one that is late by %v is looked for after %v, want %v", late, next.Sub(ev.AsOf), wait)
		}
	}
	asked := 0
	for ev.AsOf = deadline; ev.AsOf.Before(deadline.AddDate(0, 0, 1)); ev.AsOf = f.Next(ev) {
		asked++
	}
	if asked > 50 {
		t.Errorf("a journey that waits for ever is judged %d times on its first day", asked)
	}
	var done journey.Fold
	for _, r := range golden(t, "visit", "") {
		done.Add(&r)
	}
	if next := done.Next(ev); !next.IsZero() {
		t.Errorf("nobody is awaited: %v", next)
	}
}

func FuzzParseFold(f *testing.F) {
	for _, name := range []string{"purchase", "batch", "otel"} {
		b, err := os.ReadFile("../record/testdata/" + name + ".ndjson")
		if err != nil {
			f.Fatal(err)
		}
		var fold journey.Fold
		for line := range bytes.SplitSeq(bytes.TrimSpace(b), []byte("\n")) {
			r, err := record.Decode(line)
			if err != nil {
				f.Fatal(err)
			}
			fold.Add(&r)
		}
		f.Add(fold.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fold, err := journey.ParseFold(b)
		if err != nil {
			if !errors.Is(err, journey.ErrFold) {
				t.Fatal(err)
			}
			return
		}
		fold.Summary(journey.Evidence{AsOf: caughtUp})
	})
}

package journey_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// passedOn is a finding as whoever reads JSON has it.
func passedOn(t *testing.T, f journey.Finding) *journey.Finding {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var out journey.Finding
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestTheReasonIsWhatTheFindingSays(t *testing.T) {
	met := map[journey.Code]bool{}
	f := func(name string, records []record.Record, ev journey.Evidence) {
		t.Helper()
		for n := 0; n <= len(records); n++ {
			j := journey.Build(records[:n], ev)
			for said, found := range map[string]journey.Finding{j.Reason: j.Finding, j.CompletenessReason: j.CompletenessFinding} {
				met[found.Code] = true
				if got := passedOn(t, found).String(); got != said || said == "" {
					t.Errorf("%s, %d records: %+v says %q, the journey %q", name, n, found, got, said)
				}
			}
		}
	}
	for _, name := range []string{"purchase", "interleaved", "failed", "lost", "dropped", "replay", "otel"} {
		f(name, golden(t, name, ""), journey.Evidence{AsOf: caughtUp})
	}
	f("lost", golden(t, "lost", ""), journey.Evidence{AsOf: caughtUp, Ledgers: ledgers(t, "lost")})
	f("partial", golden(t, "lost", ""), journey.Evidence{Partial: true})
	if len(met) < 15 {
		t.Errorf("only %d codes were met: %v", len(met), met)
	}
}

func TestEveryCodeHasASentenceOfItsOwn(t *testing.T) {
	partition, offset, at, within := int32(3), int64(17), caughtUp, time.Minute
	said := map[string]journey.Code{}
	for _, code := range journey.Codes() {
		f := journey.Finding{
			Code: code, Service: "bank", Also: []string{"game"}, Operation: "POST /purchases", Awaited: "mail", Topic: "shop.orders", Group: "mailers",
			Partition: &partition, Offset: &offset, Committed: &offset, At: &at, Within: &within, Status: 500, Declared: "failed", Saga: "s-1", Count: 7, Here: 5, Number: 6, Why: "no money",
		}
		s := f.String()
		if before := said[s]; s == "" || before != "" || strings.Contains(s, "%!") {
			t.Errorf("%s says %q, and so does %q", code, s, before)
		}
		said[s] = code
		if s := (&journey.Finding{Code: code}).String(); s == "" || strings.Contains(s, "%!") {
			t.Errorf("%s without what it is about says %q", code, s)
		}
	}
	if s := (&journey.Finding{Code: "of a version to come"}).String(); s != "" {
		t.Errorf("a code that is not known says %q", s)
	}
}

// What a page in another language needs is there, not only in the sentence.
func TestAFindingHasWhatItsSentenceHas(t *testing.T) {
	s := newScript()
	s.begin("bank-1", "b1", "", "server")
	s.send("bank-1", "b1", "p1", "shop.orders", 41)
	s.end("bank-1", "b1", "", "server")
	j := s.build(journey.Evidence{AsOf: caughtUp.Add(time.Hour), Groups: []journey.Group{{
		Name: "game", Topic: "shop.orders", Committed: 40, Members: true, AsOf: caughtUp.Add(time.Hour),
		Ends: []journey.End{{Time: caughtUp.Add(time.Minute), Offset: 42}},
	}}})
	f := passedOn(t, j.Finding)
	if j.Verdict != journey.Stalled || f.Code != journey.GroupBehind || f.Service != "bank" || f.Group != "game" || f.Topic != "shop.orders" ||
		f.Partition == nil || *f.Partition != 0 || f.Offset == nil || *f.Offset != 41 || f.Committed == nil || *f.Committed != 40 || f.At == nil || !f.At.Equal(*j.Since) || f.Deserted {
		t.Errorf("%s: %s: %+v", j.Verdict, j.Reason, j.Finding)
	}

	s = newScript()
	s.begin("bank-1", "b1", "", "server")
	s.expect("bank-1", "b1", "game", 30*time.Second)
	s.end("bank-1", "b1", "", "server")
	j = s.build(journey.Evidence{AsOf: caughtUp.Add(time.Hour)})
	f = passedOn(t, j.Finding)
	if j.Verdict != journey.Stalled || f.Code != journey.NeverCame || f.Service != "bank" || f.Awaited != "game" || f.Within == nil || *f.Within != 30*time.Second || f.At == nil || !f.At.Add(*f.Within).Equal(*j.Since) {
		t.Errorf("%s: %s: %+v", j.Verdict, j.Reason, j.Finding)
	}

	s = newScript()
	s.begin("bank-1", "b1", "", "server")
	s.end("bank-1", "b1", "", "server").Outcome = record.Failure
	s.records[len(s.records)-1].Error = record.Error{Message: "no money"}
	j = s.build(journey.Evidence{AsOf: caughtUp})
	if f = passedOn(t, j.Finding); f.Code != journey.HopFailed || f.Service != "bank" || f.Operation != "server b1" || f.Why != "no money" || f.At == nil {
		t.Errorf("%s: %s: %+v", j.Verdict, j.Reason, j.Finding)
	}
}

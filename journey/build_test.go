package journey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// golden reads a golden journey's records, those of one correlation ID if key is not empty.
func golden(t testing.TB, name, key string) []record.Record {
	t.Helper()
	b, err := os.ReadFile("../record/testdata/" + name + ".ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var out []record.Record
	for line := range bytes.SplitSeq(bytes.TrimSpace(b), []byte("\n")) {
		r, err := record.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		if key == "" || r.CorrelationKey == key {
			out = append(out, r)
		}
	}
	return out
}

func ledgers(t testing.TB, name string) (out []record.Ledger) {
	t.Helper()
	b, err := os.ReadFile("../record/testdata/" + name + ".ledgers.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func journeyID(letter string) string { return "019ab12c3d4e" + strings.Repeat(letter, 20) }

var caughtUp = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

func TestAPurchaseIsDelivered(t *testing.T) {
	for _, name := range []string{"purchase", "interleaved"} {
		j := journey.Build(golden(t, name, journeyID("a")), journey.Evidence{AsOf: caughtUp})
		if j.Verdict != journey.Delivered || j.Reason != "bank declared it delivered" {
			t.Errorf("%s: %s: %s", name, j.Verdict, j.Reason)
		}
		if j.Completeness != journey.Proved {
			t.Errorf("%s: %s: %s", name, j.Completeness, j.CompletenessReason)
		}
		if j.CorrelationID != journeyID("a") || j.Kind != "POST /purchases" || len(j.Records) != 19 || !j.AsOf.Equal(caughtUp) {
			t.Errorf("%s: %s %s %d records, as of %v", name, j.CorrelationID, j.Kind, len(j.Records), j.AsOf)
		}
		var track []string
		for _, h := range j.Hops {
			track = append(track, h.Service+" "+h.Name)
			if h.End == nil || h.Outcome != journey.Success {
				t.Errorf("%s: hop %s of %s: %s", name, h.Name, h.Service, h.Outcome)
			}
		}
		if got, want := strings.Join(track, ", "), "gateway POST /purchases, bank POST /orders, bank send shop.orders, "+
			"game process shop.orders, game send shop.confirmations, bank process shop.confirmations"; got != want {
			t.Errorf("%s: track\n got %s\nwant %s", name, got, want)
		}
		var stations []string
		for _, s := range j.Stations {
			stations = append(stations, s.Service)
		}
		if !slices.Equal(stations, []string{"gateway", "bank", "game"}) {
			t.Errorf("%s: stations %v", name, stations)
		}
	}
}

func TestTimeInTheQueueIsALegOfItsOwn(t *testing.T) {
	j := journey.Build(golden(t, "purchase", ""), journey.Evidence{})
	var got []string
	for _, l := range j.Legs {
		leg := l.Transport
		if l.Transport == journey.OverKafka {
			leg += fmt.Sprintf(" %s/%d/%d to %s", l.Topic, *l.Partition, *l.Offset, l.Group)
		}
		got = append(got, leg+" "+l.Duration.String())
	}
	want := []string{"http 1.1ms", "local 600µs", "kafka shop.orders/1/15 to game 6.2ms", "local 300µs", "kafka shop.confirmations/0/15 to bank 8.2ms"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestVerdicts(t *testing.T) {
	type want struct {
		verdict journey.Verdict
		reason  string
	}
	f := func(name string, records []record.Record, ev journey.Evidence, w want) {
		t.Helper()
		j := journey.Build(records, ev)
		if j.Verdict != w.verdict || !strings.Contains(j.Reason, w.reason) {
			t.Errorf("%s: %s: %s\nwant %s: %s", name, j.Verdict, j.Reason, w.verdict, w.reason)
		}
	}
	all := golden(t, "purchase", "")
	none := journey.Evidence{}
	undeclared := slices.Clone(all)
	for i := range undeclared {
		if undeclared[i].Kind == record.KindOutcome {
			undeclared[i].Kind, undeclared[i].Declared = record.KindLog, ""
		}
	}

	f("no records", nil, none, want{journey.Unconfirmed, "no records"})
	f("the first record only", all[:1], none, want{journey.InTransit, "gateway has not finished POST /purchases"})
	for n := 1; n < len(all)-1; n++ {
		j := journey.Build(all[:n], none)
		if j.Verdict != journey.InTransit && (j.Verdict != journey.Unconfirmed || !strings.Contains(j.Reason, "hop has ended")) {
			t.Errorf("after %d records: %s: %s", n, j.Verdict, j.Reason)
		}
	}
	f("a message on its way", all[:10], none, want{journey.InTransit, "nobody has picked up the message that bank sent to shop.orders"})
	f("the bank's last hop is open", all[:len(all)-1], none, want{journey.InTransit, "bank has not finished process shop.confirmations"})
	f("nobody declares it", undeclared, none, want{journey.Unconfirmed, "gateway answered 202"})
	f("the request is answered, the outbox is not sent", all[:8], none, want{journey.Unconfirmed, "bank sent 1 times in POST /orders, 0 of them are here"})
	accepted := golden(t, "visit", "")
	accepted[len(accepted)-1].HTTP.Status = 202
	f("accepted, and nothing handed on", accepted, none, want{journey.Unconfirmed, "202 Accepted, which promises work to come"})
	f("a route is not fulfilled", all, journey.Evidence{Routes: []journey.Route{{Topic: "shop.orders", Stations: []string{"game", "audit"}}}},
		want{journey.InTransit, "audit has not picked up the message that bank sent to shop.orders"})
	f("routes are fulfilled", all, journey.Evidence{Routes: []journey.Route{{Topic: "shop.orders", Stations: []string{"game"}}}}, want{journey.Delivered, "bank"})
	f("too many records", all, journey.Evidence{Partial: true}, want{journey.Unconfirmed, "only the earliest 19 records"})

	f("one attempt failed, the next did not", golden(t, "retried", ""), none, want{journey.Unconfirmed, "no route tells"})
	f("between the attempts", golden(t, "retried", "")[:4], none, want{journey.Exception, "game failed in process shop.orders: the game is withdrawn"})
	f("during the second", golden(t, "retried", "")[:5], none, want{journey.InTransit, "game has not finished process shop.orders"})
	f("declared failed", golden(t, "failed", ""), none, want{journey.Exception, "game declared it failed: the game is withdrawn"})
	f("a killed instance's work done again", golden(t, "replay", ""), none, want{journey.Delivered, "game declared it"})
	done := slices.Clone(undeclared)
	for i := range done {
		if done[i].HTTP.Status == 202 {
			done[i].HTTP.Status = 201
		}
	}
	routes := []journey.Route{{Topic: "shop.orders", Stations: []string{"game"}}, {Topic: "shop.confirmations", Stations: []string{"bank"}}}
	f("routes say who is expected, all came", done, journey.Evidence{Routes: routes}, want{journey.Delivered, "everything sent was picked up"})
	f("one topic has no route", done, journey.Evidence{Routes: routes[:1]}, want{journey.Unconfirmed, "who else picks up shop.confirmations"})
	f("http only, counted and answered", golden(t, "visit", ""), none, want{journey.Delivered, "every hop ended well"})
	f("answered 201, and its outbox is not sent", done[:8], none, want{journey.Unconfirmed, "bank sent 1 times in POST /orders, 0 of them are here"})
	f("a service that counts nothing", golden(t, "otel", ""), none, want{journey.Unconfirmed, "checkout does not count"})
	f("log records only", []record.Record{{Time: caughtUp, Node: "n", Sequence: 1, CorrelationID: "a"}}, none, want{journey.Unconfirmed, "log records only"})

	refused := golden(t, "lost", "")
	refused[len(refused)-1].HTTP.Status = 402
	f("the caller was refused", refused, none, want{journey.Exception, "gateway answered GET / with 402 Payment Required"})

	// The bank failed; the gateway coped and answered well.
	coped := golden(t, "otel", "")
	for i := range coped {
		if coped[i].Kind == record.KindHopEnd && coped[i].Service == "bank" {
			coped[i].Outcome = record.Failure
		}
	}
	f("a caller that coped", coped, none, want{journey.Unconfirmed, "checkout does not count"})
	for i := range coped {
		if coped[i].Kind == record.KindHopEnd && coped[i].SpanKind == "server" {
			coped[i].Outcome = record.Failure
		}
	}
	f("a caller that did not", coped, none, want{journey.Exception, "failed in"})
}

func TestOnlyALedgerProvesLoss(t *testing.T) {
	f := func(name string, ev journey.Evidence, want journey.Completeness, gaps int) {
		t.Helper()
		j := journey.Build(golden(t, name, ""), ev)
		if j.Completeness != want || len(j.Gaps) != gaps {
			t.Errorf("%s: %s (%s), gaps %v; want %s, %d", name, j.Completeness, j.CompletenessReason, j.Gaps, want, gaps)
		}
		if gaps == 1 && !slices.Equal(j.Gaps[0].Numbers, []uint64{3, 4}) {
			t.Errorf("%s: gap %v", name, j.Gaps[0])
		}
	}
	f("lost", journey.Evidence{AsOf: caughtUp}, journey.Unproved, 0)
	f("lost", journey.Evidence{AsOf: caughtUp, Ledgers: ledgers(t, "lost")}, journey.Lossy, 1)
	f("lost", journey.Evidence{AsOf: caughtUp.AddDate(0, 0, -1), Ledgers: ledgers(t, "lost")}, journey.Unproved, 0) // the collector lags
	f("lost", journey.Evidence{Ledgers: ledgers(t, "lost")}, journey.Unproved, 0)
	f("dropped", journey.Evidence{AsOf: caughtUp, Ledgers: ledgers(t, "dropped")}, journey.Unproved, 0)
	unsettled := ledgers(t, "lost")
	unsettled[0].Unsettled = 4
	f("lost", journey.Evidence{AsOf: caughtUp, Ledgers: unsettled}, journey.Unproved, 0)
	f("purchase", journey.Evidence{AsOf: caughtUp}, journey.Proved, 0)
	f("replay", journey.Evidence{AsOf: caughtUp}, journey.Unproved, 0) // a hop that never ended
	f("otel", journey.Evidence{AsOf: caughtUp}, journey.Unproved, 0)   // a service that counts nothing
}

// A customer who has the money back has not received the parcel.
func TestWhatIsUndoneIsReturned(t *testing.T) {
	// said is a golden journey whose outcome records say something else.
	said := func(name, declared, reason string) []record.Record {
		rs := golden(t, name, "")
		for i := range rs {
			if rs[i].Kind == record.KindOutcome {
				rs[i].Declared, rs[i].Reason, rs[i].Error = declared, reason, record.Error{}
				rs[i].Saga = record.Saga{ID: "s-1", Step: "credit", Phase: record.Compensate}
			}
		}
		return rs
	}
	// and is rs with one more declaration, in the same hop right behind the last.
	and := func(rs []record.Record, declared, saga string) []record.Record {
		n := slices.IndexFunc(rs, func(r record.Record) bool { return r.Kind == record.KindOutcome })
		more := rs[n]
		more.ID, more.Sequence, more.Time = "more", 0, more.Time.Add(1)
		more.Declared, more.Reason, more.Saga.ID = declared, "", saga
		return append(slices.Clone(rs), more)
	}
	f := func(name string, rs []record.Record, verdict journey.Verdict, reason string, sagas ...journey.Saga) {
		t.Helper()
		j := journey.Build(rs, journey.Evidence{AsOf: caughtUp})
		if j.Verdict != verdict || j.Reason != reason {
			t.Errorf("%s: %s: %s\nwant %s: %s", name, j.Verdict, j.Reason, verdict, reason)
		}
		if !slices.EqualFunc(j.Sagas, sagas, func(a, b journey.Saga) bool { return a.ID == b.ID && a.Verdict == b.Verdict }) {
			t.Errorf("%s: sagas %v, want %v", name, j.Sagas, sagas)
		}
	}
	saga := func(id string, v journey.Verdict) journey.Saga { return journey.Saga{ID: id, Verdict: v} }

	returned := said("purchase", record.Returned, "out of stock")
	f("with a reason", returned, journey.Returned, "bank declared it returned: out of stock", saga("s-1", journey.Returned))
	f("without", said("purchase", record.Returned, ""), journey.Returned, "bank declared it returned", saga("s-1", journey.Returned))
	f("its hop is open", returned[:len(returned)-1], journey.InTransit, "bank has not finished process shop.confirmations, begun at 14:00:00.016 UTC", saga("s-1", journey.Returned))
	f("one saga of two", and(returned, record.Delivered, "s-2"), journey.Returned, "bank declared it returned: out of stock", saga("s-1", journey.Returned), saga("s-2", journey.Delivered))
	f("the other saga failed", and(returned, record.Failed, "s-2"), journey.Exception, "bank declared it failed", saga("s-1", journey.Returned), saga("s-2", journey.Exception))
	f("delivered after all", and(returned, record.Delivered, "s-1"), journey.Delivered, "bank declared it delivered", saga("s-1", journey.Delivered))
	f("undone later", and(said("purchase", record.Delivered, ""), record.Returned, "s-1"), journey.Returned, "bank declared it returned", saga("s-1", journey.Returned))
	f("a word from the future", and(returned, "lent", "s-1"), journey.Returned, "bank declared it returned: out of stock", saga("s-1", journey.Returned))

	// The game's first attempt fails; the second undoes it and ends well.
	undone := said("failed", record.Returned, "the game is withdrawn")
	f("it fails after that", undone, journey.Exception, "game failed in process shop.orders: the game is withdrawn", saga("s-1", journey.Returned))
	undone[len(undone)-1].Outcome = record.Success
	undone[len(undone)-1].SpanName = "compensate" // other work than the first, so no second attempt
	undone[len(undone)-3].SpanName = "compensate"
	f("a failure before that is made good", undone, journey.Returned, "game declared it returned: the game is withdrawn", saga("s-1", journey.Returned))
}

// A ledger tells what led to what, however far off the services' clocks are.
func TestStepsOfASagaStandInTheOrderOfCause(t *testing.T) {
	step := map[string]string{"gateway": "order", "bank": "debit", "game": "credit"}
	for _, off := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
		rs := golden(t, "purchase", "")
		for i := range rs {
			r := &rs[i]
			r.Saga = record.Saga{ID: "s-1", Step: step[r.Service]}
			if r.Service == "game" {
				r.Time = r.Time.Add(off)
			}
		}
		j := journey.Build(rs, journey.Evidence{AsOf: caughtUp})
		var got []string
		for _, s := range j.Sagas[0].Steps {
			got = append(got, s.Name)
		}
		if want := []string{"order", "debit", "credit"}; !slices.Equal(got, want) {
			t.Errorf("the game's clock off by %v: steps %q, want %q", off, got, want)
		}
	}
}

// Whatever is missing, one record, several, or hops whole, completeness is never
// called proved.
func TestAMissingRecordIsNeverCalledProved(t *testing.T) {
	all := golden(t, "purchase", "")
	for n := range all {
		some := slices.Delete(slices.Clone(all), n, n+1)
		if j := journey.Build(some, journey.Evidence{AsOf: caughtUp}); j.Completeness == journey.Proved {
			t.Errorf("without %s (%s of %s) it is proved", all[n].Identity(), all[n].Kind, all[n].Service)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		hops := map[string]bool{}
		some := slices.DeleteFunc(slices.Clone(all), func(r record.Record) bool {
			drop, ok := hops[r.Hop()]
			if !ok {
				drop = rapid.Bool().Draw(rt, r.Hop())
				hops[r.Hop()] = drop
			}
			return drop || rapid.IntRange(0, 20).Draw(rt, "one") == 0
		})
		if len(some) == len(all) {
			return
		}
		if j := journey.Build(some, journey.Evidence{AsOf: caughtUp}); j.Completeness == journey.Proved {
			rt.Fatalf("%d of %d records are proved to be all", len(some), len(all))
		}
	})
}

func TestFanInKeepsAllCauses(t *testing.T) {
	j := journey.Build(golden(t, "batch", ""), journey.Evidence{})
	causes := 0
	for _, l := range j.Legs {
		if strings.HasPrefix(l.To, "a") && strings.HasSuffix(l.To, "3") {
			causes++
		}
	}
	if causes != 3 {
		t.Errorf("the report has %d causes, want 3: %+v", causes, j.Legs)
	}
	for _, letter := range []string{"a", "b", "c"} {
		one := journey.Build(golden(t, "batch", journeyID(letter)), journey.Evidence{})
		if n := slices.IndexFunc(one.Hops, func(h journey.Hop) bool { return h.Kind == "consumer" }); n < 0 || one.Hops[n].Parent == "" {
			t.Errorf("journey %s: the batch's hop is not its own: %+v", letter, one.Hops)
		}
	}
}

func TestAMessageWhoseHeadersWereLostIsFoundByOffset(t *testing.T) {
	records := golden(t, "purchase", "")
	for i := range records {
		if records[i].SpanKind == "consumer" {
			records[i].ParentID, records[i].TraceID = "", strings.Repeat("9", 32)
		}
	}
	j := journey.Build(records, journey.Evidence{})
	if j.Verdict != journey.Delivered {
		t.Errorf("%s: %s", j.Verdict, j.Reason)
	}
	for _, h := range j.Hops {
		if h.Kind == "consumer" && h.Parent == "" {
			t.Errorf("%s of %s has no parent", h.Name, h.Service)
		}
	}
}

func TestSelect(t *testing.T) {
	of := func(ids ...string) (out []record.Record) {
		for i, id := range ids {
			out = append(out, record.Record{Node: "n", Sequence: uint64(i + 1), CorrelationID: id})
		}
		return out
	}
	const uuid = "0199c1d2-aaaa-4bbb-8ccc-0123456789ab"
	f := func(records []record.Record, id string, selected int, candidates ...string) {
		t.Helper()
		got, others := journey.Select(records, id)
		if len(got) != selected || !slices.Equal(others, candidates) {
			t.Errorf("%s: %d selected, candidates %v; want %d, %v", id, len(got), others, selected, candidates)
		}
	}
	f(of(uuid, strings.ToUpper(uuid), strings.ReplaceAll(uuid, "-", "")), "{"+uuid+"}", 3)
	f(of("Order-1", "Order-1"), "order-1", 2)
	f(of("Order-1", "order-1", "order-1"), "order-1", 2)
	f(of("Order-1", "order-1"), "ORDER-1", 0, "Order-1", "order-1")
	f(of("Order-1", "order-1"), "Order-1", 1)
	f(of(strings.ToUpper(uuid), uuid, "x"), "y", 0, strings.ToUpper(uuid), "x")
	f(nil, "x", 0)
}

func asJSON(t testing.TB, j *journey.Journey) string {
	t.Helper()
	b, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnyOrderAndRepetitionGiveTheSameJourney(t *testing.T) {
	for _, name := range []string{"purchase", "interleaved", "batch", "replay", "otel", "retried", "failed", "lost"} {
		original := golden(t, name, "")
		want := asJSON(t, journey.Build(original, journey.Evidence{AsOf: caughtUp}))
		rapid.Check(t, func(rt *rapid.T) {
			some := append(slices.Clone(original), rapid.SliceOf(rapid.SampledFrom(original)).Draw(rt, "again")...)
			shuffled := rapid.Permutation(some).Draw(rt, "order")
			if got := asJSON(t, journey.Build(shuffled, journey.Evidence{AsOf: caughtUp})); got != want {
				rt.Fatalf("%s:\n got %s\nwant %s", name, got, want)
			}
		})
	}
}

// Clocks that are minutes apart never turn cause and effect around.
func TestSkewedClocksDoNotChangeTheOrder(t *testing.T) {
	original := golden(t, "interleaved", "")
	rapid.Check(t, func(rt *rapid.T) {
		skew := map[string]time.Duration{}
		skewed := slices.Clone(original)
		for i := range skewed {
			node := skewed[i].Node
			if _, ok := skew[node]; !ok {
				skew[node] = time.Duration(rapid.Int64Range(int64(-5*time.Minute), int64(5*time.Minute)).Draw(rt, node))
			}
			skewed[i].Time = skewed[i].Time.Add(skew[node])
		}
		j := journey.Build(skewed, journey.Evidence{})
		place := map[string]int{}
		for i, r := range j.Records {
			place[r.Identity()] = i
		}
		starts := map[string]int{}
		for i, r := range j.Records {
			if r.Sequence > 1 && place[record.EventID(r.Node, r.Sequence-1)] > i {
				rt.Fatalf("%s stands before its predecessor", r.Identity())
			}
			if r.Kind == record.KindHopStart {
				starts[r.SpanID] = i
			}
		}
		for _, r := range j.Records {
			if parent, ok := starts[r.ParentID]; ok && r.Kind == record.KindHopStart && parent > starts[r.SpanID] {
				rt.Fatalf("%s stands before %s, which caused it", r.SpanID, r.ParentID)
			}
		}
	})
}

// brokenRecords are records of which anything may be wrong.
func brokenRecords(rt *rapid.T) (records []record.Record) {
	id := rapid.SampledFrom([]string{"", "a", "b", "c", "d"})
	seen := map[string]bool{}
	for n := range rapid.IntRange(0, 30).Draw(rt, "records") {
		r := record.Record{
			Time:    caughtUp.Add(time.Duration(rapid.Int64Range(-5, 5).Draw(rt, "time"))),
			Service: id.Draw(rt, "service"), Node: id.Draw(rt, "node"), Sequence: rapid.Uint64Range(0, 9).Draw(rt, "sequence"), CorrelationID: "x",
			Kind:   rapid.SampledFrom([]record.Kind{record.KindLog, record.KindHopStart, record.KindHopEnd, record.KindOutcome, record.KindExpect, record.KindAlias, "future"}).Draw(rt, "kind"),
			SpanID: id.Draw(rt, "span"), ParentID: id.Draw(rt, "parent"), HopID: id.Draw(rt, "hop"),
			SpanKind:    rapid.SampledFrom([]string{"server", "client", "consumer", "producer", "internal", "?"}).Draw(rt, "kind of span"),
			HopSequence: rapid.Uint64().Draw(rt, "hop.sequence"), HopRecords: rapid.Uint64().Draw(rt, "hop.records"), HopSends: rapid.Uint64().Draw(rt, "sends"),
			Duration: time.Duration(rapid.Int64().Draw(rt, "duration")), Outcome: rapid.SampledFrom([]string{"", "success", "failure", "?"}).Draw(rt, "outcome"),
			Declared:  rapid.SampledFrom([]string{"", "delivered", "returned", "failed", "?"}).Draw(rt, "declared"),
			Expect:    record.Expect{Station: id.Draw(rt, "station"), Within: time.Duration(rapid.Int64().Draw(rt, "within"))},
			Messaging: record.Messaging{Topic: id.Draw(rt, "topic"), Offset: rapid.Int64().Draw(rt, "offset"), HasOffset: rapid.Bool().Draw(rt, "placed"), Group: id.Draw(rt, "group")},
			Saga:      record.Saga{ID: id.Draw(rt, "saga"), Step: id.Draw(rt, "step"), Phase: id.Draw(rt, "phase")},
			Links:     []record.Link{{SpanID: id.Draw(rt, "link")}},
		}
		if r.Sequence == 0 {
			r.ID = fmt.Sprint(n)
		}
		if !seen[r.Identity()] {
			seen[r.Identity()] = true
			records = append(records, r)
		}
	}
	return records
}

// Whatever is written, there is a journey, with every record in it once, which does not
// differ from itself.
func TestBrokenRecordsAreStillAJourney(t *testing.T) { rapid.Check(t, stillAJourney) }

func FuzzBuild(f *testing.F) { f.Fuzz(rapid.MakeFuzz(stillAJourney)) }

func stillAJourney(rt *rapid.T) {
	records := brokenRecords(rt)
	ev := journey.Evidence{
		AsOf: caughtUp, Ledgers: []record.Ledger{{Node: "a", Unsettled: 100}}, Routes: []journey.Route{{Topic: "a", Stations: []string{"b"}, Groups: []string{"c"}}},
		Groups: []journey.Group{{Name: "a", Topic: "a"}, {Name: "c", Topic: "b", Members: true}},
	}
	twice := append(slices.Clone(records), records...)
	j := journey.Build(twice, ev)
	if len(j.Records) != len(records) {
		rt.Fatalf("%d records in, %d out", len(records), len(j.Records))
	}
	if j.Verdict == "" || j.Reason == "" || j.Completeness == "" {
		rt.Fatalf("no answer: %+v", j)
	}
	if d := journey.Diff(j, j); d.First != nil {
		rt.Fatalf("it differs from itself: %s", d.First.Text)
	}
	var l journey.Learner
	for range journey.Enough {
		l.Add(j.Course())
	}
	u := l.Usual()
	if d := u.Diff(j); d.First != nil {
		rt.Fatalf("it is not as usual, which is itself: %s", d.First.Text)
	}
}

// foreign is what a service without Waybill sends over OpenTelemetry: no numbers, no hop.id.
func foreign(service, span, parent, kind string, at int) []record.Record {
	start := caughtUp.Add(time.Duration(at) * time.Millisecond)
	r := record.Record{
		Time: start, Service: service, Kind: record.KindHopStart, CorrelationID: journeyID("f"), TraceID: journeyID("f"),
		SpanID: span, ParentID: parent, SpanName: kind + " " + span, SpanKind: kind, ID: span + "-start",
	}
	end := r
	end.Kind, end.Time, end.ID, end.Duration, end.Outcome = record.KindHopEnd, start.Add(time.Millisecond), span+"-end", time.Millisecond, record.Success
	return []record.Record{r, end}
}

func TestForeignSpansAreHopsOfTheirService(t *testing.T) {
	records := slices.Concat(
		foreign("cart", "a1", "", "server", 0),
		foreign("cart", "a2", "a1", "internal", 1),
		foreign("cart", "a3", "a2", "client", 2),
		foreign("stock", "b1", "a3", "server", 3),
		foreign("cart", "c1", "a1", "producer", 4),
		foreign("mail", "d1", "c1", "consumer", 5),
		foreign("mail", "d2", "d3", "internal", 6), // each other's parents
		foreign("mail", "d3", "d2", "internal", 6),
		[]record.Record{
			{Time: caughtUp, Service: "cart", ID: "log-1", CorrelationID: journeyID("f"), TraceID: journeyID("f"), SpanID: "a2", Message: "inside"},
			{Time: caughtUp, Service: "cart", ID: "log-2", CorrelationID: journeyID("f"), TraceID: journeyID("f"), SpanID: "ee", Message: "of a span nobody reports"},
		},
	)
	j := journey.Build(records, journey.Evidence{AsOf: caughtUp})
	var hops, legs []string
	for _, h := range j.Hops {
		hops = append(hops, fmt.Sprintf("%s %s<%s %d records, %d sends", h.Service, h.ID, h.Parent, h.Records, h.Sends))
		if h.Outcome != journey.Success {
			t.Errorf("hop %s is %s", h.ID, h.Outcome)
		}
	}
	for _, l := range j.Legs {
		legs = append(legs, l.From+" "+l.Transport+" "+l.To)
	}
	want := []string{"cart a1< 9 records, 2 sends", "stock b1<a1 2 records, 0 sends", "mail d1<a1 2 records, 0 sends", "mail d2< 4 records, 0 sends"}
	if !slices.Equal(hops, want) {
		t.Errorf("hops\n got %q\nwant %q", hops, want)
	}
	if want := []string{"a1 http b1", "a1 kafka d1"}; !slices.Equal(legs, want) {
		t.Errorf("legs %q, want %q", legs, want)
	}
	if j.Verdict != journey.Unconfirmed || j.Completeness != journey.Unproved {
		t.Errorf("%s (%s), %s", j.Verdict, j.Reason, j.Completeness)
	}
}

func TestWordsThatNobodyAgreedOnAreNotPassedOn(t *testing.T) {
	f := func(kind, outcome, wantKind, wantOutcome string) {
		t.Helper()
		records := foreign("cart", "a1", "", kind, 0)
		records[1].Outcome = outcome
		if h := journey.Build(records, journey.Evidence{}).Hops[0]; h.Kind != wantKind || h.Outcome != wantOutcome {
			t.Errorf("%q, %q became %q, %q", kind, outcome, h.Kind, h.Outcome)
		}
	}
	f("server", "success", "server", journey.Success)
	f("internal", "failure", "internal", journey.Failure)
	f("", "", "", journey.Success)
	f("CONSUMER", "unknown", "", journey.Unknown)
	f("<b>", "perhaps", "", journey.Unknown)
}

// A service may write records and export its spans as well.
func TestWhatOpenTelemetryRepeatsChangesNothing(t *testing.T) {
	records := golden(t, "purchase", "")
	want := journey.Build(records, journey.Evidence{AsOf: caughtUp})
	for _, r := range golden(t, "purchase", "") {
		if r.Kind == record.KindHopStart || r.Kind == record.KindHopEnd {
			r.ID, r.Sequence, r.HopSequence, r.HopRecords, r.HopSends, r.HopID, r.Node = r.Identity()+"-otlp", 0, 0, 0, 0, "", ""
			r.Time = r.Time.Add(-time.Nanosecond)
			records = append(records, r)
		}
	}
	got := journey.Build(records, journey.Evidence{AsOf: caughtUp})
	if got.Verdict != want.Verdict || got.Completeness != want.Completeness || len(got.Hops) != len(want.Hops) || len(got.Legs) != len(want.Legs) {
		t.Errorf("%s (%s), %s (%s), %d hops, %d legs", got.Verdict, got.Reason, got.Completeness, got.CompletenessReason, len(got.Hops), len(got.Legs))
	}
}

func TestAJourneyIsNotNamedAfterATraceThatIsPartOfIt(t *testing.T) {
	records := foreign("cart", "a1", "", "server", 0)
	named := foreign("stock", "b1", "a1", "server", 1)
	for i := range named {
		named[i].CorrelationID, named[i].CorrelationKey = "Order-7", "order-7"
	}
	for i := range records {
		records[i].CorrelationKey = records[i].CorrelationID
	}
	if j := journey.Build(append(records, named...), journey.Evidence{}); j.CorrelationID != "Order-7" || len(j.Hops) != 2 {
		t.Errorf("%s, %d hops", j.CorrelationID, len(j.Hops))
	}
	if j := journey.Build(records, journey.Evidence{}); j.CorrelationID != journeyID("f") {
		t.Errorf("alone it is %s", j.CorrelationID)
	}
}

package journey_test

import (
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// ordered is a request to the bank, which sends a message to orders at offset 17.
func ordered() *script {
	s := newScript()
	s.begin("bank-1", "b1", "", "server")
	s.send("bank-1", "b1", "p1", "orders", 17)
	s.end("bank-1", "b1", "", "server")
	return s
}

// groupAt is a group on partition 0 of orders, which has held 18 messages since a
// moment after the start.
func groupAt(name string, committed int64, since, asOf time.Duration) journey.Group {
	return journey.Group{
		Name: name, Topic: "orders", Committed: committed, Members: true, AsOf: caughtUp.Add(asOf),
		Ends: []journey.End{{Time: caughtUp.Add(-time.Hour), Offset: 17}, {Time: caughtUp.Add(since), Offset: 18}},
	}
}

func TestWhoIsAwaited(t *testing.T) {
	late := caughtUp.Add(4 * time.Minute)
	groups := func(gs ...journey.Group) journey.Evidence { return journey.Evidence{AsOf: late, Groups: gs} }
	route := func(ev journey.Evidence, r journey.Route) journey.Evidence {
		ev.Routes = append(ev.Routes, r)
		return ev
	}
	f := func(name string, s *script, ev journey.Evidence, verdict journey.Verdict, reason string) {
		t.Helper()
		j := s.build(ev)
		if j.Verdict != verdict || !strings.Contains(j.Reason, reason) {
			t.Errorf("%s: %s: %s\nwant %s: %s", name, j.Verdict, j.Reason, verdict, reason)
		}
	}

	game := groupAt("game", 17, time.Second, 4*time.Minute)
	f("a group stands before the message", ordered(), groups(game), journey.Stalled,
		"group game has not picked up the message that bank sent to orders at 15:00:00.002 UTC: it stands at offset 17 of partition 0, the message is 17")
	f("within the time there is", ordered(), groups(groupAt("game", 17, time.Second, 59*time.Second)), journey.InTransit, "game has not picked up")
	f("the horizon is not known", ordered(), journey.Evidence{Groups: []journey.Group{game}}, journey.InTransit, "game has not picked up")
	unseen := game
	unseen.Ends = unseen.Ends[:1]
	f("nobody saw the message arrive", ordered(), groups(unseen), journey.InTransit, "game has not picked up")
	gone := game
	gone.Members = false
	f("nobody is in the group, no route names it", ordered(), groups(gone), journey.InTransit, "nobody has picked up the message")
	f("nobody is in the group, a route names it", ordered(), route(groups(gone), journey.Route{Topic: "orders", Groups: []string{"game"}}), journey.Stalled, "nobody is in the group")
	f("a route names another group", ordered(), route(groups(game), journey.Route{Topic: "orders", Groups: []string{"audit"}}), journey.InTransit, "audit has not picked up")
	f("the route gives more time", ordered(), route(groups(game), journey.Route{Topic: "orders", Groups: []string{"game"}, Within: time.Hour}), journey.InTransit, "game has not picked up")

	taken := ordered()
	taken.process("game-1", "g1", "p1", "orders", "game", 17)
	f("its records tell that the group has picked it up", taken, groups(game), journey.Unconfirmed, "no route tells")
	passed := groupAt("game", 18, time.Second, 4*time.Minute)
	f("the group has gone past it, and its records are not here", ordered(), groups(passed), journey.Unconfirmed, "group game has gone past what bank sent to orders")
	f("one of two groups waits", taken, groups(game, groupAt("audit", 3, time.Second, 4*time.Minute)), journey.Stalled, "group audit has not picked up")
	f("another partition", ordered(), groups(journey.Group{Name: "game", Topic: "orders", Partition: 1, Members: true, AsOf: late}), journey.InTransit, "nobody has picked up")

	behind := groups(game)
	behind.Ledgers = []record.Ledger{
		{Time: late.Add(-20 * time.Second), Service: "game", Node: "game-1", Last: 50, Unsettled: 30},
		{Time: late.Add(-10 * time.Second), Service: "game", Node: "game-1", Last: 60, Unsettled: 30},
	}
	f("the station's records have not been shipped", ordered(), behind, journey.InTransit, "game has not picked up")
	behind.Ledgers[1].Unsettled = 51
	f("they have but for the latest", ordered(), behind, journey.Stalled, "group game")

	declared := route(journey.Evidence{AsOf: late}, journey.Route{Topic: "orders", Stations: []string{"game"}, Within: 30 * time.Second})
	f("a route's deadline, and no word of the sender's clock", ordered(), declared, journey.InTransit, "game has not picked up")
	declared.Ledgers = []record.Ledger{ordered().ledger("bank-1", 40*time.Second)}
	f("by the sender's clock it has passed", ordered(), declared, journey.Stalled, "game has not picked up the message that bank sent to orders at 15:00:00.002 UTC, and should have within 30s")
	declared.Ledgers[0].Time = caughtUp.Add(20 * time.Second)
	f("by the sender's clock it has not", ordered(), declared, journey.InTransit, "game")
	declared.AsOf = caughtUp.Add(6 * time.Minute)
	f("no clock is that wrong", ordered(), declared, journey.Stalled, "game")
}

func TestWhatWasExpectedAndDidNotCome(t *testing.T) {
	debited := func() *script {
		s := newScript()
		s.begin("gateway-1", "w1", "", "server")
		s.call("gateway-1", "w1", "c1", func() {
			s.begin("bank-1", "b1", "c1", "server")
			s.expect("bank-1", "b1", "game", 30*time.Second)
			s.end("bank-1", "b1", "c1", "server")
		})
		s.end("gateway-1", "w1", "", "server")
		return s
	}
	clocks := map[string]time.Duration{"bank-1": 0, "game-1": 0}
	f := func(name string, s *script, verdict journey.Verdict, asOf time.Duration, ls ...record.Ledger) {
		t.Helper()
		j := s.build(journey.Evidence{AsOf: caughtUp.Add(asOf), Ledgers: ls, Clocks: clocks})
		if j.Verdict != verdict {
			t.Errorf("%s: %s: %s", name, j.Verdict, j.Reason)
		}
		if verdict == journey.Stalled && (j.Reason != "bank expected game within 30s of 15:00:00.004 UTC, and it has not come" || j.VerdictHop != "b1" || !j.Since.Equal(caughtUp.Add(30*time.Second+4*time.Millisecond))) {
			t.Errorf("%s: %s, hop %s, since %v", name, j.Reason, j.VerdictHop, j.Since)
		}
	}
	s := debited()
	f("its time is not over", s, journey.Delivered, 20*time.Second, s.ledger("bank-1", 10*time.Second))
	f("it is over by the bank's own clock", s, journey.Stalled, 50*time.Second, s.ledger("bank-1", 40*time.Second))
	f("the collectors lag", s, journey.Delivered, 0, s.ledger("bank-1", 20*time.Second))
	f("the bank is not heard of any more", s, journey.Stalled, 6*time.Minute)
	f("not yet long enough for any clock", s, journey.Delivered, 4*time.Minute)

	game := record.Ledger{Time: caughtUp.Add(45 * time.Second), Service: "game", Node: "game-1", Last: 9, Unsettled: 5}
	f("the game has not shipped all", s, journey.Delivered, 50*time.Second, s.ledger("bank-1", 40*time.Second), game)
	game.Unsettled = 10
	f("the game has", s, journey.Stalled, 50*time.Second, s.ledger("bank-1", 40*time.Second), game)
	clocks = nil
	f("nothing tells whether the game's clock is right", s, journey.Delivered, 50*time.Second, s.ledger("bank-1", 40*time.Second), game)
	clocks = map[string]time.Duration{"bank-1": 0, "game-1": time.Minute}
	f("the game's clock is fast", s, journey.Delivered, 50*time.Second, s.ledger("bank-1", 40*time.Second), game)
	clocks = map[string]time.Duration{"bank-1": time.Minute, "game-1": time.Minute}
	f("so is the bank's", s, journey.Stalled, 50*time.Second, s.ledger("bank-1", 40*time.Second), game)
	game.Time = caughtUp
	f("the game was last heard of before", s, journey.Delivered, 50*time.Second, s.ledger("bank-1", 40*time.Second), game)
	game.Stopped = true
	f("the game stopped before, with all shipped", s, journey.Stalled, 50*time.Second, s.ledger("bank-1", 40*time.Second), game)

	s = debited()
	s.begin("game-1", "g1", "p9", "consumer")
	s.end("game-1", "g1", "p9", "consumer")
	f("it came, whatever led to it", s, journey.Unconfirmed, 50*time.Second, s.ledger("bank-1", 40*time.Second))

	again := newScript()
	again.begin("game-1", "g1", "", "server")
	again.call("game-1", "g1", "c1", func() {
		again.begin("bank-1", "b1", "c1", "server")
		again.expect("bank-1", "b1", "game", 30*time.Second)
		again.end("bank-1", "b1", "c1", "server")
	})
	again.end("game-1", "g1", "", "server")
	f("it only was there before", again, journey.Stalled, 50*time.Second, again.ledger("bank-1", 40*time.Second))
}

func TestWhatFollowsADelivery(t *testing.T) {
	delivered := func() *script {
		s := newScript()
		s.begin("bank-1", "b1", "", "server")
		s.declare("bank-1", "b1", record.Delivered, "")
		return s
	}
	f := func(name string, s *script, ev journey.Evidence, verdict journey.Verdict, reason string) {
		t.Helper()
		if j := s.build(ev); j.Verdict != verdict || !strings.Contains(j.Reason, reason) {
			t.Errorf("%s: %s: %s", name, j.Verdict, j.Reason)
		}
	}
	s := delivered()
	f("the hop that declared it goes on", s, journey.Evidence{}, journey.InTransit, "bank has not finished")
	s.send("bank-1", "b1", "p1", "receipts", 3)
	s.end("bank-1", "b1", "", "server")
	f("a message was sent after that", s, journey.Evidence{}, journey.InTransit, "nobody has picked up")
	s.begin("mail-1", "m1", "p1", "consumer")
	f("a hop that began after it is open", s, journey.Evidence{}, journey.Delivered, "bank declared it delivered")
	s.end("mail-1", "m1", "p1", "consumer").Outcome = record.Failure
	f("and fails", s, journey.Evidence{}, journey.Exception, "mail failed in consumer m1")

	s = newScript()
	s.begin("bank-1", "b1", "", "server")
	s.send("bank-1", "b1", "p1", "receipts", 3)
	s.declare("bank-1", "b1", record.Delivered, "")
	s.end("bank-1", "b1", "", "server")
	f("a message that nobody is known to want was sent before", s, journey.Evidence{}, journey.Delivered, "bank")
	f("a message that a route wants", s, journey.Evidence{Routes: []journey.Route{{Topic: "receipts", Stations: []string{"mail"}}}}, journey.InTransit, "mail has not picked up")
}

func TestAttempts(t *testing.T) {
	f := func(name string, s *script, verdict journey.Verdict, reason string) {
		t.Helper()
		if j := s.build(journey.Evidence{}); j.Verdict != verdict || !strings.Contains(j.Reason, reason) {
			t.Errorf("%s: %s: %s", name, j.Verdict, j.Reason)
		}
	}
	attempt := func(s *script, node, hop string, ok bool) {
		s.process(node, hop, "p1", "orders", "game", 17)
		if !ok {
			s.records[len(s.records)-1].Outcome = record.Failure
		}
		for n := len(s.records) - 2; n < len(s.records); n++ {
			s.records[n].SpanName = "process orders"
		}
	}
	s := ordered()
	attempt(s, "game-1", "g1", false)
	f("once, in vain", s, journey.Exception, "game failed in process orders")
	s.begin("game-2", "g2", "p1", "consumer")
	s.records[len(s.records)-1].Messaging = s.records[len(s.records)-2].Messaging
	s.records[len(s.records)-1].SpanName = "process orders"
	f("again, under way", s, journey.InTransit, "game has not finished process orders")
	s = ordered()
	attempt(s, "game-1", "g1", false)
	attempt(s, "game-2", "g2", true)
	f("the second went well", s, journey.Unconfirmed, "no route tells")
	s = ordered()
	attempt(s, "game-1", "g1", true)
	attempt(s, "game-2", "g2", false)
	f("the first went well, and it came again", s, journey.Unconfirmed, "no route tells")

	// Two calls to one operation are two works, even if one went well.
	s = newScript()
	s.begin("gateway-1", "w1", "", "server")
	for n, outcome := range []string{record.Failure, record.Success} {
		span := []string{"c1", "c2"}[n]
		s.call("gateway-1", "w1", span, func() {
			hop := []string{"s1", "s2"}[n]
			s.begin("stock-1", hop, span, "server")
			s.end("stock-1", hop, span, "server").Outcome = outcome
		})
	}
	for n := range s.records {
		if s.records[n].Service == "stock" {
			s.records[n].SpanName = "GET /stock"
		}
	}
	s.end("gateway-1", "w1", "", "server").Outcome = record.Failure
	f("one of two calls failed", s, journey.Exception, "stock failed in GET /stock")
}

func TestSagasAreToldApart(t *testing.T) {
	s := newScript()
	s.begin("bank-1", "b1", "", "server")
	step := func(node, saga, step, phase string) {
		s.write(node, "b1", record.Record{Message: step, Saga: record.Saga{ID: saga, Step: step, Phase: phase}})
	}
	step("bank-1", "s-1", "debit", record.Forward)
	step("bank-1", "s-1", "debit", record.Forward)
	step("bank-1", "s-2", "debit", record.Forward)
	s.declare("bank-1", "b1", record.Delivered, "s-2")
	step("bank-1", "s-1", "debit", record.Compensate)
	s.end("bank-1", "b1", "", "server")
	j := s.build(journey.Evidence{})
	if j.Verdict != journey.Unconfirmed || j.Reason != "nobody declared what became of saga s-1" {
		t.Errorf("%s: %s", j.Verdict, j.Reason)
	}
	if len(j.Sagas) != 2 || j.Sagas[0].ID != "s-1" || j.Sagas[0].Verdict != journey.InTransit || j.Sagas[1].Verdict != journey.Delivered {
		t.Fatalf("%+v", j.Sagas)
	}
	if st := j.Sagas[0].Steps; len(st) != 1 || st[0].Name != "debit" || st[0].Service != "bank" || st[0].By != "bank" || !st[0].Forward.Before(*st[0].Compensated) {
		t.Errorf("s-1's ledger: %+v", st)
	}
	if st := j.Sagas[1].Steps; len(st) != 1 || st[0].Compensated != nil {
		t.Errorf("s-2's ledger: %+v", st)
	}
	s.declare("bank-1", "b1", record.Returned, "s-1")
	if j := s.build(journey.Evidence{}); j.Verdict != journey.Returned {
		t.Errorf("%s: %s", j.Verdict, j.Reason)
	}
}

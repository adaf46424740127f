package instrumenttest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/instrument/instrumenttest"
	"github.com/waybill-log/waybill/journey"
)

// Each assertion holds where it should, and where it should not it says what is
// there instead, once, with the drawing, at the line of the test.
func TestEveryAssertionHoldsAndFails(t *testing.T) {
	t.Parallel()
	type asserts func(j *instrumenttest.Journey)
	shops := map[string]func(*shop){
		"delivered": func(s *shop) { s.consume() },
		"returned": func(s *shop) {
			s.closed = func(ctx context.Context) { instrument.Returned(ctx, "out of stock") }
			s.consume()
		},
		"failed": func(s *shop) {
			s.credit = func(context.Context) error { return errWithdrawn }
			s.consume()
		},
		"sent": func(*shop) {},
	}
	journeyOf := func(t instrumenttest.TB, what string) *instrumenttest.Journey {
		s := newShop(t)
		s.buy("Order-7")
		shops[what](s)
		return s.rec.Journey("order-7")
	}
	f := func(name, what string, holds, fails asserts, texts ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantNone(t, run(func(t *tb) { holds(journeyOf(t, what)) }))
			wantFailure(t, run(func(t *tb) { fails(journeyOf(t, what)) }), append(texts, "journey Order-7 is ", "\ngateway  POST /purchases  server, success, 200\n")...)
		})
	}
	type j = *instrumenttest.Journey

	f("Visited", "delivered", func(j j) { j.Visited("game") }, func(j j) { j.Visited("registry") }, "registry was not visited, but gateway, bank, game")
	f("NotVisited", "delivered", func(j j) { j.NotVisited("registry").Delivered() }, func(j j) { j.NotVisited("game") }, "game was visited")
	f("Then", "delivered", func(j j) { j.Visited("gateway").Then("bank").Then("game").Then("bank") }, func(j j) { j.Visited("gateway").Then("game") },
		"gateway did not hand on to game, but to bank over http")
	f("Then, too far", "delivered", func(j j) { j.Visited("game").Then("bank") }, func(j j) { j.Visited("game").Then("bank").Then("game") },
		"game → bank did not hand on to game, nor to anybody")
	f("Then, on its way", "sent", func(j j) { j.Visited("bank") }, func(j j) { j.Visited("bank").Then("game") }, "bank did not hand on to game, but to nobody yet over kafka orders", "─ kafka orders ─► nobody yet")
	f("OverKafka", "delivered", func(j j) { j.Visited("bank").Then("game").OverKafka("orders") }, func(j j) { j.Visited("bank").Then("game").OverKafka("order") },
		"bank → game was not reached over kafka order, but over kafka orders")
	f("OverKafka, from where", "delivered", func(j j) { j.Visited("bank").OverKafka("confirmations") }, func(j j) { j.Visited("gateway").Then("bank").OverKafka("confirmations") },
		"gateway → bank was not reached over kafka confirmations, but over http")
	f("OverKafka, no topic", "delivered", func(j j) { j.Delivered() }, func(j j) { j.Visited("gateway").Then("bank").OverKafka("") }, "gateway → bank was not reached over kafka , but over http")
	f("OverHTTP", "delivered", func(j j) { j.Visited("gateway").Then("bank").OverHTTP() }, func(j j) { j.Visited("bank").Then("game").OverHTTP() }, "bank → game was not reached over http, but over kafka orders")
	f("OverHTTP, from outside", "delivered", func(j j) { j.Visited("bank").OverHTTP() }, func(j j) { j.Visited("gateway").OverHTTP() }, "gateway was not reached over http: nobody here caused it")
	f("Named", "delivered", func(j j) { j.Visited("bank").Named("process confirmations") }, func(j j) { j.Visited("gateway").Then("bank").Named("process confirmations") },
		`gateway → bank has no visit named "process confirmations", but POST /orders`)
	f("Named narrows", "delivered", func(j j) { j.Visited("bank").Named("POST /orders").Then("game") }, func(j j) { j.Visited("bank").Named("process confirmations").Then("game") },
		"bank process confirmations did not hand on to game")
	f("Visit.Logged", "delivered", func(j j) { j.Visited("bank").Logged("debited").Then("game").Logged("points credited") }, func(j j) { j.Visited("gateway").Logged("debited") }, `gateway did not log "debited", but bank did`)
	f("Visit.Logged narrows", "delivered", func(j j) { j.Visited("bank").Logged("debited").Named("POST /orders") }, func(j j) { j.Visited("bank").Logged("debited").Named("process confirmations") }, "has no visit named")
	f("Delivered", "delivered", func(j j) { j.Delivered() }, func(j j) { j.Returned("") }, "the verdict is delivered, want returned", "is delivered: bank declared it delivered\n")
	f("not Delivered", "returned", func(j j) { j.Returned("") }, func(j j) { j.Delivered() }, "the verdict is returned, want delivered", "warn  returned  reason=out of stock")
	f("Returned", "returned", func(j j) { j.Returned("out of stock") }, func(j j) { j.Returned("too late") }, `the reason is "bank declared it returned: out of stock", want "too late" in it`)
	f("Failed", "failed", func(j j) { j.Failed("withdrawn") }, func(j j) { j.Failed("no money") }, `want "no money" in it`, "game  process orders  consumer, failure: the game is withdrawn")
	f("not Failed", "delivered", func(j j) { j.Delivered() }, func(j j) { j.Failed("no money") }, `the verdict is delivered, want exception for "no money"`)
	f("Verdict", "sent", func(j j) { j.Verdict(journey.InTransit) }, func(j j) { j.Verdict(journey.Unconfirmed) }, "the verdict is in_transit, want unconfirmed")
	f("Whole", "delivered", func(j j) { j.Whole() }, func(j j) { j.Whole().Verdict(journey.Exception) }, "want exception")
	f("not Whole", "sent", func(j j) { j.Logged("debited") }, func(j j) { j.Whole() }, "its records are unproved: what bank sent at ")
	f("Logged", "delivered", func(j j) { j.Logged("debited").Logged("points credited") }, func(j j) { j.Logged("credited") }, `nobody logged "credited"`, "info  points credited\n", "info  debited  dollars=100\n")
	f("Logged is not declared", "delivered", func(j j) { j.Delivered() }, func(j j) { j.Logged("delivered") }, `nobody logged "delivered"`)
	f("Alias", "delivered", func(j j) { j.Alias("order", "A-1001") }, func(j j) { j.Alias("order", "A-1002") }, `no alias "order A-1002", but order A-1001`, "alias order=A-1001\n")
	f("Expects", "delivered", func(j j) { j.Expects("game") }, func(j j) { j.Expects("bank") }, `no expected station "bank", but game`, "expect game  within=1m0s")
	f("Saga", "sent", func(j j) { j.Saga("s-1") }, func(j j) { j.Saga("s-2") }, `no saga "s-2", but s-1`)
}

// An outbox's relay is the service's own: what it sends is caused by the request.
func TestWhatAServiceHandsToItselfIsPartOfItsVisit(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	bank, game := rec.Service("bank"), rec.Service("game")
	outbox := carrier{}
	_ = bank.Process(t.Context(), of("Order-7"), "bank", func(ctx context.Context) error {
		bank.Propagator().Inject(ctx, outbox)
		return nil
	})
	ctx := bank.Propagator().Extract(t.Context(), outbox)
	_, _, _ = bank.Send(ctx, rec.Producer(), &sarama.ProducerMessage{Topic: "credits"})
	for _, m := range rec.Messages("credits") {
		_ = game.Process(t.Context(), m, "game", nothing)
	}
	j := rec.Only()
	j.Visited("bank").Named("process orders").Then("game").OverKafka("credits")
	j.Visited("bank").Named("process orders").Then("bank").Named("send credits").Then("game").OverKafka("credits")
	j.Whole()
	if t.Failed() {
		t.Log(j)
	}
}

// A chain is not checked behind its first failure, nor does it panic.
func TestABrokenChainIsReportedOnce(t *testing.T) {
	t.Parallel()
	got := run(func(t *tb) {
		s := newShop(t)
		s.buy("")
		s.rec.Only().Visited("registry").Then("game").OverKafka("orders").OverHTTP().Named("x").Logged("y").Then("bank")
	})
	wantFailure(t, got, "registry was not visited")

	var none *instrumenttest.Journey
	none.NotVisited("x").Delivered().Failed("").Returned("").Verdict(journey.Delivered).Whole().Logged("").Alias("", "").Expects("").Saga("")
	none.Visited("x").Then("y")
}

// Several assertions that fail do not repeat the drawing.
func TestAJourneyIsDrawnOnce(t *testing.T) {
	t.Parallel()
	got := run(func(t *tb) {
		s := newShop(t)
		s.buy("Order-7")
		s.rec.Only().Delivered().Logged("nothing")
	})
	if len(got.failures) != 2 {
		t.Fatalf("failures %+v", got.failures)
	}
	if first, second := got.failures[0].text, got.failures[1].text; !strings.Contains(first, "journey Order-7 is ") || second != `nobody logged "nothing" (the journey is drawn above)` {
		t.Errorf("got\n%s\n%s", first, second)
	}
	if len(got.logs) != 0 {
		t.Errorf("logged %q", got.logs)
	}
}

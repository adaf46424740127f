// Package instrumenttest lets a test run a handler or a consumer and assert on
// the journey that it wrote. Records and messages stay in memory: there is no
// broker, and a test takes milliseconds.
//
//	rec := instrumenttest.New(t)
//	bank, game := rec.Service("bank"), rec.Service("game")
//
//	res := httptest.NewRecorder()
//	bank.Handler(orders(bank, rec.Producer())).ServeHTTP(res, httptest.NewRequest("POST", "/orders", nil))
//	for _, m := range rec.Messages("orders") {
//		game.Process(t.Context(), m, "game", credit)
//	}
//
//	j := rec.Only()
//	j.Visited("bank").Then("game").OverKafka("orders")
//	j.Logged("points credited").Delivered()
//
// The types to know are [Recorder], which is the Kafka of the test and starts
// its services, [Journey] and [Visit]. An assertion that does not hold is an
// error at the line of the test, with a drawing of the journey:
//
//	bank did not hand on to game, but to nobody yet over kafka orders
//
//	journey 01a208e7a0600572ed0bcec9491a9397 is in_transit: nobody has picked up the message that bank sent to orders at …
//	5 records, unproved: what bank sent at … has not been picked up
//
//	bank  POST /orders  server, success, 202
//	  info  debited  dollars=100
//	  ─ kafka orders ─► nobody yet
//
// What is behind an assertion that failed is not checked again: a broken chain
// is reported once. So a log call or a message that has lost its context shows
// as a record, or a visit, that the journey lacks.
//
// What a service logs through slog's default logger goes to the service that the
// context came through, see [New]. The package never dials a network. It
// waits until what was written has arrived and every hop of the journey has
// ended, and no longer than five seconds.
package instrumenttest

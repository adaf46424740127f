// Package journey turns the records of one correlation ID, and the evidence
// there is, into a journey: its records in causal order, its hops, the legs
// between them, and a verdict.
//
//	j := journey.Build(records, journey.Evidence{AsOf: horizon})
//	// j.Verdict == journey.Delivered, j.Reason == "bank declared it delivered"
//	// j.Finding == {Code: "declared", Service: "bank", Declared: "delivered", …}, for other languages
//
// [Build] is pure: any order and any repetition of its input give the same
// journey. The package never reads a clock, a store or the network.
//
// # Order
//
// Order comes from cause. One instance's records follow each other by number;
// what receives follows what was sent; a call's answer follows the beginning of
// the hop that gave it, and its end where that contradicts nothing else; a span's
// records follow its start. Times only choose between records that no cause orders.
//
// # Clocks
//
// What is received was sent before, so each message and each answered call bounds
// the difference of two clocks from one side. [Skew] has the interval that all
// bounds together leave. Where times contradict a cause, [Shift] moves an
// instance by the least that fits the intervals; nothing else moves. The time in a
// queue is as uncertain as the two clocks: [Leg] has its Least and Most.
//
// # Foreign records
//
// Records without numbers come from services that only speak OpenTelemetry. It
// does not say which visit a span is part of: one that is neither of kind server
// nor consumer belongs to the hop of its parent in the same instance. A span that
// foreign records name and nobody reports is no hop. What OpenTelemetry repeats
// of spans that their service has reported itself changes nothing. No journey with
// foreign records is proved to be whole.
//
// # Verdicts
//
// They are tried in this order, and each claims only what is proved:
//
//   - stalled: Kafka shows that a consumer group which must pick a message up
//     stands before it, and that the message has been there for longer than it may
//     wait ([Route], [DefaultWithin]); or a deadline that a service declared with an
//     expectation, or a [Route] did, has passed and the station has not come. Such a
//     deadline is judged by the clock of who declared it, as its ledgers show it; where
//     there are none, the horizon must have passed it by five minutes. Without a
//     horizon nothing is stalled, and no station is called silent whose ledger shows
//     that it has not shipped all. A group must pick a message up if a route names
//     it, or if no route names the topic and somebody is in the group.
//   - exception: a service declared that the journey failed; or a hop failed and
//     nothing made it good; or the first hop answered its caller with an HTTP
//     status of 400 or more. A failure is made good by another attempt at the same
//     message that ended well, by a caller over HTTP that itself ended well, or by a
//     later declaration of the same saga, or of the journey. While another attempt is
//     under way it is not an exception. The hop that failed first is named.
//   - in_transit: a hop has not ended and nobody did its work again, or a message has
//     not been picked up by everyone expected, or by anyone where nobody knows who is.
//   - returned: a service declared that what had been done is undone, and no
//     later declaration of the same saga says otherwise. One saga returned is
//     enough, whatever became of the others.
//   - delivered: a service declared it; or every hop ended well, every call was
//     answered, every message was picked up by all that its route names, all
//     records are proved to be there, and nobody answered 202 Accepted (RFC 9110:
//     the work is not done yet).
//   - unconfirmed: everything has ended, and nothing tells whether that was all;
//     or one saga was declared and another was not; or the records are too many to
//     be read whole. A service that goes on after it has answered, without handing its
//     context on, answers 202 or declares.
//
// # Rules by example
//
// A retried failure: the game fails to process a message, and Kafka hands it over
// again. Between the two attempts the journey is an exception, during the second
// in transit, and after it has gone well as if the first had not been. That a
// message comes again and fails after it has been processed well changes nothing:
// its work is done.
//
// Two sagas: a purchase moves money by saga A and points by saga B. A delivered
// and B returned is returned; A delivered and B not declared is unconfirmed; B
// failed is an exception, though A was delivered later. A declaration without a
// saga speaks for the whole journey.
//
// No declaration: a GET that calls two services is delivered once all three hops
// have ended well and all records are there. A request that sends a message to a
// topic without a route is unconfirmed: who else reads it, nobody knows.
//
// Hops after delivery: the bank declares the journey delivered, and the mail
// service then picks up a receipt. While that hop runs the journey is delivered; if
// it fails it is an exception. A message sent before the declaration, which nobody
// is known to want, does not hold it up; one that a route or a group wants does.
//
// A message whose group has committed past it without a record: it was picked up
// and its records are lost or were never written. That is neither in transit nor
// stalled; completeness says so.
//
// # The usual
//
// A [Learner] learns from delivered journeys of one kind and release where such journeys
// come, how often, and how long that takes: each [Stop] is known by what led to it. [Diff]
// and [Usual.Diff] tell where a journey departs from another or from what is usual: what is
// missing, extra, slow by itself, late in its queue whatever the clocks say, or failing.
// Nothing is unusual beside fewer than [Enough] journeys, and no verdict rests on it.
//
// # Completeness
//
// Apart from the verdict stands whether all records are there: proved when the
// counts that hops carry match what is present and the cause of every hop is
// here; lossy when a number is missing
// that its instance's [record.Ledger] says Kafka has, and the store holds all up
// to that ledger; unproved otherwise.
//
// # Broken records
//
// Circles among causes, hops without a start, negative durations, contradictory
// declarations and records of a later contract are a journey all the same;
// Warnings say what is wrong.
package journey

// Package journey turns the records of one correlation ID, and the evidence
// there is, into a journey: its records in causal order, its hops, the legs
// between them, and a verdict.
//
//	j := journey.Build(records, journey.Evidence{AsOf: horizon})
//	// j.Verdict == journey.Delivered, j.Reason == "bank declared it delivered"
//
// [Build] is pure: any order and any repetition of its input give the same
// journey. The package never reads a clock, a store or the network.
//
// # Order
//
// Order comes from cause. One instance's records follow each other by number;
// what receives follows what was sent; a span's records follow its start. Times
// only choose between records that no cause orders.
//
// # Foreign records
//
// Records without numbers come from services that only speak OpenTelemetry. It
// does not say which visit a span is part of: one that is neither of kind server
// nor consumer belongs to the hop of its parent in the same instance. A span that
// foreign records name and nobody reports is no hop. What OpenTelemetry repeats
// of spans that their service has reported itself changes nothing.
//
// # Verdicts
//
// They are tried in this order, and each claims only what is proved:
//
//   - exception: a service declared that the journey failed; or a hop failed and
//     nothing made it good; or the first hop answered its caller with an HTTP
//     status of 400 or more. A failure is made good by a later attempt at the
//     same work that ended well, by a caller over HTTP that itself ended well, or
//     by a later declaration that the journey is delivered or returned.
//   - in_transit: a hop has not ended and nobody did its work again, or a message has not been picked up by
//     everyone expected, or by anyone where no [Route] says who is.
//   - returned: a service declared that what had been done is undone, and no
//     later declaration of the same saga says otherwise. One saga returned is
//     enough, whatever became of the others.
//   - delivered: a service declared it; or every hop ended well, every call was
//     answered, every message was picked up by all that its route names, all
//     records are proved to be there, and nobody answered 202 Accepted (RFC 9110:
//     the work is not done yet).
//   - unconfirmed: everything has ended, and nothing tells whether that was all;
//     or the records are too many to be read whole. A service that goes on after
//     it has answered, without handing its context on, answers 202 or declares.
//
// For example a purchase whose game service runs its consumer a second time
// after an error is an exception between the two runs and in_transit during the
// second; once the bank declares it, it is delivered.
//
// # Completeness
//
// Apart from the verdict stands whether all records are there: proved when the
// counts that hops carry match what is present and the cause of every hop is
// here; lossy when a number is missing
// that its instance's [record.Ledger] says Kafka has, and the store holds all up
// to that ledger; unproved otherwise.
package journey

// Package intake takes in records of services that do not import instrument,
// and acknowledges them once Kafka has every one.
//
//	in, err := intake.New(intake.Config{Brokers: brokers})
//	http.Handle("/api/v1/records", in.Records()) // NDJSON
//	http.Serve(listener, in.OTLP())              // OTLP/HTTP: /v1/logs, /v1/traces
//	in.GRPC().Serve(another)                     // OTLP/gRPC
//
//	OTLP/HTTP ─┐
//	OTLP/gRPC ─┼► bounds ─► mapping ─► identity ─► waybill.records ─► acknowledged
//	NDJSON    ─┘
//
// A log record becomes a record of kind log. A span becomes hop.start and
// hop.end, its events log records of that hop. The package never redacts, never
// numbers records of others, and never answers before Kafka has.
//
// # Correlation
//
// The first of these that is there and valid is a record's correlation ID: the
// attribute correlation.id, of the record or span before the resource; the
// baggage member correlation.id, in an attribute baggage.correlation.id or
// baggage; messaging.message.conversation_id; what another record of the same
// trace was known by; the trace ID. Without any it is outside any journey.
//
// # Identity
//
// A request that was not acknowledged is to be sent again, whole; identity makes
// the second copy of a record the first one. It rests on the first of these:
//
//   - A record of our own contract has its event.id, and is shipped byte for byte.
//   - The attribute log.record.uid, in NDJSON also event.id. However a retry is
//     batched, the record is one.
//   - Of spans and their events, the trace ID, the span ID and which part of the
//     span it is. However a retry is batched, it is one.
//   - The content: a hash of resource, scope and record, attributes in the order
//     of their keys, and its place among equal ones in the request. The same
//     request sent again doubles nothing, and two equal records in one request stay
//     two. Two equal records in different requests, to the nanosecond, are taken for
//     a retry and are one; a retry that splits equal records over several requests
//     loses all but one of them.
//   - A record without a usable time has the time of receipt, which is then part
//     of its content: a retry is another record, since nothing tells it from one
//     that happened again.
//
// A copy that has become another one, for instance since the correlation ID of
// its trace has become known between two attempts, is a dead letter of the
// collector; the first one stays.
package intake

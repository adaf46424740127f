// Package record holds the contract all parts of Waybill share: one structured
// log record, its field names, its JSON encoding, correlation keys and the
// names of the Kafka topics.
//
// The types to know are [Record] and [Ledger]. A record is encoded once, in the
// service that writes it, and is stored byte for byte:
//
//	r := record.Record{Time: t, Level: "info", Message: "debited", Node: "n1", Sequence: 7}
//	line := record.Append(nil, &r)
//	// {"@timestamp":"2026-11-23T14:00:00.000000000Z","log.level":"info","message":"debited",
//	//  "waybill.kind":"log","waybill.version":1,"service.node.name":"n1","event.sequence":7,"event.id":"n1-7"}
//
// Field names are those of the Elastic Common Schema where it has one, and of
// the OpenTelemetry semantic conventions for messaging. Keys are flat and dotted;
// only links and labels nest.
//
// The package imports the standard library only, and never reads a clock, a
// file or the network.
package record

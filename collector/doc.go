// Package collector moves records from Kafka to a store: nothing lost, nothing doubled.
//
//	c, err := collector.New(collector.Config{Brokers: brokers, Group: "waybill-collector", Store: st})
//	err = c.Run(ctx) // until ctx ends
//
// One claim is one loop: gather a batch, settle it, commit its offsets.
//
//	waybill.records ─► batch ─► store.Put ─► commit
//	                     │         └ refused ┐
//	                     └ not a record ─────┴► waybill.deadletters
//
// Offsets are committed only after every message of the batch is stored, was
// stored before, or lies on the dead-letter topic. The package never skips a
// message, and never changes the bytes of one.
package collector

// Package collector moves records from Kafka to a store: nothing lost, nothing doubled.
//
//	c, err := collector.New(collector.Config{Brokers: brokers, Group: "waybill-collector", Store: st})
//	err = c.Run(ctx) // until ctx ends
//
// One claim is two goroutines: one gathers a batch and checks its messages, the
// other settles it and commits its offsets.
//
//	waybill.records ─► gather ─► settle ─► commit
//	                     │          └ refused ─┐
//	                     ├ not a record ───────┼► waybill.deadletters
//	                     ├ dated a day ahead ──┘
//	                     └ older than the store keeps: counted
//
// Offsets are committed only after every message of the batch is stored, was
// stored before, lies on the dead-letter topic or has expired. The package never
// skips a message, and never changes the bytes of one. What Kafka itself has dropped
// before it was read is passed, and reported as a dead letter without a value.
//
// Memory is bounded: batches by Config.InFlightBytes, what sarama has fetched by
// 256 KiB of compressed messages a partition and 32 messages that wait.
package collector

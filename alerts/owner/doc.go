// Package owner runs alerts over Kafka: it owns partitions of the topic of alerts, reads
// what they are about, and keeps what follows.
//
//	view, err := owner.NewView(client, logger)
//	m, err := owner.New(owner.Config{Brokers: brokers, Rules: rules, Store: store, Evidence: gatherer, View: view})
//	err = m.Run(ctx) // until ctx ends
//
// The types to know are [Member], a member of the consumer group; [Journal], what it keeps a
// partition's state in; and [View], what all processes know of all partitions.
//
//	waybill.journeys ─┐                    ┌─► hooks
//	waybill.records  ─┼─► claim ─► Part ───┤
//	store, evidence  ─┘     ▲              └─► journal ─► waybill.alerts ─► view ─► API
//	                        └── silences, commands ◄───────────┘
//
// It never decides what is wrong: package alerts does.
package owner

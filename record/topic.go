package record

// Kafka topics of the pipeline.
const (
	TopicRecords     = "waybill.records"     // keyed by correlation key
	TopicDeadLetters = "waybill.deadletters" // unindexable messages as they came, with reason and origin in headers
	TopicInstances   = "waybill.instances"   // loss ledgers, keyed by service.node.name
	TopicJourneys    = "waybill.journeys"    // what a journey has come to, each time its verdict changes, keyed by correlation key
	TopicAlerts      = "waybill.alerts"      // the state of alerts, of which each partition has one owner
	TopicSelf        = "waybill.self"        // the stack's own records, never consumed by the collector
)

// MaxBytes bounds one encoded record, so that it fits Kafka's default
// max.message.bytes (1,048,588) with key, headers and batch overhead.
const MaxBytes = 1_000_000

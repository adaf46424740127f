package record

import (
	"bytes"
	"strconv"
	"time"
)

// Version is the version of this contract, written as waybill.version.
const Version = 1

// Kind says what a record reports.
type Kind string

// Kinds of records.
const (
	KindLog      Kind = "log"       // a log call
	KindHopStart Kind = "hop.start" // a span began
	KindHopEnd   Kind = "hop.end"   // a span ended
	KindOutcome  Kind = "outcome"   // the application said how the journey ended
	KindExpect   Kind = "expect"    // the application said who must come next, and by when
	KindAlias    Kind = "alias"     // the application gave the journey another name
)

// Outcomes an application can declare, written as waybill.outcome.
const (
	Delivered = "delivered"
	Returned  = "returned" // undone: what had been done was compensated
	Failed    = "failed"
)

// Phases of a saga's step, written as saga.phase.
const (
	Forward    = "forward"
	Compensate = "compensate"
)

// Values of event.outcome.
const (
	Success = "success"
	Failure = "failure"
)

// Record is one scan of a journey: a log record, or the start or end of a hop.
// A zero field is not written.
type Record struct {
	Time    time.Time // @timestamp: the writing service's own clock, fixed at the log call
	Level   string    // log.level: trace, debug, info, warn, error
	Message string
	Logger  string // log.logger
	Origin  Origin

	Service     string // service.name
	ServiceVer  string // service.version
	Environment string // service.environment
	Node        string // service.node.name: the instance, new at every process start

	Sequence uint64 // event.sequence: counts the instance's records from 1; 0 for a foreign record
	ID       string // event.id; empty means EventID(Node, Sequence)

	Kind    Kind // empty means KindLog
	Version int  // waybill.version; 0 means Version

	CorrelationID  string // as given
	CorrelationKey string // empty means Key(CorrelationID)

	TraceID  string // 32 hex digits
	SpanID   string // 16 hex digits
	ParentID string // span ID of the parent
	Links    []Link

	// HopID is the span that opened the visit this record belongs to; empty
	// where that is SpanID itself.
	HopID       string
	HopSequence uint64 // numbers the records of one hop from 1
	HopRecords  uint64 // on the hop's last hop.end: how many records the hop wrote, this one included
	HopSends    uint64 // with HopRecords: how many calls and messages it sent

	SpanName string
	SpanKind string        // server, client, consumer, producer, internal
	Duration time.Duration // event.duration, on hop.end
	Outcome  string        // event.outcome: Success or Failure
	Declared string        // waybill.outcome, on outcome records: Delivered, Returned or Failed
	Reason   string        // waybill.reason, on outcome records: why it was returned
	Expect   Expect        // on expect records
	Alias    Alias         // on alias records

	HTTP      HTTP
	Messaging Messaging
	Saga      Saga
	Error     Error

	// Labels are all other attributes. A key written twice keeps the last value.
	Labels []Label

	// Raw is what Decode read, fields outside the contract included. The caller
	// of Decode still owns the bytes.
	Raw []byte
}

// MarshalJSON returns the record as it was written: Raw where there is one.
func (r Record) MarshalJSON() ([]byte, error) {
	if r.Raw != nil {
		return r.Raw, nil
	}
	return Append(nil, &r), nil
}

// Origin is the place of the log call in the source.
type Origin struct {
	File     string // log.origin.file.name
	Line     int    // log.origin.file.line
	Function string // log.origin.function
}

// Link names one cause of a hop that has several.
type Link struct {
	TraceID       string
	SpanID        string
	CorrelationID string
}

// HTTP holds the attributes of an HTTP hop.
type HTTP struct {
	Method string // http.request.method
	Route  string // http.route
	Path   string // url.path
	Status int    // http.response.status_code
}

// Messaging holds the attributes of a Kafka hop, named by the OpenTelemetry
// semantic conventions; messaging.message.attempt is our own.
type Messaging struct {
	System    string // messaging.system
	Operation string // messaging.operation.type: send, process
	Topic     string // messaging.destination.name
	Partition int32  // messaging.destination.partition.id; meaningful if HasOffset
	Offset    int64  // messaging.kafka.offset; meaningful if HasOffset
	HasOffset bool   // the broker has given partition and offset
	Group     string // messaging.consumer.group.name
	Attempt   int    // messaging.message.attempt: 1 is the first
}

// Saga places a record in a distributed transaction.
type Saga struct {
	ID    string
	Step  string
	Phase string // forward or compensate
}

// Expect declares who must take the journey on.
type Expect struct {
	Station string        // expect.station: a service's name
	Within  time.Duration // expect.within: counted from the record's time
}

// Alias is another name of a journey, such as an order number.
type Alias struct {
	Name  string // alias.name: what is numbered, such as order
	Value string // alias.value
}

// Error is taken from an error attribute.
type Error struct {
	Type    string
	Message string
	Stack   string // error.stack_trace
}

// Label is one attribute outside the contract. Values are strings, so that no
// digit of a large number is lost.
type Label struct{ Key, Value string }

// UnmarshalJSON is Decode of a copy of b.
func (r *Record) UnmarshalJSON(b []byte) (err error) {
	*r, err = Decode(bytes.Clone(b))
	return err
}

// EventID is the identity of a numbered record in every store.
func EventID(node string, sequence uint64) string {
	return node + "-" + strconv.FormatUint(sequence, 10)
}

// Hop is the span ID of the visit r belongs to; empty outside any hop.
func (r *Record) Hop() string {
	if r.HopID != "" {
		return r.HopID
	}
	return r.SpanID
}

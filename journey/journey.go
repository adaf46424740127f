package journey

import (
	"time"

	"github.com/waybill-log/waybill/record"
)

// Verdict is what a journey says of itself.
type Verdict string

// Verdicts; package journey says what each rests on.
const (
	Stalled     Verdict = "stalled"
	Exception   Verdict = "exception"
	InTransit   Verdict = "in_transit"
	Returned    Verdict = "returned"
	Delivered   Verdict = "delivered"
	Unconfirmed Verdict = "unconfirmed"
)

// Completeness says whether every record is proved to be there.
type Completeness string

// Whether every record is there.
const (
	Proved   Completeness = "proved"
	Unproved Completeness = "unproved"
	Lossy    Completeness = "lossy"
)

// Evidence is what a verdict may rest on besides the records.
type Evidence struct {
	// AsOf is the horizon: every source partition is stored through this time.
	// Zero: not known.
	AsOf    time.Time
	Routes  []Route
	Groups  []Group         // in any order, one of a name, topic and partition
	Ledgers []record.Ledger // in any order, several of one instance allowed; the horizon has passed each

	// Clocks is how far instances' clocks are ahead of Kafka's, at least, as their ledgers
	// show. Of an instance that is not in it, that is not known.
	Clocks map[string]time.Duration

	// Partial says that records were left out, because there are too many.
	Partial bool
}

// Route declares who picks up the messages of a topic, and how soon.
type Route struct {
	Topic    string
	Stations []string      // every one of these services
	Groups   []string      // every one of these consumer groups
	Within   time.Duration // a message that waits longer is stalled; 0: DefaultWithin
}

// DefaultWithin is how long a message may wait where no Route says.
const DefaultWithin = time.Minute

// Group is how far a consumer group has come in one partition, as Kafka tells it.
type Group struct {
	Name      string
	Topic     string
	Partition int32
	Committed int64     // offset of the next message; negative: it never committed
	Members   bool      // somebody is in the group
	AsOf      time.Time // when Kafka said so
	Ends      []End     // by time, ascending
}

// End is where a partition ended at some moment, by the clock of who asked.
type End struct {
	Time   time.Time
	Offset int64 // of the message that came next
}

// Journey is all that happened under one correlation ID. Times are those of the
// services' own clocks; Shifts say by how much some must be moved where clocks
// contradict what caused what.
type Journey struct {
	CorrelationID       string           `json:"correlation_id"`
	Verdict             Verdict          `json:"verdict"`
	Reason              string           `json:"reason"`      // one sentence for people
	Finding             Finding          `json:"finding"`     // what it says
	VerdictHop          string           `json:"verdict_hop"` // hop that the verdict rests on; empty: none alone
	Since               *time.Time       `json:"since"`       // when that was; nil: not known
	Completeness        Completeness     `json:"completeness"`
	CompletenessReason  string           `json:"completeness_reason"`
	CompletenessFinding Finding          `json:"completeness_finding"` // what it says
	AsOf                *time.Time       `json:"as_of"`                // nil: the horizon is not known
	Kind                string           `json:"kind"`                 // operation of the first hop, such as "POST /purchases"
	Release             string           `json:"release"`              // version of the service that began it
	Start               time.Time        `json:"start"`
	End                 time.Time        `json:"end"`
	Stations            []Station        `json:"stations"` // by first visit
	Hops                []Hop            `json:"hops"`     // in causal order of their first record
	Legs                []Leg            `json:"legs"`
	RecordHops          []int32          `json:"-"`       // of each of Records the place of its hop in Hops; -1: it is in none
	Records             []*record.Record `json:"records"` // in causal order; those given to Build
	Gaps                []Gap            `json:"gaps"`
	Skews               []Skew           `json:"skews"`
	Shifts              []Shift          `json:"shifts"`
	Sagas               []Saga           `json:"sagas"`
	Aliases             []record.Alias   `json:"aliases"`
	Warnings            []string         `json:"warnings"` // what is wrong with the records
}

// Station is a service on the journey.
type Station struct {
	Service string    `json:"service"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Hops    []string  `json:"hops"`
	Records int       `json:"records"`
	Errors  int       `json:"errors"` // records of level error
}

// Outcomes of a hop.
const (
	Open    = "open"
	Success = record.Success
	Failure = record.Failure
	Unknown = "unknown" // it has ended, and its service says neither
)

// Hop is one visit to a service.
type Hop struct {
	ID       string         `json:"id"` // the span that opened the visit
	Service  string         `json:"service"`
	Version  string         `json:"version"` // of the service
	Node     string         `json:"node"`
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`   // server, consumer, producer, client, internal; empty if its start is missing
	Parent   string         `json:"parent"` // hop that caused it; empty for the first, or an unknown one
	Start    time.Time      `json:"start"`
	End      *time.Time     `json:"end"`
	Duration *time.Duration `json:"duration"` // ns, by the instance's monotonic clock
	Outcome  string         `json:"outcome"`  // Success, Failure, Unknown or Open
	Error    string         `json:"error,omitempty"`
	Status   int            `json:"status,omitempty"`  // HTTP status it answered with
	Attempt  int            `json:"attempt,omitempty"` // at the same message; 1 is the first
	Records  int            `json:"records"`
	Sends    int            `json:"sends"` // calls and messages it sent, and work it handed on
}

// Transports of a leg.
const (
	OverHTTP  = "http"
	OverKafka = "kafka"
	Locally   = "local" // inside one service, such as from a request to its outbox
)

// Leg is the way from one hop to the next. Over Kafka its duration is the time
// in the queue.
type Leg struct {
	From      string         `json:"from"`
	To        string         `json:"to"` // empty: nobody has picked it up
	Transport string         `json:"transport"`
	Sent      time.Time      `json:"sent"`
	Received  *time.Time     `json:"received"`
	Duration  *time.Duration `json:"duration"` // ns, as the two clocks have it; may be negative
	Least     *time.Duration `json:"least"`    // ns, what it took at least, whatever the clocks' skew
	Most      *time.Duration `json:"most"`     // ns, and at most; nil: nothing tells
	Topic     string         `json:"topic,omitempty"`
	Partition *int32         `json:"partition,omitempty"`
	Offset    *int64         `json:"offset,omitempty"`
	Group     string         `json:"group,omitempty"`
	Passed    []string       `json:"passed,omitempty"`  // groups that have committed past it and left no record of it
	Waiting   []string       `json:"waiting,omitempty"` // groups that have not committed past it
}

// Gap is a run of records proved missing from a hop.
type Gap struct {
	Service string   `json:"service"`
	Node    string   `json:"node"`
	Hop     string   `json:"hop"`
	Numbers []uint64 `json:"numbers"` // hop.sequence
}

// Skew bounds the difference between two instances' clocks: To's less From's. Each
// message and call between the two bounds it from one side.
type Skew struct {
	From string         `json:"from"` // service.node.name
	To   string         `json:"to"`
	Min  *time.Duration `json:"min"` // ns; nil: nothing tells
	Max  *time.Duration `json:"max"`
}

// Shift moves the times of one instance, where clocks contradict a cause, by the
// least that no cause contradicts.
type Shift struct {
	Service string        `json:"service"`
	Node    string        `json:"node"`
	By      time.Duration `json:"by"` // ns, to be added
}

// Saga is one distributed transaction of the journey.
type Saga struct {
	ID      string  `json:"id"`
	Verdict Verdict `json:"verdict"`
	Steps   []Step  `json:"steps"` // by cause
}

// Step is one entry of a saga's ledger: what was done, and what undid it.
type Step struct {
	Name        string     `json:"name"`
	Service     string     `json:"service"`
	Forward     *time.Time `json:"forward"`      // its first record; nil: there is none
	Compensated *time.Time `json:"compensated"`  // the first record of its undoing; nil: there is none
	By          string     `json:"by,omitempty"` // service that undid it
}

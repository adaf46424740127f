package live

import "time"

// Event is what a client is told next. It has a record, a receipt or a gap.
type Event struct {
	Token   string // where to go on after it
	Record  []byte // as it was written; not to be changed
	Receipt *Receipt
	Gap     *Gap
}

// Receipt counts what a subscription has come to: Shown + Skipped = Matched.
type Receipt struct {
	Matched uint64 `json:"matched"` // records that the filter matches
	Shown   uint64 `json:"shown"`
	Skipped uint64 `json:"skipped"` // not shown: the client was slow, or they were erased meanwhile
	// AsOf is the time through which all that had been shipped is counted; none while
	// the client is behind.
	AsOf *time.Time `json:"as_of,omitempty"`
}

// Gap is messages that Kafka has dropped, so that nobody can tell what was in them.
type Gap struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"`  // offset of the first
	Until     int64 `json:"until"` // and the one after the last. Before From: the topic was made anew, or has lost its end; it goes on there
}

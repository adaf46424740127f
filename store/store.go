package store

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/waybill-log/waybill/record"
)

// ErrUnavailable means that the store could not be asked, or could not settle
// everything it was given. The same call can be made again later: nothing doubles.
var ErrUnavailable = errors.New("store unavailable")

// Entry is one record with what a store must know of it.
type Entry struct {
	ID   string    // event.id: the same record twice is one
	Key  string    // correlation.key; empty outside any journey
	Time time.Time // @timestamp
	Raw  []byte    // the record as it was written; the store does not change it

	Trace string // trace.id; empty outside any trace
}

// NewEntry reads one encoded record. Errors wrap record.ErrInvalid.
func NewEntry(raw []byte) (Entry, error) {
	r, err := record.Decode(raw)
	if err != nil {
		return Entry{}, err
	}
	return Entry{ID: r.Identity(), Key: r.CorrelationKey, Time: r.Time, Raw: raw, Trace: r.TraceID}, nil
}

// Compare orders entries by Time, then ID.
func Compare(a, b Entry) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
}

// Result says what became of the entries of one Put that returned no error:
// Stored + Present + len(Rejected) is their number.
type Result struct {
	Stored   int // new
	Present  int // stored before with the same content
	Rejected []Rejection
}

// Rejection is an entry that can never be stored.
type Rejection struct {
	Index  int    // of the entry in the call
	Reason string // Conflict, or what the store said
}

// Conflict is the reason for an entry whose ID is stored with another content.
const Conflict = "conflict: another record has this event.id"

// Writer takes records.
type Writer interface {
	// Put stores entries durably. With a nil error every one of them is stored,
	// was there already, or is in Result.Rejected. With an error, which wraps
	// ErrUnavailable or is the context's, any part may be stored, and the same
	// call can be made again. Safe for concurrent use.
	Put(ctx context.Context, entries []Entry) (Result, error)
}

// Reader answers from what Put has settled.
type Reader interface {
	// ByKey returns the records of one correlation key ordered by Time, then ID.
	// At most limit of them, the earliest; more says that there are others.
	// An unknown key has none, which is not an error.
	ByKey(ctx context.Context, key string, limit int) (entries []Entry, more bool, err error)

	// ByTrace returns the records of some traces, each spelled as records spell
	// it, whatever their correlation key: ordered and limited as by ByKey. Unknown
	// traces have none, and the empty one is no trace.
	ByTrace(ctx context.Context, traces []string, limit int) (entries []Entry, more bool, err error)

	// Count is the number of records held.
	Count(ctx context.Context) (int64, error)

	// Lag is how long after Put a record may still be missing from answers.
	Lag() time.Duration
}

// Store is both, with its life.
type Store interface {
	Writer
	Reader
	// Ready returns nil if the store can be asked now.
	Ready(ctx context.Context) error
	Close() error
}

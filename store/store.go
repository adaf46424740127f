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
	ID    string    // event.id: the same record twice is one
	Key   string    // correlation.key; empty outside any journey
	Trace string    // trace.id; empty outside any trace
	Time  time.Time // @timestamp
	Raw   []byte    // the record as it was written; the store does not change it
}

// NewEntry checks one encoded record and reads of it what a store must know. The
// entry's texts share raw's memory. Errors wrap record.ErrInvalid.
func NewEntry(raw []byte) (Entry, error) {
	s, err := record.Scan(raw)
	if err != nil {
		return Entry{}, err
	}
	return Entry{ID: s.ID, Key: s.Key, Trace: s.Trace, Time: s.Time, Raw: raw}, nil
}

// Compare orders entries by Time, then ID.
func Compare(a, b Entry) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
}

// Result says what became of the entries of one Put:
// Stored + Present + len(Rejected) + len(Unsettled) is their number.
type Result struct {
	Stored    int // new
	Present   int // stored before with the same content
	Rejected  []Rejection
	Unsettled []int // indices of entries to give again; none where Put returns no error
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
	// ErrUnavailable or is the context's, those in Result.Unsettled can be given
	// again, whether or not they have been stored. Safe for concurrent use.
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

	// Held says how many records of an instance the store holds, of those numbered
	// 1 to last, and the lowest number it holds of them; 0, 0 for none.
	Held(ctx context.Context, node string, last uint64) (n int64, lowest uint64, err error)

	// Count is the number of records held.
	Count(ctx context.Context) (int64, error)

	// Lag is how long after Put a record may still be missing from answers.
	Lag() time.Duration
}

// Retainer is a Writer that can drop what is old, by whole days.
type Retainer interface {
	// Retain drops the UTC days before the one of floor and returns them, oldest
	// first; with dry it drops nothing.
	Retain(ctx context.Context, floor time.Time, dry bool) ([]Day, error)
}

// Day is what a store holds of one UTC day.
type Day struct {
	Name    string // as the store calls it
	Records int64
	Bytes   int64 // on disk
}

// Store is all of it, with its life.
type Store interface {
	Writer
	Reader
	Searcher
	Eraser
	Summaries
	// Ready returns nil if the store can be asked now.
	Ready(ctx context.Context) error
	Close() error
}

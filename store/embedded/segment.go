package embedded

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// segment holds records of one UTC day, numbered from 0. It is hot while it is
// written to, and sealed after.
type segment interface {
	name() string
	id() uint64 // of its file, among all of a store
	day() day
	layout() layout

	// load reads one block.
	load(n int) ([][]byte, error)
	// find returns the records that have a term, for the caller to change; nil for none.
	find(term string) (*roaring.Bitmap, error)
	// each visits the terms with a prefix in no order. What it visits may take part of
	// find's cost: all is called for those that are asked for.
	each(prefix string, visit func(term string, count uint64, all func() (postings, error)) error) error
	// times returns when each record was written, in ms since the day began.
	times() ([]uint32, error)
	// holdsID reports whether an event.id without a number may be here.
	holdsID(hash uint64) bool
	// ids visits the hashes of event.ids without a number.
	ids(visit func(hash uint64)) error
	// numbers are those of instances' records, for the caller to read.
	numbers() (numbers, error)
	// newest visits correlation keys by their latest record, newest first, until visit returns false.
	newest(n int, visit func(key string, last int64) bool) error

	hold()
	release()
}

// layout is where a segment's records lie, at one moment.
type layout struct {
	records  uint32
	first    []uint32 // record of each block
	min, max []uint32 // time of each block, in ms since the day began
	oldest   int64    // ns since 1970
	newest   int64
}

// block returns the block that holds a record.
func (l *layout) block(record uint32) int {
	i, found := slices.BinarySearch(l.first, record)
	if found {
		return i
	}
	return i - 1
}

// end is the record after a block's last.
func (l *layout) end(block int) uint32 {
	if block+1 < len(l.first) {
		return l.first[block+1]
	}
	return l.records
}

// day counts UTC days since 1970.
type day int64

const dayNS = int64(24 * time.Hour)

func dayOf(t time.Time) day { return day(t.UnixNano() / dayNS) }

func (d day) start() int64 { return int64(d) * dayNS }

func (d day) String() string { return time.Unix(0, d.start()).UTC().Format(time.DateOnly) }

// ms is a time of the day; d's own.
func (d day) ms(t int64) uint32 { return uint32((t - d.start()) / int64(time.Millisecond)) }

// Files are named by their day, their number, and what they are.
const (
	hotSuffix       = ".hot"       // being written to
	sealedSuffix    = ".sealed"    // complete, never changed
	summariesSuffix = ".summaries" // of journeys
	partSuffix      = ".part"      // being made, worth nothing
	corruptSuffix   = ".corrupt"   // set aside
)

func fileName(d day, n uint64, suffix string) string { return fmt.Sprintf("%s.%08d%s", d, n, suffix) }

// parseName reads a file's name without its suffix.
func parseName(name string) (d day, n uint64, ok bool) {
	date, number, ok := strings.Cut(name, ".")
	t, err := time.Parse(time.DateOnly, date)
	if !ok || err != nil {
		return 0, 0, false
	}
	n, err = strconv.ParseUint(number, 10, 64)
	return dayOf(t), n, err == nil && len(number) >= 8
}

// markVersion gives a file its version twice over, so that a damaged one is not
// taken for one of a newer binary.
func markVersion(version int) string {
	return fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d;", version, applicationID+version)
}

const applicationID = 0x5762_0000 // "Wb", and the version

// readVersion is 0 for a file that nothing was written to.
func readVersion(db *sql.DB, known int) (version int, err error) {
	var id int
	if err := db.QueryRow("SELECT user_version, application_id FROM pragma_user_version, pragma_application_id").Scan(&version, &id); err != nil {
		return 0, damage(err)
	}
	switch {
	case version == 0 && id == 0:
		return 0, nil
	case id != applicationID+version:
		return 0, fmt.Errorf("%w: its version", errCorrupt)
	case version > known:
		return 0, fmt.Errorf("it is of version %d, this binary knows version %d; use a newer one", version, known)
	}
	return version, nil
}

// holders counts who reads a segment. The list of segments is one of them.
type holders struct {
	n    atomic.Int64
	last func() // after nobody does
}

func (h *holders) hold() { h.n.Add(1) }

func (h *holders) release() {
	if h.n.Add(-1) == 0 {
		h.last()
	}
}

package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/waybill-log/waybill/store/filter"
)

// ErrQuery wraps every reason for which a query cannot be answered, however often
// it is asked.
var ErrQuery = errors.New("query refused")

// Limits on what one call may ask for.
const (
	MaxLimit   = 10_000 // entries of a page, journeys of a list, values of a facet
	MaxBuckets = 10_000 // of a histogram
)

// Query says which records are asked for.
type Query struct {
	Filter      filter.Node // nil: every record
	From, Until time.Time   // From ≤ Time < Until; zero leaves that side open
	Budget      time.Duration
	// Search only:
	Limit       int    // 1 to MaxLimit
	OldestFirst bool   // else newest first
	After       Cursor // where the page before ended; zero: from the start
}

// Cursor is a place between two records, which later ones do not move.
type Cursor struct {
	Time time.Time
	ID   string
}

// CursorAt is the place of a record itself: After it come its neighbours.
func CursorAt(e Entry) Cursor { return Cursor{Time: e.Time, ID: e.ID} }

// Compare orders a cursor and an entry as [Compare] does entries.
func (c Cursor) Compare(e Entry) int {
	return cmp.Or(c.Time.Compare(e.Time), cmp.Compare(c.ID, e.ID))
}

// IsZero reports whether c is no place.
func (c Cursor) IsZero() bool { return c.Time.IsZero() && c.ID == "" }

// String is what [ParseCursor] reads: URL-safe, and nothing to look into.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Time.UnixNano()))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID...))
}

// ParseCursor reads a cursor. Its error wraps ErrQuery.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 8 || len(b) > 8+512 || b[0] > 0x7F || !utf8.Valid(b[8:]) {
		return Cursor{}, errNoCursor()
	}
	return Cursor{Time: time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC(), ID: string(b[8:])}, nil
}

// Page is one page of a search.
type Page struct {
	Entries []Entry
	// Next goes on after this page; zero where nothing is left. After a partial
	// page it is the place the search has come to: every match before it has been
	// given, and there may have been none. It may be Query.Start again, so ask with
	// a larger budget.
	Next    Cursor
	Partial bool // the budget ended before the page was full
}

// Bucket counts the records of one step of time.
type Bucket struct {
	Start time.Time // a multiple of the step since 1970
	Count int64
}

// Histogram holds the buckets that are not empty, earliest first.
type Histogram struct {
	Buckets []Bucket
	Partial bool // the budget ended before everything was counted
}

// Facet is one value of a field and how many records have it.
type Facet struct {
	Value string
	Count int64
}

// CompareFacets orders values of a field: the most frequent first, then by value,
// numbers by their size.
func CompareFacets(field string) func(a, b Facet) int {
	kind, _ := filter.KindOf(field)
	return func(a, b Facet) int {
		if c := cmp.Compare(b.Count, a.Count); c != 0 || kind != filter.Number {
			return cmp.Or(c, cmp.Compare(a.Value, b.Value))
		}
		n, _ := strconv.ParseInt(a.Value, 10, 64)
		m, _ := strconv.ParseInt(b.Value, 10, 64)
		return cmp.Compare(n, m)
	}
}

// Facets holds the most frequent values of a field, as [CompareFacets] orders them.
type Facets struct {
	Values  []Facet
	Others  int64 // records with a value that is not listed
	Partial bool  // the budget ended before everything was counted
}

// Journey is a correlation key and the time of its latest record.
type Journey struct {
	Key  string
	Last time.Time
}

// CompareJourneys orders the newest first, then by key.
func CompareJourneys(a, b Journey) int {
	return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Key, b.Key))
}

// Searcher finds records by what they say. Each method may read at most as long as
// the query's Budget, where that is not zero, and says so where that was not
// enough. Errors wrap ErrQuery, ErrUnavailable or are the context's.
type Searcher interface {
	// Search returns a page of records ordered by Time, then ID, newest or oldest first.
	Search(ctx context.Context, q Query) (Page, error)

	// Histogram counts records by time. Step is a multiple of a millisecond; From and Until
	// are needed, and at most MaxBuckets steps apart.
	Histogram(ctx context.Context, q Query, step time.Duration) (Histogram, error)

	// Facets counts the n most frequent values of a field that filter.Faceted knows.
	Facets(ctx context.Context, q Query, field string, n int) (Facets, error)

	// Newest returns the n correlation keys that have the newest records, newest first, then by key.
	Newest(ctx context.Context, n int) ([]Journey, error)
}

// Around returns up to n records before e and up to n after it, each nearest to e
// first, of those that match within: the records of the same instance, service or journey.
func Around(ctx context.Context, s Searcher, e Entry, within filter.Node, n int) (before, after []Entry, err error) {
	q := Query{Filter: within, Limit: n, After: CursorAt(e)}
	page, err := s.Search(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	q.OldestFirst = true
	later, err := s.Search(ctx, q)
	return page.Entries, later.Entries, err
}

// Start is the place at which a search begins: After, or else one before all records
// that are asked for. There a partial page goes on that has come nowhere.
func (q *Query) Start() Cursor {
	first, last := time.Unix(0, 0).UTC(), Cursor{Time: time.Unix(0, math.MaxInt64).UTC(), ID: string(utf8.MaxRune)}
	switch {
	case !q.After.IsZero():
		return q.After
	case q.OldestFirst && q.From.After(first):
		return Cursor{Time: q.From}
	case q.OldestFirst:
		return Cursor{Time: first}
	case !q.Until.IsZero() && q.Until.After(first) && q.Until.Before(last.Time):
		return Cursor{Time: q.Until}
	}
	return last
}

// Check refuses what Search, Histogram and Facets cannot answer. A histogram has
// a step, facets a field, and both have no limit; a search has a limit only.
func (q *Query) check() error {
	if err := filter.Check(q.Filter); err != nil {
		return fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if !q.From.IsZero() && !q.Until.IsZero() && !q.From.Before(q.Until) {
		return fmt.Errorf("%w: from %s is not before until %s", ErrQuery, q.From.Format(time.RFC3339), q.Until.Format(time.RFC3339))
	}
	return nil
}

// CheckSearch refuses a query that no Search can answer. Its error wraps ErrQuery.
func (q *Query) CheckSearch() error {
	if q.Limit < 1 || q.Limit > MaxLimit {
		return fmt.Errorf("%w: limit is %d, want 1 to %d", ErrQuery, q.Limit, MaxLimit)
	}
	return q.check()
}

// CheckHistogram refuses what no Histogram can answer. Its error wraps ErrQuery.
func (q *Query) CheckHistogram(step time.Duration) error {
	switch {
	case step < time.Millisecond || step%time.Millisecond != 0:
		return fmt.Errorf("%w: a step of %s is not a multiple of 1ms", ErrQuery, step)
	case q.From.IsZero() || q.Until.IsZero():
		return fmt.Errorf("%w: a histogram needs from and until", ErrQuery)
	case q.Until.Sub(q.From)/step > MaxBuckets:
		return fmt.Errorf("%w: %s in steps of %s are more than %d", ErrQuery, q.Until.Sub(q.From), step, MaxBuckets)
	case filter.HasContains(q.Filter):
		return fmt.Errorf("%w: records that contain a text can be searched for, not counted", ErrQuery)
	}
	return q.check()
}

// CheckFacets refuses what no Facets can answer. Its error wraps ErrQuery.
func (q *Query) CheckFacets(field string, n int) error {
	switch {
	case !filter.Faceted(field):
		return fmt.Errorf("%w: values of %s cannot be counted", ErrQuery, field)
	case n < 1 || n > MaxLimit:
		return fmt.Errorf("%w: %d values, want 1 to %d", ErrQuery, n, MaxLimit)
	case filter.HasContains(q.Filter):
		return fmt.Errorf("%w: records that contain a text can be searched for, not counted", ErrQuery)
	}
	return q.check()
}

// CheckCount refuses a number of things that no answer holds. Its error wraps ErrQuery.
func CheckCount(n int) error {
	if n < 1 || n > MaxLimit {
		return fmt.Errorf("%w: %d of them, want 1 to %d", ErrQuery, n, MaxLimit)
	}
	return nil
}

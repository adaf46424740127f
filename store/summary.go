package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-log/waybill/store/filter"
)

// Summary is what is kept of one journey beside its records, so that lists and
// alerts need not read them. A journey has one for each day on which somebody began to
// fold it without knowing of another; State joins them.
type Summary struct {
	SummaryRef
	Revision      Revision // as it was read, or given by PutSummaries; zero: there is none yet
	Partition     int32    // of the records' topic: whose owner folds it
	Key           string   // correlation.key
	CorrelationID string
	Verdict       string
	Completeness  string
	Kind          string // operation of the first hop
	Release       string // version of the service that began it
	Start, End    time.Time
	Services      []string
	Traces        []string
	Aliases       []string // values
	PartOf        string   // correlation key of the journey that this one's trace is part of; empty: of none
	Failed        bool     // some record is of level error
	OpenHops      int
	Check         time.Time // when its verdict may change though nothing is written; zero: never
	Announced     string    // the verdict that has been made known
	State         []byte    // the fold; the store does not look into it
}

// Took is how long the journey took, negative where clocks disagree.
func (s *Summary) Took() time.Duration { return s.End.Sub(s.Start) }

// SummaryRef names a summary.
type SummaryRef struct {
	Day time.Time // midnight, UTC
	ID  SummaryID
}

// SummaryID is a hash of a correlation ID.
type SummaryID [16]byte

func (id SummaryID) String() string { return hex.EncodeToString(id[:]) }

// Revision tells one content of a summary from another: a store writes a summary
// only over the revision that its writer has read.
type Revision struct{ Number, Term int64 }

// IsZero reports whether r is of no summary.
func (r Revision) IsZero() bool { return r == Revision{} }

// SummaryQuery says which summaries are asked for. Empty fields ask for any. Those
// that are part of another journey are left out.
type SummaryQuery struct {
	Keys            []string // of one of these correlation keys
	Verdicts        []string // any of these
	Completeness    []string // any of these
	Visited         []string // services, all of them
	Kind            string
	Release         string
	Failed          bool          // only with records of level error
	Longer, Shorter time.Duration // Longer ≤ Took() ≤ Shorter; zero leaves that side open
	From, Until     time.Time     // From ≤ Start < Until; zero leaves that side open
	Limit           int           // 1 to MaxLimit
	After           SummaryCursor
}

// maxNames is how many verdicts or services a query names at most.
const maxNames = 100

// Check refuses what cannot be answered. Its error wraps ErrQuery.
func (q *SummaryQuery) Check() error {
	if !q.From.IsZero() && !q.Until.IsZero() && !q.From.Before(q.Until) {
		return fmt.Errorf("%w: from %s is not before until %s", ErrQuery, q.From.Format(time.RFC3339), q.Until.Format(time.RFC3339))
	}
	switch {
	case q.Longer < 0 || q.Shorter < 0 || q.Shorter > 0 && q.Longer > q.Shorter:
		return fmt.Errorf("%w: no journey takes at least %s and at most %s", ErrQuery, q.Longer, q.Shorter)
	case len(q.Keys) > filter.MaxIn:
		return fmt.Errorf("%w: more than %d correlation keys; ask in several queries", ErrQuery, filter.MaxIn)
	case max(len(q.Verdicts), len(q.Completeness), len(q.Visited)) > maxNames:
		return fmt.Errorf("%w: more than %d verdicts or services; name fewer", ErrQuery, maxNames)
	}
	return CheckCount(q.Limit)
}

// Matches reports whether a query asks for a summary, whatever the cursor.
func (q *SummaryQuery) Matches(s *Summary) bool {
	return s.PartOf == "" && among(q.Keys, s.Key) && among(q.Verdicts, s.Verdict) && among(q.Completeness, s.Completeness) &&
		(q.Kind == "" || q.Kind == s.Kind) && (q.Release == "" || q.Release == s.Release) &&
		!slices.ContainsFunc(q.Visited, func(service string) bool { return !slices.Contains(s.Services, service) }) &&
		(!q.Failed || s.Failed) && (q.Longer == 0 || s.Took() >= q.Longer) && (q.Shorter == 0 || s.Took() <= q.Shorter) &&
		(q.From.IsZero() || !s.Start.Before(q.From)) && (q.Until.IsZero() || s.Start.Before(q.Until))
}

// among reports whether a value is allowed: no values allow any.
func among(values []string, value string) bool {
	return len(values) == 0 || slices.Contains(values, value)
}

// Summaries keeps summaries. Errors wrap ErrUnavailable, ErrQuery where the call
// says so, or are the context's. Safe for concurrent use.
//
// A Retainer drops the summaries of the days it drops: whoever writes over one of them
// finds it stale, and none to load.
type Summaries interface {
	// PutSummaries writes each summary over the revision that it says it is, and
	// durably. It returns what each one's revision is now; a zero one was stale, and is to be
	// loaded, joined and written again. No two are of the same SummaryRef. After an
	// error it is not known which were written; to write them again is to find some stale.
	PutSummaries(ctx context.Context, summaries []Summary) ([]Revision, error)

	// LoadSummaries reads summaries, as the latest PutSummaries left them; those
	// that do not exist are left out. The order is any.
	LoadSummaries(ctx context.Context, refs []SummaryRef) ([]Summary, error)

	// SummariesOf returns the summaries of a correlation key, and those that have one
	// of the traces. They may lack what was put less than Lag ago, as may the following.
	SummariesOf(ctx context.Context, key string, traces []string) ([]Summary, error)

	// PendingSummaries calls each with the ref and check of every summary of a
	// partition that is to be checked, in any order, until it returns false.
	PendingSummaries(ctx context.Context, partition int32, each func(SummaryRef, time.Time) bool) error

	// FindSummaries returns a page in the order of CompareSummaries, with State.
	FindSummaries(ctx context.Context, q SummaryQuery) (page []Summary, next SummaryCursor, err error)

	// Lookup returns the summaries that an ID may mean, in the order of
	// CompareSummaries and without State, those that are part of another journey, too. At
	// most as many as its limit; more says that there are others.
	Lookup(ctx context.Context, l Lookup) (found []Summary, more bool, err error)
}

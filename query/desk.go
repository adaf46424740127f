package query

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Config says what is read, and what else is there to ask.
type Config struct {
	Store    Store
	Evidence Evidence                                       // nil: there is none
	Erase    func(ctx context.Context, keys []string) error // hides correlation keys from Store for good; nil: nothing can be erased

	// Begin is called before a journey is read, and what it returns after: all that was
	// shipped before is in what was read. nil: the horizon of Evidence, less the store's lag.
	Begin func() (through func() time.Time)

	// Hides reports whether a record was erased, without asking the store. nil: none was.
	Hides func(store.Entry) bool

	// Only is what the asker may see of the records; nil, or a nil node: all.
	Only func(ctx context.Context) filter.Node

	Letters func(ctx context.Context, n int) ([]Letter, error)               // the latest n dead letters, oldest first; nil: they are not known
	Letter  func(ctx context.Context, at LetterAt) (*WholeLetter, error)     // one of them, or ErrNoLetter; nil: as Letters
	Replay  func(ctx context.Context, at LetterAt) (topic string, err error) // sends one again to where it lay, or is ErrNoLetter or ErrNoReplay; nil: nobody can
	Lags    func() ([]evidence.Lag, error)                                   // how far consumer groups have come; nil: not known
	Ledgers func() []evidence.Ledger                                         // what instances say of their records; nil: not known
	Kept    int64                                                            // bytes of built journeys that are kept for further windows; 0: 256 MiB
	Logger  *slog.Logger                                                     // nil discards
}

// Store is what is read of a store.Store.
type Store interface {
	store.Reader
	store.Finder
}

// Evidence tells what verdicts may rest on besides the records; evidence.Gatherer does.
type Evidence interface {
	// AsOf is the horizon: all that was shipped before is stored. Zero: it is not known.
	AsOf() (time.Time, error)
	For(asOf time.Time, moments iter.Seq[*record.Record]) journey.Evidence
}

// Desk answers questions. Safe for concurrent use.
type Desk struct {
	cfg    Config
	log    *slog.Logger
	builds builds

	mu    sync.Mutex
	asked time.Time // when the horizon was
	asOf  time.Time
}

// New answers from what cfg says.
func New(cfg Config) *Desk {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Desk{cfg: cfg, log: cfg.Logger, builds: builds{max: cmp.Or(cfg.Kept, usualKept)}}
}

// horizonServes is how long one answer about the horizon serves, the lack of one too.
const horizonServes = 100 * time.Millisecond

// AsOf is through when the store shows all that was shipped; zero: it is not known. It is
// asked before the store: what is shipped meanwhile must not be claimed to be in the answer.
func (d *Desk) AsOf(ctx context.Context) time.Time {
	if d.cfg.Evidence == nil {
		return time.Time{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.asked.IsZero() && time.Since(d.asked) < horizonServes {
		return d.asOf
	}
	asOf, err := d.cfg.Evidence.AsOf()
	if err != nil {
		d.log.WarnContext(ctx, "the horizon is not known", "error", err)
	}
	if !asOf.IsZero() {
		asOf = asOf.Add(-d.cfg.Store.Lag())
	}
	d.asked, d.asOf = time.Now(), asOf
	return asOf
}

// begin is called before a journey is read, what it returns after.
func (d *Desk) begin(ctx context.Context) (through func() time.Time) {
	if d.cfg.Begin != nil {
		return d.cfg.Begin()
	}
	asOf := d.AsOf(ctx)
	return func() time.Time { return asOf }
}

// only is what the asker may see of the records; nil: all.
func (d *Desk) only(ctx context.Context) filter.Node {
	if d.cfg.Only == nil {
		return nil
	}
	return d.cfg.Only(ctx)
}

// both joins two conditions, each of which may be nil.
func both(a, b filter.Node) filter.Node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return filter.And{a, b}
}

// told is a time of an answer; nil where it is not known.
func told(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

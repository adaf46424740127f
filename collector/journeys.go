package collector

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// Evidence is what verdicts may rest on besides the records; evidence.Gatherer has it.
type Evidence interface {
	AsOf() (time.Time, error)
	For(asOf time.Time, moments iter.Seq[*record.Record]) journey.Evidence
}

// journeys folds the records of one partition into what each journey has come to.
// Whoever owned the partition before, or still believes so, does no harm: a summary is
// only written over the one that was read, and folds join.
type journeys struct {
	c         *Collector
	partition int32
	wake      chan struct{} // something was folded
	written   chan struct{} // a round has ended

	mu      sync.Mutex
	tracked map[store.SummaryID]*tracked
	recent  list.List         // of *tracked, the one folded or written longest ago first
	touched map[*tracked]bool // to be judged
	dirty   map[*tracked]bool // folded and not written, or not announced
	waiting waiting
	next    int64 // the offset after the last one folded
	size    int   // of all tracked, about
}

// tracked is a journey in memory.
type tracked struct {
	ref       store.SummaryRef
	key, id   string
	fold      *journey.Fold
	revision  store.Revision
	loaded    bool      // the fold has what the store has
	changes   int       // records folded, to tell whether more have come
	first     int64     // offset of the first that is not written, while it is dirty
	since     time.Time // when the first of them was folded that was not judged
	judged    time.Time
	verdict   journey.Verdict // as written
	said      journey.Verdict // as announced
	partOf    string          // correlation key of the journey that this trace is part of
	given     int             // changes when that journey was given it last
	seeking   bool            // it is looked for again
	partition int32
	linked    int // traces whose own summaries have been looked for
	check     time.Time
	size      int
	place     *list.Element
}

func newJourneys(c *Collector, partition int32, from int64) *journeys {
	return &journeys{
		c: c, partition: partition, next: from, wake: make(chan struct{}, 1), written: make(chan struct{}, 1),
		tracked: map[store.SummaryID]*tracked{}, touched: map[*tracked]bool{}, dirty: map[*tracked]bool{}, waiting: newWaiting(),
	}
}

// summaryID is the same for all spellings of an ID.
func summaryID(id string) store.SummaryID {
	sum := sha256.Sum256([]byte(record.Spelling(id)))
	return store.SummaryID(sum[:16])
}

// Bounds on how far a minted ID's time may be from when the broker took a record.
const (
	maxMintedAge   = 30 * 24 * time.Hour
	maxMintedAhead = 24 * time.Hour
)

// mintedAt is the time in an ID that [instrument] minted: its first 48 bits are
// milliseconds. False for any other ID, but for one of some hundred thousand.
func mintedAt(id string, taken time.Time) (time.Time, bool) {
	var b [8]byte
	if len(id) != 32 {
		return time.Time{}, false
	}
	if _, err := hex.Decode(b[2:], []byte(id[:12])); err != nil {
		return time.Time{}, false
	}
	var ms int64
	for _, c := range b {
		ms = ms<<8 | int64(c)
	}
	at := time.UnixMilli(ms).UTC()
	return at, at.After(taken.Add(-maxMintedAge)) && at.Before(taken.Add(maxMintedAhead))
}

const aDay = 24 * time.Hour

// refs are where a journey's summary is looked for, the likeliest first. A minted ID
// tells its day; another one's is that of the first record folded.
func refs(id string, taken time.Time) []store.SummaryRef {
	name := summaryID(id)
	if at, ok := mintedAt(id, taken); ok {
		return []store.SummaryRef{{Day: at.Truncate(aDay), ID: name}}
	}
	day := taken.UTC().Truncate(aDay)
	return []store.SummaryRef{{Day: day, ID: name}, {Day: day.Add(-aDay), ID: name}}
}

// add folds a batch that is settled.
func (js *journeys) add(b *batch) {
	js.mu.Lock()
	defer js.mu.Unlock()
	now := time.Now()
	for i, e := range b.entries {
		if e.Key == "" {
			continue
		}
		r, err := record.View(e.Raw)
		if err != nil {
			continue // what NewEntry took, View takes
		}
		m := b.from[i]
		t := js.track(r.CorrelationID, r.CorrelationKey, m.Timestamp)
		t.fold.Add(&r)
		t.changes++
		t.seeking = false
		if !js.dirty[t] {
			js.dirty[t], t.first = true, m.Offset
		}
		if !js.touched[t] {
			js.touched[t], t.since = true, now
		}
	}
	js.next = max(js.next, b.next)
	if len(js.touched) > 0 {
		signal(js.wake)
	}
}

// track finds a journey, or begins to keep it in memory.
func (js *journeys) track(id, key string, taken time.Time) *tracked {
	name := summaryID(id)
	if t, ok := js.tracked[name]; ok {
		js.recent.MoveToBack(t.place)
		return t
	}
	where := refs(id, taken)
	t := &tracked{ref: where[0], partition: js.partition, key: strings.Clone(key), id: strings.Clone(id), fold: &journey.Fold{}, loaded: len(where) == 1}
	if w, ok := js.waiting.take(name); ok {
		t.ref.Day, t.loaded = w.day(), false
	}
	js.keep(t)
	return t
}

func (js *journeys) keep(t *tracked) {
	js.tracked[t.ref.ID] = t
	t.place = js.recent.PushBack(t)
	js.grow(t, emptySize+t.fold.Bytes())
}

// emptySize is about what a tracked journey takes beside its fold.
const emptySize = 512

func (js *journeys) grow(t *tracked, size int) {
	js.size += size - t.size
	t.size = size
}

// evict gives memory back: what is written and not written to is in the store.
func (js *journeys) evict() {
	room := js.c.cfg.JourneyBytes / max(1, len(js.c.owned.list()))
	for at := js.recent.Front(); at != nil && js.size > room; {
		t := at.Value.(*tracked)
		next := at.Next()
		if !js.dirty[t] && !js.touched[t] {
			js.recent.Remove(at)
			delete(js.tracked, t.ref.ID)
			js.grow(t, 0)
			if !t.check.IsZero() {
				js.waiting.add(t.ref, t.check)
			}
		}
		at = next
	}
}

// checkpoint is the offset below which everything is in summaries that are written.
func (js *journeys) checkpoint() int64 {
	js.mu.Lock()
	defer js.mu.Unlock()
	first := js.next
	for t := range js.dirty {
		first = min(first, t.first)
	}
	return first
}

// maxDirty bounds the journeys that are folded and not written, and so what the
// partition's next owner reads again.
const maxDirty = 2500

// room waits while too much is not written.
func (js *journeys) room(ctx context.Context) error {
	full := func() bool {
		js.mu.Lock()
		defer js.mu.Unlock()
		return len(js.dirty) > maxDirty
	}
	if !full() {
		return nil
	}
	defer js.c.pause(js.partition)()
	for full() {
		signal(js.wake)
		select {
		case <-js.written:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// due are the journeys to be judged now: those with new records, those whose
// deadline the horizon has passed, and, of a full round, all that are not written.
func (js *journeys) due(asOf time.Time, full, last bool) []*tracked {
	js.mu.Lock()
	defer js.mu.Unlock()
	if full {
		js.passed(asOf)
		for t := range js.dirty {
			js.touched[t] = true
		}
	}
	out := make([]*tracked, 0, len(js.touched))
	for t := range js.touched {
		rests := t.size > largeSize && (!full || time.Since(t.judged) < largeRest)
		if !last && (rests || t.seeking && !full) {
			continue
		}
		delete(js.touched, t)
		out = append(out, t)
	}
	return out
}

// A large journey is judged and written less often, so that it does not hold up its neighbours.
const (
	largeSize = 1 << 20
	largeRest = 10 * time.Second
)

// passed has all journeys judged whose verdict may change by now though nothing is written.
func (js *journeys) passed(asOf time.Time) {
	for ref := range js.waiting.passed(asOf) {
		t := &tracked{ref: ref, partition: js.partition, fold: &journey.Fold{}}
		js.keep(t)
		js.touched[t], t.since = true, time.Now()
	}
	for _, t := range js.tracked {
		if !t.check.IsZero() && !t.check.After(asOf) && !js.touched[t] {
			js.touched[t], t.since = true, time.Now()
		}
	}
}

package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/store"
)

const (
	roundEvery = 25 * time.Millisecond // verdicts that change meanwhile are written together
	fullEvery  = 2 * time.Second       // what changes no verdict is written as often
	roundSize  = 1000                  // journeys in one call of the store
)

// run judges, writes and announces until ctx ends. Journeys that were left waiting by
// the partition's last owner are taken over first.
func (js *journeys) run(ctx context.Context) {
	js.adopt(ctx)
	full := time.NewTicker(fullEvery)
	defer full.Stop()
	for ctx.Err() == nil {
		whole := false
		select {
		case <-js.wake:
		case <-full.C:
			whole = true
		case <-ctx.Done():
			return
		}
		err := js.round(ctx, whole, false)
		if err != nil && ctx.Err() == nil {
			js.c.failing(err)
			js.c.meters.retries.Inc()
			js.c.log.Error("summaries wait", "partition", js.partition, "error", err)
			pause(ctx, time.Second)
			continue
		}
		if err == nil {
			js.c.failing(nil)
		}
		pause(ctx, roundEvery)
	}
}

// adopt learns which journeys of the partition are to be judged though nothing may be
// written to them any more.
func (js *journeys) adopt(ctx context.Context) {
	for ctx.Err() == nil {
		err := js.c.summaries.PendingSummaries(ctx, js.partition, func(ref store.SummaryRef, check time.Time) bool {
			js.mu.Lock()
			defer js.mu.Unlock()
			if js.tracked[ref.ID] == nil {
				js.waiting.add(ref, check)
			}
			return ctx.Err() == nil
		})
		if err == nil || ctx.Err() != nil {
			js.mu.Lock()
			js.count()
			js.mu.Unlock()
			return
		}
		js.c.failing(err)
		js.c.log.Error("journeys that wait are not known", "partition", js.partition, "error", err)
		pause(ctx, time.Second)
	}
}

// round judges what is due, writes what has changed, and makes new verdicts known.
// The last one of a claim leaves nothing unwritten.
func (js *journeys) round(ctx context.Context, full, last bool) error {
	defer signal(js.written)
	asOf, err := js.c.cfg.Evidence.AsOf()
	if err != nil {
		js.c.log.Warn("the horizon is not known", "error", err)
	}
	var errs []error
	for some := range slices.Chunk(js.due(asOf, full || last, last), roundSize) {
		if err := js.settle(ctx, some, asOf); err != nil {
			js.again(some)
			errs = append(errs, err)
		}
	}
	js.mu.Lock()
	js.evict()
	js.count()
	js.mu.Unlock()
	return errors.Join(errs...)
}

func (js *journeys) count() {
	js.c.meters.journeys.WithLabelValues(number(js.partition), "memory").Set(float64(len(js.tracked)))
	js.c.meters.journeys.WithLabelValues(number(js.partition), "store").Set(float64(len(js.waiting.known)))
}

// again has journeys judged in the next round.
func (js *journeys) again(some []*tracked) {
	js.mu.Lock()
	defer js.mu.Unlock()
	for _, t := range some {
		js.touched[t] = true
	}
}

// maxRaces bounds how often one round meets another writer of the same summary.
const maxRaces = 100

// settle judges some journeys until what has changed of them is written and announced.
func (js *journeys) settle(ctx context.Context, all []*tracked, asOf time.Time) error {
	var done []write
	some := all
	for range maxRaces {
		if err := js.load(ctx, some); err != nil {
			return fmt.Errorf("load summaries: %w", err)
		}
		if err := js.takeIn(ctx, some); err != nil {
			return fmt.Errorf("load summaries of traces: %w", err)
		}
		written, stale, err := js.write(ctx, js.judge(some, asOf))
		if err != nil {
			return fmt.Errorf("write summaries: %w", err)
		}
		done = append(done, written...)
		if len(stale) == 0 {
			if err := js.handOn(ctx, all); err != nil {
				return err
			}
			js.clean(done)
			return nil
		}
		some = stale
	}
	return errors.New("summaries change too often to be written: are collectors of several groups at work on one store?")
}

// load joins to the folds what the store has of them.
func (js *journeys) load(ctx context.Context, some []*tracked) error {
	var wanted []store.SummaryRef
	by := map[store.SummaryID]*tracked{}
	js.mu.Lock()
	for _, t := range some {
		if t.loaded {
			continue
		}
		by[t.ref.ID] = t
		wanted = append(wanted, t.ref)
		if t.id == "" { // known by its ref alone
			continue
		}
		if _, minted := mintedAt(t.id, t.ref.Day); !minted && t.revision.IsZero() {
			wanted = append(wanted, store.SummaryRef{Day: t.ref.Day.Add(-aDay), ID: t.ref.ID})
		}
	}
	js.mu.Unlock()
	if len(wanted) == 0 {
		return nil
	}
	found, err := js.c.summaries.LoadSummaries(ctx, wanted)
	if err != nil {
		return err
	}
	js.mu.Lock()
	defer js.mu.Unlock()
	for _, t := range by {
		t.revision = store.Revision{} // unless it is found
	}
	slices.SortFunc(found, func(a, b store.Summary) int { return a.Day.Compare(b.Day) })
	for i := range found {
		js.join(by[found[i].ID], &found[i])
	}
	for _, t := range by {
		t.loaded = true
	}
	return nil
}

// join takes in what the store has of a journey. Of two days the later one is
// written on.
func (js *journeys) join(t *tracked, s *store.Summary) {
	f, err := journey.ParseFold(s.State)
	if err != nil {
		js.c.log.Warn("a summary is folded anew: what it was folded from cannot be read", "correlation_id", s.CorrelationID, "error", err)
	} else {
		t.fold.Join(f)
	}
	t.ref, t.revision = s.SummaryRef, s.Revision
	t.key, t.id, t.partition = s.Key, s.CorrelationID, s.Partition
	t.verdict, t.said, t.check, t.partOf = journey.Verdict(s.Verdict), journey.Verdict(s.Announced), s.Check, cmp.Or(t.partOf, s.PartOf)
	js.grow(t, emptySize+t.fold.Bytes())
}

// write is a judged journey that is to be written.
type write struct {
	t       *tracked
	changes int // that are in it
	summary store.Summary
	judged  journey.Summary
	since   time.Time
}

// judge gives what is to be written: what was folded, and verdicts that changed.
func (js *journeys) judge(some []*tracked, asOf time.Time) []write {
	var out []write
	for _, t := range some {
		js.mu.Lock()
		if t.id == "" { // the store had it once
			t.check = time.Time{}
			js.mu.Unlock()
			continue
		}
		judged, check := t.fold.Judge(js.c.cfg.Evidence.For(asOf, t.fold.Moments()))
		t.judged, t.check = time.Now(), check
		if js.dirty[t] || judged.Verdict != t.verdict || judged.Verdict != t.said {
			state := t.fold.Append(nil)
			js.grow(t, emptySize+t.fold.Bytes())
			out = append(out, write{t, t.changes, js.summary(t, &judged, state), judged, t.since})
		}
		js.mu.Unlock()
	}
	return out
}

// summary is what the store keeps of a judged journey.
func (js *journeys) summary(t *tracked, judged *journey.Summary, state []byte) store.Summary {
	s := store.Summary{
		SummaryRef: t.ref, Revision: t.revision, Partition: t.partition, Key: t.key, CorrelationID: judged.CorrelationID,
		Verdict: string(judged.Verdict), Completeness: string(judged.Completeness), Kind: judged.Kind, Release: judged.Release, Start: judged.Start, End: judged.End,
		Services: judged.Stations, Traces: judged.Traces, PartOf: t.partOf, Failed: judged.Errors, OpenHops: judged.OpenHops,
		Check: t.check, Announced: string(t.said), State: state,
	}
	for _, a := range judged.Aliases[:min(len(judged.Aliases), maxAliases)] {
		s.Aliases = append(s.Aliases, a.Value)
	}
	return s
}

// maxAliases bounds the aliases by which a journey is found.
const maxAliases = 100

// write writes summaries and announces new verdicts. Stale are those that somebody
// else has written meanwhile.
func (js *journeys) write(ctx context.Context, writes []write) (done []write, stale []*tracked, err error) {
	if len(writes) == 0 {
		return nil, nil, nil
	}
	summaries := make([]store.Summary, len(writes))
	for i := range writes {
		summaries[i] = writes[i].summary
	}
	revisions, err := js.c.summaries.PutSummaries(ctx, summaries)
	var news []write
	js.mu.Lock()
	for i, w := range writes {
		if err != nil || revisions[i].IsZero() { // perhaps written, and perhaps by us
			w.t.loaded = false
			stale = append(stale, w.t)
			continue
		}
		w.t.revision, w.t.verdict = revisions[i], w.judged.Verdict
		done = append(done, w)
		if w.judged.Verdict != w.t.said && w.t.partOf == "" {
			news = append(news, w)
		}
	}
	js.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	js.c.meters.summaries.Add(float64(len(done)))
	if err := js.c.announce(news); err != nil {
		return nil, nil, err
	}
	js.mu.Lock()
	for _, w := range news {
		w.t.said = w.judged.Verdict
	}
	js.mu.Unlock()
	return done, stale, nil
}

// clean forgets what is settled, but for journeys that have had more records since.
func (js *journeys) clean(done []write) {
	js.mu.Lock()
	defer js.mu.Unlock()
	for _, w := range done {
		if w.t.changes == w.changes {
			delete(js.dirty, w.t)
		}
	}
}

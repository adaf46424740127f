package collector

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// A service that only speaks OpenTelemetry ships what it does under the trace's ID. Where
// exactly one journey is known to have that trace, it is part of that journey: the journey
// takes in what the trace has come to, whichever of the two was folded first.

// seekFor is how long after its latest record a trace's journey is looked for: the
// store may not find yet what was written just now.
const seekFor = 15 * time.Second

// takeIn joins to journeys what their traces have come to by themselves.
func (js *journeys) takeIn(ctx context.Context, some []*tracked) error {
	var wanted []store.SummaryRef
	takers := map[store.SummaryID][]*tracked{}
	traces := map[store.SummaryID]string{}
	js.mu.Lock()
	for _, t := range some {
		all := t.fold.Traces()
		if len(all) == t.linked {
			continue
		}
		t.linked = len(all)
		for _, trace := range all {
			name := summaryID(trace)
			if name == t.ref.ID {
				continue
			}
			if takers[name] == nil {
				wanted = append(wanted, refs(trace, time.Now())...)
			}
			takers[name], traces[name] = append(takers[name], t), trace
		}
	}
	js.mu.Unlock()
	if len(wanted) == 0 {
		return nil
	}
	found, err := js.c.summaries.LoadSummaries(ctx, wanted)
	if err != nil || len(found) == 0 {
		return err
	}
	var named []string
	for i := range found {
		named = append(named, traces[found[i].ID])
	}
	owners, err := js.owners(ctx, named)
	if err != nil {
		return err
	}
	js.mu.Lock()
	defer js.mu.Unlock()
	for i := range found {
		for _, t := range takers[found[i].ID] {
			others := slices.ContainsFunc(owners[traces[found[i].ID]], func(o store.Summary) bool { return o.ID != t.ref.ID })
			f, err := journey.ParseFold(found[i].State)
			if err != nil || others || !f.Fallback() {
				continue
			}
			t.fold.Join(f)
			js.change(t)
			if part := js.of(&found[i]); part.partOf != t.key {
				part.partOf = t.key
				js.change(part)
			}
		}
	}
	return nil
}

// of is a journey that was found in the store.
func (js *journeys) of(s *store.Summary) *tracked {
	t := js.tracked[s.ID]
	if t == nil {
		t = &tracked{ref: s.SummaryRef, revision: s.Revision, partition: s.Partition, key: s.Key, id: s.CorrelationID, partOf: s.PartOf, fold: &journey.Fold{}}
		js.keep(t)
	}
	return t
}

// change has a journey written though no record of it has come.
func (js *journeys) change(t *tracked) {
	t.changes++
	if !js.dirty[t] {
		js.dirty[t], t.first = true, js.next
	}
	if !js.touched[t] {
		js.touched[t], t.since = true, time.Now()
	}
	signal(js.wake)
}

// handOn gives what traces have come to by themselves to the journeys they are part of.
func (js *journeys) handOn(ctx context.Context, some []*tracked) error {
	var named []string
	seeking := map[string]*tracked{}
	js.mu.Lock()
	for _, t := range some {
		if traces := t.fold.Traces(); t.fold.Fallback() && len(traces) == 1 && record.Key(traces[0]) == t.key {
			named = append(named, traces[0])
			seeking[traces[0]] = t
		}
	}
	js.mu.Unlock()
	owners, err := js.owners(ctx, named)
	if err != nil {
		return err
	}
	js.mu.Lock()
	defer js.mu.Unlock()
	for trace, t := range seeking {
		switch of := owners[trace]; {
		case len(of) == 1:
			js.give(t, &of[0])
		case time.Since(t.since) < seekFor:
			t.seeking, js.touched[t] = true, true
		}
	}
	return nil
}

// give has a journey judged with what its trace has come to.
func (js *journeys) give(t *tracked, to *store.Summary) {
	if t.partOf != to.Key {
		t.partOf = to.Key
		js.change(t)
	}
	if t.given == t.changes {
		return
	}
	copied, err := journey.ParseFold(t.fold.Append(nil))
	if err != nil {
		return // it has just been written
	}
	t.given = t.changes
	owner := js.of(to)
	owner.fold.Join(copied)
	js.change(owner)
}

// owners are the journeys that have a trace and are not the trace's own, the latest
// summary of each.
func (js *journeys) owners(ctx context.Context, traces []string) (map[string][]store.Summary, error) {
	if len(traces) == 0 {
		return nil, nil
	}
	found, err := js.c.summaries.SummariesOf(ctx, "", traces)
	if err != nil {
		return nil, fmt.Errorf("look for the journeys of traces: %w", err)
	}
	slices.SortFunc(found, func(a, b store.Summary) int { return b.Day.Compare(a.Day) })
	out := map[string][]store.Summary{}
	for _, trace := range traces {
		own := summaryID(trace)
		for i := range found {
			s := &found[i]
			known := slices.ContainsFunc(out[trace], func(o store.Summary) bool { return o.ID == s.ID })
			if s.ID != own && !known && slices.Contains(s.Traces, trace) {
				out[trace] = append(out[trace], *s)
			}
		}
	}
	return out, nil
}

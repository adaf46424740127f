package alerts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Step makes what was taken in durable, and hands on the notifications that are due; calm
// holds back new ones, while what was read is old. An error is of the journal or of the
// notifier: the next step tries again, and after one of the journal the part is to be loaded anew.
//
//	freeze ─► flush ─► notify ─► forget what was frozen, with the next flush
//
// A crash after the flush repeats notifications, under the same IDs; one before it repeats
// the step.
func (p *Part) Step(ctx context.Context, now time.Time, journal Journal, notifier Notifier, calm bool) error {
	if !calm {
		p.tell(now)
	}
	p.write(journal, now)
	if err := journal.Flush(ctx); err != nil {
		return fmt.Errorf("keep alerts of partition %d: %w", p.number, err)
	}
	return p.notify(ctx, notifier)
}

// write puts what has changed.
func (p *Part) write(journal Journal, now time.Time) {
	p.age(now)
	if len(p.dirty) == 1 && p.dirty[placeKey] && now.Sub(p.placedAt) < placeEvery {
		return // what was read has changed nothing, and may be read again
	}
	if p.dirty[placeKey] {
		p.placedAt = now
	}
	all := make(map[string][]byte, len(p.dirty))
	for key := range p.dirty {
		all[key] = p.value(key)
	}
	putAll(journal, all)
	clear(p.dirty)
}

// placeEvery is how often it is written how far sources were read, where nothing else is.
const placeEvery = time.Second

// putAll puts values that belong together; nil deletes. A journal that others flush meanwhile
// has a PutAll, so that none of them takes a part.
func putAll(journal Journal, all map[string][]byte) {
	if j, ok := journal.(interface{ PutAll(map[string][]byte) }); ok {
		j.PutAll(all)
		return
	}
	for key, value := range all {
		if value != nil {
			journal.Put(key, value)
		} else {
			journal.Delete(key)
		}
	}
}

// age has young waits written that are young no more, and says from where the next owner reads.
func (p *Part) age(now time.Time) {
	for source, r := range p.place.Sources {
		old, from := p.waits.grow(source, now)
		for _, key := range old {
			p.mark(waitKeys + key.String())
		}
		if from < 0 {
			from = r.Applied
		}
		if r.From != from {
			r.From = from
			p.mark(placeKey)
		}
	}
}

// value is what the journal is to have under a key; nil: nothing.
func (p *Part) value(key string) []byte {
	if key == placeKey {
		return encode(p.place)
	}
	switch kind, rest, _ := strings.Cut(key, "/"); kind + "/" {
	case alertKeys:
		if a := p.alerts[rest]; a != nil {
			return a.append(nil)
		}
	case groupKeys:
		if g := p.groups[rest]; g != nil {
			return encode(g.groupState)
		}
	case pastKeys:
		if s, ok := p.past[key]; ok {
			return s.append(nil)
		}
	case reviewKeys:
		if at, is := p.reviews[rest]; is {
			b, _ := at.MarshalText()
			return b
		}
	case askedKeys:
		b, _ := p.asked[rest].MarshalText()
		return b
	case waitKeys:
		name, of, _ := strings.Cut(rest, "/")
		if w, waits := p.waits.known[waitKey{p.rules.Of(name), of}]; waits && w.kept {
			return w.encode()
		}
	}
	return nil
}

// inParallel is how many notifications are handed on at once: they share a flush.
const inParallel = 1024

// notify hands on what is frozen.
func (p *Part) notify(ctx context.Context, notifier Notifier) error {
	var frozen []*group
	for _, g := range p.groups {
		if g.Pending != nil {
			frozen = append(frozen, g)
		}
	}
	slices.SortFunc(frozen, func(a, b *group) int { return strings.Compare(a.Pending.ID, b.Pending.ID) })
	errs := make([]error, len(frozen))
	var some errgroup.Group
	some.SetLimit(inParallel)
	for i, g := range frozen {
		some.Go(func() error {
			errs[i] = notifier.Notify(ctx, *g.Pending)
			return nil
		})
	}
	_ = some.Wait()
	for i, g := range frozen {
		if errs[i] != nil {
			continue
		}
		g.Pending = nil
		p.mark(groupKeys + g.key)
		p.drop(g)
	}
	return errors.Join(errs...)
}

// List are the alerts there are, in order of their keys.
func (p *Part) List() []State {
	out := make([]State, 0, len(p.alerts))
	for _, key := range sortedKeys(p.alerts) {
		out = append(out, p.alerts[key].State)
	}
	return out
}

// Waiting is how many absences may come to be.
func (p *Part) Waiting() int { return len(p.waits.known) }

// Count is how many alerts there are.
func (p *Part) Count() int { return len(p.alerts) }

// Busy reports whether there is something to be told soon.
func (p *Part) Busy() bool { return len(p.touched) > 0 || len(p.dirty) > 0 }

// ParseState reads a message of the topic of alerts: an alert that is, or one that was.
func ParseState(key string, value []byte) (s State, past, ok bool) {
	past = strings.HasPrefix(key, pastKeys)
	if !past && !strings.HasPrefix(key, alertKeys) {
		return s, false, false
	}
	return s, past, json.Unmarshal(value, &s) == nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package alerts

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

const (
	// lateBy is how long after a journey changed it is usually known, and more.
	lateBy = 3 * time.Second
	// maxReviews bounds the journeys that are to be reviewed in a partition.
	maxReviews = 100_000
)

// Review is a journey whose change became known late: what it was before that, and is no more,
// nobody has judged. Its own records say which alerts it would have had.
type Review struct {
	Key   string    // correlation key
	Until time.Time // when the change was judged
}

// late has a journey reviewed whose change became known late. One that stands still is left
// alone: it is always known late, and whoever is to be told of it is told now.
func (p *Part) late(c *Change) {
	if p.rules.journeys.empty() || c.Verdict == journey.Stalled || c.At.Sub(when(c)) < lateBy {
		return
	}
	if _, known := p.reviews[c.Key]; !known && len(p.reviews) >= maxReviews {
		p.Refused++
		return
	}
	p.reviews[c.Key] = c.At
	p.due.push(c.At.UnixNano(), c.Key)
	p.mark(reviewKeys + c.Key)
}

// Reviews are those whose change was judged by a time, at most n. They are given once.
func (p *Part) Reviews(by time.Time, n int) (out []Review) {
	for len(out) < n {
		at, key, ok := p.due.pop(by.UnixNano())
		if !ok {
			break
		}
		if until, is := p.reviews[key]; is && until.UnixNano() == at {
			out = append(out, Review{key, until})
		}
	}
	return out
}

// Postpone has a review come again: the store could not be asked.
func (p *Part) Postpone(r Review) {
	if p.reviews[r.Key].Equal(r.Until) {
		p.due.push(r.Until.UnixNano(), r.Key)
	}
}

// Reviewed takes in the alerts that a journey has had, as far as they were over when its change was
// judged. Those that nobody knew of are history: there is nobody to tell of them any more.
func (p *Part) Reviewed(r Review, had []State) {
	if !p.reviews[r.Key].Equal(r.Until) {
		return
	}
	delete(p.reviews, r.Key)
	p.mark(reviewKeys + r.Key)
	for _, s := range had {
		if s.Status == Resolved && !s.EndsAt.After(r.Until) && !p.remembers(&s) {
			s.Fired, s.Seq = 0, 0
			p.remember(s)
		}
	}
}

// remembers reports whether an alert is in the history, or fires, or is older than what the history reaches back to.
func (p *Part) remembers(s *State) bool {
	if a := p.alerts[s.Key()]; a != nil && a.StartsAt.Equal(s.StartsAt) {
		return true
	}
	reaches := len(p.past) < keptPast
	for _, o := range p.past {
		if o.Key() == s.Key() && o.StartsAt.Equal(s.StartsAt) {
			return true
		}
		reaches = reaches || !o.EndsAt.After(*s.EndsAt)
	}
	return !reaches
}

// remember writes an alert that is over into the history, in the place of the oldest.
func (p *Part) remember(s State) {
	key := pastKeys + strconv.FormatUint(p.place.Past%keptPast, 10)
	p.place.Past++
	p.past[key] = s
	p.mark(key)
	p.mark(placeKey)
}

// Had are the alerts of rules on journeys that one would have had if all of it had been known
// at once, through a time, by its records in the order of their times.
func Had(ctx context.Context, rules *Rules, routes []journey.Route, records []record.Record, until time.Time) ([]State, error) {
	only := &Rules{journeys: rules.journeys, Route: rules.Route, byName: map[string]*Rule{}}
	for _, r := range rules.Rules {
		if r.Kind == OnJourney {
			only.add(r)
		}
	}
	return Replay{Rules: only, Routes: routes, Until: until}.Run(ctx, archive(records))
}

// archive is one journey, the earliest record first.
type archive []record.Record

// Records implements Archive.
func (a archive) Records(_ context.Context, _, until time.Time) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, r := range a {
			if r.Time.Before(until) && !yield(r, nil) {
				return
			}
		}
	}
}

// Count implements Archive; there are no thresholds.
func (archive) Count(context.Context, *Rule, time.Time) ([]Sample, error) { return nil, nil }

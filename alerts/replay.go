package alerts

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// Archive is what is stored of a time.
type Archive interface {
	// Records are those of a time, the earliest first.
	Records(ctx context.Context, from, until time.Time) iter.Seq2[record.Record, error]
	// Count is what a threshold is answered about a time.
	Count(ctx context.Context, r *Rule, at time.Time) ([]Sample, error)
}

// Replay is rules that are tried on what is stored.
type Replay struct {
	Rules       *Rules
	Routes      []journey.Route // who is expected to pick up what
	From, Until time.Time
}

// leadIn is how much earlier than From records are read: journeys have begun before.
const leadIn = time.Hour

// replayed is a journey as it goes on.
type replayed struct {
	fold    journey.Fold
	verdict journey.Verdict
	check   time.Time
	last    time.Time
	records []record.Record // that some absence is about
}

// replay goes through records in the order of their times, and judges each journey whenever it
// may be another one: what live evaluation would see that is never late.
type replay struct {
	Replay
	part     *Part
	journeys map[string]*replayed
	checks   queue[string]
	offset   int64
	most     int // journeys, before those are looked for that are over
	past     []State
}

// Run returns the alerts that the rules fire, in order of their start.
func (re Replay) Run(ctx context.Context, a Archive) ([]State, error) {
	rules := *re.Rules
	rules.Route = rootRoute() // nobody is told
	run := &replay{Replay: re, most: manyJourneys, journeys: map[string]*replayed{}, part: NewPart(PartConfig{Rules: &rules}, func(func(string, []byte) bool) {})}
	scheduled := map[*Rule]time.Time{}
	for _, r := range rules.Rules {
		if r.Kind == OnThreshold {
			scheduled[r] = re.From.Truncate(r.Every)
		}
	}
	for rec, err := range a.Records(ctx, re.From.Add(-leadIn), re.Until) {
		if err != nil {
			return nil, err
		}
		if err := run.sample(ctx, a, scheduled, rec.Time); err != nil {
			return nil, err
		}
		run.until(rec.Time)
		run.take(&rec)
	}
	if err := run.sample(ctx, a, scheduled, re.Until); err != nil {
		return nil, err
	}
	run.until(re.Until)
	out := run.past
	for _, s := range run.part.List() {
		if s.Status == Firing {
			out = append(out, s)
		}
	}
	out = slices.DeleteFunc(out, func(s State) bool { return s.StartsAt.Before(re.From) || s.StartsAt.After(re.Until) })
	slices.SortFunc(out, func(a, b State) int { return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.Key(), b.Key())) })
	return out, nil
}

// sample asks the thresholds that are due by a time.
func (run *replay) sample(ctx context.Context, a Archive, scheduled map[*Rule]time.Time, by time.Time) error {
	for r, at := range scheduled {
		for ; !at.After(by); at = at.Add(r.Every) {
			samples, err := a.Count(ctx, r, at)
			if err != nil {
				return err
			}
			run.part.Sampled(r, at, samples)
			scheduled[r] = at.Add(r.Every)
		}
	}
	return nil
}

// until has everything happen that time alone brings about.
func (run *replay) until(now time.Time) {
	for {
		at, key, ok := run.checks.pop(now.UnixNano())
		if !ok {
			break
		}
		if j := run.journeys[key]; j != nil && !j.check.IsZero() && j.check.UnixNano() == at {
			run.pass(j.check)
			run.judge(key, j, j.check)
		}
	}
	run.pass(now)
}

// pass has the part do what is due.
func (run *replay) pass(now time.Time) {
	run.part.Pass(now, now)
	for {
		doubts := run.part.Doubts(now, 1000)
		if len(doubts) == 0 {
			break
		}
		for _, d := range doubts {
			var records []record.Record
			if j := run.journeys[d.Key]; j != nil {
				records = j.records
			}
			run.part.Settle(d, records, now)
		}
	}
	for _, s := range run.part.past {
		run.past = append(run.past, s)
	}
	clear(run.part.past)
	clear(run.part.dirty)
	for g := range run.part.touched { // nobody is told, and who is over is forgotten
		g.Told = run.part.place.Seq
		for a := range g.members {
			run.part.settled(a)
		}
	}
	clear(run.part.touched)
}

func (run *replay) taken(source string, at time.Time) *Taken {
	run.offset++
	return &Taken{Source: source, Offset: run.offset, Time: at}
}

// take takes in a record.
func (run *replay) take(rec *record.Record) {
	run.sweep(rec.Time)
	run.part.Record(rec, run.taken("records/0", rec.Time), rec.Time)
	run.pass(rec.Time)
	if rec.CorrelationKey == "" {
		return
	}
	j := run.journeys[rec.CorrelationKey]
	if j == nil {
		j = &replayed{}
		run.journeys[strings.Clone(rec.CorrelationKey)] = j
	}
	j.last = rec.Time
	if run.concerns(rec) {
		j.records = append(j.records, *rec)
	}
	if run.Rules.journeys.empty() {
		return
	}
	j.fold.Add(rec)
	run.judge(rec.CorrelationKey, j, rec.Time)
}

// sweep forgets journeys that are over, where there are many.
func (run *replay) sweep(now time.Time) {
	if len(run.journeys) < run.most {
		return
	}
	for key, j := range run.journeys {
		if now.Sub(j.last) > overFor && j.check.IsZero() {
			delete(run.journeys, key)
		}
	}
	run.most = max(manyJourneys, 2*len(run.journeys))
}

const (
	manyJourneys = 50_000
	overFor      = time.Hour
)

// concerns reports whether some absence may be about a record.
func (run *replay) concerns(rec *record.Record) bool {
	var f recordFacts
	f.from(rec, run.Rules.labels)
	for _, x := range []*index{&run.Rules.afters, &run.Rules.expects} {
		for range x.candidates(&f) {
			return true
		}
	}
	return false
}

// judge says what a journey has come to.
func (run *replay) judge(key string, j *replayed, now time.Time) {
	judged, check := j.fold.Judge(journey.Evidence{AsOf: now, Routes: run.Routes})
	j.check = check
	if !check.IsZero() {
		run.checks.push(check.UnixNano(), key)
	}
	if judged.Verdict == j.verdict {
		return
	}
	was := j.verdict
	j.verdict = judged.Verdict
	run.part.Change(&Change{Key: key, Was: was, At: now, Summary: judged}, run.taken("journeys/0", now))
	run.pass(now)
}

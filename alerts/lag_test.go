package alerts

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// An evening of a shop: what is written, and what becomes of it.
func evening(r *rand.Rand) (all []record.Record) {
	for i := range 72 {
		key := fmt.Sprintf("k%d", i)
		at := start.Add(time.Duration(r.IntN(100*60*1000)) * time.Millisecond)
		if i >= 60 { // when the lag begins
			at = start.Add(lagFrom - time.Duration(r.IntN(3000))*time.Millisecond)
		}
		n := 0
		write := func(after time.Duration, service, message string, change func(*record.Record)) {
			n++
			one := record.Record{
				Time: at.Add(after), ID: fmt.Sprintf("%s-%d", key, n), CorrelationID: key, CorrelationKey: key, Service: service, Node: service + "-1", Message: message, Level: "info",
				Kind: record.KindLog, Sequence: uint64(i*100 + n),
			}
			if change != nil {
				change(&one)
			}
			all = append(all, one)
		}
		declare := func(outcome string) func(*record.Record) {
			return func(r *record.Record) { r.Kind, r.Declared = record.KindOutcome, outcome }
		}
		expect := func(r *record.Record) {
			r.Kind, r.Expect = record.KindExpect, record.Expect{Station: "game", Within: 20 * time.Second}
		}
		write(0, "bank", "debited", nil)
		switch i % 6 {
		case 0:
			write(5*time.Second, "game", "credited", nil)
			write(6*time.Second, "bank", "done", declare(record.Delivered))
		case 1: // never picked up
			write(time.Second, "bank", "waiting", expect)
		case 2: // late
			write(40*time.Second, "game", "credited", nil)
			write(41*time.Second, "bank", "done", declare(record.Delivered))
		case 3:
			write(3*time.Second, "game", "credited", nil)
			write(4*time.Second, "bank", "broken", declare(record.Failed))
		case 4: // picked up long after its deadline
			write(time.Second, "bank", "waiting", expect)
			write(20*time.Minute, "game", "picked up", func(r *record.Record) {
				r.Kind, r.SpanID, r.HopSequence = record.KindHopStart, fmt.Sprintf("%016x", i+1), 1
			})
			write(20*time.Minute, "game", "credited", nil)
			write(20*time.Minute+time.Second, "bank", "done", declare(record.Delivered))
		case 5: // failed, and made good
			write(2*time.Second, "game", "credited", nil)
			write(3*time.Second, "bank", "broken", declare(record.Failed))
			write(90*time.Second, "bank", "mended", declare(record.Delivered))
		}
	}
	slices.SortStableFunc(all, func(a, b record.Record) int { return a.Time.Compare(b.Time) })
	return all
}

const eveningRules = `
self: false
rules:
  - {name: stalled, journey: 'verdict == "stalled" && visited("bank")'}
  - {name: failed, journey: 'verdict == "exception"'}
  - {name: failed-for-long, journey: 'verdict == "exception"', for: 1m}
  - {name: not-credited, absence: {after: 'message == "debited"', expect: 'message == "credited"', within: 30s}}
  - {name: waits, record: 'kind == "expect"'}
  - {name: many, threshold: {query: "", window: 5m, above: 11}, every: 1m}
receivers: [{name: ops}]
route: {receiver: ops, group_by: [alert], group_interval: 1s}
`

// lagFrom is when a lag begins.
const lagFrom = 40 * time.Minute

// shelf is an archive of records in memory.
type shelf []record.Record

func (s shelf) Records(_ context.Context, from, until time.Time) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, r := range s {
			if !r.Time.Before(from) && r.Time.Before(until) && !yield(r, nil) {
				return
			}
		}
	}
}

func (s shelf) Count(_ context.Context, r *Rule, at time.Time) ([]Sample, error) {
	n := int64(0)
	for i := range s {
		if !s[i].Time.Before(at.Add(-r.Window)) && s[i].Time.Before(at) {
			n++
		}
	}
	return []Sample{{Value: n}}, nil
}

const eveningLong = 3 * time.Hour

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// lag is when collectors and the owner stand still.
type lag struct{ from, until time.Duration }

func (l lag) now(since time.Duration) bool { return since >= l.from && since < l.until }

// liveEvening is collectors that judge journeys by what is stored, and an owner of alerts, second by second. It
// is killed now and then where crashes is not nil. It returns the alerts there were, and what was told.
func liveEvening(t *testing.T, all shelf, l lag, crashes *rand.Rand) (fired map[string]State, notified *told) {
	t.Helper()
	rules, err := ParseRules([]byte(eveningRules))
	if err != nil {
		t.Fatal(err)
	}
	journal, notified := newMemory(), &told{}
	part := NewPart(PartConfig{Rules: rules}, journal.all())
	type collected struct {
		fold    journey.Fold
		verdict journey.Verdict
		check   time.Time
	}
	journeys := map[string]*collected{}
	var news []*Change // as they lie on the topic
	stored, readRecords, readNews := 0, 0, 0
	var horizon time.Time
	fired = map[string]State{}
	note := func() {
		for _, s := range part.past {
			fired[s.Key()+s.StartsAt.Format(time.RFC3339Nano)] = s
		}
	}
	for since := time.Duration(0); since <= eveningLong; since += time.Second {
		now := start.Add(since)
		if !l.now(since) {
			horizon = now.Add(-100 * time.Millisecond)
			touched := map[string]bool{}
			for stored < len(all) && !all[stored].Time.After(now) {
				r := &all[stored]
				if journeys[r.CorrelationKey] == nil {
					journeys[r.CorrelationKey] = &collected{}
				}
				journeys[r.CorrelationKey].fold.Add(r)
				touched[r.CorrelationKey] = true
				stored++
			}
			for key, j := range journeys {
				if !touched[key] && (j.check.IsZero() || j.check.After(horizon)) {
					continue
				}
				judged, check := j.fold.Judge(journey.Evidence{AsOf: horizon})
				j.check = check
				if judged.Verdict != j.verdict {
					news = append(news, &Change{Key: key, Was: j.verdict, At: now, Summary: judged})
					j.verdict = judged.Verdict
				}
			}
		}
		through := now // what the owner has read, who lags too and catches up slowly
		for n := 0; readRecords < len(all) && !all[readRecords].Time.After(now); n++ {
			if l.now(since) || l.until > 0 && n == 2 {
				through = all[max(0, readRecords-1)].Time
				break
			}
			part.Record(&all[readRecords], &Taken{Source: "records/0", Offset: int64(readRecords), Time: all[readRecords].Time}, now)
			readRecords++
		}
		for ; readNews < len(news); readNews++ {
			part.Change(news[readNews], &Taken{Source: "journeys/0", Offset: int64(readNews), Time: news[readNews].At})
		}
		part.Pass(now, now)
		if r := rules.Of("many"); part.CaughtUp("records/0", int64(readRecords)) {
			for at := part.Asked(r).Add(r.Every); ; at = at.Add(r.Every) {
				if part.Asked(r).IsZero() {
					at = start
				}
				if at.After(horizon) {
					break
				}
				samples, _ := all.Count(t.Context(), r, at)
				part.Sampled(r, at, samples)
			}
			for _, d := range part.Doubts(earlier(horizon, through), 100) {
				part.Settle(d, of(all[:stored], d.Key), now)
			}
		}
		for _, r := range part.Reviews(now, 100) {
			had, err := Had(t.Context(), rules, nil, of(all[:stored], r.Key), r.Until)
			if err != nil {
				t.Fatal(err)
			}
			part.Reviewed(r, had)
		}
		note()
		if crashes != nil && crashes.IntN(200) == 0 { // before the flush, or after it
			if crashes.IntN(2) == 0 {
				part.tell(now)
				part.write(journal, now)
				if err := journal.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			clear(journal.put)
			part = NewPart(PartConfig{Rules: rules}, journal.all())
			for source, read := range map[string]*int{"records/0": &readRecords, "journeys/0": &readNews} {
				*read = 0
				if reading, known := part.Reading(source); known {
					*read = int(reading.From)
				}
			}
			continue
		}
		if err := part.Step(t.Context(), now, journal, notified, false); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range part.List() {
		if s.Status == Firing {
			fired[s.Key()+s.StartsAt.Format(time.RFC3339Nano)] = s
		}
	}
	return fired, notified
}

// of are the records of one journey.
func of(all []record.Record, key string) (out []record.Record) {
	for i := range all {
		if all[i].CorrelationKey == key {
			out = append(out, all[i])
		}
	}
	return out
}

func replayEvening(t *testing.T, all shelf) map[string]State {
	t.Helper()
	rules, err := ParseRules([]byte(eveningRules))
	if err != nil {
		t.Fatal(err)
	}
	states, err := Replay{Rules: rules, From: start, Until: start.Add(eveningLong)}.Run(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]State{}
	for _, s := range states {
		out[s.Key()+s.StartsAt.Format(time.RFC3339Nano)] = s
	}
	return out
}

func keysOf(m map[string]State) []string { return slices.Sorted(maps.Keys(m)) }

func difference(a, b map[string]State) (out []string) {
	for key := range a {
		if _, there := b[key]; !there {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// Rules that are tried on what is stored give the alerts that they gave live, whoever was killed meanwhile.
func TestAReplayGivesTheAlertsThatLiveGave(t *testing.T) {
	for seed := range uint64(5) {
		all := shelf(evening(rand.New(rand.NewPCG(seed, 1))))
		want := replayEvening(t, all)
		kinds := map[string]int{}
		for _, s := range want {
			kinds[s.Rule]++
		}
		if len(kinds) != 6 {
			t.Fatalf("the evening has only %v", kinds)
		}
		for _, crashes := range []*rand.Rand{nil, rand.New(rand.NewPCG(seed, 2))} {
			got, _ := liveEvening(t, all, lag{}, crashes)
			if !slices.Equal(keysOf(got), keysOf(want)) {
				t.Errorf("seed %d, crashes %v: live has more by %v, and less by %v", seed, crashes != nil, difference(got, want), difference(want, got))
			}
		}
	}
}

// Collectors stand still for half an hour and catch up. Nobody is told of anything that the journeys
// themselves do not bear out, and of everything that is still wrong. What was wrong and healed meanwhile is
// history, as if there had been no lag.
func TestLagAlertsNobody(t *testing.T) {
	for seed := range uint64(5) {
		all := shelf(evening(rand.New(rand.NewPCG(seed, 1))))
		truth := replayEvening(t, all)
		late := lag{lagFrom, lagFrom + 30*time.Minute}
		meanwhile := map[string]bool{}
		for _, s := range truth {
			if s.StartsAt.After(start.Add(late.from)) && s.EndsAt != nil && s.EndsAt.Before(start.Add(late.until)) {
				meanwhile[s.Rule] = true
			}
		}
		if !meanwhile["stalled"] || !meanwhile["failed"] {
			t.Fatalf("of what is wrong and heals meanwhile the evening has only %v", meanwhile)
		}
		got, notified := liveEvening(t, all, late, rand.New(rand.NewPCG(seed, 3)))
		if more := difference(got, truth); len(more) > 0 {
			t.Errorf("seed %d: alerts that nothing bears out: %v", seed, more)
		}
		if less := difference(truth, got); len(less) > 0 {
			t.Errorf("seed %d: the history lacks %v", seed, less)
		}
		toldOf := map[string]bool{}
		for _, n := range notified.all {
			for _, a := range n.Alerts {
				toldOf[a.Key+a.StartsAt.Format(time.RFC3339Nano)] = true
				if _, there := truth[a.Key+a.StartsAt.Format(time.RFC3339Nano)]; !there {
					t.Errorf("seed %d: %s is told, and nothing bears it out", seed, a.Key)
				}
			}
		}
		caughtUp := start.Add(late.until)
		for key, s := range truth {
			wrongYet := s.EndsAt == nil || s.EndsAt.After(caughtUp.Add(time.Minute))
			if s.Rule != "many" && wrongYet && !toldOf[key] {
				t.Errorf("seed %d: nobody is told of %s since %s until %v", seed, s.Key(), s.StartsAt, s.EndsAt)
			}
		}
	}
}

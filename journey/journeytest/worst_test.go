package journeytest_test

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/journey/journeytest"
	"github.com/waybill-log/waybill/record"
)

var now = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

// size is how many records the worst journey has: a hundred thousand for make torture.
func size() int {
	if os.Getenv("TORTURE") != "" {
		return 100_000
	}
	return 10_000
}

func TestTheWorstJourneyIsTheSameForTheSameSeed(t *testing.T) {
	var first, again, other bytes.Buffer
	for _, each := range []struct {
		seed uint64
		to   *bytes.Buffer
	}{{1, &first}, {1, &again}, {2, &other}} {
		if err := journeytest.Worst(2000, each.seed, now).WriteNDJSON(each.to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), again.Bytes()) || bytes.Equal(first.Bytes(), other.Bytes()) {
		t.Error("a seed does not tell which journey it is")
	}
}

func TestTheWorstJourneyIsBuiltAsItReallyWas(t *testing.T) {
	for seed, n := range []int{1000, 1000, 1000, 1500, 3000, 5000, size()} {
		m := journeytest.Worst(n, uint64(seed), now)
		if len(m.Records) != n || m.Hops < n/7 || m.Hops > n/4 {
			t.Errorf("%d records and %d hops, of %d", len(m.Records), m.Hops, n)
		}
		j := journey.Build(m.Records, m.Evidence(now))
		t.Logf("%d records, %d hops, %d legs, %d gaps, %d shifts, %d warnings: %s: %s; %s", len(j.Records), len(j.Hops), len(j.Legs), len(j.Gaps), len(j.Shifts), len(j.Warnings), j.Verdict, j.Reason, j.CompletenessReason)
		if j.Verdict != journey.Stalled || j.Completeness != journey.Lossy {
			t.Errorf("%s (%s), %s (%s)", j.Verdict, j.Reason, j.Completeness, j.CompletenessReason)
		}
		gaps := map[string][]uint64{}
		for _, g := range j.Gaps {
			gaps[g.Hop] = g.Numbers
		}
		for hop, numbers := range m.Gaps {
			if !slices.Equal(gaps[hop], numbers) {
				t.Errorf("of hop %s %v are lost, and it is said %v", hop, numbers, gaps[hop])
			}
		}
		if len(gaps) != len(m.Gaps) || m.Lost() < 4 {
			t.Errorf("%d gaps, want %d", len(gaps), len(m.Gaps))
		}
		at := map[string]int{}
		for i, h := range j.Hops {
			at[h.ID] = i
		}
		for hop, cause := range m.Causes {
			if at[cause] >= at[hop] {
				t.Errorf("hop %s stands at %d, before its cause %s at %d", hop, at[hop], cause, at[cause])
			}
		}
		if len(j.Hops) != m.Hops || len(m.Causes) < m.Hops*9/10 {
			t.Errorf("%d hops, %d of them with a cause; want %d", len(j.Hops), len(m.Causes), m.Hops)
		}
		if hops := m.Misplaced(j.Records); len(hops) > 0 {
			t.Errorf("%d hops have records before their cause has any, like %s", len(hops), hops[0])
		}
		last := m.Start
		for _, r := range m.Records {
			at := r.Time.Add(-m.Skews[r.Node])
			if at.After(m.Idle[0]) && at.Before(m.Idle[1]) || at.Before(last) {
				t.Errorf("something happened at %v: %s", at, r.Raw)
			}
			last = at
		}
		if m.Idle[1].Sub(m.Idle[0]) != journeytest.Idle || !last.Equal(m.End) || !last.Equal(now.Add(-10*time.Minute)) {
			t.Errorf("it was idle between %v, and ended at %v", m.Idle, last)
		}
	}
}

func TestTheWorstJourneyHasAllThatIsHard(t *testing.T) {
	m := journeytest.Worst(10_000, 3, now)
	j := journey.Build(m.Records, m.Evidence(now))
	has := map[string]int{}
	depth, answers := map[string]int{}, map[string]int{} // by hop: how deep it lies; messages it sent
	for _, h := range j.Hops {
		depth[h.ID] = depth[h.Parent] + 1
		has["depth"] = max(has["depth"], depth[h.ID])
		has["attempts"] = max(has["attempts"], h.Attempt)
		if h.Outcome == journey.Open {
			has["open"]++
		}
		if h.Outcome == journey.Failure {
			has["failed"]++
		}
		if h.Parent == "" {
			has["without a cause"]++
		}
		if h.Kind == "" || slices.Contains(m.Gaps[h.ID], 1) {
			has["headless"]++
		}
	}
	for _, l := range j.Legs {
		has[l.Transport]++
		if l.Transport == journey.OverKafka {
			answers[l.From]++
			has["messages of one hop"] = max(has["messages of one hop"], answers[l.From])
			if l.To == "" && l.Topic == "shop.returns" {
				has["unread"]++
			}
			if l.Duration != nil && *l.Duration > 2*time.Hour {
				has["waited for hours"]++
			}
		}
	}
	nodes, traces := map[string]bool{}, map[string]bool{}
	for _, r := range j.Records {
		nodes[r.Node], traces[r.TraceID] = true, true
		has["links"] = max(has["links"], len(r.Links))
		has["message"] = max(has["message"], len(r.Message))
		has["labels"] = max(has["labels"], len(r.Labels))
		if r.Level == "warn" {
			has["warnings"]++
		}
		if r.Sequence == 0 {
			has["foreign"]++
		}
	}
	has["stations"], has["instances"], has["traces"], has["shifts"], has["sagas"], has["aliases"] = len(j.Stations), len(nodes), len(traces), len(j.Shifts), len(j.Sagas), len(j.Aliases)
	for what, least := range map[string]int{
		"depth": 60, "attempts": 3, "open": 5, "failed": 20, "without a cause": 3, "headless": 1, journey.OverHTTP: 500, journey.OverKafka: 500, "messages of one hop": 120, "unread": 1,
		"waited for hours": 10, "links": 40, "message": 250 << 10, "labels": 400, "warnings": 50, "foreign": 100, "stations": 12, "instances": 25, "traces": 3, "shifts": 5, "sagas": 2, "aliases": 1,
	} {
		if has[what] < least {
			t.Errorf("%s: %d, want %d at least", what, has[what], least)
		}
	}
	if len(traces) > 256 {
		t.Errorf("%d traces are more than are read", len(traces))
	}
	for _, s := range j.Sagas {
		undone := 0
		for _, step := range s.Steps {
			if step.Forward == nil {
				t.Errorf("step %s was never done", step.Name)
			}
			if step.Compensated != nil {
				undone++
			}
		}
		if len(s.Steps) != 3 || (undone == 3) != (s.Verdict == journey.Returned) || (undone == 0) != (s.Verdict == journey.Delivered) {
			t.Errorf("saga %s is %s, %d of its steps %v are undone", s.ID, s.Verdict, undone, s.Steps)
		}
	}
}

// A collector that is ten minutes behind cannot say what is lost: it says how far it knows.
func TestAnOldHorizonClaimsNoLoss(t *testing.T) {
	m := journeytest.Worst(2000, 3, now)
	asOf := m.End.Add(-10 * time.Minute)
	j := journey.Build(m.Records, m.Evidence(asOf))
	if j.AsOf == nil || !j.AsOf.Equal(asOf) || j.Completeness != journey.Unproved || len(j.Gaps) > 0 {
		t.Errorf("as of %v: %s (%s), %d gaps", j.AsOf, j.Completeness, j.CompletenessReason, len(j.Gaps))
	}
}

func TestJourneysOfEqualKeysAreTwo(t *testing.T) {
	pair := journeytest.EqualKeys(1, now)
	if record.Key(pair[0].ID) != record.Key(pair[1].ID) || record.SameID(pair[0].ID, pair[1].ID) {
		t.Fatalf("%s and %s", pair[0].ID, pair[1].ID)
	}
	all := slices.Concat(pair[0].Records, pair[1].Records)
	for _, m := range pair {
		if got, _ := journey.Select(all, m.ID); len(got) != len(m.Records) || len(got) < 10 {
			t.Errorf("%s has %d records, and %d are found", m.ID, len(m.Records), len(got))
		}
	}
	if got, candidates := journey.Select(all, record.Key(pair[0].ID)+"x"); len(got) > 0 || len(candidates) != 2 {
		t.Errorf("another spelling leads to %d records, candidates %v", len(got), candidates)
	}
}

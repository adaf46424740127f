package api_test

import (
	"fmt"
	"iter"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/journey/journeytest"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// proof is what a horizon knows of a journey that was made.
type proof struct {
	made *journeytest.Made
	asOf time.Time
}

func (p proof) AsOf() (time.Time, error) { return p.asOf, nil }
func (p proof) For(asOf time.Time, _ iter.Seq[*record.Record]) journey.Evidence {
	return p.made.Evidence(asOf)
}

// stored puts journeys into an embedded store, in batches.
func stored(t *testing.T, made ...*journeytest.Made) store.Store {
	t.Helper()
	st := recordsIn(t)
	for _, m := range made {
		for some := range slices.Chunk(m.Records, 1000) {
			entries := make([]store.Entry, len(some))
			for i := range some {
				var err error
				if entries[i], err = store.NewEntry(some[i].Raw); err != nil {
					t.Fatal(err)
				}
			}
			if res, err := st.Put(t.Context(), entries); err != nil || len(res.Rejected) > 0 {
				t.Fatal(res, err)
			}
		}
	}
	return st
}

func TestTheWorstJourneyIsAnsweredRight(t *testing.T) {
	n := 10_000
	if os.Getenv("TORTURE") != "" {
		n = 100_000
	}
	now := time.Now()
	m := journeytest.Worst(n, 1, now)
	st := stored(t, m)
	h := serve(t, setup{Store: st, Evidence: proof{m, now}})
	const window = 5000
	j := answerOf[query.Journey](t, h, journeys+m.ID+fmt.Sprintf("?records=0,%d", window))
	if j.Verdict != journey.Stalled || j.Completeness != journey.Lossy || j.RecordCount != n || len(j.Hops) != m.Hops || len(j.Records) != window {
		t.Errorf("%s (%s), %s (%s); %d records, %d hops; want %d, %d", j.Verdict, j.Reason, j.Completeness, j.CompletenessReason, j.RecordCount, len(j.Hops), n, m.Hops)
	}
	gaps := map[string][]uint64{}
	for _, g := range j.Gaps {
		gaps[g.Hop] = g.Numbers
	}
	if got, want := fmt.Sprint(gaps), fmt.Sprint(m.Gaps); got != want {
		t.Errorf("lost are\n%s, want\n%s", got, want)
	}
	at := map[string]int{}
	for i := range j.Hops {
		at[j.Hops[i].ID] = i
	}
	for hop, cause := range m.Causes {
		if at[cause] >= at[hop] {
			t.Errorf("hop %s stands at %d, before its cause %s at %d", hop, at[hop], cause, at[cause])
		}
	}
	var order []*record.Record
	for from := 0; from < n; from += window {
		part := answerOf[query.Journey](t, h, journeys+m.ID+fmt.Sprintf("?records=%d,%d", from, window))
		if part.RecordsFrom != from || len(part.Records) != window {
			t.Fatalf("%d records from %d, want %d from %d", len(part.Records), part.RecordsFrom, window, from)
		}
		order = append(order, part.Records...)
	}
	if hops := m.Misplaced(order); len(hops) > 0 {
		t.Errorf("%d hops have records before their cause has any, like %s", len(hops), hops[0])
	}
	last := map[string]uint64{}
	for _, r := range order {
		if r.Sequence > 0 && r.Sequence <= last[r.Node] {
			t.Errorf("number %d of %s stands behind %d", r.Sequence, r.Node, last[r.Node])
		}
		last[r.Node] = r.Sequence
	}

	behind := m.End.Add(-10 * time.Minute) // of a collector that is
	j = answerOf[query.Journey](t, serve(t, setup{Store: st, Evidence: proof{m, behind}}), journeys+m.ID+"?records=0,1")
	if j.AsOf == nil || !j.AsOf.Equal(behind) || j.Completeness != journey.Unproved || len(j.Gaps) > 0 {
		t.Errorf("as of %v: %s (%s), %d gaps", j.AsOf, j.Completeness, j.CompletenessReason, len(j.Gaps))
	}
}

func TestJourneysOfEqualKeysAreAnsweredApart(t *testing.T) {
	pair := journeytest.EqualKeys(1, time.Now())
	h := serve(t, setup{Store: stored(t, pair[0], pair[1])})
	for _, m := range pair {
		if j := answerOf[query.Journey](t, h, journeys+m.ID); j.CorrelationID != m.ID || j.RecordCount != len(m.Records) {
			t.Errorf("%s is answered as %s with %d records, want %d", m.ID, j.CorrelationID, j.RecordCount, len(m.Records))
		}
	}
	wantProblem(t, get(h, journeys+"ORDER"+pair[0].ID[5:]), http.StatusConflict, "but for its case")
}

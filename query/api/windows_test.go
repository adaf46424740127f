package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// answerOf reads what a path is answered with.
func answerOf[T any](t *testing.T, h http.Handler, path string) (out T) {
	t.Helper()
	w := get(h, path)
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %v %.300s", path, w.Code, err, w.Body)
	}
	return out
}

func idsOf[R any](records []R, id func(R) string) (ids []string) {
	for _, r := range records {
		ids = append(ids, id(r))
	}
	return ids
}

func own(r record.Record) string    { return r.Identity() }
func their(r *record.Record) string { return r.Identity() }

func TestWindowsOfOneRevisionMakeTheWholeJourney(t *testing.T) {
	st := filled(t)
	h := serve(t, setup{Store: st})
	whole := answerOf[query.Journey](t, h, journeys+first)
	head := answerOf[query.Journey](t, h, journeys+first+"?view=head")
	if len(head.Records) != 0 || head.RecordCount != len(whole.Records) || len(head.Hops) != len(whole.Hops) || head.Revision == "" || head.Revision != whole.Revision {
		t.Fatalf("%d records of %d, %d hops, revision %q of %q", len(head.Records), head.RecordCount, len(head.Hops), head.Revision, whole.Revision)
	}
	more := record.Record{Time: whole.End, Service: "bank", Node: "bank-late", Sequence: 1, CorrelationID: first, Message: "late"}
	e, err := store.NewEntry(record.Append(nil, &more))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Put(t.Context(), []store.Entry{e}); err != nil {
		t.Fatal(err)
	}

	want := idsOf(whole.Records, their)
	var got []string
	for from := 0; from < head.RecordCount; from += 7 {
		w := answerOf[query.JourneyRecords](t, h, fmt.Sprintf("%s%s/records?revision=%s&from=%d&limit=7", journeys, first, head.Revision, from))
		if w.From != from || w.Count != len(want) || w.At != nil || w.Revision != head.Revision || w.CorrelationID != first {
			t.Errorf("%+v", w)
		}
		for i := range w.Records {
			if w.Places[i] != len(got) || w.Hops[i] != whole.RecordHops[len(got)] {
				t.Errorf("record %d is at %d in hop %d, not %d", len(got), w.Places[i], w.Hops[i], whole.RecordHops[len(got)])
			}
			got = append(got, own(w.Records[i]))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("in windows:\n%q\nwhole:\n%q", got, want)
	}
	now := answerOf[query.JourneyRecords](t, h, journeys+first+"/records?limit=1000")
	if now.Count != len(want)+1 || now.Revision == head.Revision || !slices.Contains(idsOf(now.Records, own), "bank-late-1") {
		t.Errorf("as it is now it has %d records, and had %d; revision %q", now.Count, len(want), now.Revision)
	}
	if w := answerOf[query.JourneyRecords](t, h, journeys+first+"/records?from=1000000"); len(w.Records) != 0 || w.From != w.Count {
		t.Errorf("beyond the end: %+v", w)
	}
}

func TestAWindowOfAHopHasItsRecords(t *testing.T) {
	h := serve(t, setup{Store: filled(t)})
	whole := answerOf[query.Journey](t, h, journeys+first)
	inHops := 0
	for at, hop := range whole.Hops {
		var want []string
		for i, r := range whole.Records {
			if whole.RecordHops[i] == int32(at) {
				want = append(want, r.Identity())
			}
		}
		w := answerOf[query.JourneyRecords](t, h, journeys+first+"/records?limit=1000&hop="+hop.ID)
		if got := idsOf(w.Records, own); !slices.Equal(got, want) || w.Count != len(want) || len(want) != hop.Records {
			t.Errorf("hop %s has %q, want %q, %d", hop.ID, got, want, hop.Records)
		}
		inHops += len(want)
		last := answerOf[query.JourneyRecords](t, h, fmt.Sprintf("%s%s/records?limit=1&hop=%s&from=%d", journeys, first, hop.ID, len(want)-1))
		if got := idsOf(last.Records, own); !slices.Equal(got, want[len(want)-1:]) {
			t.Errorf("the last of hop %s is %q, want %q", hop.ID, got, want[len(want)-1])
		}
	}
	if inHops < 10 {
		t.Errorf("only %d records are in hops", inHops)
	}
	wantProblem(t, get(h, journeys+first+"/records?hop=nowhere"), 404, "no hop nowhere")
}

func TestAWindowOfAQueryHasWhatItAsksFor(t *testing.T) {
	h := serve(t, setup{Store: filled(t)})
	whole := answerOf[query.Journey](t, h, journeys+first)
	f := func(q, hop string, wanted func(r *record.Record) bool) {
		t.Helper()
		var want []string
		var places []int
		for place, r := range whole.Records {
			if wanted(r) && (hop == "" || whole.RecordHops[place] >= 0 && whole.Hops[whole.RecordHops[place]].ID == hop) {
				want, places = append(want, r.Identity()), append(places, place)
			}
		}
		if len(want) < 2 {
			t.Fatalf("%q in %q is asked for %d records", q, hop, len(want))
		}
		path := journeys + first + "/records?limit=1000&hop=" + hop + "&q=" + url.QueryEscape(q)
		w := answerOf[query.JourneyRecords](t, h, path)
		if got := idsOf(w.Records, own); !slices.Equal(got, want) || !slices.Equal(w.Places, places) || w.Count != len(want) {
			t.Errorf("%q in %q has %q at %d, want %q at %d", q, hop, got, w.Places, want, places)
		}
		w = answerOf[query.JourneyRecords](t, h, fmt.Sprintf("%s&behind=%d", path, places[0]+1))
		if got := idsOf(w.Records, own); !slices.Equal(got, want[1:]) || w.From != 1 || w.Count != len(want) {
			t.Errorf("behind the first there are %q of %d from %d, want %q", got, w.Count, w.From, want[1:])
		}
		w = answerOf[query.JourneyRecords](t, h, path+"&around="+want[1])
		if w.At == nil || *w.At != 1 {
			t.Errorf("the second is at %v", w.At)
		}
	}
	all := func(*record.Record) bool { return true }
	ofBank := func(r *record.Record) bool { return r.Service == "bank" }
	f("", "", all)
	f("service:bank", "", ofBank)
	f("service:bank", "", ofBank) // which is kept
	for _, hop := range whole.Hops {
		if hop.Service == "bank" && hop.Records > 1 {
			f("service:bank", hop.ID, ofBank)
			break
		}
	}
	if w := answerOf[query.JourneyRecords](t, h, journeys+first+"/records?q=service:nobody"); w.Count != 0 || len(w.Records) != 0 {
		t.Errorf("nobody wrote %d records", w.Count)
	}
}

func TestAWindowAroundARecordHasItInTheMiddle(t *testing.T) {
	h := serve(t, setup{Store: filled(t)})
	whole := answerOf[query.Journey](t, h, journeys+first)
	f := func(place, from int) {
		t.Helper()
		id := whole.Records[place].Identity()
		w := answerOf[query.JourneyRecords](t, h, journeys+first+"/records?limit=5&from=3&around="+id)
		if w.At == nil || *w.At != place || w.From != from || len(w.Records) != 5 || own(w.Records[place-from]) != id {
			t.Errorf("around %d: %+v", place, w)
		}
	}
	n := len(whole.Records)
	f(0, 0)
	f(1, 0)
	f(2, 0)
	f(10, 8)
	f(n-1, n-5)
	hop := whole.Hops[0]
	in := answerOf[query.JourneyRecords](t, h, journeys+first+"/records?hop="+hop.ID)
	last := in.Records[len(in.Records)-1]
	w := answerOf[query.JourneyRecords](t, h, journeys+first+"/records?limit=1&hop="+hop.ID+"&around="+own(last))
	if w.At == nil || *w.At != in.Count-1 || len(w.Records) != 1 || own(w.Records[0]) != own(last) {
		t.Errorf("around the last of a hop: %+v", w)
	}
	wantProblem(t, get(h, journeys+first+"/records?around=nobody-1"), 404, "no record nobody-1")
}

// Whoever sees less, and whoever asks after it was erased, gets nothing of what was built before.
func TestARevisionIsForThoseWhoSeeTheSame(t *testing.T) {
	var only filter.Node
	hidden := map[string]bool{}
	st := filled(t)
	visible := store.NewVisible(st, st)
	h := serve(t, setup{
		Store: visible, Erase: visible.Erase, Only: func(context.Context) filter.Node { return only }, Hides: func(e store.Entry) bool { return hidden[e.Key] },
	})
	ask := func() string {
		t.Helper()
		path := journeys + first + "/records?revision=" + answerOf[query.Journey](t, h, journeys+first+"?view=head").Revision
		answerOf[query.JourneyRecords](t, h, path)
		return path
	}
	path := ask()
	only = filter.In{Field: "service.name", Values: []string{"bank"}}
	wantProblem(t, get(h, path), http.StatusGone, "ask anew")
	some := answerOf[query.JourneyRecords](t, h, ask()+"&limit=1000")
	if some.Count == 0 || slices.ContainsFunc(some.Records, func(r record.Record) bool { return r.Service != "bank" }) {
		t.Errorf("%d records, not only the bank's", some.Count)
	}
	only = nil
	wantProblem(t, get(h, journeys+first+"/records?revision="+some.Revision), http.StatusGone, "ask anew")
	answerOf[query.JourneyRecords](t, h, path)

	wantProblem(t, get(h, journeys+second+"/records?revision="+path[len(path)-24:]), http.StatusGone, "ask anew")
	wantProblem(t, get(h, journeys+first+"/records?revision=nonsense"), http.StatusGone, "ask anew")

	hidden[first] = true // by another server
	wantProblem(t, get(h, path), http.StatusGone, "ask anew")
	hidden[first] = false
	answerOf[query.JourneyRecords](t, h, path)

	if w := erase(h, first); w.Code != http.StatusNoContent {
		t.Fatal(w.Code, w.Body)
	}
	wantProblem(t, get(h, path), http.StatusGone, "ask anew")
	wantProblem(t, get(h, journeys+first+"/records"), 404, "no records of")
}

// What they see is not what they may see: a filter that happens to match all is another one.
func TestTwoWhoSeeTheSameRecordsHaveARevisionEach(t *testing.T) {
	var only filter.Node
	h := serve(t, setup{Store: filled(t), Only: func(context.Context) filter.Node { return only }})
	whole := answerOf[query.Journey](t, h, journeys+first+"?view=head").Revision
	only = filter.Exists{Field: "service.name"}
	some := answerOf[query.Journey](t, h, journeys+first+"?view=head").Revision
	answerOf[query.JourneyRecords](t, h, journeys+first+"/records?revision="+some)
	only = nil
	answerOf[query.JourneyRecords](t, h, journeys+first+"/records?revision="+whole)
}

func TestABuildThatIsTooLargeIsNotKept(t *testing.T) {
	h := serve(t, setup{Store: filled(t), Kept: 100})
	revision := answerOf[query.Journey](t, h, journeys+first+"?view=head").Revision
	wantProblem(t, get(h, journeys+first+"/records?revision="+revision), http.StatusGone, "ask anew")
	answerOf[query.JourneyRecords](t, h, journeys+first+"/records")
}

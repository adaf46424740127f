package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/elastic"
)

// everyStore runs a test on both stores, with records in them.
func everyStore(t *testing.T, records []record.Record, test func(t *testing.T, h http.Handler)) {
	var lines [][]byte
	var batch []store.Entry
	for i := range records {
		e, err := store.NewEntry(record.Append(nil, &records[i]))
		if err != nil {
			t.Fatal(err)
		}
		lines, batch = append(lines, e.Raw), append(batch, e)
	}
	t.Run("embedded", func(t *testing.T) {
		test(t, serve(t, setup{Store: recordsIn(t, lines...)}))
	})
	t.Run("elastic", func(t *testing.T) {
		urls, prefix := testservers.Elasticsearch(t), testservers.Name(t)
		st, err := elastic.Open(t.Context(), elastic.Config{URLs: urls, Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			for _, what := range []string{"/" + prefix + "-records-2001.09.09", "/_index_template/" + prefix + "-records"} {
				req, _ := http.NewRequest(http.MethodDelete, urls[0]+what, nil)
				if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("delete %s: %v %v", what, res, err)
				}
			}
		})
		if res, err := st.Put(t.Context(), batch); err != nil || res.Stored != len(batch) {
			t.Fatal(res, err)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if n, err := st.Count(t.Context()); err == nil && n == int64(len(batch)) {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("%d of %d records are found: %v", n, len(batch), err)
			}
		}
		test(t, serve(t, setup{Store: st}))
	})
}

// writer makes records of one service: numbered ones, as instrument's are, or foreign ones.
type writer struct {
	service string
	foreign bool
	all     *[]record.Record
}

func (w writer) wrote(id, trace, message string) {
	n := len(*w.all) + 1
	r := record.Record{Time: time.Unix(1e9, int64(n)).UTC(), Service: w.service, Message: message, CorrelationID: id, TraceID: trace}
	if w.foreign {
		r.ID = w.service + message
	} else {
		r.Node, r.Sequence = w.service, uint64(n)
	}
	*w.all = append(*w.all, r)
}

func TestRecordsOfATraceJoinTheJourneyThatItIsPartOf(t *testing.T) {
	trace := func(digit string) string { return strings.Repeat(digit, 32) }
	var all []record.Record
	bank, mail := writer{"bank", false, &all}, writer{"mail", true, &all}

	mail.wrote(trace("1"), trace("1"), "one-unnamed") // before its correlation ID was known
	bank.wrote("Order-1", trace("1"), "one")
	bank.wrote("Order-1", trace("2"), "two")
	mail.wrote(trace("2"), trace("2"), "two-unnamed")
	mail.wrote("Order-1", trace("2"), "two-named")

	bank.wrote("Order-3a", trace("3"), "a") // two journeys in one trace
	bank.wrote("Order-3b", trace("3"), "b")
	mail.wrote(trace("3"), trace("3"), "whose")
	bank.wrote("Order-4a", trace("4"), "a")
	bank.wrote("Order-4b", trace("4"), "b")

	mail.wrote(trace("5"), trace("5"), "alone")

	bank.wrote(trace("6"), trace("6"), "minted") // a journey whose ID is its trace's, and another that goes on in it
	mail.wrote(trace("6"), trace("6"), "of-minted")
	bank.wrote("Order-6", trace("6"), "other")

	bank.wrote(trace("a"), trace("b"), "elsewhere") // the same, but what is named after the trace lies in another one
	mail.wrote(trace("a"), trace("a"), "of-a")
	bank.wrote("Order-a", trace("a"), "other")

	uuid := "77777777-7777-7777-7777-777777777777"
	bank.wrote(uuid, trace("8"), "seven")
	mail.wrote(strings.ToUpper(uuid), trace("8"), "seven-upper")
	mail.wrote(trace("8"), trace("8"), "seven-unnamed")

	everyStore(t, all, func(t *testing.T, h http.Handler) {
		f := func(id, journeyID, messages string) {
			t.Helper()
			var j journey.Journey
			w := get(h, journeys+url.PathEscape(id))
			if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != 200 {
				t.Fatalf("%s: %d %v %s", id, w.Code, err, w.Body)
			}
			var got []string
			for _, r := range j.Records {
				got = append(got, r.Message)
			}
			if slices.Sort(got); strings.Join(got, " ") != messages || j.CorrelationID != journeyID {
				t.Errorf("%s: journey %s has %q, want %s with %q", id, j.CorrelationID, got, journeyID, messages)
			}
		}
		const first = "one one-unnamed two two-named two-unnamed"
		f("Order-1", "Order-1", first)
		f("order-1", "Order-1", first)
		f(trace("1"), "Order-1", first)
		f(trace("2"), "Order-1", first)
		f("Order-3a", "Order-3a", "a")
		f("Order-3b", "Order-3b", "b")
		f(trace("3"), trace("3"), "whose")
		f("Order-4a", "Order-4a", "a")
		if p := wantProblem(t, get(h, journeys+trace("4")), 409, "share this trace"); strings.Join(p.Candidates, " ") != "Order-4a Order-4b" {
			t.Errorf("candidates %v", p.Candidates)
		}
		f(trace("5"), trace("5"), "alone")
		f(trace("6"), trace("6"), "minted of-minted")
		f("Order-6", "Order-6", "other")
		f(trace("a"), trace("a"), "elsewhere of-a")
		f("Order-a", "Order-a", "other")
		f(uuid, uuid, "seven seven-unnamed seven-upper")
		f(trace("8"), uuid, "seven seven-unnamed seven-upper")
		f(trace("8")[:8]+"-"+trace("8")[:4]+"-"+trace("8")[:4]+"-"+trace("8")[:4]+"-"+trace("8")[:12], uuid, "seven seven-unnamed seven-upper")
		wantProblem(t, get(h, journeys+trace("9")), 404, "no records of")
	})
}

package storetest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
	"pgregory.net/rapid"
)

// runSearch checks how stores are searched.
func runSearch(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"each condition finds what it means":          conditions,
		"words of any script are found":               scripts,
		"values too long for an index are not found":  longValues,
		"ranges of time are half open":                times,
		"pages are whole at one and the same moment":  sameMoment,
		"records that arrive do not move a page":      arriving,
		"neighbours of a record":                      around,
		"values are counted":                          facets,
		"records are counted by time":                 histogram,
		"the newest journeys":                         newest,
		"a budget ends early and leaves nothing out":  budget,
		"what cannot be answered is refused":          refused,
		"the largest tree is answered":                largest,
		"an empty store has nothing":                  nothing,
		"any tree finds what its matcher says it may": anyTree,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// hold puts records, n1-1 and so on where they have no ID, a second apart where
// they have no time, and waits until they are found.
func hold(t *testing.T, s store.Store, records ...record.Record) []store.Entry {
	t.Helper()
	var batch []store.Entry
	for i, r := range records {
		if r.Time.IsZero() {
			r.Time = noon.Add(time.Duration(i) * time.Second)
		}
		if r.ID == "" && r.Sequence == 0 {
			r.Node, r.Sequence = cmp.Or(r.Node, "n1"), uint64(i+1)
		}
		batch = append(batch, entry(t, r))
	}
	before, err := s.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, batch, len(batch), 0, 0)
	count(t, s, before+int64(len(batch)))
	return batch
}

func search(t testing.TB, s store.Store, q store.Query) store.Page {
	t.Helper()
	page, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatalf("search %+v: %v", q, err)
	}
	if q.Budget == 0 && page.Partial {
		t.Errorf("search %+v without a budget is partial", q)
	}
	if len(page.Entries) > q.Limit || len(page.Entries) < q.Limit && !page.Partial && !page.Next.IsZero() {
		t.Errorf("search %+v: %d entries, partial: %v, next: %+v", q, len(page.Entries), page.Partial, page.Next)
	}
	return page
}

// all reads page after page. A budget doubles with each partial page.
func all(t testing.TB, s store.Store, q store.Query) []store.Entry {
	t.Helper()
	var found []store.Entry
	for range 10_000 {
		page := search(t, s, q)
		found = append(found, page.Entries...)
		if page.Next.IsZero() {
			return found
		}
		if page.Partial {
			q.Budget *= 2
		} else if len(page.Entries) == 0 {
			t.Fatalf("search %+v: more, and none of it", q)
		}
		q.After = page.Next
	}
	t.Fatalf("search %+v does not end", q)
	return nil
}

func ids(entries []store.Entry) string {
	var names []string
	for _, e := range entries {
		names = append(names, e.ID)
	}
	return strings.Join(names, " ")
}

// found checks the oldest first, by their sequence numbers.
func found(t *testing.T, s store.Store, n filter.Node, want string) {
	t.Helper()
	got := strings.ReplaceAll(ids(all(t, s, store.Query{Filter: n, Limit: 100, OldestFirst: true})), "n1-", "")
	if got != want {
		t.Errorf("%+v: found %q, want %q", n, got, want)
	}
}

func conditions(t *testing.T, s store.Store) {
	hold(t, s,
		record.Record{Level: "info", Service: "bank", Message: "Payment of order A-1001 was refused: not enough money", Labels: []record.Label{{Key: "order_id", Value: "A-1001"}, {Key: "a.b", Value: "1"}},
			Error: record.Error{Type: "bank.Refused", Message: "balance is 3.50"}},
		record.Record{Level: "warn", Service: "Bank", Message: "NOT  enough… MONEY", Labels: []record.Label{{Key: "order_id", Value: "A-1002"}, {Key: "a.c*", Value: ""}}, Kind: record.KindHopEnd, Duration: 5 * time.Millisecond, HTTP: record.HTTP{Status: 500}},
		record.Record{Level: "error", Service: "shop", Message: "java.lang.NullPointerException at 10.0.0.1:8080, order_id=42", Labels: []record.Label{{Key: "order", Value: "A-1001"}}, Kind: record.KindHopEnd, Duration: -5, HTTP: record.HTTP{Status: 404}},
		record.Record{Level: "info", Service: "bank", Message: "money not enough", TraceID: strings.Repeat("a", 32), CorrelationID: "O-1", Alias: record.Alias{Value: "x"}, Saga: record.Saga{ID: "s"}, SpanName: "GET /", Messaging: record.Messaging{Topic: "t"}, Outcome: record.Failure, ServiceVer: "v1"},
	)
	bank, shop := filter.Term{Field: "service.name", Value: "bank"}, filter.Term{Field: "service.name", Value: "shop"}
	info, warn := filter.Term{Field: "log.level", Value: "info"}, filter.Term{Field: "log.level", Value: "warn"}
	phrase := func(text string) filter.Node { return filter.Phrase{Field: "message", Text: text} }
	begin := func(text string) filter.Node { return filter.Phrase{Field: "message", Text: text, Prefix: true} }
	contains := func(text string) filter.Node { return filter.Contains{Field: "message", Text: text} }
	for _, c := range []struct {
		node filter.Node
		want string
	}{
		{nil, "1 2 3 4"},
		{filter.And{}, "1 2 3 4"},
		{filter.Or{}, ""},
		{filter.Not{Node: filter.And{}}, ""},
		{filter.Not{Node: filter.Or{}}, "1 2 3 4"},
		{bank, "1 4"},
		{filter.Term{Field: "service.name", Value: ""}, ""},
		{filter.And{bank, info}, "1 4"},
		{filter.And{bank, warn}, ""},
		{filter.Or{shop, warn}, "2 3"},
		{filter.Not{Node: bank}, "2 3"},
		{filter.And{filter.Or{bank, shop}, filter.Not{Node: info}}, "3"},
		{filter.Not{Node: filter.Or{shop, filter.And{bank, phrase("order")}}}, "2 4"},
		{filter.Not{Node: filter.Not{Node: shop}}, "3"},
		{filter.Or{filter.And{}, shop}, "1 2 3 4"},

		{filter.Prefix{Field: "service.name", Value: "b"}, "1 4"},
		{filter.Prefix{Field: "error.type", Value: "bank."}, "1"},
		{filter.Prefix{Field: "error.type", Value: "bank*"}, ""},
		{filter.In{Field: "service.name"}, ""},
		{filter.In{Field: "labels.order_id", Values: []string{"A-1001", "nobody's"}}, "1"},
		{filter.Term{Field: "labels.order_id", Value: "A-1001"}, "1"},
		{filter.Term{Field: "labels.order_id", Value: "a-1001"}, ""},
		{filter.Prefix{Field: "labels.order_id", Value: "A-"}, "1 2"},
		{filter.Exists{Field: "labels.order_id"}, "1 2"},
		{filter.Exists{Field: "labels.order"}, "3"},
		{filter.Exists{Field: "labels.a"}, ""},
		{filter.Exists{Field: "labels.a.b"}, "1"},
		{filter.Exists{Field: "labels.a.*"}, ""},
		{filter.Exists{Field: "labels.a.c*"}, "2"},
		{filter.Term{Field: "labels.a.c*", Value: ""}, "2"},
		{filter.Not{Node: filter.Exists{Field: "labels.order_id"}}, "3 4"},

		{filter.Term{Field: "http.response.status_code", Value: "500"}, "2"},
		{filter.Term{Field: "http.response.status_code", Value: "0500"}, "2"},
		{filter.Term{Field: "http.response.status_code", Value: "5"}, ""},
		{filter.Range{Field: "http.response.status_code", Min: 404, Max: 500}, "2 3"},
		{filter.Range{Field: "http.response.status_code", Min: 405, Max: 499}, ""},
		{filter.Range{Field: "http.response.status_code", Min: 500, Max: 404}, ""},
		{filter.Range{Field: "event.duration", Min: math.MinInt64, Max: -5}, "3"},
		{filter.Range{Field: "event.duration", Min: -4, Max: math.MaxInt64}, "2"},
		{filter.Term{Field: "event.duration", Value: "-5"}, "3"},
		{filter.Exists{Field: "event.duration"}, "2 3"},
		{filter.Range{Field: "event.sequence", Min: 2, Max: 3}, "2 3"},
		{filter.Term{Field: "event.sequence", Value: "4"}, "4"},
		{filter.Exists{Field: "event.sequence"}, "1 2 3 4"},

		{phrase("not enough money"), "1 2"},
		{phrase("Not-Enough"), "1 2 4"},
		{phrase("enough"), "1 2 4"},
		{phrase("money enough"), ""},
		{phrase("mone"), ""},
		{phrase("a 1001"), "1"},
		{phrase("NullPointerException"), "3"},
		{phrase("10.0.0.1"), "3"},
		{phrase("10.0.0.1:80"), ""},
		{phrase("order_id=42"), "3"},
		{phrase("order"), "1 3"},
		{begin("mon"), "1 2 4"},
		{begin("enough mon"), "1 2"},
		{begin("enou mon"), ""},
		{begin("10.0.0.1:80"), "3"},
		{begin("order id"), "3"},
		{begin("money"), "1 2 4"},
		{filter.Not{Node: begin("enough m")}, "3 4"},
		{filter.Phrase{Field: "error.message", Text: "3.50"}, "1"},
		{filter.Phrase{Field: "error.message", Text: "money"}, ""},

		{contains("not enough"), "1 4"},
		{contains("…"), "2"},
		{contains("MON"), "2"},
		{contains(`"`), ""},
		{filter.Not{Node: contains("enough")}, "3"},
		{filter.And{bank, filter.Not{Node: contains("order")}}, "4"},
		{filter.Or{shop, contains("MONEY")}, "2 3"},
		{filter.Not{Node: filter.And{info, filter.Not{Node: contains("refused")}}}, "1 2 3"},
	} {
		found(t, s, c.node, c.want)
	}
	for _, field := range []string{
		"trace.id", "correlation.key", "alias.value", "saga.id", "span.name", "messaging.destination.name", "event.outcome", "service.version",
	} {
		found(t, s, filter.Exists{Field: field}, "4")
	}
	for field, value := range map[string]string{
		"trace.id": strings.Repeat("a", 32), "correlation.key": record.Key("O-1"), "alias.value": "x", "saga.id": "s", "span.name": "GET /",
		"messaging.destination.name": "t", "event.outcome": record.Failure, "service.version": "v1", "service.node.name": "n1", "waybill.kind": "log",
	} {
		want := "4"
		switch field {
		case "service.node.name":
			want = "1 2 3 4"
		case "waybill.kind":
			want = "1 4"
		}
		found(t, s, filter.Term{Field: field, Value: value}, want)
		found(t, s, filter.Prefix{Field: field, Value: value[:1]}, cmp.Or(map[string]string{"waybill.kind": "1 4"}[field], want))
	}
}

func scripts(t *testing.T, s store.Store) {
	hold(t, s,
		record.Record{Message: "訂單支付失敗,帳戶餘額不足"},
		record.Record{Message: "カタカナラーメンの注文に失敗しました"},
		record.Record{Message: "결제가 실패했습니다 order42"},
		record.Record{Message: "ไม่พบคำสั่งซื้อ"},
		record.Record{Message: "支付 was refused by 銀行abc失敗"},
		record.Record{Message: "Zahlung für İnönü Straße abgelehnt cafe\u0301 🚀"},
	)
	phrase := func(text string) filter.Node { return filter.Phrase{Field: "message", Text: text} }
	found(t, s, phrase("失敗"), "1 2 5")
	found(t, s, phrase("支付失敗"), "1")
	found(t, s, phrase("敗"), "1 2 5")
	found(t, s, phrase("餘額不足"), "1")
	found(t, s, phrase("付失"), "1")
	found(t, s, phrase("敗失"), "")
	found(t, s, phrase("失敗帳戶"), "1") // punctuation is not looked at
	found(t, s, phrase("ラーメン"), "2")
	found(t, s, phrase("ーメ"), "2")
	found(t, s, phrase("メンの注"), "2")
	found(t, s, phrase("しました"), "2")
	found(t, s, phrase("실패"), "3")
	found(t, s, phrase("패했"), "3")
	found(t, s, phrase("คำสั่ง"), "4")
	found(t, s, phrase("銀行"), "5")
	found(t, s, phrase("行abc失"), "5")
	found(t, s, filter.Phrase{Field: "message", Text: "銀行ab", Prefix: true}, "5")
	found(t, s, filter.Phrase{Field: "message", Text: "支付失", Prefix: true}, "1")
	found(t, s, phrase("FÜR inönü STRAßE"), "6")
	found(t, s, phrase("CAFE\u0301"), "6")
	found(t, s, phrase("cafe"), "")
	found(t, s, filter.Contains{Field: "message", Text: "🚀"}, "6")
	found(t, s, filter.Contains{Field: "message", Text: "付失敗,帳"}, "1")
}

func longValues(t *testing.T, s store.Store) {
	x, face, car := strings.Repeat("x", 1024), strings.Repeat("😀", 512), strings.Repeat("車", 1024)
	of := func(value string) record.Record {
		return record.Record{SpanName: value, TraceID: value, Labels: []record.Label{{Key: "k", Value: value}}, Message: strings.Repeat("word ", 5000) + "last " + strings.Repeat("y", 40_000)}
	}
	hold(t, s, of(x), of(x+"x"), of(face), of(face+"x"), of(car), of(car+"x"))
	for _, field := range []string{"span.name", "trace.id", "labels.k"} {
		found(t, s, filter.Exists{Field: field}, "1 3 5")
		found(t, s, filter.Prefix{Field: field, Value: "x"}, "1")
		found(t, s, filter.Prefix{Field: field, Value: "😀"}, "3")
		found(t, s, filter.Term{Field: field, Value: x}, "1")
		found(t, s, filter.Term{Field: field, Value: car}, "5")
		found(t, s, filter.Term{Field: field, Value: face + "x"}, "")
	}
	found(t, s, filter.Phrase{Field: "message", Text: "word last " + strings.Repeat("y", 255)}, "1 2 3 4 5 6")
	found(t, s, filter.Phrase{Field: "message", Text: "word last " + strings.Repeat("y", 254)}, "")
	found(t, s, filter.Phrase{Field: "message", Text: strings.Repeat("y", 800), Prefix: true}, "1 2 3 4 5 6")
}

func times(t *testing.T, s store.Store) {
	first, last := time.Unix(0, 1).UTC(), time.Unix(0, math.MaxInt64).UTC()
	hold(t, s,
		record.Record{Time: first}, record.Record{Time: noon.Add(-1)}, record.Record{Time: noon},
		record.Record{Time: noon.Add(1)}, record.Record{Time: noon.AddDate(0, 0, 1)}, record.Record{Time: last},
	)
	f := func(from, until time.Time, want string) {
		t.Helper()
		q := store.Query{From: from, Until: until, Limit: 2, OldestFirst: true}
		got := all(t, s, q)
		if names := strings.ReplaceAll(ids(got), "n1-", ""); names != want {
			t.Errorf("from %v until %v: %q, want %q", from, until, names, want)
		}
		q.OldestFirst = false
		back := all(t, s, q)
		slices.Reverse(back)
		if ids(back) != ids(got) {
			t.Errorf("from %v until %v: newest first %q, want %q the other way", from, until, ids(back), ids(got))
		}
	}
	var open time.Time
	f(open, open, "1 2 3 4 5 6")
	f(noon, open, "3 4 5 6")
	f(noon.Add(1), open, "4 5 6")
	f(open, noon, "1 2")
	f(open, noon.Add(1), "1 2 3")
	f(noon, noon.Add(1), "3")
	f(noon.Add(-1), noon.Add(2), "2 3 4")
	f(noon.In(time.FixedZone("", 3600)), noon.Add(time.Hour), "3 4")
	f(last, open, "6")
	f(open, last, "1 2 3 4 5")
	f(time.Date(-3000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "1 2 3 4 5 6")
	f(time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), open, "")
	f(open, time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), "")
	f(open, time.Unix(0, 0), "")
}

// sameMoment has more records of one nanosecond than a page, in two days, and
// identities whose order is that of bytes, not of numbers.
func sameMoment(t *testing.T, s store.Store) {
	var records []record.Record
	for day := range 2 {
		for n := range 150 {
			records = append(records, record.Record{Time: noon.AddDate(0, 0, day), ID: fmt.Sprintf("%d-%d-é%d", n%7, day, n)})
		}
	}
	records = append(records, record.Record{Time: noon.Add(1), ID: "0"}, record.Record{Time: noon.Add(-1), ID: "9"})
	held := hold(t, s, records...)
	slices.SortFunc(held, store.Compare)
	for _, limit := range []int{1, 7, 100, 151, 302, store.MaxLimit} {
		got := all(t, s, store.Query{Limit: limit, OldestFirst: true})
		same(t, got, held)
		back := all(t, s, store.Query{Limit: limit})
		slices.Reverse(back)
		same(t, back, held)
	}
	if page := search(t, s, store.Query{Limit: 302}); !page.Next.IsZero() {
		t.Errorf("after all records comes %+v", page.Next)
	}
}

func same(t rapid.TB, got, want []store.Entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d records, want %d:\n%.500s\n%.500s", len(got), len(want), ids(got), ids(want))
		return
	}
	for i := range got {
		if got[i].ID != want[i].ID || !got[i].Time.Equal(want[i].Time) || !bytes.Equal(got[i].Raw, want[i].Raw) || got[i].Key != want[i].Key || got[i].Trace != want[i].Trace {
			t.Errorf("%d is %s at %v, want %s at %v", i, got[i].ID, got[i].Time, want[i].ID, want[i].Time)
			return
		}
	}
}

func arriving(t *testing.T, s store.Store) {
	at := func(from, n int) (records []record.Record) {
		for i := range n {
			records = append(records, record.Record{Time: noon.Add(time.Duration(from) * time.Second), Node: "n2", Sequence: uint64(1000*(from+500) + i)})
		}
		return records
	}
	held := hold(t, s, at(0, 30)...)
	for _, oldest := range []bool{true, false} {
		q := store.Query{Limit: 10, OldestFirst: oldest}
		first := search(t, s, q)
		shift := map[bool]int{true: 10, false: 20}[oldest]
		before, after := hold(t, s, at(-shift, 15)...), hold(t, s, at(shift, 15)...)
		q.After = first.Next
		got := slices.Concat(first.Entries, all(t, s, q))
		want := slices.Concat(held, map[bool][]store.Entry{true: after, false: before}[oldest])
		slices.SortFunc(want, store.Compare)
		if !oldest {
			slices.Reverse(want)
		}
		same(t, got, want)
		held = append(append(held, before...), after...)
	}
}

func around(t *testing.T, s store.Store) {
	var records []record.Record
	for n := range 40 {
		records = append(records, record.Record{
			Time: noon.Add(time.Duration(n/4) * time.Second), Service: []string{"bank", "shop"}[n%2],
			Node: fmt.Sprint("n", n%3), Sequence: uint64(n + 1), CorrelationID: []string{"a", "b"}[n/2%2],
		})
	}
	held := hold(t, s, records...)
	slices.SortFunc(held, store.Compare)
	for _, within := range []filter.Node{
		nil,
		filter.Term{Field: "service.node.name", Value: "n1"},
		filter.Term{Field: "service.name", Value: "bank"},
		filter.Term{Field: "correlation.key", Value: record.Key("b")},
	} {
		m := filter.NewMatcher(within)
		for _, i := range []int{0, 1, 17, 39} {
			var before, after []store.Entry
			for j, e := range held {
				switch {
				case !m.Match(e.Raw):
				case j < i:
					before = append(before, e)
				case j > i:
					after = append(after, e)
				}
			}
			slices.Reverse(before)
			gotBefore, gotAfter, err := store.Around(t.Context(), s, held[i], within, 5)
			if err != nil {
				t.Fatal(err)
			}
			same(t, gotBefore, before[:min(5, len(before))])
			same(t, gotAfter, after[:min(5, len(after))])
		}
	}
}

func facets(t *testing.T, s store.Store) {
	var records []record.Record
	for n := range 60 {
		r := record.Record{Time: noon.AddDate(0, 0, -(n % 4)), Service: fmt.Sprint("s", min(n%12, 9)), Level: "info", HTTP: record.HTTP{Status: []int{1000, 200, 404, 99}[n%4]}}
		switch n % 12 {
		case 0:
			r.Service = ""
		case 1:
			r.Service = strings.Repeat("s", 1025)
		}
		records = append(records, r)
	}
	hold(t, s, records...)
	f := func(q store.Query, field string, n int, others int64, want ...store.Facet) {
		t.Helper()
		got, err := s.Facets(t.Context(), q, field, n)
		if err != nil || !slices.Equal(got.Values, want) || got.Others != others || got.Partial {
			t.Errorf("%d of %s: %+v, %v; want %v and %d", n, field, got, err, want, others)
		}
	}
	f(store.Query{}, "log.level", 3, 0, store.Facet{Value: "info", Count: 60})
	f(store.Query{}, "service.name", 3, 25, store.Facet{Value: "s9", Count: 15}, store.Facet{Value: "s2", Count: 5}, store.Facet{Value: "s3", Count: 5})
	f(store.Query{}, "http.response.status_code", 10, 0,
		store.Facet{Value: "99", Count: 15}, store.Facet{Value: "200", Count: 15}, store.Facet{Value: "404", Count: 15}, store.Facet{Value: "1000", Count: 15})
	f(store.Query{}, "http.response.status_code", 1, 45, store.Facet{Value: "99", Count: 15})
	f(store.Query{From: noon, Until: noon.Add(1)}, "http.response.status_code", 1, 0, store.Facet{Value: "1000", Count: 15})
	f(store.Query{Filter: filter.Term{Field: "service.name", Value: "s5"}}, "service.name", 3, 0, store.Facet{Value: "s5", Count: 5})
	f(store.Query{Filter: filter.Not{Node: filter.Exists{Field: "service.name"}}}, "service.name", 3, 0)
	f(store.Query{}, "error.type", 3, 0)
}

func histogram(t *testing.T, s store.Store) {
	at := func(d time.Duration) record.Record { return record.Record{Time: noon.Add(d)} }
	hold(t, s, at(0), at(1), at(999*time.Microsecond), at(time.Millisecond), at(6*time.Second), at(7*time.Second), at(25*time.Hour))
	f := func(from, until, step time.Duration, n filter.Node, want ...store.Bucket) {
		t.Helper()
		got, err := s.Histogram(t.Context(), store.Query{Filter: n, From: noon.Add(from), Until: noon.Add(until)}, step)
		same := slices.EqualFunc(got.Buckets, want, func(a, b store.Bucket) bool { return a.Start.Equal(b.Start) && a.Count == b.Count })
		if err != nil || !same || got.Partial {
			t.Errorf("%v to %v by %v: %v, %v; want %v", from, until, step, got, err, want)
		}
	}
	b := func(start time.Duration, n int64) store.Bucket { return store.Bucket{Start: noon.Add(start), Count: n} }
	f(0, time.Hour, time.Millisecond*1000, nil, b(0, 4), b(6*time.Second, 1), b(7*time.Second, 1))
	f(0, time.Second, time.Millisecond, nil, b(0, 3), b(time.Millisecond, 1))
	f(1, 999*time.Microsecond, time.Millisecond, nil, b(0, 1))
	f(-time.Hour, 48*time.Hour, 24*time.Hour, nil, b(-12*time.Hour, 6), b(12*time.Hour, 1))
	week := noon.Truncate(time.Hour).Add(-time.Duration(noon.Unix()%(7*86400)) * time.Second)
	f(-time.Hour, 48*time.Hour, 7*24*time.Hour, nil, store.Bucket{Start: week, Count: 7})
	f(0, time.Hour, time.Minute, filter.Range{Field: "event.sequence", Min: 3, Max: 5}, b(0, 3))
	f(time.Minute, time.Hour, time.Minute, nil)
	f(0, time.Second*10, time.Millisecond, filter.Or{})
}

func newest(t *testing.T, s store.Store) {
	at := func(second int, key string, n int) (records []record.Record) {
		for i := range n {
			records = append(records, record.Record{Time: noon.Add(time.Duration(second) * time.Second), Node: "n" + key + strconv.Itoa(second), Sequence: uint64(i + 1), CorrelationID: key})
		}
		return records
	}
	records := slices.Concat(at(50, "a", 3), at(40, "d", 1), at(40, "b", 1), at(40, "c", 2), at(90, "", 5), at(10, "e", 1), at(-86400, "f", 1), at(20, "a", 9))
	for n := range 30 {
		records = append(records, at(5, fmt.Sprintf("tie%02d", (n*7)%30), 1)...)
	}
	hold(t, s, append(records, at(60, "g", 1500)...)...)
	f := func(n int, want string) {
		t.Helper()
		got, err := s.Newest(t.Context(), n)
		var names []string
		for _, j := range got {
			names = append(names, fmt.Sprint(j.Key, int(j.Last.Sub(noon).Seconds())))
		}
		if strings.Join(names, " ") != want || err != nil {
			t.Errorf("%d: %q, %v; want %q", n, names, err, want)
		}
	}
	f(1, "g60")
	f(3, "g60 a50 b40")
	f(8, "g60 a50 b40 c40 d40 e10 tie005 tie015")
	got, err := s.Newest(t.Context(), store.MaxLimit)
	if len(got) != 37 || err != nil || got[36].Key != "f" {
		t.Errorf("all: %v, %v", got, err)
	}
}

func budget(t *testing.T, s store.Store) {
	var records []record.Record
	for n := range 500 {
		records = append(records, record.Record{Time: noon.Add(time.Duration(n%50) * time.Hour), Message: fmt.Sprint("number ", n), Service: fmt.Sprint("s", n%5)})
	}
	held := hold(t, s, records...)
	slices.SortFunc(held, store.Compare)
	for _, n := range []filter.Node{nil, filter.Contains{Field: "message", Text: "er 1"}, filter.Phrase{Field: "message", Text: "number"}} {
		want, _ := oracle(held).page(store.Query{Filter: n, Limit: 1000, OldestFirst: true})
		same(t, all(t, s, store.Query{Filter: n, Limit: 30, OldestFirst: true, Budget: 1}), want)
		slices.Reverse(want)
		same(t, all(t, s, store.Query{Filter: n, Limit: 30, Budget: 1}), want)
		same(t, all(t, s, store.Query{Filter: n, Limit: 600, Budget: time.Hour}), want)
	}
	q := store.Query{From: noon, Until: noon.Add(50 * time.Hour), Budget: 1}
	h, err := s.Histogram(t.Context(), q, time.Hour)
	total := int64(0)
	for _, b := range h.Buckets {
		total += b.Count
	}
	if err != nil || total > 500 || total < 500 && !h.Partial {
		t.Errorf("%d of 500 counted by time, partial: %v, %v", total, h.Partial, err)
	}
	f, err := s.Facets(t.Context(), q, "service.name", 10)
	total = f.Others
	for _, v := range f.Values {
		total += v.Count
	}
	if err != nil || total > 500 || total < 500 && !f.Partial {
		t.Errorf("%d of 500 counted by value, partial: %v, %v", total, f.Partial, err)
	}
}

func refused(t *testing.T, s store.Store) {
	no := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrQuery) {
			t.Errorf("%s: %v", what, err)
		}
	}
	invalid, contains := filter.Term{Field: "message", Value: "x"}, filter.Contains{Field: "message", Text: "x"}
	day := store.Query{From: noon, Until: noon.AddDate(0, 0, 1), Limit: 10}
	with := func(change func(*store.Query)) store.Query {
		q := day
		change(&q)
		return q
	}
	for what, q := range map[string]store.Query{
		"no limit":       with(func(q *store.Query) { q.Limit = 0 }),
		"limit too high": with(func(q *store.Query) { q.Limit = store.MaxLimit + 1 }),
		"a bad filter":   with(func(q *store.Query) { q.Filter = invalid }),
		"no time at all": with(func(q *store.Query) { q.Until = q.From }),
	} {
		_, err := s.Search(t.Context(), q)
		no("search with "+what, err)
	}
	for what, q := range map[string]store.Query{
		"a bad filter": with(func(q *store.Query) { q.Filter = invalid }),
		"contains":     with(func(q *store.Query) { q.Filter = filter.Not{Node: contains} }),
		"no from":      with(func(q *store.Query) { q.From = time.Time{} }),
		"no until":     with(func(q *store.Query) { q.Until = time.Time{} }),
	} {
		_, err := s.Histogram(t.Context(), q, time.Minute)
		no("histogram with "+what, err)
	}
	for _, step := range []time.Duration{0, -time.Second, 1, 1500 * time.Microsecond, 8 * time.Second} {
		_, err := s.Histogram(t.Context(), day, step)
		no(fmt.Sprint("histogram by ", step), err)
	}
	for _, field := range []string{"message", "correlation.key", "labels.a", "nothing", ""} {
		_, err := s.Facets(t.Context(), day, field, 10)
		no("values of "+field, err)
	}
	_, err := s.Facets(t.Context(), with(func(q *store.Query) { q.Filter = contains }), "log.level", 10)
	no("values with contains", err)
	for _, n := range []int{0, -1, store.MaxLimit + 1} {
		_, err := s.Facets(t.Context(), day, "log.level", n)
		no(fmt.Sprint(n, " values"), err)
		_, err = s.Newest(t.Context(), n)
		no(fmt.Sprint(n, " journeys"), err)
	}
}

func largest(t *testing.T, s store.Store) {
	hold(t, s, record.Record{Message: strings.Repeat("車", 1023) + "軌"}, record.Record{Message: "軌"})
	var nodes filter.Or
	for n := range filter.MaxNodes - 3 { // the root, and one word more
		text := strings.Repeat("車", 1022) + string(rune(0x8ECA+n)) + "軌"
		switch n % 4 {
		case 0:
			nodes = append(nodes, filter.Phrase{Field: "message", Text: text})
		case 1:
			nodes = append(nodes, filter.Prefix{Field: "labels.車", Value: text[3*800:] + text[:3*70]})
		case 2:
			nodes = append(nodes, filter.Phrase{Field: "error.message", Text: strings.Repeat("x", 200), Prefix: true})
		case 3:
			nodes = append(nodes, filter.Term{Field: "alias.value", Value: text})
		}
	}
	nodes = append(nodes, filter.Phrase{Field: "message", Text: "x yz", Prefix: true})
	found(t, s, nodes, "1")
	found(t, s, filter.Phrase{Field: "message", Text: strings.Repeat("車", filter.MaxNodes-1) + "軌", Prefix: true}, "1")
	deep := filter.Node(filter.Term{Field: "service.node.name", Value: "n1"})
	for n := range filter.MaxDepth - 1 {
		switch n % 3 {
		case 0:
			deep = filter.Not{Node: deep}
		case 1:
			deep = filter.And{deep}
		case 2:
			deep = filter.Or{deep}
		}
	}
	found(t, s, deep, "")
	found(t, s, filter.Phrase{Field: "message", Text: "x " + strings.Repeat("𝒜", 220), Prefix: true}, "")
}

func nothing(t *testing.T, s store.Store) {
	found(t, s, nil, "")
	if got, err := s.Newest(t.Context(), 10); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	day := store.Query{From: noon, Until: noon.AddDate(0, 0, 1)}
	if got, err := s.Histogram(t.Context(), day, time.Hour); len(got.Buckets) != 0 || got.Partial || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := s.Facets(t.Context(), day, "log.level", 10); len(got.Values) != 0 || got.Others != 0 || got.Partial || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// oracle answers from its records, oldest first, what any store has to.
type oracle []store.Entry

func (o oracle) matching(q store.Query) (found []store.Entry) {
	m := filter.NewMatcher(q.Filter)
	for _, e := range o {
		if (q.From.IsZero() || !e.Time.Before(q.From)) && (q.Until.IsZero() || e.Time.Before(q.Until)) && m.Match(e.Raw) {
			found = append(found, e)
		}
	}
	return found
}

func (o oracle) page(q store.Query) (page []store.Entry, more bool) {
	page = o.matching(q)
	if !q.OldestFirst {
		slices.Reverse(page)
	}
	if !q.After.IsZero() {
		page = slices.DeleteFunc(page, func(e store.Entry) bool {
			return q.After.Compare(e) == 0 || q.After.Compare(e) > 0 == q.OldestFirst
		})
	}
	if len(page) > q.Limit {
		return page[:q.Limit], true
	}
	return page, false
}

func (o oracle) histogram(q store.Query, step time.Duration) (buckets []store.Bucket) {
	for _, e := range o.matching(q) {
		start := time.Unix(0, e.Time.UnixNano()/int64(step)*int64(step)).UTC()
		if n := len(buckets); n == 0 || !buckets[n-1].Start.Equal(start) {
			buckets = append(buckets, store.Bucket{Start: start})
		}
		buckets[len(buckets)-1].Count++
	}
	return buckets
}

func (o oracle) facets(q store.Query, field string, n int) (f store.Facets) {
	counts := map[string]int64{}
	for _, e := range o.matching(q) {
		record.Walk(e.Raw, func(v record.Value) bool {
			if v.Key == field && !v.Label && !filter.TooLong(v.Text) {
				counts[v.Text]++
			}
			return true
		})
	}
	for value, n := range counts {
		f.Values = append(f.Values, store.Facet{Value: value, Count: n})
	}
	slices.SortFunc(f.Values, store.CompareFacets(field))
	for _, v := range f.Values[min(n, len(f.Values)):] {
		f.Others += v.Count
	}
	f.Values = f.Values[:min(n, len(f.Values))]
	return f
}

// anyTree compares a store with the oracle.
func anyTree(t *testing.T, s store.Store) {
	held := hold(t, s, randomRecords(400)...)
	slices.SortFunc(held, store.Compare)
	o := oracle(held)
	moments := []time.Time{{}, noon.Add(-50 * time.Hour), noon.Add(-time.Hour), noon, noon.Add(1), noon.Add(time.Hour), noon.Add(60 * time.Hour)}
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(moments)-1).Draw(rt, "from")
		j := rapid.IntRange(0, len(moments)-1).Draw(rt, "until")
		q := store.Query{Filter: tree(rt, 3, true), From: moments[min(i, j)], Until: moments[max(i, j)]}
		if i == j {
			q.From, q.Until = time.Time{}, time.Time{}
		}

		q.Limit = rapid.SampledFrom([]int{1, 3, 50, 1000}).Draw(rt, "limit")
		q.OldestFirst = rapid.Bool().Draw(rt, "oldest first")
		if rapid.Bool().Draw(rt, "after") {
			e := held[rapid.IntRange(0, len(held)-1).Draw(rt, "record")]
			q.After = store.CursorAt(e)
		}
		page, err := s.Search(t.Context(), q)
		if err != nil {
			rt.Fatalf("search %+v: %v", q, err)
		}
		want, more := o.page(q)
		same(rt, page.Entries, want)
		if page.Next.IsZero() == more || page.Partial {
			rt.Errorf("after %d entries, partial: %v, comes %+v; more: %v", len(page.Entries), page.Partial, page.Next, more)
		}

		q.Filter = tree(rt, 3, false)
		field := rapid.SampledFrom([]string{"log.level", "service.name", "http.response.status_code", "waybill.kind", "error.type"}).Draw(rt, "field")
		n := rapid.IntRange(1, 5).Draw(rt, "n")
		counted, err := s.Facets(t.Context(), q, field, n)
		if values := o.facets(q, field, n); err != nil || !slices.Equal(counted.Values, values.Values) || counted.Others != values.Others || counted.Partial {
			rt.Errorf("%d values of %s in %+v: %+v, %v; want %+v", n, field, q, counted, err, values)
		}

		if q.From.IsZero() {
			q.From = noon.Add(-100 * time.Hour)
		}
		if q.Until.IsZero() {
			q.Until = noon.Add(100 * time.Hour)
		}
		step := rapid.SampledFrom([]time.Duration{time.Minute, 7 * time.Minute, time.Hour, 24 * time.Hour}).Draw(rt, "step")
		if q.Until.Sub(q.From) < time.Minute {
			step = time.Millisecond
		}
		if q.Until.Sub(q.From)/step > store.MaxBuckets {
			step = time.Hour
		}
		h, err := s.Histogram(t.Context(), q, step)
		if buckets := o.histogram(q, step); err != nil || !slices.EqualFunc(h.Buckets, buckets, func(a, b store.Bucket) bool { return a.Start.Equal(b.Start) && a.Count == b.Count }) {
			rt.Errorf("%+v by %v: %v, %v; want %v", q, step, h, err, buckets)
		}
	})
}

var (
	services = [...]string{"bank", "shop", "gateway", "registry", ""}
	levels   = [...]string{"debug", "info", "warn", "error"}
	spoken   = [...]string{"order", "orders", "paid", "Refused", "not", "enough", "42", "42.5", "支付", "失敗", "支", "ラーメン", "money"}
	gaps     = [...]string{" ", "  ", ", ", "_", "=", "…"}
	statuses = [...]int{0, 200, 204, 404, 500, 503}
	values   = [...]string{"A-1", "A-2", "A-22", "b", ""}
)

// randomRecords are the same each time.
func randomRecords(n int) (records []record.Record) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		var message strings.Builder
		for range r.IntN(8) {
			message.WriteString(spoken[r.IntN(len(spoken))] + gaps[r.IntN(len(gaps))])
		}
		at := noon.Add(time.Duration(r.IntN(100)-50) * time.Hour)
		if r.IntN(3) == 0 {
			at = noon.Add(time.Duration(r.IntN(3)))
		}
		one := record.Record{
			Time: at, Level: levels[r.IntN(len(levels))], Service: services[r.IntN(len(services))], Message: message.String(), Node: fmt.Sprint("n", r.IntN(3)),
			Sequence: uint64(i + 1), HTTP: record.HTTP{Status: statuses[r.IntN(len(statuses))]},
		}
		if r.IntN(2) == 0 {
			one.Kind, one.Duration = record.KindHopEnd, time.Duration(r.IntN(20)-5)
		}
		if r.IntN(4) == 0 {
			one.Error = record.Error{Type: fmt.Sprint("e", r.IntN(3)), Message: spoken[r.IntN(len(spoken))]}
		}
		for _, key := range []string{"order_id", "a.b"} {
			if r.IntN(2) == 0 {
				one.Labels = append(one.Labels, record.Label{Key: key, Value: values[r.IntN(len(values))]})
			}
		}
		records = append(records, one)
	}
	return records
}

// tree draws one that Check accepts.
func tree(t *rapid.T, depth int, contains bool) filter.Node {
	shape := rapid.IntRange(0, 9).Draw(t, "shape")
	if depth > 0 && shape < 5 {
		if shape == 4 {
			return filter.Not{Node: tree(t, depth-1, contains)}
		}
		var nodes []filter.Node
		for range rapid.IntRange(0, 3).Draw(t, "nodes") {
			nodes = append(nodes, tree(t, depth-1, contains))
		}
		if shape < 2 {
			return filter.And(nodes)
		}
		return filter.Or(nodes)
	}
	text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(spoken[:]), 1, 3).Draw(t, "words"), " ")
	field := rapid.SampledFrom([]string{"message", "error.message"}).Draw(t, "text field")
	number := rapid.SampledFrom([]string{"http.response.status_code", "event.duration", "event.sequence"}).Draw(t, "number field")
	low := rapid.Int64Range(-5, 510).Draw(t, "low")
	label := rapid.SampledFrom([]string{"labels.order_id", "labels.a.b", "labels.a"}).Draw(t, "label")
	value := rapid.SampledFrom(values[:]).Draw(t, "value")
	switch rapid.IntRange(0, 10).Draw(t, "leaf") {
	case 0:
		return filter.Term{Field: "service.name", Value: rapid.SampledFrom(services[:]).Draw(t, "service")}
	case 1:
		return filter.Term{Field: "log.level", Value: rapid.SampledFrom(levels[:]).Draw(t, "level")}
	case 2:
		return filter.Term{Field: label, Value: value}
	case 3:
		return filter.Prefix{Field: label, Value: cmp.Or(value, "A")}
	case 4:
		return filter.Exists{Field: rapid.SampledFrom([]string{label, number, "service.name", "error.type"}).Draw(t, "field")}
	case 5:
		return filter.Range{Field: number, Min: low, Max: low + rapid.Int64Range(0, 300).Draw(t, "width")}
	case 6:
		return filter.Term{Field: number, Value: strconv.FormatInt(low, 10)}
	case 7:
		return filter.In{Field: "service.name", Values: rapid.SliceOfN(rapid.SampledFrom(services[:]), 0, 3).Draw(t, "services")}
	case 8:
		if contains {
			return filter.Contains{Field: field, Text: cut(text, rapid.IntRange(0, 1).Draw(t, "front"), 0)}
		}
		fallthrough
	case 9:
		return filter.Phrase{Field: field, Text: cut(text, 0, rapid.IntRange(0, 1).Draw(t, "back")), Prefix: true}
	}
	return filter.Phrase{Field: field, Text: text}
}

// cut leaves out some characters of a text, but not all.
func cut(text string, front, back int) string {
	runes := []rune(text)
	if front+back >= len(runes) {
		return text
	}
	return string(runes[front : len(runes)-back])
}

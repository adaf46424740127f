package filter_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/filter"
	"pgregory.net/rapid"
)

func ExampleMatcher() {
	tree := filter.And{filter.Term{Field: "service.name", Value: "bank"}, filter.Phrase{Field: "message", Text: "not enough"}}
	if err := filter.Check(tree); err != nil {
		fmt.Println(err)
	}
	m := filter.NewMatcher(tree)
	fmt.Println(m.Match([]byte(`{"@timestamp":"2026-11-23T12:00:00Z","message":"Not enough money","service.name":"bank","event.id":"n1-1"}`)))
	// Output: true
}

func TestMatch(t *testing.T) {
	long := strings.Repeat("v", 1024)
	raw := record.Append(nil, &record.Record{
		Time: time.Unix(1e9, 0), Level: "warn", Message: "餘額不足: Not enough \"money\" for order A-1001", Service: "bank", Node: "n1", Sequence: 7,
		Kind: record.KindHopEnd, Duration: -3, Outcome: record.Failure, SpanName: long, ServiceVer: long + "v",
		HTTP: record.HTTP{Status: 503}, Error: record.Error{Type: strings.Repeat("😀", 512), Message: "full"},
		Saga: record.Saga{ID: strings.Repeat("😀", 512) + "é"}, Alias: record.Alias{Value: strings.Repeat("車", 1024)},
		Labels: []record.Label{{Key: "order_id", Value: "A-1001"}, {Key: "message", Value: "from a label"}, {Key: "a.*", Value: ""}},
	})
	f := func(want bool, n filter.Node) {
		t.Helper()
		if err := filter.Check(n); err != nil {
			t.Error(err)
		}
		if got := filter.NewMatcher(n).Match(raw); got != want {
			t.Errorf("%#v: %v", n, got)
		}
	}
	f(true, nil)
	f(true, filter.And{})
	f(false, filter.Or{})
	f(false, filter.Not{Node: filter.And{}})
	bank, shop := filter.Term{Field: "service.name", Value: "bank"}, filter.Term{Field: "service.name", Value: "shop"}
	f(true, bank)
	f(false, shop)
	f(true, filter.Or{shop, bank})
	f(true, filter.And{filter.Or{bank, shop}, filter.Not{Node: shop}, bank})
	f(false, filter.And{filter.Or{bank, shop}, filter.Not{Node: bank}})
	f(false, filter.Term{Field: "service.name", Value: "Bank"})
	f(true, filter.Prefix{Field: "service.name", Value: "ba"})
	f(false, filter.Prefix{Field: "service.name", Value: "bank1"})
	f(false, filter.Term{Field: "trace.id", Value: ""})

	f(true, filter.Term{Field: "http.response.status_code", Value: "+0503"})
	f(false, filter.Term{Field: "http.response.status_code", Value: "50"})
	f(true, filter.Range{Field: "http.response.status_code", Min: 500, Max: 503})
	f(false, filter.Range{Field: "http.response.status_code", Min: 504, Max: math.MaxInt64})
	f(true, filter.Range{Field: "event.duration", Min: math.MinInt64, Max: -3})
	f(false, filter.Range{Field: "event.duration", Min: 0, Max: -5})
	f(true, filter.Exists{Field: "event.sequence"})
	f(false, filter.Not{Node: filter.Exists{Field: "event.sequence"}})

	f(true, filter.Term{Field: "labels.order_id", Value: "A-1001"})
	f(false, filter.Term{Field: "labels.order_id", Value: "a-1001"})
	f(true, filter.Prefix{Field: "labels.order_id", Value: "A-"})
	f(false, filter.Exists{Field: "labels.order"})
	f(true, filter.Term{Field: "labels.a.*", Value: ""})
	f(true, filter.Exists{Field: "labels.a.*"})
	f(false, filter.Exists{Field: "labels.a.b"})

	f(true, filter.Phrase{Field: "message", Text: "NOT ENOUGH money"})
	f(false, filter.Phrase{Field: "message", Text: "enough not"})
	f(false, filter.Phrase{Field: "message", Text: "not money"})
	f(true, filter.Phrase{Field: "message", Text: "order a 1001"})
	f(true, filter.Phrase{Field: "message", Text: "額不"})
	f(false, filter.Phrase{Field: "message", Text: "不額"})
	f(false, filter.Phrase{Field: "message", Text: "mon"})
	f(true, filter.Phrase{Field: "message", Text: "enough mon", Prefix: true})
	f(false, filter.Phrase{Field: "message", Text: "enou money", Prefix: true})
	f(false, filter.Phrase{Field: "message", Text: "from a label"})
	f(false, filter.Phrase{Field: "error.message", Text: "enough"})
	f(true, filter.Contains{Field: "message", Text: `gh "mon`})
	f(false, filter.Contains{Field: "message", Text: `NOT`})

	f(true, filter.Term{Field: "span.name", Value: long})
	f(false, filter.Exists{Field: "service.version"})
	f(false, filter.Prefix{Field: "service.version", Value: "v"})
	f(true, filter.Exists{Field: "error.type"})
	f(false, filter.Exists{Field: "saga.id"})
	f(true, filter.Exists{Field: "alias.value"})
}

func TestCheck(t *testing.T) {
	f := func(says string, n filter.Node) {
		t.Helper()
		if err := filter.Check(n); !errors.Is(err, filter.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.200v: %v, want %s", n, err, says)
		}
	}
	f("not searched by", filter.Term{Field: "span.id", Value: "x"})
	f("not searched by", filter.Term{Field: "labels.", Value: "x"})
	f("not searched by", filter.Exists{Field: "labels.a\x00b"})
	f("is text", filter.Term{Field: "message", Value: "x"})
	f("is text", filter.Prefix{Field: "message", Value: "x"})
	f("is text", filter.Exists{Field: "error.message"})
	f("a number", filter.Term{Field: "event.duration", Value: "1.5"})
	f("a number", filter.Term{Field: "event.duration", Value: "9223372036854775808"})
	f("give a range", filter.Prefix{Field: "event.duration", Value: "1"})
	f("empty beginning", filter.Prefix{Field: "service.name"})
	f("more than 900", filter.Prefix{Field: "alias.value", Value: strings.Repeat("車", 300)})
	f("more than 900", filter.Exists{Field: "labels." + strings.Repeat("k", 894)})
	f("more than 900", filter.Phrase{Field: "message", Text: "a " + strings.Repeat("𝒜", 255), Prefix: true})
	f("labels are texts", filter.Range{Field: "labels.total", Max: 5})
	f("no number", filter.Range{Field: "service.name"})
	f("no number", filter.Range{Field: "message"})
	f("no word", filter.Phrase{Field: "message", Text: "… 🚀"})
	f("no word", filter.Phrase{Field: "message"})
	f("as a whole", filter.Phrase{Field: "labels.a", Text: "x"})
	f("as a whole", filter.Contains{Field: "service.name", Text: "x"})
	f("empty text", filter.Contains{Field: "message"})
	f("<nil> is no condition", filter.Not{})
	f("<nil> is no condition", filter.And{nil})
	f("no condition", &filter.And{})
	f("1025 characters", filter.Term{Field: "service.name", Value: strings.Repeat("車", 1025)})
	f("1031 characters", filter.Exists{Field: "labels." + strings.Repeat("k", 1024)})
	f("not valid UTF-8", filter.Contains{Field: "message", Text: "\xff"})
	f("more than 256", filter.And(slices.Repeat([]filter.Node{filter.And{}}, 256)))
	f("more than 256", filter.Phrase{Field: "message", Text: strings.Repeat("a ", 257), Prefix: true})
	deep := filter.Node(filter.Term{Field: "service.name", Value: strings.Repeat("車", 1024)})
	for range 19 {
		deep = filter.Not{Node: deep}
	}
	f("deeper than 20", filter.Or{deep})
	for _, fine := range []filter.Node{nil, deep, filter.Or(slices.Repeat([]filter.Node{filter.Or{}}, 255))} {
		if err := filter.Check(fine); err != nil {
			t.Error(err)
		}
	}
}

func TestHasContains(t *testing.T) {
	c := filter.Contains{Field: "message", Text: "x"}
	for _, n := range []filter.Node{c, filter.Not{Node: c}, filter.And{filter.Or{}, filter.Or{c}}} {
		if !filter.HasContains(n) {
			t.Errorf("not seen in %v", n)
		}
	}
	if filter.HasContains(nil) || filter.HasContains(filter.And{filter.Not{Node: filter.Exists{Field: "trace.id"}}}) {
		t.Error("seen where there is none")
	}
}

func TestFacetedFieldsAreWhole(t *testing.T) {
	for _, field := range []string{"log.level", "service.name", "http.response.status_code"} {
		if k, ok := filter.KindOf(field); !ok || k == filter.Text || !filter.Faceted(field) {
			t.Errorf("%s: %v", field, k)
		}
	}
	for _, field := range []string{"message", "labels.a", "correlation.key", "nothing"} {
		if filter.Faceted(field) {
			t.Error(field)
		}
	}
}

// A tree means what its parts mean.
func TestTrees(t *testing.T) {
	raw := []byte(`{"@timestamp":"2026-11-23T12:00:00Z","message":"one two","service.name":"bank","labels":{"a":"b"},"event.id":"n1-1"}`)
	leaves := []filter.Node{
		filter.Term{Field: "service.name", Value: "bank"}, filter.Prefix{Field: "service.name", Value: "shop"}, filter.Exists{Field: "labels.a"},
		filter.Exists{Field: "labels.b"}, filter.Phrase{Field: "message", Text: "two"}, filter.Phrase{Field: "message", Text: "three"},
	}
	type tree struct {
		node filter.Node
		want bool
	}
	var draw func(t *rapid.T, depth int) tree
	draw = func(t *rapid.T, depth int) tree {
		shape := rapid.IntRange(0, 3).Draw(t, "shape")
		if depth == 0 || shape == 0 {
			n := rapid.IntRange(0, len(leaves)-1).Draw(t, "leaf")
			return tree{leaves[n], n%2 == 0}
		}
		if shape == 1 {
			child := draw(t, depth-1)
			return tree{filter.Not{Node: child.node}, !child.want}
		}
		var nodes []filter.Node
		all, one := true, false
		for range rapid.IntRange(0, 4).Draw(t, "children") {
			child := draw(t, depth-1)
			nodes, all, one = append(nodes, child.node), all && child.want, one || child.want
		}
		if shape == 2 {
			return tree{filter.And(nodes), all}
		}
		return tree{filter.Or(nodes), one}
	}
	rapid.Check(t, func(t *rapid.T) {
		drawn := draw(t, 3)
		if got := filter.NewMatcher(drawn.node).Match(raw); got != drawn.want {
			t.Errorf("%v: %v", drawn.node, got)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("Order 支付", "支", `{"@timestamp":"2026-11-23T12:00:00Z","event.id":"x","message":"Order 支付","labels":{"支":"支"}}`)
	f.Fuzz(func(t *testing.T, text, key, raw string) {
		if _, err := record.Scan([]byte(raw)); err != nil {
			return
		}
		for _, n := range []filter.Node{
			filter.Phrase{Field: "message", Text: text}, filter.Phrase{Field: "message", Text: text, Prefix: true},
			filter.Term{Field: "labels." + key, Value: text}, filter.Range{Field: "event.sequence", Max: 5},
		} {
			if filter.Check(n) == nil && filter.NewMatcher(filter.And{n, filter.Not{Node: n}}).Match([]byte(raw)) {
				t.Errorf("%v is and is not", n)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	raw := record.Append(nil, &record.Record{
		Time: time.Unix(1e9, 0), Level: "info", Message: "Order A-1001 was paid by customer 4711", Service: "bank", Node: "n1", Sequence: 7,
		CorrelationID: "0192f0c18c5e7e3a9d2b000000000001", TraceID: strings.Repeat("a", 32), Labels: []record.Label{{Key: "order_id", Value: "A-1001"}},
	})
	m := filter.NewMatcher(filter.And{filter.Term{Field: "labels.order_id", Value: "A-1001"}, filter.Phrase{Field: "message", Text: "customer 4711"}})
	b.ReportAllocs()
	for b.Loop() {
		if !m.Match(raw) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkAppendWords(b *testing.B) {
	var words []string
	b.ReportAllocs()
	for b.Loop() {
		words = filter.AppendWords(words[:0], "Order A-1001 was paid by customer 4711 at db-01.internal:9042 in 12.5 ms")
	}
}

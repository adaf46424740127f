package messaging_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/demo-services/messaging"
)

func TestWhatIsWrongInATableIsNamed(t *testing.T) {
	t.Parallel()
	const topics = "topics: {a: {readers: [bank]}, b: {}}\n"
	for name, c := range map[string]struct{ table, want string }{
		"nothing":                 {"", "nothing in them"},
		"comment only":            {"# later", "nothing in them"},
		"not YAML":                {"topics:\n\t- a", "line 2"},
		"list":                    {"- a", "line 1"},
		"unknown key":             {topics + "route: []", "line 2: field route not found"},
		"unknown key of a topic":  {"topics:\n  a:\n    reader: [bank]", "line 3: field reader not found"},
		"unknown key of a route":  {topics + "routes:\n  - {type: x, to: [a], headers: {}}", "line 3: field headers not found"},
		"key twice":               {"topics:\n  a: {}\n  a: {}", "line 3"},
		"second document":         {topics + "---\nroutes: []", "---"},
		"partitions in words":     {"topics: {a: {partitions: many}}", "line 1"},
		"partitions negative":     {"topics: {a: {partitions: -1}}", "topic a: -1 partitions"},
		"partitions too many":     {"topics: {a: {partitions: 1001}}", "topic a: 1001 partitions"},
		"partitions overflow":     {"topics: {a: {partitions: 4294967297}}", "line 1"},
		"within in no unit":       {"topics: {a: {within: 5 parsecs}}", "line 1"},
		"within negative":         {"topics: {a: {within: -1s}}", "topic a: within"},
		"topic with a space":      {"topics: {a b: {}}", `topic "a b"`},
		"topic of one dot":        {`topics: {".": {}}`, `topic "."`},
		"topic too long":          {"topics: {" + strings.Repeat("a", 201) + ": {}}", "is not the name of a topic"},
		"reader in capitals":      {"topics: {a: {readers: [Bank]}}", `topic a: "Bank"`},
		"type in capitals":        {topics + "routes: [{type: Order, to: [a]}]", `route 1: "Order"`},
		"no type":                 {topics + "routes: [{to: [a]}]", `route 1: ""`},
		"no topic":                {topics + "routes: [{type: x, to: []}]", "route 1: say to which topics"},
		"another's topic":         {topics + "routes: [{type: x, to: [a]}, {type: y, to: [c]}]", "route 2: topic c is not among"},
		"topic twice":             {topics + "routes: [{type: x, to: [a, b, a]}]", "route 1: topic a is there twice"},
		"route after all":         {topics + "routes: [{type: x, to: [a]}, {type: x, when: {tier: gold}, to: [b]}]", "route 2: messages of type x never come to it, since route 1"},
		"route after some of its": {topics + "routes: [{type: x, when: {tier: gold}, to: [a]}, {type: x, when: {tier: gold, from: web}, to: [b]}]", "route 2: messages of type x never"},
		"too many routes":         {topics + "routes: [" + strings.Repeat("{type: x, to: [a]},", 1001) + "]", "more than 1000"},
		"too long":                {"#" + strings.Repeat(" ", 1<<20), "longer than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := messaging.ParseTable([]byte(c.table))
			if err == nil || !strings.Contains(err.Error(), c.want) || table != nil {
				t.Errorf("%v, %v; want %q", table, err, c.want)
			}
		})
	}
}

func TestFirstRouteThatMatchesCounts(t *testing.T) {
	t.Parallel()
	b, out := newLoose(t, `
topics: {gold: {}, web: {}, other: {}, audit: {}}
routes:
  - {type: order.place, when: {tier: gold}, to: [gold, audit]}
  - {type: order.place, when: {from: web, tier: silver}, to: [web]}
  - {type: order.place, when: {from: ""}, to: [audit]}
  - {type: order.place, to: [other]}
  - {type: order.look, when: {tier: gold}, to: [gold]}
`)
	for _, c := range []struct {
		typ     string
		headers string
		want    []string
	}{
		{"order.place", "tier=gold", []string{"gold", "audit"}},
		{"order.place", "tier=gold from=web", []string{"gold", "audit"}},
		{"order.place", "from=web tier=silver", []string{"web"}},
		{"order.place", "from=web", []string{"other"}},
		{"order.place", "tier=golden", []string{"other"}},
		{"order.place", "", []string{"other"}},
		{"order.place", "from=", []string{"audit"}},
		{"order.look", "tier=gold", []string{"gold"}},
		{"order.look", "", nil},
		{"order.sell", "tier=gold", nil},
	} {
		ctx := context.Background()
		for field := range strings.FieldsSeq(c.headers) {
			name, value, _ := strings.Cut(field, "=")
			ctx = messaging.WithHeader(ctx, name, value)
		}
		sent, err := out.of(b, func() error { return b.send(ctx, c.typ, "1") })
		var topics []string
		for _, m := range sent {
			topics = append(topics, m.Topic)
			for field := range strings.FieldsSeq(c.headers) {
				if name, value, _ := strings.Cut(field, "="); headers(m.Headers)[name] != value {
					t.Errorf("%s with %q goes without its header", c.typ, c.headers)
				}
			}
		}
		if !slices.Equal(topics, c.want) || (err != nil) != (c.want == nil) {
			t.Errorf("%s with %q goes to %q, %v; want %q", c.typ, c.headers, topics, err, c.want)
		}
	}
}

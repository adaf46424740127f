package alerts

import (
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
)

func TestSelfRulesAreThereUnlessTheFileSaysOtherwise(t *testing.T) {
	for text, want := range map[string]int{"": 4, "self: false": 0, "rules: [{name: waybill-lag, lag: {above: 1h}}]": 4} {
		rs, err := ParseRules([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(rs.Rules) != want {
			t.Errorf("%q gives %d rules, want %d", text, len(rs.Rules), want)
		}
		if r := rs.Of(SelfLag); r != nil && strings.Contains(text, "1h") && *r.Above != 3600 {
			t.Errorf("the file's own rule is not taken: %+v", r)
		}
	}
}

// What is wrong is said with the rule's name and its line, and what to do.
func TestBadRulesAreRefused(t *testing.T) {
	one := func(rule string) string { return "self: false\nrules:\n  - name: good\n    journey: errors\n" + rule }
	for _, c := range []struct{ name, text, want string }{
		{"unknown field", one("  - name: bad\n    journey: errors\n    serverity: x\n"), `rule bad (line 5): line 7: "serverity" is not known here; want one of absence,`},
		{"unknown field of an absence", one("  - name: bad\n    absence: {after: 'true', expect: 'true', within: 1s, whithin: 2}\n"), `rule bad (line 5): line 6: "whithin" is not known`},
		{"unknown field of the file", "rulez: []", `line 1: "rulez" is not known here`},
		{"no name", one("  - journey: errors\n"), "rule (line 5): its name is"},
		{"a name twice", one("  - name: good\n    journey: errors\n"), "rule good (line 5): line 3 has a rule of this name"},
		{"two things", one("  - name: bad\n    journey: errors\n    record: 'true'\n"), "rule bad (line 5): it asks 2 things"},
		{"nothing", one("  - name: bad\n"), "rule bad (line 5): it asks 0 things"},
		{"invalid expr", one("  - name: bad\n    journey: verdict ==\n"), "rule bad (line 5): the condition is wrong at column"},
		{"unknown name in expr", one("  - name: bad\n    journey: verdikt == \"x\"\n"), "unknown name verdikt"},
		{"no bool", one("  - name: bad\n    journey: verdict\n"), "rule bad (line 5): the condition is wrong"},
		{"too many nodes", one("  - name: bad\n    journey: " + strings.Repeat("errors and ", 150) + "errors\n"), "exceeds maximum allowed nodes"},
		{"too long", one("  - name: bad\n    journey: " + strings.Repeat("errors and ", 1000) + "errors\n"), "longer than 4096 bytes"},
		{"a loop in a loop", one("  - name: bad\n    journey: 'any(stations, any(stations, # == \"x\"))'\n"), "any stands inside another loop"},
		{"a range", one("  - name: bad\n    journey: 'any(1..100000000, # == 3)'\n"), ".. is not for conditions"},
		{"a function that grows", one("  - name: bad\n    journey: 'repeat(reason, 100000000) == \"\"'\n"), "repeat is not for conditions"},
		{"a map", one("  - name: bad\n    journey: 'len({a: 1}) == 1'\n"), "map is not for conditions"},
		{"regex bomb", one("  - name: bad\n    record: 'message matches \"((a{100}){100}){100}\"'\n"), "rule bad (line 5): the pattern"},
		{"large regex", one("  - name: bad\n    record: 'message matches \"(abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz){60}\"'\n"), "unfolds to"},
		{"regex of a record", one("  - name: bad\n    record: 'message matches error_message'\n"), "matches wants a constant pattern"},
		{"no regex", one("  - name: bad\n    record: 'message matches \"(\"'\n"), "the pattern"},
		{"template that panics", one("  - name: bad\n    journey: errors\n    title: '{{index .stations 99}}'\n"), "rule bad (line 5): title:"},
		{"template without end", one("  - name: bad\n    journey: errors\n    title: '{{if'\n"), "rule bad (line 5): title:"},
		{"template of what is not there", one("  - name: bad\n    journey: errors\n    text: '{{.nosuch}}'\n"), "rule bad (line 5): text: .nosuch is not known here; there are"},
		{"template that loops", one("  - name: bad\n    journey: errors\n    text: '{{range 1000000000}}{{end}}'\n"), "a range goes over"},
		{"template that loops in loops", one("  - name: bad\n    journey: errors\n    text: '{{range .stations}}{{range $.stations}}{{end}}{{end}}'\n"), "a range stands inside another"},
		{"template that calls itself", one("  - name: bad\n    journey: errors\n    text: '{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}'\n"), "are not for alerts"},
		{"template that grows", one("  - name: bad\n    journey: errors\n    text: '{{printf \"%999999d\" 1}}'\n"), "no width above 99"},
		{"severity", one("  - name: bad\n    journey: errors\n    severity: high\n"), `severity is "high", want critical, warning or info`},
		{"label", one("  - name: bad\n    journey: errors\n    labels: {rule: x}\n"), `label "rule"`},
		{"by of nothing", one("  - name: bad\n    record: 'true'\n    by: [color]\n"), `by "color": no such field`},
		{"by without records", one("  - name: bad\n    journey: errors\n    by: [service]\n"), "by and keep are for rules on records"},
		{"every of a journey", one("  - name: bad\n    journey: errors\n    every: 1m\n"), "every is not for rules on journey"},
		{"a negative for", one("  - name: bad\n    journey: errors\n    for: -1s\n"), "for is -1s"},
		{"within", one("  - name: bad\n    absence: {after: 'true', expect: 'true'}\n"), "absence within 0s"},
		{"query", one("  - name: bad\n    threshold: {query: '(', window: 5m, above: 1}\n"), "rule bad (line 5): query:"},
		{"query about journeys", one("  - name: bad\n    threshold: {query: 'verdict:stalled', window: 5m, above: 1}\n"), "it is about records"},
		{"no bound", one("  - name: bad\n    threshold: {query: 'x', window: 5m}\n"), "either above or below"},
		{"facets", one("  - name: bad\n    threshold: {window: 5m, above: 1, by: message}\n"), "its values cannot be counted"},
		{"duration", one("  - name: bad\n    journey: errors\n    for: soon\n"), "rule bad (line 5)"},
		{"anchor", one("  - &x\n    name: bad\n    journey: errors\n"), "anchors and aliases are not for rules"},
		{"receiver", "receivers: [{name: ops}]\nroute: {receiver: pos}", `route (line 2): there is no receiver "pos"`},
		{"matcher", "receivers: [{name: ops}]\nroute:\n  receiver: ops\n  routes:\n  - match: ['severity critical']", "route (line 5): matcher"},
		{"pattern of a matcher", "route: {routes: [{match: ['a =~ (']}]}", "route (line 1): matcher"},
		{"interval", "route: {group_interval: 1ms}", "group_interval is 1ms"},
		{"match of the first", "route: {match: ['a = b']}", "the first route takes all alerts"},
		{"two documents", "rules: []\n---\nrules: []", "second document"},
		{
			"cyclic inhibition",
			one("  - name: bad\n    journey: errors\n    severity: critical\ninhibit:\n- {source: [rule = bad], target: [rule = good]}\n- {source: [severity = warning], target: [severity = critical]}\n"),
			"good → bad → good",
		},
		{"inhibition of nothing", "inhibit: [{source: [a = b]}]", "inhibit (line 1): want matchers"},
		{"no YAML", "rules: [", "line 1"},
		{"a list", "- a", "want keys and values"},
	} {
		_, err := ParseRules([]byte(c.text))
		if err == nil {
			t.Errorf("%s: nothing is refused", c.name)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: says\n\t%v\nwant\n\t%s", c.name, err, c.want)
		}
	}
}

func TestInhibitionWithoutACircleIsTaken(t *testing.T) {
	_, err := ParseRules([]byte(`
rules:
  - {name: a, journey: errors, severity: critical}
  - {name: b, journey: errors}
  - {name: c, journey: errors, severity: info}
inhibit:
  - {source: [severity = critical], target: ['severity =~ "warning|info"']}
  - {source: [severity = warning], target: [severity = info]}
  - {source: ['rule =~ waybill-.*'], target: ['rule !~ waybill-.*']}
`))
	if err == nil || !strings.Contains(err.Error(), "circle") { // waybill's own are critical and warnings, and so are the others
		t.Errorf("says %v", err)
	}
	if _, err := ParseRules([]byte(`
rules:
  - {name: a, journey: errors, severity: critical}
  - {name: b, journey: errors}
inhibit:
  - {source: [severity = critical], target: [severity = warning]}
  - {source: ['rule =~ waybill-.*'], target: [rule = b]}
`)); err != nil {
		t.Errorf("says %v", err)
	}
}

func TestConditionsOnJourneys(t *testing.T) {
	c := Change{Was: journey.InTransit, Summary: journey.Summary{
		Verdict: journey.Stalled, Kind: "POST /buy", Stations: []string{"gateway", "bank"}, Reason: "nobody picked up a", Hops: 3, CorrelationID: "x",
		Start: start, End: start.Add(3 * time.Second),
	}}
	var f journeyFacts
	f.from(&c)
	for text, want := range map[string]bool{
		`verdict == "stalled" && visited("bank")`:                      true,
		`verdict == "stalled" and not visited("bank")`:                 false,
		`verdict in ["exception", "stalled"] and kind startsWith "PO"`: true,
		`"exception" == verdict`:                                       false,
		`took > duration("2s") and hops >= 3`:                          true,
		`any(stations, # matches "^ba")`:                               true,
		`aliases.order == "7"`:                                         false,
		`was != verdict and reason contains "picked up"`:               true,
		`visited("x") or visited("gateway")`:                           true,
	} {
		compiled, err := newCondition(text, &journeyFacts{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := compiled.holds(&f); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
}

func TestWordingIsCutAndSafe(t *testing.T) {
	for text, want := range map[string]string{
		`{{.reason}}`:                             strings.Repeat("é", 10),
		`{{range .stations}}{{.}} {{end}}`:        "bank game ",
		`{{with .kind}}{{.}}{{end}}{{.labels.x}}`: "K",
		`plain text that is long indeed`:          "plain text that is l",
		`{{$a := print "x"}}{{printf "%5s" $a}}`:  "    x",
	} {
		sample := map[string]any{"reason": strings.Repeat("é", 100), "stations": []string{"bank", "game"}, "kind": "K", "labels": map[string]string{}}
		w, err := newWording(text, 20, sample)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := w.render(sample); err != nil || got != want {
			t.Errorf("%s gives %q, %v", text, got, err)
		}
	}
	doubling := `{{$a := "xxxxxxxxxxxxxxxx"}}{{range .stations}}{{$a = print $a $a}}{{end}}{{$a}}`
	stations := make([]string, maxList)
	w, err := newWording(doubling, 20, map[string]any{"stations": []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.render(map[string]any{"stations": stations}); err == nil {
		t.Error("a text grows without bound")
	}
}

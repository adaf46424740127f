package terminal_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/terminal"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

// fixture is the journey that records of the contract's make.
func fixture(t *testing.T, name string) *query.Journey {
	t.Helper()
	var records []record.Record
	for _, raw := range written(t, name) {
		r, err := record.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 || record.SameID(r.CorrelationID, records[0].CorrelationID) {
			records = append(records, r)
		}
	}
	return &query.Journey{Journey: *journey.Build(records, journey.Evidence{AsOf: records[0].Time.Add(time.Hour)})}
}

// written are the records of a file of the contract's.
func written(t *testing.T, name string) (out [][]byte) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "record", "testdata", name+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(b), []byte("\n"))
}

var fixtures = []string{"purchase", "failed", "lost", "otel", "retried"}

func TestJourneysAreDrawnAtEveryWidth(t *testing.T) {
	for _, name := range fixtures {
		j := fixture(t, name)
		for _, width := range []int{0, 40, 80, 120} {
			var b strings.Builder
			s := terminal.Style{Width: width}
			if err := s.Journey(&b, &j.Journey); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if w := terminal.Columns(strings.TrimSuffix(line, "\n")); width > 0 && w > width {
					t.Errorf("%s at %d has a line of %d columns: %s", name, width, w, line)
				}
			}
			golden(t, fmt.Sprintf("journey-%s-%d", name, width), b.String())
		}
	}
}

func TestAJourneyInColourSaysTheSame(t *testing.T) {
	for _, name := range fixtures {
		j := fixture(t, name)
		var plain, coloured strings.Builder
		s := terminal.Style{Width: 80}
		if err := s.Journey(&plain, &j.Journey); err != nil {
			t.Fatal(err)
		}
		s.Colour = true
		if err := s.Journey(&coloured, &j.Journey); err != nil {
			t.Fatal(err)
		}
		if got := ansi.Strip(coloured.String()); got != plain.String() || coloured.String() == plain.String() {
			t.Errorf("%s in colour is\n%s\nwant\n%s", name, got, plain.String())
		}
	}
	var b strings.Builder
	s := terminal.Style{Width: 80, Colour: true}
	if err := s.Journey(&b, &fixture(t, "failed").Journey); err != nil {
		t.Fatal(err)
	}
	golden(t, "journey-failed-colour", strings.ReplaceAll(b.String(), "\x1b", "␛"))
}

func TestTimesAreShownAsAskedFor(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	j := fixture(t, "purchase")
	for times, style := range map[terminal.Times]terminal.Style{
		terminal.Clock:    {Zone: berlin},
		terminal.RFC3339:  {Zone: berlin, Times: terminal.RFC3339},
		terminal.Relative: {Times: terminal.Relative, Now: j.Start.Add(3*time.Minute + 5*time.Second)},
	} {
		var b strings.Builder
		if err := style.Journey(&b, &j.Journey); err != nil {
			t.Fatal(err)
		}
		want := map[terminal.Times]string{terminal.Clock: "● 15:00:00.000", terminal.RFC3339: "● 2026-11-23T15:00:00.000000000+01:00", terminal.Relative: "● 3m ago"}[times]
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s has no %q:\n%s", times, want, b.String())
		}
	}
	if _, err := terminal.ParseTimes("soon"); err == nil {
		t.Error("soon is a way to write times")
	}
}

func TestDiagramsOfMermaid(t *testing.T) {
	for _, name := range fixtures {
		var b strings.Builder
		if err := terminal.Mermaid(&b, &fixture(t, name).Journey); err != nil {
			t.Fatal(err)
		}
		golden(t, "mermaid-"+name, b.String())
	}
	// What means something to Mermaid is no part of a text; its own parser reads this.
	text := "end; alt x\nend\n# %% <b>\"q\" `x` \\ {a}[b](c) :: -->> --) & é 世界 ~ ^ | = + * ? ! ' $ @"
	var hostile strings.Builder
	if err := terminal.Mermaid(&hostile, &journey.Journey{
		Verdict: journey.Exception, Reason: text, Stations: []journey.Station{{Service: text}, {Service: "end"}},
		Hops: []journey.Hop{{ID: "a", Service: text, Name: text, Outcome: journey.Failure, Error: text}, {ID: "b", Service: "end", Name: "End"}},
		Legs: []journey.Leg{{From: "a", To: "b", Transport: journey.OverKafka, Topic: text}, {From: "b", Topic: "end", Transport: journey.OverKafka}},
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "mermaid-hostile", hostile.String())
	long := fixture(t, "purchase")
	for range 10 {
		long.Hops = append(long.Hops, long.Hops...)
	}
	var b strings.Builder
	if err := terminal.Mermaid(&b, &long.Journey); err != nil {
		t.Fatal(err)
	}
	if n := len(b.String()); n > 50_000 || !strings.Contains(b.String(), "more are left out") {
		t.Errorf("a long journey makes %d bytes", n)
	}
}

func TestDifferences(t *testing.T) {
	took, usual := 900*time.Millisecond, 20*time.Millisecond
	first := journey.Divergence{What: journey.Slow, Service: "bank", Name: "POST /debits", Hop: "a", Took: &took, Usual: &usual, Text: "bank took 900ms for its own part of POST /debits; 20ms is usual"}
	for name, d := range map[string]query.Difference{
		"usual": {Difference: journey.Difference{CorrelationID: "one", OtherKind: "POST /purchases", OtherRelease: "1.4.0", Journeys: 20, Divergences: []journey.Divergence{
			first, {What: journey.Failing, Service: "game", Name: "process shop.game", Text: "game failed in process shop.game, where it does not otherwise"},
		}}, First: &first},
		"none":    {Difference: journey.Difference{CorrelationID: "one", OtherKind: "POST /purchases", Journeys: 20}},
		"few":     {Difference: journey.Difference{CorrelationID: "one", OtherKind: "POST /purchases", Journeys: 2, Few: true}},
		"another": {Difference: journey.Difference{CorrelationID: "one", With: "two\x1b[2J", Journeys: 1}},
	} {
		var b strings.Builder
		s := terminal.Style{Width: 60}
		if err := s.Difference(&b, &d); err != nil {
			t.Fatal(err)
		}
		golden(t, "difference-"+name, b.String())
	}
}

func TestLinesOfRecords(t *testing.T) {
	template, err := terminal.ParseTemplate("{{.Time}} {{.Service}}/{{.ID}} {{.Message}} {{.Labels.amount}}")
	if err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string]*terminal.Lines{
		"text":      {},
		"colour":    {Style: terminal.Style{Colour: true}, Highlight: patterns("shop", `\bgame\b`)},
		"json":      {Format: terminal.Indent},
		"jsonl":     {Format: terminal.Raw},
		"template":  {Template: template},
		"patterns":  {Include: patterns("withdrawn", "^→"), Exclude: patterns("^failed")},
		"jsonlonly": {Format: terminal.Raw, Include: patterns("withdrawn")},
	} {
		var out []byte
		for _, raw := range written(t, "failed") {
			var err error
			if out, _, err = lines.Append(out, raw); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, "lines-"+name, strings.ReplaceAll(string(out), "\x1b", "␛"))
	}
}

func TestRecordsAsWrittenAreNotChanged(t *testing.T) {
	var want, got []byte
	lines := terminal.Lines{Format: terminal.Raw}
	for _, raw := range written(t, "interleaved") {
		want = append(append(want, raw...), '\n')
		got, _, _ = lines.Append(got, raw)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTables(t *testing.T) {
	at := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	journeys := []query.Summary{
		{CorrelationID: "019a9f3c5b7e4d218c60aa52f19e03b7", Verdict: "delivered", Kind: "POST /purchases", Start: at, End: at.Add(34 * time.Millisecond), Stations: []string{"gateway", "bank", "game"}},
		{CorrelationID: "=cmd|' /C calc'!A0", Verdict: "exception", Kind: "a, \"b\"", Start: at, End: at.Add(2 * time.Second), Stations: []string{"gateway"}, Aliases: []string{"-5", "x"}, Errors: true, OpenHops: 2},
	}
	for name, c := range map[string]struct {
		style   terminal.Style
		columns []string
		csv     bool
	}{
		"wide": {}, "narrow": {style: terminal.Style{Width: 40}}, "fitted": {style: terminal.Style{Width: 90}},
		"csv": {csv: true, columns: []string{"id", "took", "kind", "aliases", "errors", "open"}}, "colour": {style: terminal.Style{Colour: true, Width: 80}, columns: []string{"verdict", "id"}},
	} {
		columns, err := terminal.JourneyColumns(c.columns)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		table := terminal.NewTable(&b, c.style, columns, c.csv)
		for i := range journeys {
			if err := table.Row(&journeys[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := table.Flush(); err != nil {
			t.Fatal(err)
		}
		golden(t, "table-"+name, strings.ReplaceAll(b.String(), "\x1b", "␛"))
	}
	columns, err := terminal.RecordColumns([]string{"time", "service", "operation", "status", "duration", "message", "label.order_id"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	table := terminal.NewTable(&b, terminal.Style{}, columns, false)
	for _, raw := range written(t, "failed") {
		r, err := record.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Row(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	golden(t, "table-records", b.String())
	for _, names := range [][]string{{"nonsense"}, {"label."}, make([]string, 51)} {
		if _, err := terminal.RecordColumns(names); err == nil {
			t.Errorf("there are columns %q", names)
		}
	}
}

func TestATableOfManyRowsIsWrittenAsTheyCome(t *testing.T) {
	columns, err := terminal.JourneyColumns([]string{"id"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	table := terminal.NewTable(&b, terminal.Style{}, columns, false)
	for n := range 60 {
		if err := table.Row(&query.Summary{CorrelationID: fmt.Sprintf("j%02d", n)}); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(b.String(), "j59") {
		t.Errorf("before its end the table has\n%s", b.String())
	}
}

func TestATemplateIsBounded(t *testing.T) {
	for text, says := range map[string]string{"{{.Colour}}": ".Message", "{{": "there are", strings.Repeat("a", 70_000): "at most"} {
		if _, err := terminal.ParseTemplate(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20s: %v", text, err)
		}
	}
	endless, err := terminal.ParseTemplate(`{{if .Message}}{{range 10000000}}aaaaaaaaaaaaaaaa{{end}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	lines := terminal.Lines{Template: endless}
	if _, _, err := lines.Append(nil, written(t, "failed")[1]); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("what a template makes is not bounded: %v", err)
	}
}

// Whatever is in a record, what is shown of it has no character that a terminal would obey,
// but for our own colours.
func TestNothingFromOutsideControlsTheTerminal(t *testing.T) {
	hazards := []string{
		"\x1b[2J", "\x1b]0;title\a", "\x1b]8;;http://evil\x1b\\", "\u009b31m", "\u0090q\u009c", "\u202eevil\u202c", "\u2066x\u2069", "a\u2028b\u2029c", "\x00\x07\x08\x7f", "\r\n", "\u061c\u200e\u200f", "\u0085",
	}
	text := rapid.Custom(func(t *rapid.T) string {
		return rapid.String().Draw(t, "before") + rapid.SampledFrom(hazards).Draw(t, "hazard") + rapid.String().Draw(t, "after")
	})
	for _, h := range hazards {
		if got := terminal.Clean(h); strings.ContainsFunc(got, dangerous) {
			t.Errorf("Clean leaves %q of %q", got, h)
		}
	}
	template, err := terminal.ParseTemplate("{{.Time}}{{.Service}}{{.Message}}{{.Error}}{{.JSON}}{{range $k, $v := .Labels}}{{$v}}{{end}}")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := record.Record{
			Time: time.Unix(1e9, 0), Level: text.Draw(t, "level"), Message: text.Draw(t, "message"), Service: text.Draw(t, "service"), Node: "n", Sequence: 1, CorrelationID: "a",
			Error: record.Error{Message: text.Draw(t, "error")}, SpanName: text.Draw(t, "name"), Labels: []record.Label{{Key: text.Draw(t, "key"), Value: text.Draw(t, "value")}},
		}
		raw := record.Append(nil, &r)
		r, err := record.Decode(raw)
		if err != nil {
			t.Skip(err)
		}
		check := func(what, shown string) {
			if i := strings.IndexFunc(ansi.Strip(shown), dangerous); i >= 0 {
				t.Fatalf("%s: %q", what, shown)
			}
			// Strip takes sequences away, so of ours none but colours may have been there.
			if left := strings.ReplaceAll(shown, "\x1b[", ""); strings.ContainsFunc(left, dangerous) {
				t.Fatalf("%s has a sequence of another kind: %q", what, shown)
			}
		}
		for what, lines := range map[string]*terminal.Lines{
			"text": {}, "colour": {Style: terminal.Style{Colour: true}}, "json": {Format: terminal.Indent}, "jsonl": {Format: terminal.Raw}, "template": {Template: template},
		} {
			out, _, err := lines.Append(nil, raw)
			if err != nil {
				t.Fatal(what, err)
			}
			check(what, string(out))
			if what == "jsonl" {
				var was, is any
				if json.Unmarshal(raw, &was) != nil || json.Unmarshal(out, &is) != nil || fmt.Sprint(was) != fmt.Sprint(is) {
					t.Fatalf("jsonl says another thing: %s", out)
				}
			}
		}
		j := &journey.Journey{
			CorrelationID: r.Message, Reason: r.Message, Kind: r.SpanName, Verdict: journey.Verdict(r.Message), Completeness: journey.Completeness(r.Message), CompletenessReason: r.Message,
			Records: []*record.Record{&r}, Hops: []journey.Hop{{ID: "h", Service: r.Service, Name: r.SpanName, Outcome: journey.Failure, Error: r.Message}}, Warnings: []string{r.Message},
			Stations: []journey.Station{{Service: r.Service}}, Legs: []journey.Leg{{To: "h", Transport: r.Message, Topic: r.Message}, {Transport: journey.OverKafka, Topic: r.Message}},
			Aliases: []record.Alias{{Name: r.Message, Value: r.Message}},
		}
		for _, s := range []terminal.Style{{Width: 40}, {Width: 100, Colour: true}} {
			var b strings.Builder
			if err := s.Journey(&b, j); err != nil {
				t.Fatal(err)
			}
			check("journey", b.String())
		}
		var b strings.Builder
		if err := terminal.Mermaid(&b, j); err != nil {
			t.Fatal(err)
		}
		check("mermaid", b.String())
		b.Reset()
		s := terminal.Style{Width: 80}
		if err := s.Difference(&b, &query.Difference{Difference: journey.Difference{CorrelationID: r.Message, With: r.Message, Divergences: []journey.Divergence{{What: r.Message, Text: r.Message}}}}); err != nil {
			t.Fatal(err)
		}
		check("difference", b.String())
		for _, asCSV := range []bool{true, false} {
			columns, err := terminal.RecordColumns([]string{"time", "level", "service", "message", "error", "operation", "label." + r.Labels[0].Key})
			if err != nil {
				t.Fatal(err)
			}
			b.Reset()
			table := terminal.NewTable(&b, terminal.Style{Width: 80}, columns, asCSV)
			if err := table.Row(&r); err != nil {
				t.Fatal(err)
			}
			if err := table.Flush(); err != nil {
				t.Fatal(err)
			}
			check("table", b.String())
		}
		var page bytes.Buffer
		w := terminal.HTML(&page)
		for _, c := range []byte("<p>" + r.Message + "</p>\n") { // in pieces
			if _, err := w.Write([]byte{c}); err != nil {
				t.Fatal(err)
			}
		}
		check("html", page.String())
	})
}

func dangerous(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
}

func TestUnsafeShowsRecordsAsTheyAre(t *testing.T) {
	raw := record.Append(nil, &record.Record{Time: time.Unix(1e9, 0), Message: "\u202e\u009b", Node: "n", Sequence: 1})
	for _, lines := range []*terminal.Lines{{}, {Format: terminal.Raw}} {
		lines.Style.Unsafe = true
		if out, _, err := lines.Append(nil, raw); err != nil || !bytes.Contains(out, []byte("\u202e\u009b")) {
			t.Errorf("%q %v", out, err)
		}
	}
}

func patterns(of ...string) (out []*regexp.Regexp) {
	for _, p := range of {
		out = append(out, regexp.MustCompile(p))
	}
	return out
}

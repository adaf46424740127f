package filter

import (
	"slices"
	"strings"
	"testing"
)

// Whoever completes a query by what is told of the language writes one that can be read.
func TestWhatIsToldOfTheLanguageIsSo(t *testing.T) {
	read := func(query string) Search {
		t.Helper()
		s, err := Parse(query, noon)
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
		return s
	}
	seen := map[string]bool{}
	for _, n := range All() {
		if seen[n.Name] || n.About == "" || !strings.HasPrefix(n.Example, n.Name) {
			t.Errorf("%+v", n)
		}
		seen[n.Name] = true
		if s := read(n.Example); (s.Records == nil) != n.OfJourney() {
			t.Errorf("%s asks for %+v", n.Example, s)
		}
		for _, v := range n.Values {
			read(n.Name + ":" + v)
		}
		value := map[Kind]string{Keyword: "x", Number: "3", Text: "x"}
		k, _ := KindOf(n.Field)
		operand := value[k]
		switch n.Name {
		case "took", "since", "until":
			operand = "3m"
		case "verdict", "level":
			operand = n.Values[0]
		case "label.":
			n.Name, operand = "label.x", "x"
		}
		if operand == "" {
			operand = "x"
		}
		for _, op := range []string{":", "~", ">", "<", ">=", "<="} {
			_, err := Parse(n.Name+op+operand, noon)
			if told := slices.Contains(n.Operators(), op); told != (err == nil) {
				t.Errorf("%s%s%s: told %v, and %v", n.Name, op, operand, told, err)
			}
		}
	}
	for _, field := range []string{
		"log.level", "service.name", "service.version", "service.node.name", "event.outcome", "waybill.kind", "correlation.key", "trace.id", "saga.id", "alias.value",
		"span.name", "messaging.destination.name", "error.type", "event.duration", "event.sequence", "http.response.status_code", "message", "error.message",
	} {
		if _, ok := KindOf(field); !ok || !slices.ContainsFunc(All(), func(n Named) bool { return n.Field == field }) {
			t.Errorf("nobody is told of %s", field)
		}
	}
	for _, word := range Words() {
		if _, err := Parse(word, noon); err == nil {
			t.Errorf("%s is no word of the language", word)
		}
	}
	for _, field := range Facets() {
		if !Faceted(field) {
			t.Errorf("values of %s are not counted", field)
		}
	}
	if len(Facets()) != 9 {
		t.Errorf("%q are counted", Facets())
	}
}

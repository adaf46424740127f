package query

import (
	"strings"
	"testing"
)

func FuzzQueryText(f *testing.F) {
	f.Add("verdict:stalled service:bank")
	f.Add(strings.Repeat("(", 100) + "a")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse(text)
		if e, ok := err.(*Error); err != nil && (!ok || e.Column < 1 || e.Detail == "") {
			t.Errorf("%q: %v has no place", text, err)
		}
	})
}

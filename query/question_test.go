package query

import (
	"errors"
	"strings"
	"testing"
)

func FuzzQueryText(f *testing.F) {
	f.Add("verdict:stalled service:bank")
	f.Add(strings.Repeat("(", 100) + "a")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse(text)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Column < 1 || e.Detail == "") {
			t.Errorf("%q: %v has no place", text, err)
		}
	})
}

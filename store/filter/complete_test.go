package filter

import (
	"slices"
	"testing"
	"time"
)

func TestTheLastConditionIsCompleted(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		if got := Complete(text); !slices.Equal(got, want) {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	f("verd", "verdict:")
	f("se", "sequence:", "service:")
	f("level:e", "level:error")
	f("visited:bank verdict:st", "visited:bank verdict:stalled")
	f("(level:warn OR -outc", "(level:warn OR -outcome:")
	f("lab", "label.")
	f("service:b")
	f("nothing")
	for _, text := range Complete("") {
		if text == "label." {
			continue
		}
		if _, err := Parse(text+"1", time.Now()); err != nil && text != "level:" && text != "verdict:" && text != "since:" && text != "until:" && text != "took:" {
			t.Errorf("%s is completed and cannot be read: %v", text, err)
		}
	}
}

package purchase

import (
	_ "embed"
	"slices"
	"strings"
)

// Together is what both sides have on disk of one order, at any moment: between any two of
// their transactions, and so after any crash.
type Together struct {
	Bank, Game string // states; empty: the side knows nothing of the order. A bank's CANCEL! is acknowledged
	BankOut    string // types that wait in the bank's outbox
	GameOut    string
	BankIn     string // types that the bank's inbox has had
	GameIn     string
}

// letters are how types are written in a Together, in this order.
var letters = []struct{ typ, letter string }{
	{Begin, "b"}, {Place, "p"}, {Prepare, "q"}, {Open, "o"}, {Drop, "d"}, {Credited, "c"}, {Refused, "r"}, {Cancelled, "a"}, {Opened, "O"}, {Returned, "R"}, {"reply", "y"},
}

// Letters writes a set of types, in a fixed order.
func Letters(types []string) (out string) {
	for _, l := range letters {
		if slices.Contains(types, l.typ) {
			out += l.letter
		}
	}
	return out
}

// String is a line of the list.
func (t Together) String() string {
	var parts []string
	for _, part := range []string{t.Bank, t.Game, t.BankOut, t.GameOut, t.BankIn, t.GameIn} {
		if part == "" {
			part = "-"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

//go:embed together.txt
var list string

// Reachable reports whether an order may be in this state. What is not listed must never be.
func Reachable(t Together) bool {
	for line := range strings.Lines(list) {
		if strings.TrimSpace(line) == t.String() {
			return true
		}
	}
	return false
}

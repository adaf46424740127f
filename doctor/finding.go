package doctor

import (
	"cmp"
	"fmt"
	"slices"
)

// What became of an ID.
const (
	Died      = "died"      // another one, or none, was there at the other end
	Renamed   = "renamed"   // it came in a field that is not read as the correlation ID
	Rewritten = "rewritten" // it came in other letters or without its dashes
	Truncated = "truncated" // only its beginning or its end came
)

// Finding is a place where IDs do not come through as they were sent.
type Finding struct {
	What   string `json:"what"`
	From   string `json:"from"`   // service that sent it
	To     string `json:"to"`     // service that received it
	Over   string `json:"over"`   // http, or a topic
	Name   string `json:"name"`   // operation at the receiving end
	Field  string `json:"field"`  // Renamed: where it came; Truncated: where it stands whole, if it does
	Count  int    `json:"count"`  // calls or messages so affected
	Of     int    `json:"of"`     // of as many between these two
	Traced bool   `json:"traced"` // the trace context came through
	Proof  string `json:"proof"`  // what ties the two ends together
	Sent   string `json:"sent"`   // an example
	Got    string `json:"got"`
}

// String says it in one line.
func (f Finding) String() string {
	kind := "calls"
	if f.Over != "http" {
		kind = "messages over " + f.Over
	}
	many := fmt.Sprintf("%d of %d %s", f.Count, f.Of, kind)
	var says string
	switch f.What {
	case Renamed:
		says = fmt.Sprintf("the ID is renamed between %s and %s: %s begins %s under an ID of its own, and has the one that was sent as %s", f.From, f.To, f.To, f.Name, f.Field)
	case Rewritten:
		says = fmt.Sprintf("the ID is written otherwise between %s and %s: sent as %s, it came as %s", f.From, f.To, f.Sent, f.Got)
	case Truncated:
		says = fmt.Sprintf("the ID is cut short between %s and %s: of %s only %s came", f.From, f.To, f.Sent, f.Got)
	default:
		says = fmt.Sprintf("the ID dies between %s and %s: %s begins %s under an ID of its own", f.From, f.To, f.To, f.Name)
	}
	if f.What != Rewritten && f.Traced {
		says += ", though the trace came through"
	}
	return fmt.Sprintf("%s (%s; %s)", says, many, f.Proof)
}

// Doubt is a call or message of which nobody can tell where its ID went.
type Doubt struct {
	From  string `json:"from"`
	Over  string `json:"over"` // http, or a topic
	Name  string `json:"name"`
	Count int    `json:"count"`
	Why   string `json:"why"`
}

// String says it in one line.
func (d Doubt) String() string {
	often := "once"
	if d.Count > 1 {
		often = fmt.Sprintf("%d times", d.Count)
	}
	return fmt.Sprintf("cannot tell what became of the ID that %s sent with %s (%s): %s", d.From, d.Name, often, d.Why)
}

// Report is what was found; nothing where all is well.
type Report struct {
	Spans      int       `json:"spans"`
	Sends      int       `json:"sends"`      // calls and messages looked at
	Arrived    int       `json:"arrived"`    // whose ID came through as it was
	Unheard    int       `json:"unheard"`    // behind which nobody writes records
	Unanswered int       `json:"unanswered"` // calls that failed before there was an answer, and that nobody is known to have received
	Findings   []Finding `json:"findings"`   // the most frequent first
	Doubts     []Doubt   `json:"doubts"`
}

// Healthy reports whether nothing was found wrong.
func (r *Report) Healthy() bool { return len(r.Findings) == 0 && len(r.Doubts) == 0 }

func (r *Report) sort() {
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Over, b.Over), cmp.Compare(a.What, b.What), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(r.Doubts, func(a, b Doubt) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.From, b.From), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Why, b.Why))
	})
}

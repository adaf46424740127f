package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/waybill-log/waybill/journey"
)

// maxArrows is how many messages a diagram has; Mermaid draws no more than 50,000 characters.
const maxArrows = 300

// Mermaid writes a journey as a sequence diagram of Mermaid, for a report or a ticket. Of a
// long journey it shows the beginning, and says so.
func Mermaid(w io.Writer, j *journey.Journey) error {
	var b strings.Builder
	b.WriteString("sequenceDiagram\n")
	names := map[string]string{}
	for _, st := range j.Stations {
		names[st.Service] = fmt.Sprintf("s%d", len(names)+1)
		fmt.Fprintf(&b, "    participant %s as %s\n", names[st.Service], mermaidText(st.Service))
	}
	hops := map[string]*journey.Hop{}
	arrivals := map[string][]*journey.Leg{}
	for i := range j.Hops {
		hops[j.Hops[i].ID] = &j.Hops[i]
	}
	for i := range j.Legs {
		arrivals[j.Legs[i].To] = append(arrivals[j.Legs[i].To], &j.Legs[i])
	}
	last := "s1"
	drawn, all := 0, 0
	arrow := func(format string, args ...any) {
		if all++; drawn < maxArrows {
			fmt.Fprintf(&b, "    "+format+"\n", args...)
			drawn++
		}
	}
	leg := func(l *journey.Leg, to, what string) {
		from := to
		if h := hops[l.From]; h != nil {
			from = names[h.Service]
		}
		took := ""
		if l.Duration != nil {
			took = ", " + span(*l.Duration)
			if l.Transport == journey.OverKafka {
				took += " in the queue"
			}
		}
		switch {
		case l.To == "":
			arrow("%s-)%s: %s, nobody has picked it up", from, from, mermaidText(what))
		case l.Transport == journey.OverKafka:
			arrow("%s-)%s: %s%s", from, to, mermaidText(what+" from "+l.Topic), took)
		default:
			arrow("%s->>%s: %s%s", from, to, mermaidText(what), took)
		}
	}
	for i := range j.Hops {
		h := &j.Hops[i]
		to, ok := names[h.Service]
		if !ok {
			continue
		}
		last = to
		if len(arrivals[h.ID]) == 0 {
			arrow("%s->>%s: %s", to, to, mermaidText(h.Name))
		}
		for _, l := range arrivals[h.ID] {
			leg(l, to, h.Name)
		}
		if h.Outcome == journey.Failure {
			arrow("Note over %s: %s", to, mermaidText("failed "+h.Error+took(h.Duration)))
		}
	}
	for _, l := range arrivals[""] {
		leg(l, last, l.Topic)
	}
	if len(names) > 0 {
		if all > drawn {
			fmt.Fprintf(&b, "    Note over s1: %d more are left out\n", all-drawn)
		}
		fmt.Fprintf(&b, "    Note over %s: %s\n", last, mermaidText(verdictOr(j.Verdict)+" "+j.Reason))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func took(d *time.Duration) string {
	if d == nil {
		return ""
	}
	return " after " + span(*d)
}

func verdictOr(v journey.Verdict) string {
	if word := verdictWords[v]; word != "" {
		return word
	}
	return string(v)
}

const maxMermaid = 120 // characters of a text

// mermaidText is a text that means nothing to Mermaid: everything but letters, digits and
// the harmless is an entity code, and no word is one of its own.
func mermaidText(s string) string {
	var b strings.Builder
	for n, r := range []rune(Clean(s)) {
		switch {
		case n >= maxMermaid:
			b.WriteRune('…')
			return b.String()
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" ./-_,·", r), r > 0x9f:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	words := strings.Split(b.String(), " ")
	for i, word := range words {
		if strings.EqualFold(word, "end") {
			words[i] = fmt.Sprintf("#%d;%s", word[0], word[1:])
		}
	}
	return strings.Join(words, " ")
}

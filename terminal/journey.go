package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// verdictWords are what people read.
var verdictWords = map[journey.Verdict]string{
	journey.Delivered:   "DELIVERED",
	journey.InTransit:   "IN TRANSIT",
	journey.Returned:    "RETURNED",
	journey.Exception:   "FAILED",
	journey.Unconfirmed: "UNCONFIRMED",
	journey.Stalled:     "STALLED",
}

var verdictColours = map[journey.Verdict]string{
	journey.Delivered: bold + ";" + green,
	journey.Exception: bold + ";" + red,
	journey.Stalled:   bold + ";" + red,
}

// verdict is what a journey says of itself, as people read it.
func (s *Style) verdict(v journey.Verdict) string {
	word, how := verdictWords[v], verdictColours[v]
	if word == "" {
		word = strings.ToUpper(s.text(string(v)))
	}
	if how == "" {
		how = bold + ";" + yellow
	}
	return s.paint(how, word)
}

// Headline is the verdict and its reason, in one line.
func (s *Style) Headline(j *journey.Journey) string {
	return s.verdict(j.Verdict) + "  " + s.text(j.Reason)
}

// Journey draws what a parcel carrier's page shows: the verdict, then hop by hop what
// happened when, and how long each leg took.
func (s *Style) Journey(w io.Writer, j *journey.Journey) error {
	v := view{Style: s, j: j, arrivals: map[string][]journey.Leg{}, records: map[string][]*record.Record{}, services: 10}
	for _, l := range j.Legs {
		v.arrivals[l.To] = append(v.arrivals[l.To], l)
	}
	for _, r := range j.Records {
		v.records[r.Hop()] = append(v.records[r.Hop()], r)
	}
	for _, h := range j.Hops {
		v.services = max(v.services, min(Columns(s.text(h.Service)), 24))
	}
	v.head()
	for i := range j.Hops {
		h := &j.Hops[i]
		v.legs(h.ID)
		v.hop(h)
		v.said(h.ID)
	}
	v.legs("")
	v.said("")
	_, err := io.WriteString(w, v.b.String())
	return err
}

// view is one journey while it is drawn.
type view struct {
	*Style
	b        strings.Builder
	j        *journey.Journey
	arrivals map[string][]journey.Leg
	records  map[string][]*record.Record
	services int // columns of their names
}

func (v *view) head() {
	v.wrapped(&v.b, "", "", v.Headline(v.j))
	v.b.WriteByte('\n')
	line := func(name, format string, args ...any) {
		head, hang := fmt.Sprintf("  %-16s", name), strings.Repeat(" ", 18)
		if v.narrow() {
			head, hang = "  ", "  "
			format = name + ": " + format
		}
		v.wrapped(&v.b, head, hang, fmt.Sprintf(format, args...))
	}
	j := v.j
	line("tracking number", "%s", v.paint(bold, v.text(j.CorrelationID)))
	for _, a := range j.Aliases {
		line("also known as", "%s %s", v.text(a.Name), v.text(a.Value))
	}
	if j.Kind != "" {
		line("kind", "%s", v.text(j.Kind))
	}
	line("took", "%s, from %s", span(j.End.Sub(j.Start)), v.Moment(j.Start))
	line("records", "%d, %s: %s", len(j.Records), v.text(string(j.Completeness)), v.text(j.CompletenessReason))
	if j.AsOf != nil {
		line("known through", "%s", v.Moment(*j.AsOf))
	}
	for _, w := range j.Warnings {
		line("warning", "%s", v.text(w))
	}
	v.b.WriteByte('\n')
}

// column is what stands before a line of what happened at a time, and below that.
func (v *view) column(mark, time, service string) (head, hang string) {
	bar := "│"
	if v.narrow() {
		head, hang = mark+" "+time+" ", bar+" "
		if service != "" {
			head += service + " "
		}
		return head, hang
	}
	head = mark + " " + time + "  " + pad(service, v.services) + " "
	return head, bar + strings.Repeat(" ", Columns(head)-1)
}

func (v *view) line(mark, time, service, text string) {
	head, hang := v.column(mark, time, service)
	if v.narrow() { // all of it is broken
		head, text = mark+" ", strings.TrimPrefix(head, mark+" ")+strings.TrimLeft(text, " ")
	}
	v.wrapped(&v.b, head, hang, text)
}

func (v *view) hop(h *journey.Hop) {
	state := "not finished"
	if h.Duration != nil {
		state = span(*h.Duration)
	}
	if h.Attempt > 1 {
		state += fmt.Sprintf("  attempt %d", h.Attempt)
	}
	if h.Outcome == journey.Failure {
		state += "  " + v.paint(bold+";"+red, "FAILED")
	}
	how := ofService(h.Service)
	v.line(v.paint(how, "●"), v.time(h.Start), v.paint(bold+";"+how, v.text(h.Service)), v.text(h.Name)+"  "+state)
}

// said shows what a service said; hop records are drawn as hops.
func (v *view) said(hop string) {
	for _, r := range v.records[hop] {
		if r.Kind == record.KindHopStart || r.Kind == record.KindHopEnd {
			continue
		}
		mark := "│"
		switch {
		case r.Kind == record.KindOutcome:
			mark = v.paint(bold+";"+green, "★")
		case r.Level == "error":
			mark = v.paint(bold+";"+red, "!")
		case r.Level == "warn":
			mark = v.paint(bold+";"+yellow, "!")
		}
		service := ""
		if hop == "" { // no hop above says whose it is
			service = v.paint(ofService(r.Service), v.text(r.Service))
		}
		v.line(mark, v.time(r.Time), service, "  "+v.message(r))
	}
}

// message is what a record says, without when and where.
func (s *Style) message(r *record.Record) string {
	var b strings.Builder
	switch r.Kind {
	case record.KindHopStart:
		b.WriteString("→ ")
	case record.KindHopEnd:
		b.WriteString("← ")
	}
	b.WriteString(s.text(r.Message))
	if r.Kind == record.KindHopEnd {
		b.WriteString("  " + span(r.Duration))
	}
	if r.Error.Message != "" {
		if r.Message != "" {
			b.WriteString(": ")
		}
		b.WriteString(s.text(r.Error.Message))
	}
	for _, l := range r.Labels {
		b.WriteString("  ")
		b.WriteString(s.paint(dim, s.text(l.Key)+"="))
		b.WriteString(s.text(l.Value))
	}
	return b.String()
}

// legs shows how a hop was reached; of an empty one, what nobody picked up.
func (v *view) legs(to string) {
	for i := range v.arrivals[to] {
		l := &v.arrivals[to][i]
		took := "not picked up yet"
		if l.Duration != nil {
			took = span(*l.Duration)
		}
		text := l.Transport + "  " + took
		if l.Transport == journey.OverKafka {
			where := v.text(l.Topic)
			if l.Partition != nil && l.Offset != nil {
				where += fmt.Sprintf(" partition %d offset %d", *l.Partition, *l.Offset)
			}
			if l.Duration != nil {
				took += " in the queue"
			}
			text = "kafka " + where + "  " + took
		}
		v.wrapped(&v.b, "┆   ", "┆   ", v.paint(dim, v.text(text)))
	}
}

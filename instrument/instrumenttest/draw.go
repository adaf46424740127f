package instrumenttest

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// Bounds of a drawing.
const (
	maxLines = 300
	maxText  = 300 // bytes of one message or value
)

// drawing is a journey as an indented tree: each hop, what was logged in it, and
// where it led.
type drawing struct {
	strings.Builder
	journey *journey.Journey
	lines   int
	drawn   map[string]bool
	byHop   map[string][]*record.Record
}

func draw(j *journey.Journey) string {
	d := &drawing{journey: j, drawn: map[string]bool{}, byHop: map[string][]*record.Record{}}
	for _, r := range j.Records {
		d.byHop[r.Hop()] = append(d.byHop[r.Hop()], r)
	}
	caused := map[string]bool{}
	for _, l := range j.Legs {
		caused[l.To] = true
	}
	d.line(0, "journey %s is %s: %s", j.CorrelationID, j.Verdict, plain(j.Reason))
	d.line(0, "%d records, %s: %s", len(j.Records), j.Completeness, plain(j.CompletenessReason))
	d.line(0, "")
	for _, first := range []bool{true, false} { // then what only a circle of causes leads to
		for i := range j.Hops {
			if h := &j.Hops[i]; !d.drawn[h.ID] && caused[h.ID] != first {
				d.hop(0, "", h)
			}
		}
	}
	if rs := d.byHop[""]; len(rs) > 0 {
		d.line(0, "in no hop")
		for _, r := range rs {
			d.line(1, "%s  %s", r.Service, said(r))
		}
	}
	if d.lines > maxLines {
		fmt.Fprintf(d, "… and %d lines more\n", d.lines-maxLines)
	}
	return d.String()
}

func (d *drawing) line(depth int, format string, args ...any) {
	if d.lines++; d.lines <= maxLines {
		d.WriteString(strings.Repeat("  ", depth))
		fmt.Fprintf(d, format, args...)
		d.WriteByte('\n')
	}
}

func (d *drawing) hop(depth int, way string, h *journey.Hop) {
	if d.drawn[h.ID] {
		d.line(depth, "%s%s  %s  (drawn above)", way, h.Service, plain(h.Name))
		return
	}
	d.drawn[h.ID] = true
	d.line(depth, "%s%s  %s  %s", way, h.Service, plain(h.Name), outcome(h))
	for _, r := range d.byHop[h.ID] {
		if r.Kind != record.KindHopStart && r.Kind != record.KindHopEnd {
			d.line(depth+1, "%s", said(r))
		}
	}
	for i := range d.journey.Legs {
		l := &d.journey.Legs[i]
		if l.From != h.ID {
			continue
		}
		way := "─ " + transport(l) + " ─► "
		if l.To == "" {
			d.line(depth+1, "%snobody yet", way)
			continue
		}
		for n := range d.journey.Hops {
			if to := &d.journey.Hops[n]; to.ID == l.To {
				d.hop(depth+1, way, to)
			}
		}
	}
}

func outcome(h *journey.Hop) string {
	parts := []string{h.Outcome}
	if h.Kind != "" {
		parts = []string{h.Kind, h.Outcome}
	}
	if h.Status != 0 {
		parts = append(parts, fmt.Sprint(h.Status))
	}
	text := strings.Join(parts, ", ")
	if h.Error != "" {
		text += ": " + plain(h.Error)
	}
	return text
}

// said is what a record says, without its time, which differs in each run.
func said(r *record.Record) string {
	text := r.Level + "  " + plain(r.Message)
	if r.Kind == record.KindAlias {
		text += "=" + plain(r.Alias.Value)
	}
	if r.Error.Message != "" {
		text += ": " + plain(r.Error.Message)
	}
	if r.Saga.ID != "" {
		text += fmt.Sprintf("  saga %s %s %s", plain(r.Saga.ID), plain(r.Saga.Step), r.Saga.Phase)
	}
	for _, l := range r.Labels {
		text += "  " + plain(l.Key) + "=" + plain(l.Value)
	}
	return text
}

func transport(l *journey.Leg) string {
	if l.Topic != "" {
		return l.Transport + " " + plain(l.Topic)
	}
	return l.Transport
}

func over(l *journey.Leg) string { return "over " + transport(l) }

func wayTo(l *journey.Leg, h *journey.Hop) string {
	if h == nil {
		return "nobody yet " + over(l)
	}
	return h.Service + " " + over(l)
}

// drawOutside shows what has lost its context: records and messages of no journey.
func (r *Recorder) drawOutside() string {
	var b strings.Builder
	records, _ := r.records() // a record that cannot be read has ended the test
	for i := range records {
		if one := &records[i]; one.CorrelationID == "" && b.Len() < 8<<10 {
			fmt.Fprintf(&b, "  %s  %s\n", one.Service, said(one))
		}
	}
	for _, topic := range r.memory.names() {
		if topic == record.TopicRecords || topic == record.TopicInstances {
			continue
		}
		for _, m := range r.memory.of(topic) {
			carried := false
			for _, h := range m.Headers {
				carried = carried || strings.EqualFold(string(h.Key), instrument.HeaderCorrelationID)
			}
			if !carried && b.Len() < 8<<10 {
				fmt.Fprintf(&b, "  message on %s, partition %d offset %d: it has no %s\n", plain(topic), m.Partition, m.Offset, instrument.HeaderCorrelationID)
			}
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\noutside any journey: was the context passed?\n" + b.String()
}

// lost says where a message was logged that is not where it was looked for.
func (j *Journey) lost(message string) string {
	records, _ := j.rec.records()
	for i := range records {
		r := &records[i]
		switch {
		case !logged(r, message):
		case r.CorrelationID == "":
			return fmt.Sprintf(", but %s did outside any journey: was the context passed?", r.Service)
		case !record.SameID(r.CorrelationID, j.CorrelationID):
			return fmt.Sprintf(", but %s did in journey %s", r.Service, r.CorrelationID)
		default:
			return fmt.Sprintf(", but %s did", r.Service)
		}
	}
	if j.rec.strays.has(message) {
		return ", but slog did without the context of a service"
	}
	return ""
}

// plain is text for one line: bounded, without what moves a cursor.
func plain(s string) string {
	cut := ""
	if len(s) > maxText {
		s, cut = strings.ToValidUTF8(s[:maxText], ""), "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '·'
		}
		return r
	}, s) + cut
}

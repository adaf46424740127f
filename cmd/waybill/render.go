package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

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
}

// writeJourney draws what a parcel carrier's page shows: the verdict, then hop
// by hop what happened when, and how long each leg took.
func writeJourney(w io.Writer, j *journey.Journey) error {
	var b bytes.Buffer
	word := verdictWords[j.Verdict]
	if word == "" {
		word = strings.ToUpper(string(j.Verdict))
	}
	fmt.Fprintf(&b, "%s  %s\n\n", word, clean(j.Reason))
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-16s%s\n", name, fmt.Sprintf(format, args...))
	}
	line("tracking number", "%s", clean(j.CorrelationID))
	if j.Kind != "" {
		line("kind", "%s", clean(j.Kind))
	}
	line("took", "%s, from %s", span(j.End.Sub(j.Start)), j.Start.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	line("records", "%d, %s: %s", len(j.Records), j.Completeness, clean(j.CompletenessReason))
	if j.AsOf != nil {
		line("known through", "%s", j.AsOf.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	}
	b.WriteByte('\n')

	arrivals := map[string][]journey.Leg{}
	for _, l := range j.Legs {
		arrivals[l.To] = append(arrivals[l.To], l)
	}
	byHop := map[string][]*record.Record{}
	for _, r := range j.Records {
		byHop[r.Hop()] = append(byHop[r.Hop()], r)
	}
	for _, h := range j.Hops {
		for _, l := range arrivals[h.ID] {
			writeLeg(&b, l)
		}
		writeHop(&b, h, byHop[h.ID])
	}
	for _, l := range arrivals[""] {
		writeLeg(&b, l)
	}
	for _, r := range byHop[""] {
		writeRecord(&b, r)
	}
	_, err := b.WriteTo(w)
	return err
}

func writeHop(b *bytes.Buffer, h journey.Hop, records []*record.Record) {
	state := "not finished"
	if h.Duration != nil {
		state = span(*h.Duration)
	}
	if h.Outcome == journey.Failure {
		state += "  FAILED"
	}
	fmt.Fprintf(b, "● %s  %-10s %s  %s\n", h.Start.UTC().Format("15:04:05.000"), clean(h.Service), clean(h.Name), state)
	for _, r := range records {
		writeRecord(b, r)
	}
}

// writeRecord shows what a service said; hop records are drawn as hops.
func writeRecord(b *bytes.Buffer, r *record.Record) {
	if r.Kind == record.KindHopStart || r.Kind == record.KindHopEnd {
		return
	}
	mark := "│"
	switch {
	case r.Kind == record.KindOutcome:
		mark = "★"
	case r.Level == "warn" || r.Level == "error":
		mark = "!"
	}
	fmt.Fprintf(b, "%s %s  %-10s   %s", mark, r.Time.UTC().Format("15:04:05.000"), "", clean(r.Message))
	if r.Error.Message != "" {
		fmt.Fprintf(b, ": %s", clean(r.Error.Message))
	}
	for _, l := range r.Labels {
		fmt.Fprintf(b, "  %s=%s", clean(l.Key), clean(l.Value))
	}
	b.WriteByte('\n')
}

func writeLeg(b *bytes.Buffer, l journey.Leg) {
	took := "not picked up yet"
	if l.Duration != nil {
		took = span(*l.Duration)
	}
	switch l.Transport {
	case journey.OverKafka:
		where := clean(l.Topic)
		if l.Partition != nil {
			where += fmt.Sprintf(" partition %d offset %d", *l.Partition, *l.Offset)
		}
		if l.Duration != nil {
			took += " in the queue"
		}
		fmt.Fprintf(b, "┆   kafka %s  %s\n", where, took)
	default:
		fmt.Fprintf(b, "┆   %s  %s\n", l.Transport, took)
	}
}

// span shows a duration with the digits that matter.
func span(d time.Duration) string {
	switch abs := d.Abs(); {
	case abs < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case abs < time.Second:
		return d.Round(100 * time.Microsecond).String()
	default:
		return d.Round(time.Millisecond).String()
	}
}

// clean takes from text what could move a terminal's cursor or reorder a line:
// control characters, and Unicode's line, paragraph and direction marks.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0x2028, r == 0x2029, r == unicode.ReplacementChar:
			return '·'
		}
		return r
	}, s)
}

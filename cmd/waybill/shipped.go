package main

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/terminal"
)

// writeShipped shows one record on a line: when, how bad, where, of which journey, and what it says.
func writeShipped(b *bytes.Buffer, value []byte) {
	r, err := record.Decode(value)
	if err != nil {
		b.WriteString(terminal.Clean(string(value)))
		return
	}
	fmt.Fprintf(b, "%s %-5s %s", record.FormatTime(r.Time), terminal.Clean(r.Level), terminal.Clean(r.Service))
	if r.Node != "" {
		fmt.Fprintf(b, "@%s", terminal.Clean(r.Node))
	}
	id := "-"
	if r.CorrelationID != "" {
		id = r.CorrelationID
	}
	fmt.Fprintf(b, " [%s] %s", terminal.Clean(id), terminal.Clean(r.Message))
	if r.Error.Message != "" {
		fmt.Fprintf(b, ": %s", terminal.Clean(r.Error.Message))
	}
	for _, l := range r.Labels {
		fmt.Fprintf(b, "  %s=%s", terminal.Clean(l.Key), terminal.Clean(l.Value))
	}
}

// escapeJSON escapes in a JSON text what could move a terminal's cursor or reorder a line.
func escapeJSON(text []byte) []byte {
	if bytes.IndexFunc(text, steers) < 0 {
		return text
	}
	var out []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if steers(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}

// steers reports whether a terminal may act on a character that JSON takes as it is.
func steers(r rune) bool {
	return r >= 0x7F && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029)
}

package query

import (
	"slices"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/record"
)

func TestWhatATextMayMean(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for text, want := range map[string]string{
		"Order-1":                        "Order-1",
		`  "Order-1", `:                  "Order-1",
		"correlation_id=Order-1":         "Order-1",
		"X-Correlation-ID: Order-1":      "Order-1",
		"https://way.bill/?id=Order%2F1": "Order/1",
		"http://127.0.0.1:7600/api/v1/journeys/a%252Fb/export?format=html":   "a%2Fb",
		"00-" + trace + "-00f067aa0ba902b7-01":                               trace,
		"traceparent: 00-" + strings.ToUpper(trace) + "-00F067AA0BA902B7-01": trace,
		"cc-" + trace + "-00f067aa0ba902b7-01-more":                          trace,
		"100985939111033328018442752961257817910":                            trace,
		"11803532876627986230":                                               "0000000000000000a3ce929d0e0e4736",
		"A3CE929D0E0E4736":                                                   "0000000000000000a3ce929d0e0e4736",
		`correlation.id="{019AB12C-3D4E-7AAA-8BBB-CCCCCCCCCCCC}"`:            "{019AB12C-3D4E-7AAA-8BBB-CCCCCCCCCCCC}",
	} {
		if got := readings(text); !slices.Contains(got, want) {
			t.Errorf("%q may mean %q, want %q among them", text, got, want)
		}
	}
	for _, text := range []string{"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", "ff-" + trace + "-00f067aa0ba902b7-01", "00-" + trace + "-00f067aa0ba902b7-01-x", "00-" + trace + "-00f067aa0ba902b7"} {
		if got := readings(text); slices.Contains(got, trace) {
			t.Errorf("%q is no traceparent, and was read as %q", text, got)
		}
	}
	if n, ok := hexOf("340282366920938463463374607431768211456"); ok {
		t.Errorf("2^128 was read as %s", n)
	}
}

func FuzzReadings(f *testing.F) {
	for _, seed := range []string{"Order-1", `"{019AB12C-3D4E-7AAA-8BBB-CCCCCCCCCCCC}"`, "https://x/?id=a", "/journeys/%2", "18446744073709551615", "urn:uuid:", "'''", "id=id=id=id="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, id := range readings(text) {
			if !record.ValidID(id) {
				t.Errorf("%q was read as %q", text, id)
			}
		}
		for _, p := range parts(text) {
			if set := min(1, len(p.Alias)) + min(1, len(p.Prefix)) + min(1, len(p.Suffix)); set != 1 {
				t.Errorf("%q has part %+v", text, p)
			}
		}
	})
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-bring")
	f.Fuzz(func(t *testing.T, text string) {
		if trace, ok := traceOf(text); ok && (!isTrace(trace) || !strings.Contains(strings.ToLower(text), trace)) {
			t.Errorf("%q has trace %q", text, trace)
		}
	})
}

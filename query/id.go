package query

import (
	"encoding/hex"
	"math/big"
	"net/url"
	"slices"
	"strings"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// MaxText bounds what is read as an ID: it may stand in a URL, or in a header with others.
const MaxText = 2048

// readings are the IDs that a text may mean, the likeliest first: the text itself, what is left
// without what people copy along, and the trace ID that it has or is a number of.
func readings(text string) []string {
	var out []string
	add := func(id string) {
		if record.ValidID(id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	add(strings.TrimSpace(text))
	bare := unwrap(text)
	add(bare)
	if trace, ok := traceOf(bare); ok {
		add(trace)
	}
	if digits, ok := hexOf(bare); ok {
		add(digits)
	}
	if len(bare) == 16 && isHex(bare) { // half a trace ID, as those write it that have 64 bits
		add(strings.Repeat("0", 16) + strings.ToLower(bare))
	}
	return out
}

// maxWraps is how many things around an ID are taken away, one in another.
const maxWraps = 8

// names stand before an ID in headers, logs and addresses.
var names = []string{"correlation_id", "correlation.id", "correlation-id", "correlationid", "x-correlation-id", "x-request-id", "traceparent", "trace_id", "trace.id", "traceid", "id", "urn:uuid"}

// unwrap takes away what stands around an ID: spaces, quotes, a name, an address.
func unwrap(text string) string {
	for range maxWraps {
		before := text
		text = strings.Trim(strings.TrimRight(strings.TrimSpace(text), ",;"), "…")
		if n := len(text); n >= 2 {
			switch text[:1] + text[n-1:] {
			case `""`, "''", "``", "<>", "()", "[]":
				text = text[1 : n-1]
			}
		}
		text = inAddress(text)
		for _, name := range names {
			if rest := text[min(len(name), len(text)):]; len(rest) > 1 && strings.EqualFold(text[:len(name)], name) && (rest[0] == '=' || rest[0] == ':') {
				text = rest[1:]
				break
			}
		}
		if text == before {
			break
		}
	}
	return text
}

// inAddress is the ID in an address of the page or of the API.
func inAddress(text string) string {
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "/") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	if id := u.Query().Get("id"); id != "" {
		return id
	}
	if _, rest, ok := strings.Cut(u.EscapedPath(), "/journeys/"); ok {
		rest, _, _ = strings.Cut(rest, "/")
		if id, err := url.PathUnescape(rest); err == nil && id != "" {
			return id
		}
	}
	return text
}

// traceOf is the trace ID of a W3C traceparent (version-trace-span-flags); later versions may
// have more behind it.
func traceOf(text string) (string, bool) {
	parts := strings.SplitN(strings.ToLower(text), "-", 5)
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 || parts[0] == "ff" || len(parts) > 4 && parts[0] == "00" {
		return "", false
	}
	for _, part := range parts[:4] {
		if !isHex(part) {
			return "", false
		}
	}
	return parts[1], strings.Trim(parts[1], "0") != ""
}

// hexOf is the trace ID that a decimal number spells, of 128 or 64 bits.
func hexOf(text string) (string, bool) {
	if len(text) < 8 || len(text) > 39 || strings.Trim(text, "0123456789") != "" {
		return "", false
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.BitLen() > 128 || n.Sign() == 0 {
		return "", false
	}
	return hex.EncodeToString(n.FillBytes(make([]byte, 16))), true
}

func isHex(text string) bool { return strings.Trim(text, "0123456789abcdefABCDEF") == "" && text != "" }

// parts are those that a text may be, in the order in which they are looked for.
func parts(text string) (out []store.Lookup) {
	bare := unwrap(text)
	add := func(p store.Lookup) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, alias := range []string{strings.TrimSpace(text), bare} {
		if record.ValidID(alias) {
			add(store.Lookup{Alias: alias})
		}
	}
	key := record.Key(bare)
	spellings := []string{key}
	if digits := strings.NewReplacer("-", "", "{", "", "}", "").Replace(key); digits != key && len(digits) <= 32 && isHex(digits) { // of a UUID
		spellings = []string{digits, key}
	}
	if digits, ok := hexOf(bare); ok && strings.HasPrefix(digits, "0000000000000000") { // of 64 bits, which are the last of the trace ID
		add(store.Lookup{Suffix: digits[16:]})
	}
	for _, s := range spellings {
		if record.ValidID(s) {
			add(store.Lookup{Prefix: s})
		}
	}
	for _, s := range spellings {
		if s = strings.TrimLeft(s, "."); record.ValidID(s) {
			add(store.Lookup{Suffix: s})
		}
	}
	return out
}

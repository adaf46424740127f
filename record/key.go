package record

import "strings"

// MaxIDLen is the longest correlation ID in bytes.
const MaxIDLen = 128

// ValidID reports whether id can be a correlation ID: 1 to 128 visible ASCII
// characters, ^[\x21-\x7E]{1,128}$. Anything else could break a header or a log line.
func ValidID(id string) bool {
	if id == "" || len(id) > MaxIDLen {
		return false
	}
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7E {
			return false
		}
	}
	return true
}

// Key is the canonical form of a correlation ID: lower case; where the ID has
// the shape of a UUID (RFC 9562, with or without dashes or braces), its 32
// digits alone. It is the Kafka message key and the indexed field.
func Key(id string) string {
	if digits, ok := uuidDigits(id); ok {
		return digits
	}
	return strings.ToLower(id)
}

// canonical reports whether an ID is its own key, for sure.
func canonical(id string) bool {
	switch len(id) {
	case 34, 36, 38: // perhaps a UUID with dashes or braces
		return false
	}
	for i := range len(id) {
		if c := id[i]; c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// SameID reports whether two correlation IDs name one journey: they are equal,
// or two spellings of one UUID. IDs that share a key only by case are not.
func SameID(a, b string) bool { return a == b || Spelling(a) == Spelling(b) }

// Spelling is what all spellings of a correlation ID that name one journey have in
// common: SameID(a, b) says whether they are equal.
func Spelling(id string) string {
	if digits, ok := uuidDigits(id); ok {
		return digits
	}
	return id
}

// ShortID is the form people read out: the last 8 characters, since the first
// ones of a minted ID are its time.
func ShortID(id string) string {
	if len(id) <= 8 {
		return id
	}
	return id[len(id)-8:]
}

func uuidDigits(id string) (string, bool) {
	if len(id) >= 2 && id[0] == '{' && id[len(id)-1] == '}' {
		id = id[1 : len(id)-1]
	}
	switch len(id) {
	case 36:
		if id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
			return "", false
		}
		id = id[:8] + id[9:13] + id[14:18] + id[19:23] + id[24:]
	case 32:
	default:
		return "", false
	}
	for i := range len(id) {
		c := id[i] | 0x20
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return strings.ToLower(id), true
}

package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/waybill-log/waybill/store/filter"
)

// Lookup is what somebody knows of a journey's ID. Exactly one of the three is set.
type Lookup struct {
	Prefix string // of the correlation key, as record.Key spells it: 4 to 128 characters
	Suffix string // of the correlation key: 6 to 128 characters; people read out the last 8
	Alias  string // one of the journey's aliases, all of it
	Limit  int    // 1 to MaxLimit
}

const (
	minPrefix = 4
	minSuffix = 6
	maxPart   = 128 // as long as a correlation ID may be
)

// Check refuses what cannot be looked up. Its error wraps ErrQuery.
func (l *Lookup) Check() error {
	set := 0
	for _, text := range [...]string{l.Prefix, l.Suffix, l.Alias} {
		if text != "" {
			set++
		}
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: %.40q is not valid UTF-8", ErrQuery, text)
		}
	}
	prefix, suffix := utf8.RuneCountInString(l.Prefix), utf8.RuneCountInString(l.Suffix)
	switch {
	case set != 1:
		return fmt.Errorf("%w: look up one of a beginning, an end or an alias", ErrQuery)
	case prefix > 0 && (prefix < minPrefix || prefix > maxPart):
		return fmt.Errorf("%w: the beginning of an ID has %d characters, want %d to %d", ErrQuery, prefix, minPrefix, maxPart)
	case suffix > 0 && (suffix < minSuffix || suffix > maxPart):
		return fmt.Errorf("%w: the end of an ID has %d characters, want %d to %d", ErrQuery, suffix, minSuffix, maxPart)
	case filter.TooLong(l.Alias):
		return fmt.Errorf("%w: no alias that is found is as long as %.40q…", ErrQuery, l.Alias)
	}
	return CheckCount(l.Limit)
}

// Matches reports whether a summary is looked up.
func (l *Lookup) Matches(s *Summary) bool {
	switch {
	case l.Prefix != "":
		return strings.HasPrefix(s.Key, l.Prefix)
	case l.Suffix != "":
		return strings.HasSuffix(s.Key, l.Suffix)
	}
	return l.Alias != "" && slices.Contains(s.Aliases, l.Alias)
}

// Reversed is a text from its end to its start. Of a correlation key, the end is found in an
// index as the beginning of this.
func Reversed(text string) string {
	characters := []rune(text)
	slices.Reverse(characters)
	return string(characters)
}

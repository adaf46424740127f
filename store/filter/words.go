package filter

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// maxWord is how many characters a word has at most; what follows is another one.
const maxWord = 255

// AppendWords appends the words of a text in lower case. A word is a run of
// letters and digits; in scripts that are written without spaces, and in Hangul,
// each character is one, so that a phrase finds what stands inside a run. Words
// share the memory of text where that is lower case already.
//
// The tokenizer of the index template is made of the same ranges.
func AppendWords(dst []string, text string) []string {
	text = strings.ToLower(text)
	for start, end := next(text, 0); start < end; start, end = next(text, end) {
		dst = append(dst, text[start:end])
	}
	return dst
}

// next is the first word at or behind i of a text in lower case; start is end if
// there is none.
func next(text string, i int) (start, end int) {
	for i < len(text) {
		c, size := classAt(text, i)
		switch c {
		case single:
			return i, i + size
		case run:
			return i, runEnd(text, i)
		}
		i += size
	}
	return i, i
}

func runEnd(text string, i int) int {
	for range maxWord {
		if i < len(text) && alphanumeric(text[i]) { // as nearly all are
			i++
			continue
		}
		if i == len(text) || text[i] < utf8.RuneSelf {
			break
		}
		c, size := classAt(text, i)
		if c != run {
			break
		}
		i += size
	}
	return i
}

// class says what a character is in a text.
type class uint8

const (
	run       class = iota // a word together with its neighbours
	separator              // between words
	single                 // a word of its own
)

func classAt(text string, i int) (c class, size int) {
	switch b := text[i]; {
	case alphanumeric(b):
		return run, 1
	case b < utf8.RuneSelf:
		return separator, 1
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	return classOf(r), size
}

func alphanumeric(b byte) bool { return b|0x20-'a' < 26 || b-'0' < 10 }

func classOf(r rune) class {
	n := sort.Search(len(ranges), func(n int) bool { return ranges[n].last >= r })
	if n < len(ranges) && ranges[n].first <= r {
		return ranges[n].class
	}
	return run
}

// ranges are the characters that are no part of a run, ascending. They are
// fixed here, not taken from a version of Unicode, since all stores, and the
// servers behind them, must agree on them for as long as an index lives.
var ranges = [...]struct {
	first, last rune
	class       class
}{
	{0x0000, 0x002F, separator}, {0x003A, 0x0040, separator}, {0x005B, 0x0060, separator}, {0x007B, 0x00A9, separator}, // ASCII and Latin-1
	{0x00AB, 0x00B4, separator}, {0x00B6, 0x00B9, separator}, {0x00BB, 0x00BF, separator}, {0x00D7, 0x00D7, separator}, {0x00F7, 0x00F7, separator},
	{0x037E, 0x037E, separator}, {0x0387, 0x0387, separator}, // Greek
	{0x055A, 0x055F, separator}, {0x0589, 0x058F, separator}, // Armenian
	{0x05BE, 0x05BE, separator}, {0x05C0, 0x05C0, separator}, {0x05C3, 0x05C3, separator}, {0x05C6, 0x05C6, separator}, {0x05F3, 0x05F4, separator}, // Hebrew
	{0x0600, 0x060F, separator}, {0x061B, 0x061F, separator}, {0x066A, 0x066D, separator}, {0x06D4, 0x06D4, separator}, {0x0700, 0x070F, separator}, // Arabic, Syriac
	{0x0964, 0x0965, separator},                                                     // Devanagari
	{0x0E01, 0x0E3E, single}, {0x0E3F, 0x0E3F, separator}, {0x0E40, 0x0E4E, single}, // Thai
	{0x0E4F, 0x0E4F, separator}, {0x0E50, 0x0E59, single}, {0x0E5A, 0x0E5B, separator}, //
	{0x0E80, 0x0EFF, single},                                                              // Lao
	{0x0F01, 0x0F17, separator}, {0x0F3A, 0x0F3D, separator}, {0x0F85, 0x0F85, separator}, // Tibetan
	{0x1000, 0x1049, single}, {0x104A, 0x104F, separator}, {0x1050, 0x109F, single}, // Myanmar
	{0x1100, 0x11FF, single},                                                        // Hangul
	{0x1360, 0x1368, separator},                                                     // Ethiopic
	{0x1780, 0x17D3, single}, {0x17D4, 0x17DB, separator}, {0x17DC, 0x17FF, single}, // Khmer
	{0x1800, 0x180F, separator},                                                                                        // Mongolian
	{0x2000, 0x2125, separator}, {0x2127, 0x2129, separator}, {0x212C, 0x2BFF, separator}, {0x2E00, 0x2E7F, separator}, // punctuation, symbols but those with a lower case
	{0x2E80, 0x2FFF, single}, {0x3000, 0x3004, separator}, {0x3005, 0x3007, single}, {0x3008, 0x3020, separator}, // Chinese, Japanese, Korean
	{0x3021, 0x302F, single}, {0x3030, 0x3030, separator}, {0x3031, 0x303C, single}, {0x303D, 0x303F, separator},
	{0x3040, 0x309F, single}, {0x30A0, 0x30A0, separator}, {0x30A1, 0x30FA, single}, {0x30FB, 0x30FB, separator}, {0x30FC, 0xA4CF, single},
	{0xA960, 0xA97F, single}, {0xA9E0, 0xA9FF, single}, {0xAA60, 0xAA7F, single}, {0xAC00, 0xD7FF, single},
	{0xE000, 0xF8FF, separator}, {0xF900, 0xFAFF, single},
	{0xFE00, 0xFE6F, separator}, {0xFEFF, 0xFF0F, separator}, {0xFF1A, 0xFF20, separator}, {0xFF3B, 0xFF40, separator}, {0xFF5B, 0xFF65, separator},
	{0xFF66, 0xFFDF, single}, {0xFFE0, 0xFFFF, separator},
	{0x1AFF0, 0x1B16F, single},
	{0x1F000, 0x1FAFF, separator}, // emoji
	{0x20000, 0x3FFFF, single},
	{0xE0000, 0x10FFFF, separator},
}

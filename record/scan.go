package record

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Limits on a record that comes from outside.
const (
	maxFields = 512 // top-level fields
	maxDepth  = 16  // nesting of values outside the contract
	maxLabels = 1024
	maxLinks  = 1024
)

var errEnd = errors.New("ends too early")

// scanner walks one JSON text (RFC 8259). encoding/json would match names in
// any case and take the last of two equal keys, which Elasticsearch refuses.
type scanner struct {
	src string // shares the memory of the bytes being read
	i   int
	how reading
}

// reading is how texts are read.
type reading int

const (
	decoding reading = iota // copied
	checking                // checked, not read, where nobody asks for them; the others share memory
	viewing                 // all share memory
)

func newScanner(b []byte, how reading) scanner {
	return scanner{src: unsafe.String(unsafe.SliceData(b), len(b)), how: how}
}

// object calls field for each member with the scanner at the member's value,
// which field must consume. Equal keys are an error. A key shares memory.
func (s *scanner) object(limit int, field func(key string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if s.peek() == '}' {
		s.i++
		return nil
	}
	var few [56]string
	seen, marks := few[:0], [4]uint64{}
	for {
		key, err := s.key()
		if err != nil {
			return fmt.Errorf("a key: %w", err)
		}
		// Most keys are told apart by one bit, the rest by comparing.
		word, bit := place(key)
		if marks[word]&bit != 0 && slices.Contains(seen, key) {
			return fmt.Errorf("key %q is there twice", clip(key))
		}
		if len(seen) == limit {
			return fmt.Errorf("more than %d fields", limit)
		}
		seen, marks[word] = append(seen, key), marks[word]|bit
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := field(key); err != nil {
			return fmt.Errorf("%s: %w", clip(key), err)
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			return nil
		default:
			return s.unexpected("',' or '}'")
		}
	}
}

func place(key string) (word int, bit uint64) {
	h := uint(len(key)) * 7
	if len(key) > 0 {
		h += uint(key[len(key)-1])*31 + uint(key[len(key)/2])*3
	}
	return int(h >> 6 & 3), 1 << (h & 63)
}

func (s *scanner) array(limit int, element func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for n := 0; ; n++ {
		if n == limit {
			return fmt.Errorf("more than %d elements", limit)
		}
		if err := element(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return s.unexpected("',' or ']'")
		}
	}
}

// skip consumes one value of any kind.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch c := s.peek(); {
	case c == '{':
		return s.object(maxFields, func(string) error { return s.skip(depth + 1) })
	case c == '[':
		return s.array(1<<20, func() error { return s.skip(depth + 1) })
	case c == '"':
		_, _, err := s.span()
		return err
	case c == '-' || c >= '0' && c <= '9':
		_, err := s.number()
		return err
	default:
		for _, word := range [...]string{"true", "false", "null"} {
			if len(s.src)-s.i >= len(word) && s.src[s.i:s.i+len(word)] == word {
				s.i += len(word)
				return nil
			}
		}
		return s.unexpected("a value")
	}
}

// str reads a string.
func (s *scanner) str() (string, error) {
	text, err := s.key()
	if s.how != decoding || err != nil {
		return text, err
	}
	return strings.Clone(text), nil
}

// text reads a string that only [Decode] asks for.
func (s *scanner) text() (string, error) {
	if s.how != checking {
		return s.str()
	}
	_, _, err := s.span()
	return "", err
}

// key reads a string that may share memory.
func (s *scanner) key() (string, error) {
	raw, escaped, err := s.span()
	if escaped && err == nil {
		return unescape(raw), nil
	}
	return raw, err
}

// span checks a string and returns what stands between its quotes.
func (s *scanner) span() (raw string, escaped bool, err error) {
	if s.peek() != '"' {
		return "", false, s.unexpected("a string")
	}
	s.i++
	start, ascii := s.i, true
	if s.i += plainWords(s.src[s.i:]); s.i < len(s.src) && s.src[s.i] == '"' { // as nearly all are
		s.i++
		return s.src[start : s.i-1], false, nil
	}
	for {
		s.i += plain(s.src[s.i:])
		if s.i == len(s.src) {
			return "", false, errEnd
		}
		switch c := s.src[s.i]; {
		case c == '"':
			raw = s.src[start:s.i]
			s.i++
			if !ascii && !utf8.ValidString(raw) {
				return "", false, errors.New("not valid UTF-8")
			}
			return raw, escaped, nil
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return "", false, err
			}
		case c < 0x20:
			return "", false, fmt.Errorf("control character 0x%02x in a string", c)
		default:
			ascii = false
			for s.i < len(s.src) && s.src[s.i] >= utf8.RuneSelf {
				s.i++
			}
		}
	}
}

// escape checks one escape, or the two of a surrogate pair.
func (s *scanner) escape() error {
	if s.i+1 >= len(s.src) {
		return errEnd
	}
	c := s.src[s.i+1]
	s.i += 2
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return fmt.Errorf("unknown escape \\%c", c)
	}
	r, err := s.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return err
	}
	low := rune(-1)
	if strings.HasPrefix(s.src[s.i:], `\u`) {
		s.i += 2
		if low, err = s.hex4(); err != nil {
			return err
		}
	}
	if utf16.DecodeRune(r, low) == utf8.RuneError {
		return errors.New("half a surrogate pair")
	}
	return nil
}

// unescape reads what span has checked.
func unescape(raw string) string {
	s := scanner{src: raw}
	out := make([]byte, 0, len(raw))
	for s.i < len(raw) {
		c := raw[s.i]
		s.i++
		if c != '\\' {
			out = append(out, c)
			continue
		}
		c = raw[s.i]
		s.i++
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := s.hex4()
			if utf16.IsSurrogate(r) {
				s.i += 2
				low, _ := s.hex4()
				r = utf16.DecodeRune(r, low)
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

func (s *scanner) hex4() (rune, error) {
	if len(s.src)-s.i < 4 {
		return 0, errEnd
	}
	n, err := strconv.ParseUint(s.src[s.i:s.i+4], 16, 16)
	if err != nil {
		return 0, errors.New(`\u needs four hex digits`)
	}
	s.i += 4
	return rune(n), nil
}

func (s *scanner) number() (string, error) {
	s.peek()
	start := s.i
	digits := func() bool {
		from := s.i
		for s.i < len(s.src) && s.src[s.i] >= '0' && s.src[s.i] <= '9' {
			s.i++
		}
		return s.i > from
	}
	at := func(set string) bool {
		if s.i == len(s.src) {
			return false
		}
		for i := range len(set) {
			if s.src[s.i] == set[i] {
				s.i++
				return true
			}
		}
		return false
	}
	at("-")
	if !at("0") && !digits() {
		return "", s.unexpected("a number")
	}
	if at(".") && !digits() {
		return "", s.unexpected("a digit")
	}
	if at("eE") {
		at("+-")
		if !digits() {
			return "", s.unexpected("a digit")
		}
	}
	return s.src[start:s.i], nil
}

func (s *scanner) integer() (int64, error) {
	if n, ok := s.digits(); ok {
		return n, nil
	}
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not a 64-bit integer", clip(text))
	}
	return n, nil
}

// digits reads a number as nearly all are written: without a sign, a fraction, an
// exponent or a zero in front, and of at most 18 digits. It consumes nothing else.
func (s *scanner) digits() (n int64, ok bool) {
	s.peek()
	i := s.i
	for i < len(s.src) && i-s.i < 19 && s.src[i] >= '0' && s.src[i] <= '9' {
		n = n*10 + int64(s.src[i]-'0')
		i++
	}
	if i == s.i || i-s.i > 18 || i-s.i > 1 && s.src[s.i] == '0' || i == len(s.src) || s.src[i] != ',' && s.src[i] != '}' {
		return 0, false
	}
	s.i = i
	return n, true
}

// count reads a non-negative integer. Elasticsearch's long bounds it by 2^63−1.
func (s *scanner) count() (uint64, error) {
	n, err := s.integer()
	if err == nil && n < 0 {
		err = fmt.Errorf("%d is negative", n)
	}
	return uint64(max(n, 0)), err
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.src) && s.src[s.i] > ' ' {
		return s.src[s.i]
	}
	return s.space()
}

func (s *scanner) space() byte {
	for ; s.i < len(s.src); s.i++ {
		switch s.src[s.i] {
		case ' ', '\t', '\n', '\r':
		default:
			return s.src[s.i]
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.unexpected("'" + string(c) + "'")
	}
	s.i++
	return nil
}

func (s *scanner) unexpected(want string) error {
	if s.i >= len(s.src) {
		return errEnd
	}
	return fmt.Errorf("want %s at byte %d, not %q", want, s.i, s.src[s.i])
}

func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	return s[:64] + "…"
}

package record

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
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
	b []byte
	i int
}

// object calls field for each member with the scanner at the member's value,
// which field must consume. Equal keys are an error.
func (s *scanner) object(limit int, field func(key string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if s.peek() == '}' {
		s.i++
		return nil
	}
	seen := make([]string, 0, 32)
	for {
		key, err := s.str()
		if err != nil {
			return fmt.Errorf("a key: %w", err)
		}
		for _, k := range seen {
			if k == key {
				return fmt.Errorf("key %q is there twice", clip(key))
			}
		}
		if len(seen) == limit {
			return fmt.Errorf("more than %d fields", limit)
		}
		seen = append(seen, key)
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
		_, err := s.str()
		return err
	case c == '-' || c >= '0' && c <= '9':
		_, err := s.number()
		return err
	default:
		for _, word := range [...]string{"true", "false", "null"} {
			if len(s.b)-s.i >= len(word) && string(s.b[s.i:s.i+len(word)]) == word {
				s.i += len(word)
				return nil
			}
		}
		return s.unexpected("a value")
	}
}

func (s *scanner) str() (string, error) {
	if s.peek() != '"' {
		return "", s.unexpected("a string")
	}
	s.i++
	start := s.i
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			raw := s.b[start:s.i]
			s.i++
			if !utf8.Valid(raw) {
				return "", errors.New("not valid UTF-8")
			}
			return string(raw), nil
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			return "", fmt.Errorf("control character 0x%02x in a string", c)
		}
	}
	return "", errEnd
}

// escaped finishes a string whose first backslash is at s.i.
func (s *scanner) escaped(start int) (string, error) {
	out := append([]byte(nil), s.b[start:s.i]...)
	for s.i < len(s.b) {
		c := s.b[s.i]
		s.i++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", errors.New("not valid UTF-8")
			}
			return string(out), nil
		case c < 0x20:
			return "", fmt.Errorf("control character 0x%02x in a string", c)
		case c != '\\':
			out = append(out, c)
			continue
		}
		if s.i == len(s.b) {
			return "", errEnd
		}
		c = s.b[s.i]
		s.i++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, err := s.hex4()
			if err != nil {
				return "", err
			}
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if s.i+1 < len(s.b) && s.b[s.i] == '\\' && s.b[s.i+1] == 'u' {
					s.i += 2
					if low, err = s.hex4(); err != nil {
						return "", err
					}
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					return "", errors.New("half a surrogate pair")
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", fmt.Errorf("unknown escape \\%c", c)
		}
	}
	return "", errEnd
}

func (s *scanner) hex4() (rune, error) {
	if len(s.b)-s.i < 4 {
		return 0, errEnd
	}
	n, err := strconv.ParseUint(string(s.b[s.i:s.i+4]), 16, 16)
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
		for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
			s.i++
		}
		return s.i > from
	}
	at := func(set string) bool {
		if s.i == len(s.b) {
			return false
		}
		for i := range len(set) {
			if s.b[s.i] == set[i] {
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
	return string(s.b[start:s.i]), nil
}

func (s *scanner) integer() (int64, error) {
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
	for ; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
		default:
			return s.b[s.i]
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.unexpected("'" + string(c) + "'")
	}
	s.i++
	s.peek()
	return nil
}

func (s *scanner) unexpected(want string) error {
	if s.i >= len(s.b) {
		return errEnd
	}
	return fmt.Errorf("want %s at byte %d, not %q", want, s.i, s.b[s.i])
}

func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	return s[:64] + "…"
}

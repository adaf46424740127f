package filter

import (
	"fmt"
	"unicode/utf8"
)

// SyntaxError says where a query cannot be read, and what to write there. It wraps [ErrInvalid].
type SyntaxError struct {
	Column int // of the character, from 1
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("character %d: %s", e.Column, e.Reason) }

// Unwrap is ErrInvalid.
func (e *SyntaxError) Unwrap() error { return ErrInvalid }

// fail is an error about the character at a byte of the query.
func (p *parser) fail(at int, format string, args ...any) error {
	return &SyntaxError{Column: utf8.RuneCountInString(p.text[:at]) + 1, Reason: fmt.Sprintf(format, args...)}
}

package query

import (
	"errors"
	"fmt"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Error is why there is no answer, for whoever asked.
type Error struct {
	Kind    ErrorKind
	Detail  string
	Field   string   // of the question that is wrong; empty: none alone
	Column  int      // of the character in Field, from 1; 0: none
	Choices []Choice // journeys that were perhaps meant
}

// ErrorKind says whose turn it is.
type ErrorKind int

// Kinds of errors.
const (
	Invalid   ErrorKind = iota + 1 // the question cannot be read
	Unknown                        // there is no such thing
	Ambiguous                      // there are several
	Gone                           // there was such a thing
)

func (e *Error) Error() string { return e.Detail }

func invalid(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Detail: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) *Error {
	return &Error{Kind: Unknown, Detail: fmt.Sprintf(format, args...)}
}

func noCursor() *Error {
	return invalid("cursor", "not a cursor; take it from the page before as it stands there")
}

// refused makes an Error of what a store refuses however often it is asked.
func refused(err error) error {
	if err == nil || !errors.Is(err, store.ErrQuery) && !errors.Is(err, filter.ErrInvalid) {
		return err
	}
	return &Error{Kind: Invalid, Detail: err.Error()}
}

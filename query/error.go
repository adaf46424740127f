package query

import (
	"context"
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
	Refused                        // it can be read, and cannot be done
	Away                           // not now: who knows is away
)

func (e *Error) Error() string { return e.Detail }

func invalid(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Detail: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) *Error {
	return &Error{Kind: Unknown, Detail: fmt.Sprintf(format, args...)}
}

// away says so of Kafka; the log says more.
func (d *Desk) away(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.log.WarnContext(ctx, "Kafka does not answer", "doing", doing, "error", err)
	return &Error{Kind: Away, Detail: "Kafka does not answer now; try again"}
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

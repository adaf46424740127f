package main

import (
	"context"
	"errors"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/store"
)

// Exit codes, as users' scripts rely on them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitNotAllowed  = 4
	exitUnreachable = 5
	exitInterrupted = 130
)

// coded is an error that knows its exit code.
type coded struct {
	error
	code int
}

func (e coded) Unwrap() error { return e.error }

func usage(err error) error { return coded{err, exitUsage} }

func exitCode(err error) int {
	var known coded
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &known):
		return known.code
	case errors.Is(err, collector.ErrUnreachable), errors.Is(err, store.ErrUnavailable):
		return exitUnreachable
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		return exitFailed
	}
}

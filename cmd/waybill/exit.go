package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
	"github.com/waybill-log/waybill/terminal"
)

// Exit codes, as users' scripts rely on them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2 // also of an ID that several journeys have: it has to be written otherwise
	exitNotFound    = 3
	exitNotAllowed  = 4
	exitUnreachable = 5
	exitTimeout     = 124 // as timeout(1)
	exitInterrupted = 130 // 128 and SIGINT, as a shell says it
	exitPipe        = 141 // 128 and SIGPIPE
)

// exitCodes is what help says of them.
const exitCodes = `Exit codes: 0 done, 1 failed, 2 wrong flags, query or ID (also one that several journeys have), 3 nothing found, 4 token
missing, expired or not enough, 5 server not reached, 124 --timeout has passed, 130 interrupted.`

// coded is an error that knows its exit code.
type coded struct {
	error
	code int
}

func (e coded) Unwrap() error { return e.error }

func usage(err error) error { return coded{err, exitUsage} }

// errTimeout is why a command ends by --timeout.
var errTimeout = errors.New("--timeout has passed")

func exitCode(err error) int {
	var known coded
	var refused *client.Error
	var away *client.Unreachable
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &known):
		return known.code
	case errors.Is(err, errTimeout):
		return exitTimeout
	case errors.As(err, &refused):
		return codeOf(refused)
	case errors.As(err, &away), errors.Is(err, collector.ErrUnreachable), errors.Is(err, store.ErrUnavailable):
		return exitUnreachable
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, syscall.EPIPE):
		return exitPipe
	default:
		return exitFailed
	}
}

func codeOf(e *client.Error) int {
	switch e.Status {
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitNotAllowed
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestURITooLong:
		return exitUsage
	}
	if e.Passes() {
		return exitUnreachable
	}
	return exitFailed
}

// complain tells a person why a command has failed. Who interrupts it, or reads no further, knows
// why; what the command itself has to say of that is said.
func complain(w io.Writer, err error) {
	var said coded
	if code := exitCode(err); (code == exitInterrupted || code == exitPipe) && !errors.As(err, &said) {
		return
	}
	var refused *client.Error
	var away *client.Unreachable
	var asked *question
	text := err.Error()
	switch {
	case errors.As(err, &away):
		text = away.Error() + "; start one with waybill up, or set --server"
	case errors.As(err, &refused):
		text = terminal.Clean(refused.Detail) // one line
		if refused.Passes() {
			text = "try again: " + text
		}
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = terminal.Clean(lines[i])
	}
	fmt.Fprintln(w, "waybill:", strings.Join(lines, "\n"))
	if errors.As(err, &asked) {
		asked.point(w)
	}
	if refused != nil {
		choices(w, refused.Choices)
	}
}

// choices lists the journeys that an ID may mean.
func choices(w io.Writer, of []query.Choice) {
	for _, c := range of {
		line := "  " + terminal.Clean(c.CorrelationID)
		if c.Start != nil {
			line += "  " + c.Start.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		fmt.Fprintln(w, strings.TrimRight(line+"  "+terminal.Clean(strings.TrimSpace(c.Verdict+"  "+c.Kind)), " "))
	}
}

// question is a query that cannot be read.
type question struct {
	error
	query string
}

func (q *question) Unwrap() error { return q.error }

// asking says of an error which query it is about.
func asking(q string, err error) error {
	if err == nil {
		return nil
	}
	return &question{err, q}
}

// around is how much of a long query is shown on either side of what is wrong in it.
const around = 60

// point shows where a query cannot be read.
func (q *question) point(w io.Writer) {
	var refused *client.Error
	var syntax *filter.SyntaxError
	column := 0
	switch {
	case errors.As(q.error, &refused) && refused.Field == "q":
		column = refused.Column
	case errors.As(q.error, &syntax):
		column = syntax.Column
	}
	text := []rune(terminal.Clean(q.query)) // each character is one still
	if column < 1 || column > len(text)+1 {
		return
	}
	from, to := max(0, column-1-around), min(len(text), column-1+around)
	fmt.Fprintf(w, "  %s\n  %s^\n", string(text[from:to]), strings.Repeat(" ", terminal.Columns(string(text[from:column-1]))))
}

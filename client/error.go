package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/waybill-log/waybill/query"
)

// Error is what a server says instead of an answer. Its texts are the server's.
type Error struct {
	Status  int
	Detail  string
	Field   string // of the question that is wrong; empty: none alone
	Column  int    // of the character in Field, from 1; 0: none
	Choices []query.Choice
	Through time.Time // the server knows all that was shipped before; zero: it does not say
}

func (e *Error) Error() string { return e.Detail }

// Passes reports whether the same question may be answered a little later.
func (e *Error) Passes() bool {
	return e.Status == http.StatusServiceUnavailable || e.Status == http.StatusBadGateway || e.Status == http.StatusTooManyRequests
}

// Unreachable means that a server does not answer, or has gone in the middle of an answer.
type Unreachable struct {
	Server string
	Err    error
}

func (u *Unreachable) Error() string {
	return fmt.Sprintf("no Waybill server answers at %s (%v)", u.Server, u.Err)
}

// Unwrap is what failed.
func (u *Unreachable) Unwrap() error { return u.Err }

const maxProblem = 1 << 20

// refusal reads a problem (RFC 9457).
func (c *Client) refusal(res *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	var problem struct {
		Detail     string         `json:"detail"`
		Field      string         `json:"field"`
		Column     int            `json:"column"`
		Candidates []string       `json:"candidates"`
		Choices    []query.Choice `json:"choices"`
	}
	if json.Unmarshal(body, &problem) != nil || strings.TrimSpace(problem.Detail) == "" {
		problem.Detail = c.server + " answered " + res.Status
	}
	e := &Error{Status: res.StatusCode, Detail: problem.Detail, Field: problem.Field, Column: problem.Column, Choices: problem.Choices}
	if len(e.Choices) == 0 {
		for _, id := range problem.Candidates {
			e.Choices = append(e.Choices, query.Choice{CorrelationID: id})
		}
	}
	e.Through, _ = time.Parse(time.RFC3339Nano, res.Header.Get("X-Waybill-As-Of")) // zero if it does not say
	return e
}

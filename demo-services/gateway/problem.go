package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/instrument"
)

const (
	maxDetail  = 300 // bytes
	statusGone = 499 // for the log: nobody is there to be answered
)

// problem is an answer of RFC 9457, and the error that leads to it.
type problem struct {
	Type          string `json:"type"`
	Title         string `json:"title"`
	Status        int    `json:"status"`
	Detail        string `json:"detail,omitempty"`
	Instance      string `json:"instance,omitempty"` // the way to the timeline
	CorrelationID string `json:"correlation_id,omitempty"`

	retryAfter time.Duration // zero: nothing is said of it
	cause      error         // for the log only
}

// refuse makes a problem of a kind, a word that programs may rely on.
func refuse(status int, kind, detail string) *problem {
	return &problem{Type: "urn:waybill:problem:" + kind, Title: http.StatusText(status), Status: status, Detail: detail}
}

func (p *problem) because(err error) *problem        { p.cause = err; return p }
func (p *problem) after(wait time.Duration) *problem { p.retryAfter = wait; return p }
func (p *problem) Unwrap() error                     { return p.cause }

// Error implements error.
func (p *problem) Error() string {
	if p.cause != nil {
		return p.Title + ": " + p.cause.Error()
	}
	return p.Title + ": " + p.Detail
}

// Problem is the echo.HTTPErrorHandler of the gateway, and good for services: every
// error becomes problem+json with the request's tracking number. Of an
// [echo.HTTPError] below 500 the message is told; what is not known is an internal
// error outside.
func Problem(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	problemOf(err).write(c.Response(), c.Request())
}

// problemOf is the one place where errors become answers.
func problemOf(err error) *problem {
	var p *problem
	var known *echo.HTTPError
	var large *http.MaxBytesError
	var from *serviceError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, context.Canceled):
		return &problem{Type: "about:blank", Title: "Caller Gone", Status: statusGone, cause: err}
	case errors.As(err, &from):
		return from.problem()
	case errors.As(err, &large):
		return refuse(http.StatusRequestEntityTooLarge, "body-too-large", "The body is too large.").because(err)
	case errors.Is(err, circuitbreaker.ErrOpen), errors.Is(err, budget.ErrExceeded):
		return refuse(http.StatusServiceUnavailable, "service-unavailable", "The service is in trouble. Try again later.").after(2 * time.Second).because(err)
	case errors.Is(err, timeout.ErrExceeded), errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusGatewayTimeout, "service-timeout", "The service did not answer in time.").because(err)
	case errors.As(err, &known):
		return &problem{Type: "about:blank", Title: http.StatusText(known.Code), Status: known.Code, Detail: detailOf(known), cause: err}
	}
	return &problem{Type: "about:blank", Title: http.StatusText(http.StatusInternalServerError), Status: http.StatusInternalServerError, cause: err}
}

// detailOf is what a handler says to its caller of a mistake of the caller's.
func detailOf(err *echo.HTTPError) string {
	text, ok := err.Message.(string)
	if !ok || err.Code >= http.StatusInternalServerError || text == http.StatusText(err.Code) || len(text) > maxDetail {
		return ""
	}
	return text
}

// write answers with p.
func (p *problem) write(w http.ResponseWriter, r *http.Request) {
	out := *p
	if out.CorrelationID = instrument.CorrelationID(r.Context()); out.CorrelationID != "" {
		out.Instance = trackPath(out.CorrelationID)
	}
	h := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified", "Vary"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		json.NewEncoder(w).Encode(&out)
	}
}

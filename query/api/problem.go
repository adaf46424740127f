package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/live"
	"github.com/waybill-log/waybill/store"
)

// problem is an error for the caller (RFC 9457).
type problem struct {
	Type       string         `json:"type"`
	Title      string         `json:"title"`
	Status     int            `json:"status"`
	Detail     string         `json:"detail" doc:"What is wrong, and what to do"`
	Field      string         `json:"field,omitempty" doc:"Parameter that is wrong"`
	Column     int            `json:"column,omitempty" doc:"Of the character in it that is wrong, from 1"`
	Candidates []string       `json:"candidates,omitempty" doc:"Journeys that the ID may mean"`
	Choices    []query.Choice `json:"choices,omitempty" doc:"The same, with what is known of them"`
	Works      []string       `json:"works,omitempty" doc:"What can be asked meanwhile"`

	header http.Header
}

func (p *problem) Error() string { return p.Detail }

// GetStatus and the following are how huma writes an error.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders are those that go with it.
func (p *problem) GetHeaders() http.Header { return p.header }

// ContentType is problem+json.
func (p *problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

func newProblem(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, header: http.Header{}}
}

// away is how many seconds a caller waits before it asks a store again that is away.
const away = "2"

var statuses = map[query.ErrorKind]int{
	query.Invalid: http.StatusBadRequest, query.Unknown: http.StatusNotFound, query.Ambiguous: http.StatusConflict, query.Gone: http.StatusGone,
	query.Refused: http.StatusConflict, query.Away: http.StatusServiceUnavailable,
}

// problemOf says of an error what is meant for the caller. The rest is logged and called an
// internal error.
func (s *server) problemOf(ctx context.Context, route string, err error) *problem {
	p := newProblem(http.StatusInternalServerError, "internal error; the server's log says more")
	var known *problem
	var asked *query.Error
	var http4 *echo.HTTPError
	switch {
	case errors.As(err, &known):
		p = known
	case errors.As(err, &asked):
		p = newProblem(statuses[asked.Kind], asked.Detail)
		if asked.Kind == query.Away {
			p.header.Set("Retry-After", away)
		}
		p.Field, p.Column, p.Choices = asked.Field, asked.Column, asked.Choices
		for _, c := range asked.Choices {
			p.Candidates = append(p.Candidates, c.CorrelationID)
		}
	case errors.As(err, &http4):
		p = newProblem(http4.Code, fmt.Sprint(http4.Message))
	case errors.Is(err, live.ErrToken):
		p = newProblem(http.StatusBadRequest, err.Error())
		p.Field = "Last-Event-ID"
	case errors.Is(err, live.ErrBusy), errors.Is(err, live.ErrUnavailable):
		p = newProblem(http.StatusServiceUnavailable, err.Error()+"; try again")
		p.header.Set("Retry-After", away)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		p = newProblem(http.StatusServiceUnavailable, "the store does not answer now; try again")
		p.header.Set("Retry-After", away)
		p.Works = []string{"/healthz", "/metrics"}
		if s.cfg.Tail != nil {
			p.Detail += ". The tail works: it comes straight from Kafka"
			p.Works = append(p.Works, base+"/tail")
		}
	}
	if p.Status >= http.StatusInternalServerError && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "request failed", "route", route, "status", p.Status, "error", err)
	}
	if strings.HasPrefix(route, base) && p.Status != http.StatusUnauthorized && p.Status != http.StatusForbidden {
		if asOf := s.desk.AsOf(ctx); !asOf.IsZero() {
			p.header.Set("X-Waybill-As-Of", header(&asOf))
		}
	}
	return p
}

// problem writes every error of echo's.
func (s *server) problem(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := s.problemOf(c.Request().Context(), c.Path(), err)
	for key, values := range p.header {
		c.Response().Header()[key] = values
	}
	c.Response().Header().Set(echo.HeaderContentType, problemType)
	if err := c.JSON(p.Status, p); err != nil {
		s.log.DebugContext(c.Request().Context(), "answer not sent", "error", err)
	}
}

// problems makes ours of what huma says of parameters.
func problems(_ huma.Context, _ string, v any) (any, error) {
	said, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	if said.Status == http.StatusUnprocessableEntity {
		said.Status = http.StatusBadRequest
	}
	p := newProblem(said.Status, said.Detail)
	var details []string
	for _, d := range said.Errors {
		_, name, _ := strings.Cut(d.Location, ".")
		if p.Field == "" {
			p.Field = name
		}
		details = append(details, strings.TrimPrefix(name+": ", ": ")+d.Message)
	}
	if len(details) > 0 {
		p.Detail = strings.Join(details, "; ")
	}
	return p, nil
}

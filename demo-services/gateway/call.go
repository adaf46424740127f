package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// answer is what a service said, read whole.
type answer struct {
	service string
	status  int
	header  http.Header
	body    []byte
}

var errTooLong = errors.New("answer is too long")

// call asks a service in the name of who asks, and reads its answer.
func (g *Gateway) call(ctx context.Context, method, service, path string, body []byte) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+service+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", service, err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json")
	res, err := g.transport.RoundTrip(r)
	if err != nil {
		return nil, serviceFailed(service, err)
	}
	defer res.Body.Close()
	return g.read(service, res)
}

func (g *Gateway) read(service string, res *http.Response) (*answer, error) {
	if res.StatusCode >= http.StatusInternalServerError {
		return nil, &serviceError{service: service, status: res.StatusCode, header: res.Header}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, g.cfg.Limits.Answer+1))
	if err == nil && int64(len(body)) > g.cfg.Limits.Answer {
		err = errTooLong
	}
	if err != nil {
		return nil, &serviceError{service: service, status: http.StatusBadGateway, cause: err}
	}
	return &answer{service: service, status: res.StatusCode, header: res.Header, body: body}, nil
}

// refused is the problem that a service's 4xx is to the caller. Its detail, or
// the reason of an order, is written for callers.
func (a *answer) refused() error {
	var said struct {
		Detail string `json:"detail"`
		Reason string `json:"reason"`
	}
	if json.Unmarshal(a.body, &said) != nil || len(said.Detail)+len(said.Reason) > maxDetail {
		said.Detail, said.Reason = "", ""
	}
	return refuse(a.status, "refused-by-"+a.service, or(said.Detail, said.Reason)).after(retryAfter(a.header))
}

// serviceError is a service that did not answer, or only with an error of its
// own, which callers are not shown.
type serviceError struct {
	service string
	status  int
	header  http.Header
	cause   error // nil: it answered with status
}

// serviceFailed is err as that of a service, if it is not one already.
func serviceFailed(service string, err error) error {
	var known *serviceError
	if errors.As(err, &known) {
		return err
	}
	return &serviceError{service: service, status: http.StatusBadGateway, cause: err}
}

func (e *serviceError) Unwrap() error { return e.cause }

// Error implements error.
func (e *serviceError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("service %s: %v", e.service, e.cause)
	}
	return fmt.Sprintf("service %s answered %d", e.service, e.status)
}

func (e *serviceError) problem() *problem {
	if e.cause != nil {
		if p := problemOf(e.cause); p.Status != http.StatusInternalServerError {
			return p.because(e)
		}
	}
	switch e.status {
	case http.StatusServiceUnavailable:
		return refuse(e.status, "service-unavailable", "The service is in trouble. Try again later.").after(max(time.Second, retryAfter(e.header))).because(e)
	case http.StatusGatewayTimeout:
		return refuse(e.status, "service-timeout", "The service did not answer in time.").because(e)
	case http.StatusLoopDetected:
		return refuse(e.status, "cyclic-route", "The service leads back here.").because(e)
	}
	return refuse(http.StatusBadGateway, "service-failed", "The service failed.").because(e)
}

// retryAfter reads seconds, at most a minute; zero: nothing is said.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 60)) * time.Second
}

// trackPath leads to a tracking number's timeline.
func trackPath(id string) string {
	if id == "" {
		return ""
	}
	return "/track/" + url.PathEscape(id)
}

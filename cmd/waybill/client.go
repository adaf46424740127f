package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/waybill-log/waybill/journey"
)

// defaultServer is where up and serve answer by default.
const defaultServer = "http://127.0.0.1:7600"

// client asks a Waybill server.
type client struct {
	server, token string
	http          http.Client
}

func newClient(server, token string) *client {
	if server == "" {
		server = defaultServer
	}
	return &client{server: strings.TrimRight(server, "/"), token: token, http: http.Client{Timeout: 30 * time.Second}}
}

// errNotNow means that the server is there and its store is not.
var errNotNow = errors.New("try again")

// maxAnswer bounds what is read of an answer.
const maxAnswer = 256 << 20

// journeyJSON returns a journey as the server wrote it.
func (c *client) journeyJSON(ctx context.Context, id string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server+"/api/v1/journeys/"+url.PathEscape(id), nil)
	if err != nil {
		return nil, usage(fmt.Errorf("--server %s: %w", c.server, err))
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, coded{fmt.Errorf("no Waybill server answers at %s (%w); start one with waybill up, or set --server", c.server, errors.Unwrap(err)), exitUnreachable}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, coded{fmt.Errorf("answer of %s: %w", c.server, err), exitUnreachable}
	}
	if res.StatusCode == http.StatusOK {
		return body, nil
	}
	var problem struct {
		Detail     string   `json:"detail"`
		Candidates []string `json:"candidates"`
	}
	if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
		problem.Detail = c.server + " answered " + res.Status
	}
	if len(problem.Candidates) > 0 {
		problem.Detail += ": " + strings.Join(problem.Candidates, ", ")
	}
	err = errors.New(clean(problem.Detail))
	switch res.StatusCode {
	case http.StatusNotFound:
		return nil, coded{err, exitNotFound}
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, coded{err, exitNotAllowed}
	case http.StatusBadRequest:
		return nil, usage(err)
	case http.StatusServiceUnavailable, http.StatusBadGateway:
		return nil, coded{fmt.Errorf("%w: %w", errNotNow, err), exitUnreachable}
	}
	return nil, err
}

func (c *client) journey(ctx context.Context, id string) (*journey.Journey, error) {
	body, err := c.journeyJSON(ctx, id)
	if err != nil {
		return nil, err
	}
	var j journey.Journey
	if err := json.Unmarshal(body, &j); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", c.server, err)
	}
	return &j, nil
}

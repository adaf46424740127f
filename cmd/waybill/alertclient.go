package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// alertClient asks a Waybill server about alerts.
type alertClient struct {
	server, token string
	http          http.Client
}

// maxAlertsAnswer bounds what is read of an answer.
const maxAlertsAnswer = 64 << 20

// alertClient is one for the server that a command is told of.
func (a *app) alertClient(cmd *cobra.Command) (*alertClient, error) {
	cfg, err := loadConfig(cmd, a.environ, a.stderr)
	if err != nil {
		return nil, err
	}
	server := strings.TrimRight(cmp.Or(cfg.Server, "http://127.0.0.1:7600"), "/")
	return &alertClient{server: server, token: cfg.Token, http: http.Client{Timeout: 30 * time.Second}}, nil
}

// ask calls the API and decodes its answer. A body is sent as JSON; nil sends none.
func (c *alertClient) ask(ctx context.Context, method, path string, send, into any) error {
	body, _, err := c.answer(ctx, method, path, send)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("answer of %s: %w", c.server, err)
	}
	return nil
}

func (c *alertClient) answer(ctx context.Context, method, path string, send any) (body []byte, status int, err error) {
	var with io.Reader
	if send != nil {
		b, err := json.Marshal(send)
		if err != nil {
			return nil, 0, err
		}
		with = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.server+"/api/v1"+path, with)
	if err != nil {
		return nil, 0, usage(fmt.Errorf("--server %s: %w", c.server, err))
	}
	if send != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return nil, 0, coded{fmt.Errorf("no Waybill server answers at %s (%w); start one with waybill up, or set --server", c.server, errors.Unwrap(err)), exitUnreachable}
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(res.Body, maxAlertsAnswer)); err != nil {
		return nil, 0, coded{fmt.Errorf("answer of %s: %w", c.server, err), exitUnreachable}
	}
	if res.StatusCode/100 == 2 {
		return body, res.StatusCode, nil
	}
	return nil, res.StatusCode, alertRefusal(c.server, res, body)
}

// alertRefusal is why a server does not answer what was asked.
func alertRefusal(server string, res *http.Response, body []byte) error {
	var problem struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
		problem.Detail = server + " answered " + res.Status
	}
	err := errors.New(clean(problem.Detail))
	switch res.StatusCode {
	case http.StatusNotFound:
		return coded{err, exitNotFound}
	case http.StatusUnauthorized, http.StatusForbidden:
		return coded{err, exitNotAllowed}
	case http.StatusBadRequest:
		return usage(err)
	case http.StatusServiceUnavailable, http.StatusBadGateway:
		return coded{err, exitUnreachable}
	}
	return err
}

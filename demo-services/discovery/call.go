package discovery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxAnswer bounds what is read of an answer: a thousand instances take a tenth of it.
const maxAnswer = 4 << 20

// statusError is an answer that is not what was hoped for.
type statusError struct {
	status int
	detail string // the registry's words
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the registry answered %d: %s", e.status, e.detail)
}

// Is makes what the registry will never take tell from what it cannot take now.
func (e *statusError) Is(target error) bool {
	return target == ErrRefused && e.status >= 400 && e.status < 500 && e.status != http.StatusTooManyRequests
}

func hasStatus(err error, status int) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == status
}

// call asks the registry for at most timeout. A nil in sends nothing; out is left
// alone where there is no content.
func (c *Client) call(ctx context.Context, timeout time.Duration, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("read answer: %w", err)
	case len(body) > maxAnswer:
		return fmt.Errorf("read answer: longer than %d bytes", maxAnswer)
	case res.StatusCode == http.StatusNoContent:
		return nil
	case res.StatusCode/100 != 2:
		return &statusError{res.StatusCode, detail(body)}
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.URL+path, body)
	if err == nil && in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, err
}

// detail is what a problem (RFC 9457) says of itself.
func detail(body []byte) string {
	var p struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		return "no details"
	}
	return p.Detail[:min(len(p.Detail), 200)]
}

// heard says in the log when the registry goes away and when it is back, once
// each. Answers that are no use are answers, unless they are the server's fault.
func (c *Client) heard(ctx context.Context, err error) {
	var status *statusError
	here := err == nil || errors.As(err, &status) && status.status < 500
	if c.running.Err() != nil || ctx.Err() != nil || c.away.Swap(!here) == !here {
		return
	}
	if here {
		c.log.InfoContext(ctx, "registry is back", "registry", c.cfg.URL)
	} else {
		c.log.WarnContext(ctx, "registry is away, what is known serves", "registry", c.cfg.URL, "error", err)
	}
}

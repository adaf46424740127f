package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
)

// Call asks the API for what has no method of its own here, and decodes the answer unless into is nil. A body is sent as
// JSON; nil sends none.
func (c *Client) Call(ctx context.Context, method, path string, q url.Values, send, into any) error {
	var body io.Reader
	var header []string
	if send != nil {
		b, err := json.Marshal(send)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body, header = bytes.NewReader(b), []string{"Content-Type", "application/json"}
	}
	res, err := c.do(ctx, method, path, q, body, header...)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if into == nil {
		return nil
	}
	return c.read(ctx, res, into)
}

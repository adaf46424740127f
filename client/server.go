package client

import (
	"context"
	"net/http"
	"time"

	"github.com/waybill-log/waybill/query"
)

// Me is who the server takes the asker for.
type Me struct {
	Name     string   `json:"name"`
	Role     string   `json:"role"` // read, write or admin
	Services []string `json:"services"`
}

// Me asks for that, and for the time by the server's clock; zero where it does not say.
func (c *Client) Me(ctx context.Context) (me Me, now time.Time, err error) {
	res, err := c.get(ctx, "/me", nil)
	if err != nil {
		return me, now, err
	}
	defer res.Body.Close()
	now, _ = http.ParseTime(res.Header.Get("Date"))
	return me, now, c.read(ctx, res, &me)
}

// Stats asks how much is stored, and how far.
func (c *Client) Stats(ctx context.Context) (out query.Stats, err error) {
	return out, c.decoded(ctx, "/stats", nil, &out)
}

// Instances asks what instances have written, and what of it is lost.
func (c *Client) Instances(ctx context.Context) (out query.Instances, err error) {
	return out, c.decoded(ctx, "/instances", nil, &out)
}

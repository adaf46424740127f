package client

import (
	"context"
	"io"
	"net/url"

	"github.com/waybill-log/waybill/query"
)

func ofJourney(id, what string) string { return "/journeys/" + url.PathEscape(id) + what }

// JourneyJSON is the journey that an ID names in any spelling, as the server wrote it.
func (c *Client) JourneyJSON(ctx context.Context, id string) ([]byte, error) {
	return c.bytes(ctx, ofJourney(id, ""), nil)
}

// Journey is the journey that an ID names in any spelling.
func (c *Client) Journey(ctx context.Context, id string) (*query.Journey, error) {
	var j query.Journey
	if err := c.decoded(ctx, ofJourney(id, ""), nil, &j); err != nil {
		return nil, err
	}
	return &j, nil
}

// Raw writes a journey's records as they were written, one a line.
func (c *Client) Raw(ctx context.Context, id string, w io.Writer) error {
	return c.copied(ctx, ofJourney(id, ""), url.Values{"raw": {"true"}}, w)
}

// HTML writes a page that shows a journey and needs nothing else.
func (c *Client) HTML(ctx context.Context, id string, w io.Writer) error {
	return c.copied(ctx, ofJourney(id, "/export"), url.Values{"format": {"html"}}, w)
}

// Diff says how a journey departs from another, or from the usual where with is "usual".
func (c *Client) Diff(ctx context.Context, id, with string) (*query.Difference, error) {
	var d query.Difference
	if err := c.decoded(ctx, ofJourney(id, "/diff"), url.Values{"with": {with}}, &d); err != nil {
		return nil, err
	}
	return &d, nil
}

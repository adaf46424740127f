package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/waybill-log/waybill/query"
)

// Search asks for a list, however many pages that takes.
type Search struct {
	Query       string
	Limit       int  // 0: all there are
	OldestFirst bool // of records
}

// Found is what came of a search.
type Found struct {
	Shown int
	More  bool       // than Limit
	AsOf  *time.Time // all that was shipped before was asked; nil: not known
}

// Pages as large as the API gives them.
const (
	journeysPage = 500
	recordsPage  = 1000
)

// Journeys calls with each journey, the newest first.
func (c *Client) Journeys(ctx context.Context, s Search, each func(*query.Summary) error) (Found, error) {
	return pages(ctx, c, s, "/journeys", journeysPage, func(body []byte) (page[query.Summary], error) {
		var p query.Journeys
		err := c.decode(body, &p)
		return page[query.Summary]{p.Journeys, p.Next, p.AsOf}, err
	}, each)
}

// Records calls with each record as it was written, the newest first unless s says otherwise.
func (c *Client) Records(ctx context.Context, s Search, each func(raw []byte) error) (Found, error) {
	return pages(ctx, c, s, "/records", recordsPage, func(body []byte) (page[json.RawMessage], error) {
		var p struct {
			Records []json.RawMessage `json:"records"`
			Next    string            `json:"next"`
			AsOf    *time.Time        `json:"as_of"`
		}
		err := c.decode(body, &p)
		return page[json.RawMessage]{p.Records, p.Next, p.AsOf}, err
	}, func(raw *json.RawMessage) error { return each(*raw) })
}

type page[T any] struct {
	rows []T
	next string
	asOf *time.Time
}

// pages reads a list page by page.
func pages[T any](ctx context.Context, c *Client, s Search, path string, most int, decode func([]byte) (page[T], error), each func(*T) error) (found Found, err error) {
	cursor := ""
	for {
		q := url.Values{"q": {s.Query}, "limit": {strconv.Itoa(most)}}
		if left := s.Limit - found.Shown; s.Limit > 0 && left < most {
			q.Set("limit", strconv.Itoa(left))
		}
		if s.OldestFirst {
			q.Set("order", "oldest")
		}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		body, err := c.patiently(ctx, path, q, found.Shown > 0)
		if err != nil {
			return found, err
		}
		p, err := decode(body)
		if err != nil {
			return found, err
		}
		if found.AsOf == nil {
			found.AsOf = p.asOf
		}
		for i := range p.rows {
			if err := each(&p.rows[i]); err != nil {
				return found, err
			}
			found.Shown++
		}
		switch {
		case p.next == "":
			return found, nil
		case s.Limit > 0 && found.Shown >= s.Limit:
			found.More = true
			return found, nil
		case p.next == cursor:
			return found, fmt.Errorf("%s comes no further than %d results in the time that it has for one page; ask of less time", c.server, found.Shown)
		}
		cursor = p.next
	}
}

// patience is how long a search that has begun waits for a server that is away.
const patience = 30 * time.Second

// patiently asks again, if told to, while a server is away.
func (c *Client) patiently(ctx context.Context, path string, q url.Values, again bool) ([]byte, error) {
	if !again {
		return c.bytes(ctx, path, q)
	}
	return backoff.Retry(ctx, func() ([]byte, error) {
		body, err := c.bytes(ctx, path, q)
		if err != nil && !passes(err) {
			err = backoff.Permanent(err)
		}
		return body, err
	}, backoff.WithMaxElapsedTime(patience))
}

// passes reports whether asking again may help.
func passes(err error) bool {
	var refused *Error
	var away *Unreachable
	return errors.As(err, &refused) && refused.Passes() || errors.As(err, &away)
}

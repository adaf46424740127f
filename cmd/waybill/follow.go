package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/terminal"
)

const (
	askedEvery = 500 * time.Millisecond
	settled    = 5 * time.Second  // after what may not be the last word
	unchanged  = 10 * time.Second // where clocks, or no horizon, leave it open
)

// following asks for a journey until nothing more is to be expected of it.
type following struct {
	client *client.Client
	id     string
	news   func(body []byte, j *query.Journey) error // it has changed, or come
	wait   func(why error)                           // it is not there yet, or the server is away

	body  []byte
	since time.Time // body is as it is
}

// run ends without an error when the verdict is final.
func (f *following) run(ctx context.Context) error {
	began := time.Now()
	for {
		done, err := f.ask(ctx, began)
		if done || err != nil {
			return err
		}
		select {
		case <-time.After(askedEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (f *following) ask(ctx context.Context, began time.Time) (done bool, err error) {
	body, err := f.client.JourneyJSON(ctx, f.id)
	var refused *client.Error
	var away *client.Unreachable
	switch {
	case err == nil:
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound && f.body == nil:
		// What was shipped before the question may still be on its way.
		if refused.Through.After(began) || refused.Through.IsZero() && time.Since(began) > settled {
			return false, err
		}
		f.wait(err)
		return false, nil
	case errors.As(err, &refused) && refused.Passes(), errors.As(err, &away) && f.body != nil:
		f.wait(err)
		return false, nil
	default:
		return false, err
	}
	j, err := decoded(f.client, body)
	if err != nil {
		return false, err
	}
	if !f.same(body, j) {
		f.body, f.since = body, time.Now()
		if err := f.news(body, j); err != nil {
			return false, err
		}
	}
	return final(j, f.since, time.Now()), nil
}

// same reports whether a journey is as it was, but for when it was asked for.
func (f *following) same(body []byte, j *query.Journey) bool {
	if f.body == nil {
		return false
	}
	was, err := decoded(f.client, f.body)
	return err == nil && was.Verdict == j.Verdict && was.Reason == j.Reason && was.Completeness == j.Completeness && len(was.Records) == len(j.Records) || bytes.Equal(body, f.body)
}

// final reports whether nothing more is to be expected of a journey that has not changed since.
func final(j *query.Journey, since, now time.Time) bool {
	end := j.End
	switch j.Verdict {
	case journey.InTransit, journey.Stalled:
		return false
	case journey.Exception, journey.Unconfirmed: // another attempt, or another hop, may come
		end = end.Add(settled)
	}
	return j.AsOf != nil && j.AsOf.After(end) || now.Sub(since) > unchanged
}

// followed shows a journey until its verdict is final: on a terminal it is drawn again and again,
// into a pipe what is new is printed.
func (a *app) followed(ctx context.Context, c *client.Client, t *tracking) error {
	waiting := false
	f := &following{client: c, id: t.id, wait: func(why error) {
		if !waiting && !t.quiet {
			fmt.Fprintf(a.stderr, "waybill: %s; waiting\n", terminal.Clean(why.Error()))
		}
		waiting = true
	}}
	var last []byte
	_, isTerminal := a.columns()
	switch {
	case isTerminal && t.output == "text" && !t.raw:
		return a.redrawn(ctx, f, t)
	case t.raw || t.output == "text":
		n := newNews(a, t)
		f.news = n.print
	case t.output == "jsonl":
		f.news = func(body []byte, _ *query.Journey) error { return t.writeJSON(a.stdout, body) }
	case t.output == "html":
		f.news = func([]byte, *query.Journey) error { return nil }
	default: // one document
		f.news = func(body []byte, _ *query.Journey) error {
			last = body
			return nil
		}
	}
	if err := f.run(ctx); err != nil {
		return err
	}
	switch {
	case t.output == "html":
		return c.HTML(ctx, t.id, t.guarded(a.stdout, terminal.HTML))
	case last != nil:
		return t.write(a.stdout, c, last)
	}
	return nil
}

// news prints of a journey what it has not printed yet.
type news struct {
	out      *bufio.Writer
	lines    terminal.Lines
	raw      bool
	headline string
	printed  map[string]bool // identities of records
}

func newNews(a *app, t *tracking) *news {
	n := &news{out: bufio.NewWriter(a.stdout), lines: terminal.Lines{Style: t.style}, raw: t.raw, printed: map[string]bool{}}
	if t.raw {
		n.lines.Format = terminal.Raw
	}
	return n
}

func (n *news) print(_ []byte, j *query.Journey) error {
	var line []byte
	for _, r := range j.Records {
		if n.printed[r.Identity()] {
			continue
		}
		n.printed[r.Identity()] = true
		var err error
		if line, _, err = n.lines.Append(line[:0], r.Raw); err != nil {
			return err
		}
		_, _ = n.out.Write(line) // flushed below
	}
	if h := n.lines.Style.Headline(&j.Journey); h != n.headline && !n.raw {
		n.headline = h
		fmt.Fprintln(n.out, h)
	}
	return n.out.Flush()
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/live"
	"github.com/waybill-log/waybill/terminal"
	"github.com/waybill-log/waybill/terminal/screen"
)

// shownFirst is how many records tail --ui begins with if nobody says.
const shownFirst = 200

// screen shows a tail in the whole terminal.
func (a *app) screen(ctx context.Context, c *client.Client, t *tailing) error {
	if _, isTerminal := a.columns(); !isTerminal {
		return usage(errors.New("--ui wants a terminal: leave it out where stdout goes elsewhere"))
	}
	if t.last == 0 && t.narrowing.since == "" {
		t.last = shownFirst
	}
	counts, err := screen.Tail(ctx, a.terminal(), screen.TailConfig{
		Query: terminal.Clean(t.query), Lines: t.lines, Journey: c.Journey,
		Watch: func(ctx context.Context, w client.Watcher) error {
			var before recent
			q, err := before.read(ctx, c, t.query, t.last, func(raw []byte) error { return w.Event(&live.Event{Record: raw}) })
			if err != nil {
				return err
			}
			event := w.Event
			w.Event = func(e *live.Event) error {
				if e.Record != nil && before.had(e.Record) {
					return nil
				}
				return event(e)
			}
			_, err = c.Tail(ctx, q, w)
			return err
		},
	})
	if !t.quiet {
		fmt.Fprintf(a.stderr, "shown %d, skipped %d\n", counts.Shown, counts.Skipped)
	}
	return asking(t.query, err)
}

func (a *app) terminal() screen.Terminal { return screen.Terminal{Out: a.stdout, Environ: a.environ} }

// redrawn follows a journey on a terminal, and leaves it there as it is in the end.
func (a *app) redrawn(ctx context.Context, f *following, t *tracking) error {
	var last *query.Journey
	err := screen.Journey(ctx, a.terminal(), t.style, func(ctx context.Context, news func(*query.Journey), wait func(error)) error {
		f.wait = wait
		f.news = func(_ []byte, j *query.Journey) error {
			last = j
			news(j)
			return nil
		}
		return f.run(ctx)
	})
	if last != nil {
		if drawn := t.style.Journey(a.stdout, &last.Journey); err == nil {
			err = drawn
		}
	}
	return err
}

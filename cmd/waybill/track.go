package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/terminal"
)

// tracking is what track has been told.
type tracking struct {
	*display
	style  terminal.Style
	id     string
	diff   string
	raw    bool
	follow bool
}

func (a *app) track() *cobra.Command {
	var t tracking
	cmd := &cobra.Command{
		Use: "track ID", Short: "Show where a request went, by its correlation ID in any spelling, its beginning, its last 8 characters, or another name it has",
		Long: "Show where a request went, by its correlation ID in any spelling, its beginning, its last 8 characters, a trace ID, or another name it has,\n" +
			"such as an order's number. Where several journeys have it they are listed, and one has to be chosen.\n\n" +
			"With --follow, a verdict is final that will not change by what was shipped so far: delivered, returned, failed or unconfirmed. A journey\n" +
			"that is in transit or stalled is followed until it goes on, or until --timeout.\n\n" + exitCodes,
		Example: "  waybill track 019a9f3c5b7e4d218c60aa52f19e03b7\n  waybill track f19e03b7 --follow\n  waybill track SPDIRIOXVWG3 --diff usual\n  waybill track f19e03b7 -o mermaid > journey.mmd",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("track wants one correlation ID, not %d; see %s --help", len(args), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if t.style, err = a.style(t.display); err != nil {
				return err
			}
			t.id = args[0]
			if err := t.check(); err != nil {
				return usage(err)
			}
			c, err := a.client(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := t.limited(cmd.Context())
			defer cancel()
			return a.shipment(ctx, c, &t)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	t.display = addDisplay(cmd, "text", "json", "jsonl", "html", "mermaid")
	cmd.Flags().BoolVarP(&t.follow, "follow", "f", false, "go on until the verdict is final; into a pipe, print only what is new")
	cmd.Flags().BoolVar(&t.raw, "raw", false, "the records as they were written, one a line")
	cmd.Flags().StringVar(&t.diff, "diff", "", "show how it departs from the usual, or from the journey of this ID")
	offer(cmd, "diff", "usual")
	return cmd
}

func (t *tracking) check() error {
	if n := len(t.id); n == 0 || n > query.MaxText {
		return fmt.Errorf("an ID in any spelling has 1 to %d bytes, not %d", query.MaxText, n)
	}
	if n := len(t.diff); n > query.MaxText {
		return fmt.Errorf("--diff: an ID in any spelling has 1 to %d bytes, not %d", query.MaxText, n)
	}
	switch {
	case t.diff != "" && (t.follow || t.raw):
		return errors.New("--diff compares what is there now: leave out --follow and --raw")
	case t.diff != "" && t.output != "text" && t.output != "json" && t.output != "jsonl":
		return fmt.Errorf("--diff is shown as text, json or jsonl, not as %s", t.output)
	case t.raw && t.output != "text":
		return fmt.Errorf("--raw writes records as they are: leave out -o %s", t.output)
	}
	return nil
}

// shipment shows a journey as it was asked for.
func (a *app) shipment(ctx context.Context, c *client.Client, t *tracking) error {
	switch {
	case t.follow:
		return a.followed(ctx, c, t)
	case t.diff != "":
		d, err := c.Diff(ctx, t.id, t.diff)
		if err != nil {
			return err
		}
		if t.output == "text" {
			return t.style.Difference(a.stdout, d)
		}
		body, err := json.Marshal(d)
		if err != nil {
			return err
		}
		return t.writeJSON(a.stdout, body)
	case t.raw:
		return c.Raw(ctx, t.id, t.guarded(a.stdout, terminal.JSON))
	case t.output == "html":
		return c.HTML(ctx, t.id, t.guarded(a.stdout, terminal.HTML))
	}
	body, err := c.JourneyJSON(ctx, t.id)
	if err != nil {
		return err
	}
	return t.write(a.stdout, c, body)
}

func (t *tracking) guarded(w io.Writer, by func(io.Writer) io.Writer) io.Writer {
	if t.unsafe {
		return w
	}
	return by(w)
}

// write shows a journey that has come as JSON.
func (t *tracking) write(w io.Writer, c *client.Client, body []byte) error {
	if t.output == "json" || t.output == "jsonl" {
		return t.writeJSON(w, body)
	}
	j, err := decoded(c, body)
	if err != nil {
		return err
	}
	if t.output == "mermaid" {
		return terminal.Mermaid(w, &j.Journey)
	}
	return t.style.Journey(w, &j.Journey)
}

func decoded(c *client.Client, body []byte) (*query.Journey, error) {
	var j query.Journey
	if err := json.Unmarshal(body, &j); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", c.Server(), err)
	}
	return &j, nil
}

// writeJSON writes JSON for people to read, or on one line.
func (t *tracking) writeJSON(w io.Writer, body []byte) error {
	var out bytes.Buffer
	shape := func() error { return json.Indent(&out, bytes.TrimSpace(body), "", "  ") }
	if t.output == "jsonl" {
		shape = func() error { return json.Compact(&out, body) }
	}
	if err := shape(); err != nil {
		return fmt.Errorf("answer is no JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(t.guarded(w, terminal.JSON))
	return err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/terminal"
)

// replay says which alerts the rules would have fired.
func (a *app) replay(cmd *cobra.Command, c *client.Client, long time.Duration) error {
	cfg, err := loadConfig(cmd, a.environ, a.stderr)
	if err != nil {
		return err
	}
	if cfg.Alerts == "" {
		return usage(fmt.Errorf("--replay tries the rules of a file: name it with --alerts"))
	}
	rules, _, err := readRules(cfg.Alerts)
	if err != nil {
		return usage(fmt.Errorf("%s", cleanLines(err.Error())))
	}
	now := time.Now().UTC()
	fired, err := alerts.Replay{Rules: rules, Routes: cfg.routes, From: now.Add(-long), Until: now}.Run(cmd.Context(), archive{c})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STATUS\tSEVERITY\tSINCE\tUNTIL\tALERT\tTITLE")
	for _, s := range fired {
		until := ""
		if s.EndsAt != nil {
			until = s.EndsAt.UTC().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Status, s.Severity, s.StartsAt.UTC().Format(time.DateTime), until, terminal.Clean(s.Key()), terminal.Clean(s.Title))
	}
	return w.Flush()
}

// archive is what a server has stored.
type archive struct{ c *client.Client }

// within is a query for the records of a time.
func within(query string, from, until time.Time) string {
	if query != "" {
		query = "(" + query + ") "
	}
	return query + "since:" + from.UTC().Format(time.RFC3339Nano) + " until:" + until.UTC().Format(time.RFC3339Nano)
}

const busyFor = time.Second

// get asks patiently: a server answers one holder so often a second.
func (r archive) get(ctx context.Context, path string, q url.Values, into any) error {
	for {
		err := r.c.Call(ctx, http.MethodGet, path, q, nil, into)
		var refused *client.Error
		if errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests && ctx.Err() == nil {
			select {
			case <-time.After(busyFor):
			case <-ctx.Done():
			}
			continue
		}
		return err
	}
}

// Records implements alerts.Archive.
func (r archive) Records(ctx context.Context, from, until time.Time) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		q := url.Values{"q": {within("", from, until)}, "order": {"oldest"}, "limit": {"1000"}}
		for {
			var page struct {
				Records []json.RawMessage
				Next    string
			}
			if err := r.get(ctx, "/records", q, &page); err != nil {
				yield(record.Record{}, err)
				return
			}
			for _, raw := range page.Records {
				one, err := record.Decode(raw)
				if err != nil {
					continue // a server that is newer may know records that this program does not
				}
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.Set("cursor", page.Next)
		}
	}
}

// Count implements alerts.Archive.
func (r archive) Count(ctx context.Context, rule *alerts.Rule, at time.Time) ([]alerts.Sample, error) {
	q := url.Values{"q": {within(rule.Asks, at.Add(-rule.Window), at)}}
	if rule.GroupBy != "" {
		q.Set("field", rule.GroupBy)
		q.Set("limit", "1000")
		var found struct {
			Values []struct {
				Value string
				Count int64
			}
		}
		if err := r.get(ctx, "/records/facets", q, &found); err != nil {
			return nil, err
		}
		var out []alerts.Sample
		for _, v := range found.Values {
			out = append(out, alerts.Sample{Labels: map[string]string{rule.GroupBy: v.Value}, Value: v.Count})
		}
		return out, nil
	}
	q.Set("step", rule.Window.Truncate(time.Millisecond).String())
	var counted struct{ Buckets []struct{ Count int64 } }
	if err := r.get(ctx, "/records/histogram", q, &counted); err != nil {
		return nil, err
	}
	n := int64(0)
	for _, b := range counted.Buckets {
		n += b.Count
	}
	return []alerts.Sample{{Value: n}}, nil
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/filter"
	"github.com/waybill-log/waybill/terminal"
)

// searching is what search has been told.
type searching struct {
	*display
	style     terminal.Style
	query     string
	narrowing narrowing
	limit     int
	columns   []string
	records   bool
	oldest    bool
	failEmpty bool
}

func (a *app) search() *cobra.Command {
	var s searching
	cmd := &cobra.Command{
		Use: "search [QUERY...]", Short: "Search journeys, or records, with the query language of the page",
		Long: "Search journeys, the newest first, or records. What is not quoted for the shell is joined by spaces.\n\n" + queryHelp + "\n\n" + exitCodes,
		Example: "  waybill search verdict:stalled visited:bank --since 1h\n  waybill search --records 'level:error \"connection refused\"' -n 0 -o jsonl > errors.jsonl\n" +
			"  waybill search --records service:bank --columns time,message,label.amount -o csv",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if s.style, err = a.style(s.display); err != nil {
				return err
			}
			if s.limit < 0 {
				return usage(fmt.Errorf("-n %d: want how many at most; 0 is all", s.limit))
			}
			if s.oldest && !s.records {
				return usage(errors.New("journeys come the newest first: --oldest-first is for --records"))
			}
			s.query = s.narrowing.of(strings.Join(args, " "))
			c, err := a.client(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := s.limited(cmd.Context())
			defer cancel()
			out := bufio.NewWriterSize(a.stdout, 64<<10)
			ask := client.Search{Query: s.query, Limit: s.limit, OldestFirst: s.oldest}
			var found client.Found
			if s.records {
				row, flush, err := s.recordRows(out)
				if err != nil {
					return usage(err)
				}
				found, err = c.Records(ctx, ask, row)
				err = errors.Join(err, flush())
				return a.found(&s, found, asking(s.query, err))
			}
			row, flush, err := s.journeyRows(out)
			if err != nil {
				return usage(err)
			}
			found, err = c.Journeys(ctx, ask, row)
			err = errors.Join(err, flush())
			return a.found(&s, found, asking(s.query, err))
		},
		ValidArgsFunction: completeQuery,
	}
	s.display = addDisplay(cmd, "table", "json", "jsonl", "csv")
	s.narrowing.add(cmd)
	f := cmd.Flags()
	f.StringVar(&s.narrowing.until, "until", "", "until when, as since")
	f.BoolVarP(&s.records, "records", "r", false, "search records rather than journeys")
	f.BoolVar(&s.oldest, "oldest-first", false, "of records, begin with the oldest")
	f.IntVarP(&s.limit, "limit", "n", 50, "how many at most; 0 is all")
	f.StringSliceVar(&s.columns, "columns", nil, "what a table or CSV tells, by commas")
	f.BoolVar(&s.failEmpty, "fail-empty", false, "exit with 3 if nothing is found")
	if err := cmd.RegisterFlagCompletionFunc("columns", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		names, ofRecords := terminal.AllColumnNames()
		if s.records {
			names = append([]string{"label."}, ofRecords...)
		}
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		for i := range names {
			names[i] = before + names[i]
		}
		return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
}

// narrowing are flags that add to a query.
type narrowing struct {
	services     []string
	level        string
	since, until string
}

func (n *narrowing) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVarP(&n.services, "service", "s", nil, "of these services")
	f.StringVarP(&n.level, "level", "l", "", "of this level, or above it")
	f.StringVar(&n.since, "since", "", "since when: how long ago as 15m, 2h or 3d, or a time as 2006-01-02T15:04:05Z")
	offer(cmd, "level", "trace", "debug", "info", "warn", "error")
	offer(cmd, "since", "5m", "1h", "1d")
}

// of is a query to which they are added.
func (n *narrowing) of(q string) string {
	var more []string
	if len(n.services) > 0 {
		var quoted []string
		for _, s := range n.services {
			quoted = append(quoted, client.Quoted(s))
		}
		more = append(more, "service:("+strings.Join(quoted, " OR ")+")")
	}
	if n.level != "" {
		more = append(more, "level:>="+client.Quoted(n.level))
	}
	if n.since != "" {
		more = append(more, "since:"+client.Quoted(n.since))
	}
	if n.until != "" {
		more = append(more, "until:"+client.Quoted(n.until))
	}
	return client.With(q, more...)
}

const queryHelp = `Query: a word, "several words", service:bank, level>=warn, operation:"POST /buy", topic:*, label.order_id:42, status:5xx, duration>2s,
message~"0x[1]", with AND, OR, NOT and parentheses; and of whole journeys verdict:stalled, visited:bank, kind:, release:, took>2s, since:15m, until:.`

// journeyRows writes journeys as they come.
func (s *searching) journeyRows(out *bufio.Writer) (row func(*query.Summary) error, flush func() error, err error) {
	columns, err := terminal.JourneyColumns(s.columns)
	if err != nil {
		return nil, nil, err
	}
	if s.output == "table" || s.output == "csv" {
		t := terminal.NewTable(out, s.style, columns, s.output == "csv")
		return t.Row, func() error { return errors.Join(t.Flush(), out.Flush()) }, nil
	}
	w := s.documents(out)
	return func(j *query.Summary) error { return w.write(j) }, w.close, s.noColumns()
}

// recordRows writes records as they come.
func (s *searching) recordRows(out *bufio.Writer) (row func([]byte) error, flush func() error, err error) {
	columns, err := terminal.RecordColumns(s.columns)
	if err != nil {
		return nil, nil, err
	}
	switch s.output {
	case "table", "csv":
		t := terminal.NewTable(out, s.style, columns, s.output == "csv")
		return func(raw []byte) error {
			r, err := record.Decode(raw)
			if err != nil {
				return fmt.Errorf("the server gives what is no record: %w", err)
			}
			return t.Row(&r)
		}, func() error { return errors.Join(t.Flush(), out.Flush()) }, nil
	case "jsonl": // byte for byte
		lines := terminal.Lines{Style: s.style, Format: terminal.Raw}
		var line []byte
		return func(raw []byte) (err error) {
			if line, _, err = lines.Append(line[:0], raw); err == nil {
				_, err = out.Write(line)
			}
			return err
		}, out.Flush, s.noColumns()
	}
	w := s.documents(out)
	return func(raw []byte) error { return w.write(&record.Record{Raw: raw}) }, w.close, s.noColumns()
}

func (s *searching) noColumns() error {
	if len(s.columns) > 0 {
		return fmt.Errorf("--columns is for -o table and csv; -o %s has everything", s.output)
	}
	return nil
}

func (s *searching) documents(out *bufio.Writer) *documents {
	d := &documents{out: out, to: out, array: s.output == "json"}
	if !s.unsafe {
		d.to = terminal.JSON(out)
	}
	return d
}

// found says what came of a search.
func (a *app) found(s *searching, f client.Found, err error) error {
	if !s.quiet && (err == nil || f.Shown > 0) {
		text := fmt.Sprintf("shown %d", f.Shown)
		if f.More {
			text += ", and there are more: -n 0 shows all"
		}
		if err != nil {
			text += ", and the rest is missing"
		}
		if f.AsOf != nil {
			text += "; known through " + s.style.Moment(*f.AsOf)
		}
		fmt.Fprintln(a.stderr, text)
	}
	if err == nil && f.Shown == 0 && s.failEmpty {
		return coded{errors.New("nothing was found"), exitNotFound}
	}
	return err
}

// completeQuery completes the last condition of a query, without asking anybody.
func completeQuery(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp
	out := filter.Complete(typed)
	for _, c := range out {
		if strings.HasSuffix(c, ":") || strings.HasSuffix(c, ".") {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
	}
	return out, directive
}

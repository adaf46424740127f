package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/query/live"
	"github.com/waybill-log/waybill/terminal"
)

// tailing is what tail has been told.
type tailing struct {
	*display
	style     terminal.Style
	query     string
	narrowing narrowing
	last      int
	limit     int
	include   []string
	exclude   []string
	highlight []string
	template  string
	failEmpty bool
	ui        bool

	lines terminal.Lines
}

func (a *app) tail() *cobra.Command {
	var t tailing
	cmd := &cobra.Command{
		Use: "tail [QUERY...]", Short: "Show records as they come",
		Long: "Show records as they come, and say how many were shown and how many could not be. After a cut it goes on where it was.\n" +
			"With --kafka-brokers it reads Kafka itself, needs no server, and shows what was erased from the stores, too.\n\n" + queryHelp + "\n" +
			"Of whole journeys, and of until, the tail knows nothing.\n\n" +
			"A --template is one of Go's text/template: {{.Time}} {{.Level}} {{.Service}} {{.Instance}} {{.Message}} {{.Error}} {{.Kind}} {{.ID}} {{.EventID}}\n" +
			"{{.Trace}} {{.Span}} {{.Operation}} {{.Outcome}} {{.Labels.order_id}} {{.JSON}}\n\n" + exitCodes,
		Example: "  waybill tail -s bank -l warn\n  waybill tail 'timeout OR refused' --since 15m --highlight 'shop\\.\\w+'\n  waybill tail --template '{{.ID}} {{.Message}}' --limit 1 --timeout 30s",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if t.style, err = a.style(t.display); err != nil {
				return err
			}
			if err := t.prepare(strings.Join(args, " ")); err != nil {
				return usage(err)
			}
			cfg, err := loadConfig(cmd, a.environ, a.stderr)
			if err != nil {
				return err
			}
			ctx, cancel := t.limited(cmd.Context())
			defer cancel()
			straight := cfg.sources["kafka-brokers"] == fromFlag // brokers of the environment are for services
			switch {
			case straight && cfg.sources["server"] == fromFlag:
				return usage(errors.New("give --server or --kafka-brokers, not both: each says where records come from"))
			case straight && t.ui:
				return usage(errors.New("--ui shows journeys, too, and asks a server for them: leave out --kafka-brokers"))
			case straight && t.last > 0:
				return usage(errors.New("-n asks a server for the last records: leave out --kafka-brokers, or say --since"))
			}
			c, err := clientOf(&cfg)
			if err != nil {
				return err
			}
			if t.ui {
				return a.screen(ctx, c, &t)
			}
			p := newPrinter(a, &t)
			var counts live.Receipt
			if straight {
				counts, err = tailKafka(ctx, &cfg, t.query, p.watcher())
			} else {
				q, asked := p.recent.read(ctx, c, t.query, t.last, p.record)
				if err = asked; err == nil {
					counts, err = c.Tail(ctx, q, p.watcher())
				}
			}
			return p.end(counts, asking(t.query, err))
		},
		ValidArgsFunction: completeQuery,
	}
	t.display = addDisplay(cmd, "text", "json", "jsonl")
	t.narrowing.add(cmd)
	addKafkaSettings(cmd)
	f := cmd.Flags()
	f.IntVarP(&t.last, "last", "n", 0, "begin with the last so many that are stored, 1,000 at most")
	f.IntVar(&t.limit, "limit", 0, "end after so many; 0: never")
	f.StringArrayVarP(&t.include, "include", "i", nil, "show only what matches this regular expression (RE2), or another one given so")
	f.StringArrayVarP(&t.exclude, "exclude", "e", nil, "do not show what matches it")
	f.StringArrayVar(&t.highlight, "highlight", nil, "highlight what matches it")
	f.StringVar(&t.template, "template", "", "what is written of a record")
	f.BoolVar(&t.failEmpty, "fail-empty", false, "exit with 3 if nothing was shown when --timeout ends it")
	f.BoolVar(&t.ui, "ui", false, "on a terminal: follow, pause, filter, and open journeys")
	return cmd
}

const (
	maxLast     = 1000
	maxPatterns = 50
	maxPattern  = 1000 // bytes of one
)

// prepare checks what was given.
func (t *tailing) prepare(q string) (err error) {
	t.query = t.narrowing.of(q)
	t.lines = terminal.Lines{Style: t.style, Format: terminal.Format(t.output)}
	for _, p := range []struct {
		flag string
		of   []string
		into *[]*regexp.Regexp
	}{{"include", t.include, &t.lines.Include}, {"exclude", t.exclude, &t.lines.Exclude}, {"highlight", t.highlight, &t.lines.Highlight}} {
		if *p.into, err = patterns(p.flag, p.of); err != nil {
			return err
		}
	}
	if t.template != "" {
		if t.lines.Template, err = terminal.ParseTemplate(t.template); err != nil {
			return fmt.Errorf("--template: %w", err)
		}
		if t.output != "text" {
			return fmt.Errorf("--template says what is written: leave out -o %s", t.output)
		}
	}
	switch {
	case t.last < 0 || t.last > maxLast:
		return fmt.Errorf("-n %d: want 0 to %d", t.last, maxLast)
	case t.last > 0 && t.narrowing.since != "":
		return errors.New("give -n or --since, not both: each says where to begin")
	case t.limit < 0:
		return fmt.Errorf("--limit %d: want how many at most; 0 is no limit", t.limit)
	}
	return nil
}

func patterns(flag string, of []string) (out []*regexp.Regexp, err error) {
	if len(of) > maxPatterns {
		return nil, fmt.Errorf("--%s is given %d times; %d is the most", flag, len(of), maxPatterns)
	}
	for _, text := range of {
		if len(text) > maxPattern {
			return nil, fmt.Errorf("--%s: an expression has at most %d bytes", flag, maxPattern)
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w; the syntax is that of RE2", flag, err)
		}
		out = append(out, re)
	}
	return out, nil
}

// printer prints a tail.
type printer struct {
	a    *app
	t    *tailing
	out  *bufio.Writer
	line []byte

	printed int    // records
	hidden  int    // by --include and --exclude
	told    uint64 // how many were skipped

	recent recent
}

func newPrinter(a *app, t *tailing) *printer {
	return &printer{a: a, t: t, out: bufio.NewWriterSize(a.stdout, 64<<10)}
}

// errEnough ends a tail by --limit.
var errEnough = errors.New("shown as many as --limit says")

func (p *printer) watcher() client.Watcher {
	return client.Watcher{Event: p.event, Pause: p.out.Flush, Cut: func(err error, wait time.Duration) {
		p.say("%s; trying again in %s", terminal.Clean(err.Error()), wait.Round(100*time.Millisecond))
	}}
}

func (p *printer) say(format string, args ...any) {
	if !p.t.quiet {
		_ = p.out.Flush() // an error of it comes again
		fmt.Fprintf(p.a.stderr, format+"\n", args...)
	}
}

func (p *printer) event(e *live.Event) error {
	switch {
	case e.Gap != nil && e.Gap.Until < e.Gap.From:
		p.say("partition %d was made anew or has lost its end: it goes on at %d, and was read up to %d", e.Gap.Partition, e.Gap.Until, e.Gap.From)
	case e.Gap != nil:
		p.say("Kafka has dropped %d messages of partition %d, from %d on: nobody can tell what was in them", e.Gap.Until-e.Gap.From, e.Gap.Partition, e.Gap.From)
	case e.Receipt != nil:
		if e.Receipt.Skipped > p.told {
			p.told = e.Receipt.Skipped
			p.say("%s", p.receipt(*e.Receipt))
		}
	case !p.recent.had(e.Record):
		return p.record(e.Record)
	}
	return nil
}

func (p *printer) record(raw []byte) (err error) {
	if p.t.style.Times == terminal.Relative {
		p.t.lines.Style.Now = time.Now()
	}
	shown := false
	p.line, shown, err = p.t.lines.Append(p.line[:0], raw)
	switch {
	case err != nil:
		return err
	case !shown:
		p.hidden++
		return nil
	}
	p.printed++
	if _, err := p.out.Write(p.line); err != nil {
		return err
	}
	if p.t.limit > 0 && p.printed >= p.t.limit {
		return errEnough
	}
	return nil
}

// receipt is what has become of all that matched.
func (p *printer) receipt(r live.Receipt) string {
	text := fmt.Sprintf("shown %d", p.printed)
	if p.hidden > 0 {
		text += fmt.Sprintf(", hidden %d by --include and --exclude", p.hidden)
	}
	return text + fmt.Sprintf(", skipped %d", r.Skipped)
}

// end says what the tail has come to, and how it ended.
func (p *printer) end(counts live.Receipt, err error) error {
	flushed := p.out.Flush()
	if flushed != nil && err == nil {
		err = flushed
	}
	began := counts.Matched > 0 || p.printed > 0 || errors.Is(err, context.Canceled) || errors.Is(err, errTimeout)
	if flushed == nil && began {
		p.say("%s", p.receipt(counts))
	}
	switch {
	case errors.Is(err, errEnough):
		return nil
	case errors.Is(err, errTimeout) && p.printed == 0 && p.t.failEmpty:
		return coded{errors.New("nothing was shown before --timeout has passed"), exitNotFound}
	}
	return err
}

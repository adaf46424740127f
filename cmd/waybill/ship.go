package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // images have no time zones

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/waybill-log/waybill/ship"
	"github.com/waybill-log/waybill/ship/format"
	"github.com/waybill-log/waybill/terminal"
)

// defaultCollector is where up and collect take in records by default.
const defaultCollector = "http://127.0.0.1:7601"

// shipFlags are what waybill ship is asked for, beside settings.
type shipFlags struct {
	format, pattern, multiline, times, zone, position, output string
	ids, services, nodes                                      []string
	follow, again, allIDs, dryRun, showUnparsed, quiet        bool
	maxLine                                                   int
	giveUp                                                    time.Duration
}

func (a *app) ship() *cobra.Command {
	var o shipFlags
	cmd := &cobra.Command{
		Use: "ship [FILE|GLOB|-]…", Short: "Ship logs that exist already into journeys",
		Long: `Ship logs that exist already, with no change to what writes them, to a collector or straight to Kafka.

A record's identity is where its line stands: the file by its first bytes, and the offset. A file that is shipped twice is stored once, also under
another name or compressed; equal lines stay two. How far each file is shipped is remembered, and moves only behind what was acknowledged.

Try with --dry-run first: what is stored stays as it was shipped.`,
		Example: `  waybill ship --dry-run -o text --id-from 'req-[0-9a-f-]+' nova-api.log
  waybill ship -f '/var/log/app/*.log' --id-from json:ctx.request_id --service-from 'path:([a-z]+)\.log'
  waybill ship hdfs.log.gz --id-from 'blk_-?\d+' --time-format '060102 150405' \
      --pattern '^(?P<time>\d{6} \d{6}) \d+ (?P<level>\w+) (?P<service>[\w.$]+): (?P<message>.*)$'
  kubectl logs deploy/shop | waybill ship - --service-from shop`,
		RunE: func(cmd *cobra.Command, files []string) error { return a.runShip(cmd, files, o) },
	}
	f := cmd.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on when a file ends, over rotation, until interrupted")
	f.StringVar(&o.format, "format", format.Auto, "one of "+strings.Join(format.Names(), ", "))
	f.StringVar(&o.pattern, "pattern", "", "regular expression with named groups that a line is read with, instead of a format: time, level, message, service, …")
	f.StringVar(&o.multiline, "multiline", "", `regular expression of a record's first line, such as '^\d{4}-'; lines that do not match belong to the one before`)
	f.StringArrayVar(&o.ids, "id-from", nil, "where the correlation ID is: json:FIELD, path:REGEXP, or a regular expression on the message, its first group; repeatable, the first that finds one; what later ones find are other names")
	f.BoolVar(&o.allIDs, "all-ids", false, "ship a line in which several IDs are found for each of them, instead of the others being names of the first")
	f.StringArrayVar(&o.services, "service-from", nil, "the service: its name, json:FIELD, path:REGEXP or re:REGEXP; repeatable (default: what the line says, else the file's name)")
	f.StringArrayVar(&o.nodes, "node-from", nil, "the host or instance, written likewise (default: what the line says)")
	f.StringVar(&o.times, "time-format", "auto", "how times are written: rfc3339, clf, syslog, unix, unix_ms, unix_us, unix_ns, a layout of Go's or one of strptime's")
	f.StringVar(&o.zone, "timezone", "UTC", "zone of times without one: a name such as Europe/Berlin, or local")
	f.BoolVar(&o.again, "from-start", false, "read files from their beginning, wherever they had come to")
	f.StringVar(&o.position, "position", "", "folder that remembers how far files are shipped (default: ship in that of --data)")
	f.IntVar(&o.maxLine, "max-line", 0, "most bytes that are kept of a line (default: 1 MiB, of otlp 16 MiB)")
	f.DurationVar(&o.giveUp, "give-up-after", time.Minute, "how long to try without an answer; 0, and with --follow unless set: for ever")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the records instead of shipping them")
	f.StringVarP(&o.output, "output", "o", "jsonl", "with --dry-run: jsonl or text")
	f.BoolVar(&o.showUnparsed, "show-unparsed", false, "show on stderr the lines that are not of their file's format")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say on stderr only what fails")
	addSettings(cmd, append([]string{"collector-url", "token", "token-file", "data"}, kafkaClientSettings...)...)
	return cmd
}

func (a *app) runShip(cmd *cobra.Command, files []string, o shipFlags) (ended error) {
	cfg, err := loadConfig(cmd, a.environ, a.stderr)
	if err != nil {
		return err
	}
	s, err := o.config(files)
	if err != nil {
		return usage(err)
	}
	said := &sayer{w: a.stderr}
	defer said.clear()
	if !o.quiet {
		s.Warn = said.say
	}
	if o.showUnparsed {
		s.Unparsed = func(file string, offset int64, text string) {
			said.say(fmt.Sprintf("unparsed: %s at %d: %s", file, offset, text))
		}
	}
	if o.dryRun {
		s.InOrder = true
		s.Carrier = dryRun{a.stdout, o.output}
	} else {
		patience := ship.Patience{GiveUp: o.giveUp, Warn: said.say}
		if o.follow && !cmd.Flags().Changed("give-up-after") {
			patience.GiveUp = 0
		}
		carrier, err := a.carrier(cmd.Context(), cfg, patience, o.follow)
		if err != nil {
			return shipError(err)
		}
		defer func() { ended = errors.Join(ended, carrier.Close()) }()
		s.Carrier = carrier
		positions, warning, err := ship.OpenPositions(cmp.Or(o.position, filepath.Join(cfg.Data, "ship")))
		if err != nil {
			return err
		}
		defer func() { ended = errors.Join(ended, positions.Close()) }()
		if warning != "" {
			said.say(warning)
		}
		s.Positions = positions
		if file, ok := a.stderr.(*os.File); ok && !o.quiet && !o.follow && term.IsTerminal(int(file.Fd())) {
			s.Progress = said.progress
		}
	}
	receipt, err := ship.Run(cmd.Context(), s)
	said.clear()
	if again, ok := s.Carrier.(interface{ Retries() int64 }); ok {
		receipt.Retries = again.Retries()
	}
	if o.dryRun && !o.quiet {
		fmt.Fprintln(a.stderr, "waybill: a dry run, nothing was shipped")
	}
	if !o.quiet || err != nil {
		fmt.Fprintln(a.stderr, "waybill:", receipt)
	}
	switch {
	case err != nil:
		return shipError(err)
	case receipt.Failed > 0:
		return fmt.Errorf("%d files were not read, or not to their end", receipt.Failed)
	case receipt.Refused > 0:
		return fmt.Errorf("%d records were refused; what the server said of them stands above", receipt.Refused)
	}
	return nil
}

// shipError gives an error its exit code.
func shipError(err error) error {
	switch {
	case errors.Is(err, ship.ErrUnreachable):
		return coded{err, exitUnreachable}
	case errors.Is(err, ship.ErrNotAllowed):
		return coded{errors.New(terminal.Clean(err.Error())), exitNotAllowed}
	case errors.Is(err, context.Canceled):
		return coded{errors.New("interrupted; the next run goes on behind what was acknowledged"), exitInterrupted}
	}
	return err
}

// carrier connects to Kafka where that is set, else to a collector.
func (a *app) carrier(ctx context.Context, cfg config, patience ship.Patience, follow bool) (interface {
	ship.Carrier
	io.Closer
}, error) {
	if len(cfg.KafkaBrokers) > 0 {
		return ship.NewKafka(cfg.KafkaBrokers, cfg.kafkaSecurity(), patience)
	}
	server, err := ship.NewServer(cmp.Or(cfg.CollectorURL, defaultCollector), cfg.Token, patience)
	if err != nil {
		return nil, usage(err)
	}
	if err := server.Check(ctx); err != nil && (!follow || !errors.Is(err, ship.ErrUnreachable)) {
		return nil, fmt.Errorf("%w; start one with waybill up, or set --collector-url or --kafka-brokers", err)
	}
	return server, nil
}

// config reads the flags. Its error says what they should be.
func (o *shipFlags) config(files []string) (ship.Config, error) {
	c := ship.Config{Files: files, Stdin: os.Stdin, Follow: o.follow, Again: o.again || o.dryRun, Format: format.Canonical(o.format), AllIDs: o.allIDs, MaxLine: o.maxLine}
	if len(files) == 0 {
		if o.follow || term.IsTerminal(int(os.Stdin.Fd())) {
			return c, errors.New("ship wants files or globs, or - for stdin; see waybill ship --help")
		}
		c.Files = []string{"-"}
	}
	if c.Format == "" {
		return c, fmt.Errorf("--format %s: want one of %s", o.format, strings.Join(format.Names(), ", "))
	}
	if o.output != "jsonl" && o.output != "text" {
		return c, fmt.Errorf("-o %s: want jsonl or text", o.output)
	}
	if o.maxLine != 0 && (o.maxLine < 1<<10 || o.maxLine > 64<<20) {
		return c, fmt.Errorf("--max-line %d: want 1024 to %d bytes", o.maxLine, 64<<20)
	}
	c.MaxLine += c.MaxLine % 2 // of UTF-16, whole units
	for _, e := range []struct {
		flag, text string
		into       **regexp.Regexp
	}{{"pattern", o.pattern, &c.Pattern}, {"multiline", o.multiline, &c.Start}} {
		if e.text == "" {
			continue
		}
		re, err := regexp.Compile(e.text)
		if err != nil {
			return c, fmt.Errorf("--%s: %w", e.flag, err)
		}
		*e.into = re
	}
	if c.Pattern != nil {
		if c.Format != format.Auto {
			return c, errors.New("give --pattern or --format, not both")
		}
		if _, err := format.New(format.Pattern, format.Options{Pattern: c.Pattern}); err != nil {
			return c, fmt.Errorf("--pattern: %w", err)
		}
	}
	for _, list := range []struct {
		flag  string
		texts []string
		parse func(string) (ship.Source, error)
		into  *[]ship.Source
	}{{"id-from", o.ids, ship.ParseIDSource, &c.IDs}, {"service-from", o.services, ship.ParseNameSource, &c.Services}, {"node-from", o.nodes, ship.ParseNameSource, &c.Nodes}} {
		for _, text := range list.texts {
			source, err := list.parse(text)
			if err != nil {
				return c, fmt.Errorf("--%s: %w", list.flag, err)
			}
			*list.into = append(*list.into, source)
		}
	}
	name := o.zone
	if strings.EqualFold(name, "local") {
		name = "Local"
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return c, fmt.Errorf("--timezone %s: want a name such as Europe/Berlin, UTC or local", o.zone)
	}
	if c.Times, err = format.ParseTimes(o.times, zone); err != nil {
		return c, fmt.Errorf("--time-format: %w", err)
	}
	return c, nil
}

// dryRun is the carrier of a dry run.
type dryRun struct {
	w      io.Writer
	output string
}

// Carry implements ship.Carrier.
func (p dryRun) Carry(_ context.Context, b *ship.Batch) (int, error) {
	var out bytes.Buffer
	for value := range b.All() {
		if p.output == "jsonl" {
			out.Write(escapeJSON(value))
		} else {
			writeShipped(&out, value)
		}
		out.WriteByte('\n')
	}
	_, err := out.WriteTo(p.w)
	return 0, err
}

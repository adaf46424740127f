package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/doctor"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/store/elastic"
	"github.com/waybill-log/waybill/terminal"
)

// errIll means that something is wrong, and has been told.
var errIll = errors.New("something is wrong; see above")

// doctor examines the stack, and where IDs die.
func (a *app) doctor() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Examine settings, server, broker, store, clocks and tokens, and say what to do",
		Long:    "Examine the stack as these settings have it. Exit with 1 if something does not work; what works and should be looked at is a worry, and no more.",
		Example: "  waybill doctor\n  waybill doctor --kafka-brokers kafka:9092 --elasticsearch-urls http://es:9200\n  waybill doctor propagation --since 15m",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrongCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "jsonl" {
				return usage(fmt.Errorf("-o %s: want text or jsonl", output))
			}
			cfg, err := loadConfig(cmd, a.environ, a.stderr)
			if err != nil {
				return err
			}
			c, err := clientOf(&cfg)
			if err != nil {
				return err
			}
			tell := func(r doctor.Result) {
				fmt.Fprintf(a.stdout, "%-7s  %-9s  %s\n", r.State, r.Name, terminal.Clean(r.Says))
				if r.Do != "" {
					fmt.Fprintf(a.stdout, "%-18s  → %s\n", "", terminal.Clean(r.Do))
				}
			}
			if output == "jsonl" {
				out := json.NewEncoder(a.stdout)
				tell = func(r doctor.Result) { _ = out.Encode(r) } // a broken pipe ends the process
			}
			if doctor.Examine(cmd.Context(), checksOf(&cfg, c), tell) == doctor.Ill {
				return errIll
			}
			return cmd.Context().Err()
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or jsonl")
	allSettings(cmd)
	cmd.AddCommand(a.doctorPropagation())
	return cmd
}

// checksOf are those that the settings allow.
func checksOf(cfg *config, c *client.Client) []doctor.Check {
	connect := func() (sarama.Client, error) {
		brokers := cfg.KafkaBrokers
		if len(brokers) == 0 {
			brokers = []string{cfg.KafkaAddr}
		}
		return collector.Connect(brokers, cfg.kafkaSecurity())
	}
	checks := append([]doctor.Check{{Name: "settings", Run: func(context.Context) []doctor.Result { return examineSettings(cfg) }}}, doctor.Server(c)...)
	checks = append(checks, doctor.Broker(connect), doctor.Clocks(func(ctx context.Context) (out []doctor.Ledger, err error) {
		kafka, err := connect()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, kafka.Close()) }()
		return doctor.Ledgers(ctx, kafka)
	}))
	if len(cfg.ElasticsearchURLs) > 0 {
		checks = append(checks, doctor.Check{Name: "elasticsearch", Run: func(ctx context.Context) []doctor.Result { return examineElasticsearch(ctx, cfg) }})
	}
	return checks
}

// examineSettings says what is read, and of the routes whether they can be.
func examineSettings(cfg *config) []doctor.Result {
	given := 0
	for _, from := range cfg.sources {
		if from != fromDefault {
			given++
		}
	}
	out := []doctor.Result{{State: doctor.Well, Says: fmt.Sprintf("%d of %d are given, and all can be used", given, len(settings))}}
	if cfg.Routes == "" {
		return append(out, doctor.Result{Name: "routes", State: doctor.Worry, Says: "nobody has said who picks up the messages of which topic, so no message is called stalled for who has not",
			Do: "declare them in a file and name it with --routes"})
	}
	routes, err := evidence.ReadRoutes(cfg.Routes)
	if err != nil {
		return append(out, doctor.Result{Name: "routes", State: doctor.Ill, Says: err.Error()})
	}
	return append(out, doctor.Result{Name: "routes", State: doctor.Well, Says: fmt.Sprintf("%d topics have routes", len(routes))})
}

func examineElasticsearch(ctx context.Context, cfg *config) []doctor.Result {
	templates, err := elastic.Inspect(ctx, cfg.elasticsearch())
	if err != nil {
		return []doctor.Result{{State: doctor.Ill, Says: err.Error(), Do: "say where it is with --elasticsearch-urls, and who asks with --elasticsearch-user or --elasticsearch-api-key-file"}}
	}
	out := []doctor.Result{{State: doctor.Well, Says: "it answers, and has all primary shards"}}
	for _, t := range templates {
		r := doctor.Result{Name: "templates", State: doctor.Well, Says: fmt.Sprintf("%s has version %d", t.Name, t.There)}
		switch {
		case t.There == 0:
			r.State, r.Says, r.Do = doctor.Ill, "there is no index template "+t.Name+", or it may not be seen", "start a collector, which puts it"
		case t.There < t.Own:
			r.State, r.Do = doctor.Worry, fmt.Sprintf("this binary has version %d: start a collector of this release, which puts it; it holds for new indices", t.Own)
		case t.There > t.Own:
			r.State, r.Do = doctor.Worry, fmt.Sprintf("this binary has version %d, and is older than a collector that has run", t.Own)
		}
		out = append(out, r)
	}
	return out
}

// doctorPropagation says where correlation IDs die.
func (a *app) doctorPropagation() *cobra.Command {
	var d *display
	var n narrowing
	var method string
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "propagation [URL...]", Short: "Name the hop where correlation IDs die, are renamed, rewritten or cut short",
		Long: "Without a URL: look at real traffic, as records tell of it, and hold each call and message against the visit that it led to.\n" +
			"With URLs: send each a request with an ID of its own, and look where that ID comes and where it does not. Say so only of what may be asked at any time.\n\n" +
			"Nothing is printed where all is well. Exit with 1 if an ID does not come through somewhere; where that cannot be told, it says so.\n\n" + exitCodes,
		Example: "  waybill doctor propagation --since 15m\n  waybill doctor propagation http://127.0.0.1:7700/v2/home",
		RunE: func(cmd *cobra.Command, urls []string) error {
			if _, err := a.style(d); err != nil {
				return err
			}
			c, err := a.client(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := d.limited(cmd.Context())
			defer cancel()
			if len(urls) > 0 {
				return a.probe(ctx, c, d, urls, doctor.Probe{Method: method, Wait: wait})
			}
			return a.lookAtTraffic(ctx, c, d, &n)
		},
	}
	d = addDisplay(cmd, "text", "json")
	n.add(cmd)
	f := cmd.Flags()
	f.StringVarP(&method, "method", "X", "GET", "method of the requests to the URLs")
	f.DurationVar(&wait, "wait", 15*time.Second, "how long to wait for records of such a request")
	return cmd
}

const usualWindow = 15 * time.Minute

// settling is how long what was sent is given to arrive and be written down.
const settling = 10 * time.Second

func (a *app) lookAtTraffic(ctx context.Context, c *client.Client, d *display, n *narrowing) error {
	spans, found, err := doctor.Gather(ctx, c, n.of(""), time.Now().Add(-usualWindow))
	if err != nil {
		return asking(n.of(""), err)
	}
	until := time.Now().Add(-settling)
	if found.AsOf != nil && found.AsOf.Add(-settling).Before(until) {
		until = found.AsOf.Add(-settling)
	}
	report := doctor.Propagation(spans, until)
	if err := a.report(d, &report, report); err != nil {
		return err
	}
	if !d.quiet {
		fmt.Fprintf(a.stderr, "looked at %d calls and messages: %d arrived with their ID, %d went where nobody writes records, %d came nowhere\n", report.Sends, report.Arrived, report.Unheard, report.Unanswered)
		if found.More {
			fmt.Fprintf(a.stderr, "there were more records than the newest %d, which is what was looked at; narrow with --service or --since\n", doctor.MaxRecords)
		}
	}
	return verdictOf(&report)
}

func (a *app) probe(ctx context.Context, c *client.Client, d *display, urls []string, p doctor.Probe) error {
	var worst error
	for _, url := range urls {
		p.URL = url
		probed, err := p.Do(ctx, c)
		if err != nil {
			return usageOf(err, url)
		}
		if err := a.report(d, &probed.Report, probed); err != nil {
			return err
		}
		if !d.quiet {
			fmt.Fprintf(a.stderr, "%s answered %d; tracking number %s; %d calls and messages looked at, %d arrived with their ID\n",
				terminal.Clean(url), probed.Status, probed.ID, probed.Report.Sends, probed.Report.Arrived)
		}
		worst = errors.Join(worst, verdictOf(&probed.Report))
	}
	if worst != nil {
		return errIll
	}
	return nil
}

// report writes what was found; all is whatever JSON has.
func (a *app) report(d *display, r *doctor.Report, all any) error {
	if d.output == "json" {
		return json.NewEncoder(a.stdout).Encode(all)
	}
	var out strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintln(&out, terminal.Clean(f.String()))
	}
	for _, doubt := range r.Doubts {
		fmt.Fprintln(&out, terminal.Clean(doubt.String()))
	}
	_, err := a.stdout.Write([]byte(out.String()))
	return err
}

// verdictOf is an error where an ID surely does not come through.
func verdictOf(r *doctor.Report) error {
	if len(r.Findings) > 0 {
		return errIll
	}
	return nil
}

// usageOf tells a URL that is none from one that does not answer.
func usageOf(err error, url string) error {
	if strings.Contains(err.Error(), "want a URL") {
		return usage(err)
	}
	return coded{fmt.Errorf("%w; %s has to answer for a probe to be followed", err, url), exitUnreachable}
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/demo-services/shop"
	"github.com/waybill-log/waybill/journey"
)

// firstLook is what demo -o json prints.
type firstLook struct {
	CorrelationID string          `json:"correlation_id"`
	Verdict       journey.Verdict `json:"verdict"`
	URL           string          `json:"url"`
}

// demonstration is how the demo is run.
type demonstration struct {
	once, processes, child bool
	output, scenario, load string
	within                 time.Duration
	rate                   float64 // load, read
}

var demoSettings = []string{"server", "gateway-addr", "registry-addr", "bank-addr", "game-addr", "demo-addr", "demo-services", "registry-url", "public-url", "demo-protocol"}

func (a *app) demo() *cobra.Command {
	var d demonstration
	cmd := &cobra.Command{
		Use: "demo", Short: "Run everything with demo services, buy something and track it", Args: none,
		Long: "Run everything in one process together with the demo services, buy 100 points for $100, and show the journey.\n" +
			"With --server set, the demo services run alone and that server is asked.\n\n" +
			"With --scenario something is broken first:\n\n" + scenarios(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := d.check(); err != nil {
				return usage(err)
			}
			return a.runStack(cmd, func(ctx context.Context, s *stack) error {
				if err := a.runDemo(ctx, s, &d); err != nil {
					return err
				}
				if d.once {
					s.failed <- nil
				}
				return nil
			})
		},
	}
	addSettings(cmd, append(slices.Clone(demoSettings), upSettings...)...)
	cmd.Flags().BoolVar(&d.once, "once", false, "end as soon as the purchase is delivered, or the scenario played")
	cmd.Flags().StringVarP(&d.output, "output", "o", "text", "text or json")
	cmd.Flags().DurationVar(&d.within, "within", time.Minute, "how long the purchase, or the scenario, may take")
	cmd.Flags().StringVar(&d.scenario, "scenario", "", "what goes wrong: see above")
	cmd.Flags().StringVar(&d.load, "load", "", "keep people coming, such as 50/s")
	cmd.Flags().BoolVar(&d.processes, "processes", false, "run each demo service as a process of its own, which can be killed")
	cmd.Flags().BoolVar(&d.child, "child", false, "say where the services are, and end when stdin does")
	_ = cmd.Flags().MarkHidden("child") // what --processes starts
	return cmd
}

func scenarios() string {
	var text strings.Builder
	for _, s := range shop.Scenarios() {
		fmt.Fprintf(&text, "  %-12s %s\n", s.Name, s.About)
	}
	return text.String()
}

func (d *demonstration) check() (err error) {
	if d.output != "text" && d.output != "json" {
		return fmt.Errorf("-o %s: want text or json", d.output)
	}
	var names []string
	for _, s := range shop.Scenarios() {
		names = append(names, s.Name)
	}
	if d.scenario != "" && !slices.Contains(names, d.scenario) {
		return fmt.Errorf("--scenario %s: want one of %s", d.scenario, strings.Join(names, ", "))
	}
	if d.load != "" {
		number, ok := strings.CutSuffix(d.load, "/s")
		if d.rate, err = strconv.ParseFloat(number, 64); !ok || err != nil || !(d.rate > 0 && d.rate <= 10_000) {
			return fmt.Errorf("--load %s: want a rate such as 50/s, of at most 10000/s", d.load)
		}
	}
	return nil
}

// runDemo starts what is needed, and plays.
func (a *app) runDemo(ctx context.Context, s *stack, d *demonstration) error {
	console := atLeast{slog.LevelWarn, a.console()}
	data := filepath.Join(s.cfg.Data, "demo")
	server := s.cfg.Server
	switch {
	case server == "":
		if s.cfg.Routes == "" {
			table, err := shop.Routes(data)
			if err != nil {
				return err
			}
			s.cfg.routes = expected(table)
		}
		if s.cfg.Alerts == "" {
			var err error
			if s.cfg.Alerts, err = shop.Alerts(data); err != nil {
				return err
			}
		}
		if err := s.startAll(ctx, console); err != nil {
			return err
		}
		server = s.url
	case len(s.cfg.KafkaBrokers) == 0:
		return usage(errors.New("demo with --server needs --kafka-brokers too: the demo services have to write where that server reads"))
	}
	public := cmp.Or(s.cfg.PublicURL, server)
	cfg := shop.Config{
		Brokers: s.brokers, Data: data, Console: console, Protocol: s.cfg.DemoProtocol, Services: s.cfg.DemoServices, Registry: s.cfg.RegistryURL,
		Addrs: s.cfg.demoAddrs(), Track: public + "/?id=",
	}
	var services *shop.Shop
	var err error
	if d.processes {
		services, err = a.startProcesses(ctx, cfg, "--server", server, "--public-url", public, "--data", s.cfg.Data)
	} else {
		services, err = shop.Start(ctx, cfg)
	}
	if err != nil {
		return err
	}
	s.onStop("demo services", services.Close)
	if d.rate > 0 {
		s.goOn(ctx, "visitors", func(ctx context.Context) { services.Load(ctx, d.rate) })
	}
	switch {
	case d.child:
		return a.beChild(s, services)
	case len(s.cfg.DemoServices) > 0:
		slog.New(a.console()).InfoContext(ctx, "demo services are running", "services", s.cfg.DemoServices)
		return nil
	}
	err = a.play(ctx, newClient(server, s.cfg.Token), services, d)
	if d.once && d.scenario != "" { // nobody is there to turn them back
		err = errors.Join(err, services.Mend())
	}
	return err
}

// expected is who picks up the messages of which topic, and how soon: the services send by the same table.
func expected(t *messaging.Table) (routes []journey.Route) {
	for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
		if topic := t.Topics[name]; len(topic.Readers) > 0 {
			routes = append(routes, journey.Route{Topic: name, Stations: topic.Readers, Within: topic.Within})
		}
	}
	return routes
}

// play buys, or plays a scenario, and prints the journey.
func (a *app) play(ctx context.Context, c *client, services *shop.Shop, d *demonstration) (err error) {
	var id string
	var played shop.Scenario
	var j *journey.Journey
	if d.scenario == "" {
		if id, err = services.Buy(ctx, "USER1", 100); err == nil {
			j, err = a.follow(ctx, c, id, d.within)
		}
	} else if id, played, err = services.Play(ctx, d.scenario); err == nil {
		j, err = a.followTo(ctx, c, id, d.within, played.Ends)
	}
	if err != nil {
		return err
	}
	page := services.Track(id)
	if d.output == "json" {
		return json.NewEncoder(a.stdout).Encode(firstLook{id, j.Verdict, page})
	}
	if err := writeJourney(a.stdout, j); err != nil {
		return err
	}
	if played.Name != "" {
		if _, err := fmt.Fprintf(a.stdout, "\nScenario:   %s. %s\nLook for:   %s\n", played.Name, played.About, played.Look); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.stdout, "\nSee it:     %s\nTrack it:   waybill track --server %s %s\nThe shop:   %s/ (USER1, demo1)\nBreak it:   %s/admin/\n",
		page, c.server, id, services.URL(), services.RegistryURL())
	return err
}

// follow asks for a journey until it is delivered and the horizon has passed
// its end. It fails with the reason when that does not happen in time.
func (a *app) follow(ctx context.Context, c *client, id string, within time.Duration) (*journey.Journey, error) {
	return a.until(ctx, c, id, within, func(j *journey.Journey) string {
		switch {
		case j.Verdict != journey.Delivered || j.Completeness != journey.Proved:
			return fmt.Sprintf("it is %s (%s), its records are %s (%s)", j.Verdict, j.Reason, j.Completeness, j.CompletenessReason)
		case j.AsOf == nil || !j.AsOf.After(j.End):
			return "it is delivered, but the collector has not said that it has stored all there is"
		}
		return ""
	})
}

// followTo asks for a journey until it has one of some verdicts and the horizon has passed its end.
func (a *app) followTo(ctx context.Context, c *client, id string, within time.Duration, ends []string) (*journey.Journey, error) {
	return a.until(ctx, c, id, within, func(j *journey.Journey) string {
		if !slices.Contains(ends, string(j.Verdict)) || j.AsOf == nil || !j.AsOf.After(j.End) {
			return fmt.Sprintf("it is %s (%s)", j.Verdict, j.Reason)
		}
		return ""
	})
}

// until asks for a journey until amiss has nothing to say of it.
func (a *app) until(ctx context.Context, c *client, id string, within time.Duration, amiss func(*journey.Journey) string) (*journey.Journey, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, errTooLate)
	defer cancel()
	last := "no record has arrived"
	for {
		j, err := c.journey(ctx, id)
		switch {
		case err == nil:
			if last = amiss(j); last == "" {
				return j, nil
			}
		case errors.Is(err, errNotNow):
			last = err.Error()
		case exitCode(err) != exitNotFound && ctx.Err() == nil:
			return nil, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errTooLate) {
				return nil, fmt.Errorf("purchase %s was not delivered within %v: %s", id, within, last)
			}
			return nil, ctx.Err()
		}
	}
}

var errTooLate = errors.New("too late")

// demoAddrs are where demo services listen. Some have a setting of their own.
func (c *config) demoAddrs() map[string]string {
	addrs := map[string]string{"gateway": c.GatewayAddr, "registry": c.RegistryAddr, "bank": c.BankAddr, "game": c.GameAddr}
	for _, name := range shop.Names() {
		if _, has := addrs[name]; !has && c.DemoAddr != "" {
			addrs[name] = c.DemoAddr
		}
	}
	return addrs
}

// atLeast shows only what is of a level or above it.
type atLeast struct {
	level slog.Level
	slog.Handler
}

func (h atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}
func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.level, h.Handler.WithAttrs(attrs)}
}
func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.level, h.Handler.WithGroup(name)}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/demo-services/shop"
	"github.com/waybill-log/waybill/journey"
)

// firstLook is what demo -o json prints.
type firstLook struct {
	CorrelationID string          `json:"correlation_id"`
	Verdict       journey.Verdict `json:"verdict"`
	URL           string          `json:"url"`
}

func (a *app) demo() *cobra.Command {
	var once bool
	var output string
	var within time.Duration
	cmd := &cobra.Command{
		Use: "demo", Short: "Run everything with demo services, buy something and track it", Args: none,
		Long: "Run everything in one process together with the demo services, buy 100 points for $100, and show the journey.\n" +
			"With --server set, the demo services run alone and that server is asked.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return usage(fmt.Errorf("-o %s: want text or json", output))
			}
			return a.runStack(cmd, func(ctx context.Context, s *stack) error {
				if err := a.runDemo(ctx, s, output, within); err != nil {
					return err
				}
				if once {
					s.failed <- nil
				}
				return nil
			})
		},
	}
	addSettings(cmd, append([]string{"server", "gateway-addr", "registry-addr", "bank-addr", "game-addr"}, upSettings...)...)
	cmd.Flags().BoolVar(&once, "once", false, "end as soon as the purchase is delivered")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	cmd.Flags().DurationVar(&within, "within", time.Minute, "how long the purchase may take")
	return cmd
}

// runDemo starts what is needed, buys, and prints the journey once it is delivered.
func (a *app) runDemo(ctx context.Context, s *stack, output string, within time.Duration) error {
	console := atLeast{slog.LevelWarn, a.console()}
	server := s.cfg.Server
	switch {
	case server == "":
		if err := s.startAll(ctx, console); err != nil {
			return err
		}
		server = s.url
	case len(s.cfg.KafkaBrokers) == 0:
		return usage(errors.New("demo with --server needs --kafka-brokers too: the demo services have to write where that server reads"))
	}
	services, err := shop.Start(ctx, shop.Config{
		Brokers: s.brokers, Data: filepath.Join(s.cfg.Data, "demo"), Console: console,
		GatewayAddr: s.cfg.GatewayAddr, RegistryAddr: s.cfg.RegistryAddr, BankAddr: s.cfg.BankAddr, GameAddr: s.cfg.GameAddr,
	})
	if err != nil {
		return err
	}
	s.onStop("demo services", services.Close)

	id, err := services.Buy(ctx, "USER1", 100)
	if err != nil {
		return err
	}
	j, err := a.follow(ctx, newClient(server, s.cfg.Token), id, within)
	if err != nil {
		return err
	}
	page := server + "/?id=" + url.QueryEscape(id)
	if output == "json" {
		return json.NewEncoder(a.stdout).Encode(firstLook{id, j.Verdict, page})
	}
	if err := writeJourney(a.stdout, j); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "\nSee it:     %s\nTrack it:   waybill track --server %s %s\nBuy again:  curl -i -H 'Content-Type: application/json' -d '{\"user\":\"USER1\",\"points\":100}' %s/purchases\n",
		page, server, id, services.URL())
	return err
}

// follow asks for a journey until it is delivered and the horizon has passed
// its end. It fails with the reason when that does not happen in time.
func (a *app) follow(ctx context.Context, c *client, id string, within time.Duration) (*journey.Journey, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, errTooLate)
	defer cancel()
	last := "no record has arrived"
	for {
		j, err := c.journey(ctx, id)
		switch {
		case err == nil && j.Verdict == journey.Delivered && j.Completeness == journey.Proved:
			if j.AsOf != nil && j.AsOf.After(j.End) {
				return j, nil
			}
			last = "it is delivered, but the collector has not said that it has stored all there is"
		case err == nil:
			last = fmt.Sprintf("it is %s (%s), its records are %s (%s)", j.Verdict, j.Reason, j.Completeness, j.CompletenessReason)
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

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/alerts/hook"
	"github.com/waybill-log/waybill/alerts/owner"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// alerting is what is known of alerts in this process, and where silences and commands are
// handed in.
type alerting struct {
	*owner.View
	*owner.Desk
}

// openAlerts follows what all processes know of alerts, unless a part that was started before does.
func (s *stack) openAlerts(ctx context.Context, log *slog.Logger) error {
	if s.alerting.View != nil {
		return nil
	}
	client, err := collector.Connect(s.brokers, s.cfg.kafkaSecurity())
	if err != nil {
		return err
	}
	s.onStop("view of alerts", func(context.Context) error { return client.Close() })
	if err := owner.EnsureTopic(client, record.TopicAlerts, s.cfg.KafkaPartitions); err != nil {
		return err
	}
	desk, err := owner.NewDesk(client, record.TopicAlerts)
	if err != nil {
		return err
	}
	s.onStop("desk of alerts", func(context.Context) error { return desk.Close() })
	s.alerting = alerting{owner.NewView(client, record.TopicAlerts, log), desk}
	s.goOn(ctx, "view of alerts", s.alerting.Follow)
	return nil
}

// startAlerts evaluates rules and tells receivers.
//
//	rules file ─► watch ─┬─► member ─► hooks ─► receivers
//	                     └─────────────► ▲
func (s *stack) startAlerts(ctx context.Context, console slog.Handler) error {
	in, err := s.observe(ctx, "waybill-alerts", console)
	if err != nil {
		return err
	}
	log := in.Logger()
	if err := s.openAlerts(ctx, log); err != nil {
		return err
	}
	if err := s.startEvidence(ctx, log); err != nil {
		return err
	}
	// What becomes of a notification is a journey, so its records go where those of services go.
	telling, err := instrument.Start(ctx, instrument.Config{
		Service: "waybill-hooks", Brokers: s.brokers, Security: s.cfg.kafkaSecurity(), Console: console, Data: s.cfg.Data, BufferBytes: 8 << 20, Scoped: true,
	})
	if err != nil {
		return err
	}
	s.onStop("records of deliveries", telling.Shutdown)
	client, err := collector.Connect(s.brokers, s.cfg.kafkaSecurity())
	if err != nil {
		return err
	}
	s.onStop("topics of receivers", func(context.Context) error { return client.Close() })
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return fmt.Errorf("open topics of receivers: %w", err)
	}
	s.onStop("topics of receivers", func(context.Context) error { return producer.Close() })
	hooks, err := hook.New(hook.Config{Place: alerts.Place, AllowExec: s.cfg.AlertsExec, Producer: producer, Instrument: telling, Logger: log, Metrics: s.alertsMetrics})
	if err != nil {
		return err
	}
	s.onStop("hooks", func(ctx context.Context) error { hooks.Close(ctx); return nil })
	rules, err := owner.NewWatch(s.cfg.Alerts, hooks.Use, log)
	if err != nil {
		return usage(err)
	}
	member, err := owner.New(owner.Config{
		Brokers: s.brokers, Security: s.cfg.kafkaSecurity(), Partitions: s.cfg.KafkaPartitions, Rules: rules, Store: s.store, Evidence: s.gather, Routes: s.cfg.routes, Hooks: hooksOf{hooks, log},
		View: s.alerting.View, URL: s.journeyURL(), Command: hooksOf{hooks, log}.command, Logger: log, Metrics: s.alertsMetrics,
	})
	if err != nil {
		return err
	}
	s.onStop("alerts", func(context.Context) error { return member.Close() })
	s.goOn(ctx, "alerts", rules.Follow, func(ctx context.Context) {
		if err := member.Run(ctx); err != nil {
			s.failed <- fmt.Errorf("alerts: %w", err)
		}
	})
	log.Info("alerts are running", "rules", len(rules.Rules().Rules), "receivers", len(alerts.ReceiverNames(&rules.Rules().Receivers)), "file", s.cfg.Alerts)
	return nil
}

// journeyURL is a journey's page, but for its ID; empty where nobody has said where pages are.
func (s *stack) journeyURL() string {
	url := s.cfg.PublicURL
	if url == "" {
		url = s.url
	}
	if url == "" {
		return ""
	}
	return url + "/?id="
}

// hooksOf are the hooks as owners of alerts use them.
type hooksOf struct {
	*hook.Manager
	log *slog.Logger
}

// Notify gives up what is for a receiver that is no longer there: nothing would ever take it.
func (h hooksOf) Notify(ctx context.Context, n alerts.Notification) error {
	err := h.Manager.Notify(ctx, n)
	if errors.Is(err, hook.ErrUnknown) {
		h.log.ErrorContext(ctx, "nobody is told of an alert: its receiver is not in the rules file any more", "receiver", n.Receiver, "title", n.Title)
		return nil
	}
	return err
}

func (h hooksOf) command(ctx context.Context, c owner.Command) error {
	if c.Do == owner.Redrive {
		return h.Redrive(ctx, c.Receiver, c.Delivery)
	}
	_, err := h.Test(ctx, c.Receiver)
	return err
}

var alertsSettings = slices.Concat([]string{"kafka-partitions", "alerts", "alerts-addr", "alerts-exec", "public-url", "routes", "data"}, tokenSettings, kafkaSettings, storeSettings)

func (a *app) alertsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "alerts", Short: "Evaluate the rules of alerts and tell receivers", Args: none,
		Long: "Evaluate the rules of alerts and tell receivers. Several of these processes share the work, and take over from each other.\nTo ask about alerts, see waybill alert.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runStack(cmd, func(ctx context.Context, s *stack) error {
				if err := s.checkToken("alerts", s.cfg.AlertsAddr); err != nil {
					return err
				}
				if err := s.openRealStore(ctx, "alerts"); err != nil {
					return err
				}
				ln, err := listen("alerts", s.cfg.AlertsAddr)
				if err != nil {
					return err
				}
				if err := s.startAlerts(ctx, a.console()); err != nil {
					return errors.Join(err, ln.Close())
				}
				admin := http.NewServeMux()
				admin.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
				admin.Handle("/metrics", promhttp.HandlerFor(s.alertsMetrics, promhttp.HandlerOpts{}))
				s.serveHTTP("alerts' admin", ln, admin)
				slog.New(a.console()).InfoContext(ctx, "alerts can be asked how they are", "admin", "http://"+ln.Addr().String())
				return nil
			})
		},
	}
	addSettings(cmd, alertsSettings...)
	return cmd
}

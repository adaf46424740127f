package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"
)

var (
	securitySettings    = []string{"kafka-tls", "kafka-ca-file", "kafka-cert-file", "kafka-key-file", "kafka-user", "kafka-password", "kafka-password-file", "kafka-sasl-mechanism"}
	kafkaSettings       = append([]string{"kafka-brokers", "kafka-group"}, securitySettings...)
	kafkaClientSettings = append([]string{"kafka-brokers", "kafka-addr"}, securitySettings...)
	storeSettings       = []string{"elasticsearch-urls", "elasticsearch-user", "elasticsearch-password", "elasticsearch-password-file", "elasticsearch-api-key", "elasticsearch-api-key-file", "elasticsearch-ca-file"}
	tokenSettings       = []string{"token", "token-file"}
	clientSettings      = append([]string{"server", "server-ca-file", "context"}, tokenSettings...)
	collectSettings     = slices.Concat([]string{"kafka-partitions", "collector-addr", "otlp-http-addr", "otlp-grpc-addr", "retention"}, tokenSettings, kafkaSettings, storeSettings)
	serveSettings       = slices.Concat([]string{"query-addr", "routes", "tokens-file", "retention", "kafka-partitions"}, tokenSettings, kafkaSettings, storeSettings)
	upSettings          = slices.Compact(slices.Sorted(slices.Values(slices.Concat([]string{"kafka-addr", "data", "store-bytes", "alerts", "alerts-exec"}, collectSettings, serveSettings))))
)

func (a *app) up() *cobra.Command {
	cmd := &cobra.Command{
		Use: "up", Short: "Run everything in one process", Args: none,
		Long: "Run collector, query and alerts in one process, with the embedded broker and store where no address of a real one is set.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runStack(cmd, func(ctx context.Context, s *stack) error {
				return s.startAll(ctx, a.console())
			})
		},
	}
	addSettings(cmd, upSettings...)
	return cmd
}

func (s *stack) startAll(ctx context.Context, console slog.Handler) error {
	if err := s.openBroker(); err != nil {
		return err
	}
	if err := s.openStore(ctx); err != nil {
		return err
	}
	if err := s.startCollector(ctx, console); err != nil {
		return err
	}
	if err := s.startQuery(ctx, console); err != nil {
		return err
	}
	return s.startAlerts(ctx, console)
}

func (a *app) collect() *cobra.Command {
	cmd := &cobra.Command{
		Use: "collect", Short: "Run a collector: Kafka to Elasticsearch", Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runStack(cmd, func(ctx context.Context, s *stack) error {
				if err := s.openRealStore(ctx, "collect"); err != nil {
					return err
				}
				return s.startCollector(ctx, a.console())
			})
		},
	}
	addSettings(cmd, collectSettings...)
	return cmd
}

func (a *app) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the query API and the web page", Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runStack(cmd, func(ctx context.Context, s *stack) error {
				if err := s.openRealStore(ctx, "serve"); err != nil {
					return err
				}
				return s.startQuery(ctx, a.console())
			})
		},
	}
	addSettings(cmd, serveSettings...)
	return cmd
}

// openRealStore refuses the embedded parts, which belong to one process.
func (s *stack) openRealStore(ctx context.Context, command string) error {
	if len(s.cfg.KafkaBrokers) == 0 || len(s.cfg.ElasticsearchURLs) == 0 {
		return usage(fmt.Errorf("%s needs --kafka-brokers and --elasticsearch-urls; on one machine without them, use waybill up", command))
	}
	return s.openStore(ctx)
}

// runStack starts parts, waits for the end, and stops them in order.
func (a *app) runStack(cmd *cobra.Command, start func(context.Context, *stack) error) (err error) {
	cfg, err := loadConfig(cmd, a.environ, a.stderr)
	if err != nil {
		return err
	}
	s := newStack(cfg, a.console())
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := start(cmd.Context(), s); err != nil {
		return err
	}
	return s.wait(cmd.Context())
}

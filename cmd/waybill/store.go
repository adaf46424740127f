package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/store"
)

func (a *app) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "store", Short: "Look after the store",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("store %s: want prune", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.pruneStore())
	return cmd
}

func (a *app) pruneStore() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use: "prune", Short: "Drop the days that are older than --retention, as collectors do each hour",
		Example: "  waybill store prune --retention 30d --dry-run", Args: none,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := loadConfig(cmd, a.environ, a.stderr)
			if err != nil {
				return err
			}
			if cfg.retention == 0 {
				return usage(errors.New("prune wants --retention, such as 30d"))
			}
			if len(cfg.ElasticsearchURLs) == 0 {
				return usage(errors.New("prune needs --elasticsearch-urls: the embedded store keeps everything"))
			}
			s := newStack(cfg, a.console())
			defer func() { err = errors.Join(err, s.stop()) }()
			if err := s.openStore(cmd.Context()); err != nil {
				return err
			}
			days, err := s.store.(store.Retainer).Retain(cmd.Context(), collector.Floor(time.Now(), cfg.retention), dry)
			if err != nil {
				return err
			}
			return a.tellDays(days, dry)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be dropped, and drop nothing")
	addSettings(cmd, append([]string{"retention"}, storeSettings...)...)
	return cmd
}

func (a *app) tellDays(days []store.Day, dry bool) error {
	did := "DROPPED"
	if dry {
		did = "WOULD BE DROPPED"
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s\tRECORDS\tBYTES\n", did)
	for _, d := range days {
		fmt.Fprintf(table, "%s\t%d\t%d\n", d.Name, d.Records, d.Bytes)
	}
	return table.Flush()
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

func (a *app) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "store", Short: "Look after the store",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("store %s: want stats, check, compact, backup or prune", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.storeStats(), a.checkStore(), a.compactStore(), a.backupStore(), a.pruneStore())
	return cmd
}

// embeddedDir is the folder of the embedded store, which has to be there.
func (a *app) embeddedDir(cmd *cobra.Command) (string, error) {
	cfg, err := loadConfig(cmd, a.environ, a.stderr)
	if err != nil {
		return "", err
	}
	dir := cfg.storeDir()
	if _, err := os.Stat(dir); err != nil {
		return "", usage(fmt.Errorf("there is no embedded store in %s: name the folder with --data", cfg.Data))
	}
	return dir, nil
}

func (a *app) storeStats() *cobra.Command {
	cmd := &cobra.Command{
		Use: "stats", Short: "Say what the embedded store holds", Args: none,
		Long: "Say what the embedded store holds. It may be in use.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.embeddedDir(cmd)
			if err != nil {
				return err
			}
			files, err := embedded.Inspect(cmd.Context(), dir)
			if err != nil {
				return err
			}
			return a.tellFiles(files)
		},
	}
	addSettings(cmd, "data")
	return cmd
}

func (a *app) tellFiles(files []embedded.File) error {
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tSTATE\tRECORDS\tAS WRITTEN\tON DISK")
	total := embedded.File{Name: "all"}
	for _, f := range files {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", f.Name, f.State, f.Records, size(f.RecordBytes), size(f.Bytes))
		total.Records += f.Records
		total.RecordBytes += f.RecordBytes
		total.Bytes += f.Bytes
	}
	fmt.Fprintf(table, "%s\t\t%d\t%s\t%s\n", total.Name, total.Records, size(total.RecordBytes), size(total.Bytes))
	return table.Flush()
}

func size(bytes int64) string { return humanize.Bytes(uint64(bytes)) }

func (a *app) checkStore() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "Read all the embedded store holds, and say what is damaged", Args: none,
		Long: "Read all the embedded store holds, and say what is damaged. It may be in use; nothing is changed.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.embeddedDir(cmd)
			if err != nil {
				return err
			}
			whole, broken := 0, 0
			var records int64
			err = embedded.Check(cmd.Context(), dir, func(f embedded.File, damage error) error {
				switch {
				case damage != nil:
					broken++
					_, err := fmt.Fprintf(a.stdout, "%s is damaged: %v\n", f.Name, damage)
					return err
				case f.State == embedded.SetAside:
					_, err := fmt.Fprintf(a.stdout, "%s was set aside, since it is damaged\n", f.Name)
					return err
				}
				whole++
				records += f.Records
				return nil
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%d files are whole, with %d records\n", whole, records)
			if broken > 0 {
				return fmt.Errorf("%d files are damaged: the store sets them aside when it meets them, and serves the rest", broken)
			}
			return nil
		},
	}
	addSettings(cmd, "data")
	return cmd
}

func (a *app) compactStore() *cobra.Command {
	cmd := &cobra.Command{
		Use: "compact", Short: "Give the embedded store as few and small files as its records need", Args: none,
		Long: "Seal what is still written to, and join what is small. The store must not be in use.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			dir, err := a.embeddedDir(cmd)
			if err != nil {
				return err
			}
			st, err := embedded.Open(embedded.Config{Dir: dir, Logger: slog.New(a.console())})
			if err != nil {
				return err
			}
			if err := errors.Join(st.Compact(cmd.Context()), st.Close()); err != nil {
				return err
			}
			files, err := embedded.Inspect(cmd.Context(), dir)
			if err != nil {
				return err
			}
			return a.tellFiles(files)
		},
	}
	addSettings(cmd, "data")
	return cmd
}

func (a *app) backupStore() *cobra.Command {
	cmd := &cobra.Command{
		Use: "backup FOLDER", Short: "Copy the embedded store into an empty folder",
		Long:    "Copy the embedded store into a folder that is empty or does not exist. It may be in use: what was acknowledged before is in the copy. To go back to it, put it in the place of the store's folder.",
		Example: "  waybill store backup /backups/2026-11-23",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("backup wants one folder, not %d", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.embeddedDir(cmd)
			if err != nil {
				return err
			}
			files, err := embedded.Backup(cmd.Context(), dir, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%d files are in %s\n", len(files), args[0])
			return err
		},
	}
	addSettings(cmd, "data")
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
	addSettings(cmd, append([]string{"retention", "data"}, storeSettings...)...)
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
		fmt.Fprintf(table, "%s\t%d\t%s\n", d.Name, d.Records, size(d.Bytes))
	}
	return table.Flush()
}

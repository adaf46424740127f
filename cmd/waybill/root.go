package main

import (
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// app is what all commands share.
type app struct {
	environ        []string
	stdout, stderr io.Writer
}

func newRoot(environ []string, stdout, stderr io.Writer) *cobra.Command {
	a := &app{environ: environ, stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:           "waybill",
		Short:         "Tells where a request went, where it is, and what went wrong",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("unknown command %q; see waybill --help", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.demo(), a.up(), a.collect(), a.serve(), a.alertsCommand(), a.alert(), a.track(), a.deadLetters(), a.storeCommand(), a.token(), a.health(), a.version())
	return root
}

// console shows what goes on, on stderr.
func (a *app) console() slog.Handler { return slog.NewTextHandler(a.stderr, nil) }

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: none,
		RunE: func(*cobra.Command, []string) error {
			version := "(unknown)"
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
			}
			_, err := fmt.Fprintln(a.stdout, "waybill", version)
			return err
		},
	}
}

func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("%s takes no arguments, not %q; see %s --help", cmd.Name(), args[0], cmd.CommandPath()))
	}
	return nil
}

package main

import (
	"fmt"
	"io"
	"log/slog"

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
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrongCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(wrongFlags)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		a.demo(), a.up(), a.collect(), a.serve(),
		a.track(), a.search(), a.tail(), a.ship(), a.doctor(),
		a.deadLetters(), a.storeCommand(), a.token(), a.health(), a.configuration(), a.completion(), a.manual(), a.version(),
	)
	return root
}

// console shows what goes on, on stderr.
func (a *app) console() slog.Handler { return slog.NewTextHandler(a.stderr, nil) }

func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("%s takes no arguments, not %q; see %s --help", cmd.Name(), args[0], cmd.CommandPath()))
	}
	return nil
}

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manual writes man pages.
func (a *app) manual() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write a man page of each command into a folder",
		Example: "  waybill man ~/.local/share/man/man1 && man waybill-track",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("man wants one folder, not %d; see %s --help", len(args), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("folder of man pages: %w", err)
			}
			r := thisRelease()
			header := &doc.GenManHeader{Title: "WAYBILL", Section: "1", Source: "Waybill " + r.Version, Manual: "Waybill", Date: &time.Time{}}
			if at, err := time.Parse(time.RFC3339, r.Time); err == nil { // so that the same binary writes the same pages
				header.Date = &at
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("man pages: %w", err)
			}
			return nil
		},
	}
}

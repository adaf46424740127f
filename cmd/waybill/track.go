package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/query"
)

func (a *app) track() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "track ID", Short: "Show where a request went, by its correlation ID in any spelling, its beginning, its last 8 characters, or another name it has",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("track wants one correlation ID, not %d; see %s --help", len(args), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "text" && output != "json" {
				return usage(fmt.Errorf("-o %s: want text or json", output))
			}
			if n := len(args[0]); n == 0 || n > query.MaxText {
				return usage(fmt.Errorf("an ID in any spelling has 1 to %d bytes, not %d", query.MaxText, n))
			}
			cfg, err := loadConfig(cmd, a.environ, a.stderr)
			if err != nil {
				return err
			}
			c := newClient(cfg.Server, cfg.Token)
			if output == "json" {
				body, err := c.journeyJSON(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				var out bytes.Buffer
				if err := json.Indent(&out, bytes.TrimSpace(body), "", "  "); err != nil {
					return fmt.Errorf("answer of %s: %w", c.server, err)
				}
				out.WriteByte('\n')
				_, err = out.WriteTo(a.stdout)
				return err
			}
			j, err := c.journey(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return writeJourney(a.stdout, j)
		},
	}
	addSettings(cmd, "server", "token", "token-file")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

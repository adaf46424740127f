package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/terminal"
)

// health asks a process whether it is ready; images have no other client.
func (a *app) health() *cobra.Command {
	return &cobra.Command{
		Use: "health URL", Short: "Ask a process whether it is ready, for container health checks",
		Example: "  waybill health http://127.0.0.1:7600/readyz",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !strings.HasPrefix(args[0], "http") {
				return usage(fmt.Errorf("health wants one URL, such as http://127.0.0.1:7600/readyz"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, args[0], nil)
			if err != nil {
				return usage(err)
			}
			res, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
			if err != nil {
				return coded{err, exitUnreachable}
			}
			defer res.Body.Close()
			body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
			if err != nil {
				return coded{err, exitUnreachable}
			}
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s", res.Status, terminal.Clean(strings.TrimSpace(string(body))))
			}
			return nil
		},
	}
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/query/access"
)

// token makes tokens for the API.
func (a *app) token() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use: "token NAME", Short: "Make a token for the API, and what --tokens-file has of it",
		Long: "Print a new token on stdout, which is shown this once, and on stderr the lines for the file of --tokens-file, which has only its hash.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("token wants the name of who will have it; see %s --help", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := access.ParseRole(role)
			if err != nil {
				return usage(err)
			}
			minted, err := access.Mint(args[0], r)
			if err != nil {
				return usage(err)
			}
			fmt.Fprintf(a.stderr, "tokens:\n  - name: %s\n    hash: %s\n    role: %s\n", args[0], minted.Hash, r)
			_, err = fmt.Fprintln(a.stdout, minted.Token)
			return err
		},
	}
	cmd.Flags().StringVar(&role, "role", "read", "read, write or admin")
	return cmd
}

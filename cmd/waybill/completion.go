package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// completion writes what makes a shell complete commands, flags, their values and queries.
func (a *app) completion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use: "completion SHELL", Short: "Print what makes a shell complete commands, flags, their values and queries",
		Long:      "Print what makes a shell complete commands, flags, their values and queries. SHELL is bash, zsh, fish or powershell.",
		Example:   "  source <(waybill completion bash)\n  waybill completion zsh > \"${fpath[1]}/_waybill\"\n  waybill completion fish > ~/.config/fish/completions/waybill.fish",
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("completion wants one shell: %s; see %s --help", either(shells), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.stdout)
			}
			return usage(fmt.Errorf("completion %s: want %s", args[0], either(shells)))
		},
	}
}

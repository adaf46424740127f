package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// configuration checks and prints settings.
func (a *app) configuration() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Check and print the settings, wherever they are from",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrongCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.configCheck(), a.configPrint(), a.configContexts())
	return cmd
}

func allSettings(cmd *cobra.Command) {
	var names []string
	for _, s := range settings {
		names = append(names, s.name)
	}
	addSettings(cmd, names...)
}

func (a *app) configCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "Check all settings; exit with 2 and the reason if they cannot be used", Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, a.environ, a.stderr)
			if err == nil {
				_, err = clientOf(&cfg)
			}
			if err != nil {
				return err
			}
			given := 0
			for _, from := range cfg.sources {
				if from != fromDefault {
					given++
				}
			}
			_, err = fmt.Fprintf(a.stdout, "good: %d of %d settings are given\n", given, len(settings))
			return err
		},
	}
	allSettings(cmd)
	return cmd
}

func (a *app) configPrint() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "print", Short: "Print all settings and where each is from, without secrets", Args: none,
		Long: "Print all settings as the file of --config holds them, and where each is from. Secrets are masked.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "yaml" && output != "json" {
				return usage(fmt.Errorf("-o %s: want yaml or json", output))
			}
			cfg, err := loadConfig(cmd, a.environ, a.stderr)
			if err != nil {
				return err
			}
			shown := cfg.shown()
			if output == "json" {
				enc := json.NewEncoder(a.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(shown)
			}
			doc := &yaml.Node{Kind: yaml.MappingNode}
			for _, s := range shown {
				key, value := &yaml.Node{}, &yaml.Node{}
				key.SetString(s.Name)
				if err := value.Encode(s.Value); err != nil {
					return err
				}
				if value.Kind == yaml.SequenceNode {
					value.Style = yaml.FlowStyle
				}
				value.LineComment = string(s.From)
				doc.Content = append(doc.Content, key, value)
			}
			body, err := yaml.Marshal(doc)
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(body)
			return err
		},
	}
	allSettings(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "yaml", "yaml or json")
	offer(cmd, "output", "yaml", "json")
	return cmd
}

// shownSetting is a setting as people may see it.
type shownSetting struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	From  source `json:"from"`
}

// mask stands for a secret, whatever that is.
const mask = "*****"

// shown are all settings, without secrets.
func (c *config) shown() (out []shownSetting) {
	for _, s := range settings {
		v := c.given[s.name]
		switch text := v.(type) {
		case string:
			switch {
			case slices.Contains(secrets, s.name) && text != "":
				v = mask
			default:
				v = withoutPassword(text)
			}
		case []string:
			masked := make([]string, len(text))
			for i := range text {
				masked[i] = withoutPassword(text[i])
			}
			v = masked
		}
		out = append(out, shownSetting{s.name, v, c.sources[s.name]})
	}
	return out
}

// secrets are the settings that nobody should see.
var secrets = []string{"token", "kafka-password", "elasticsearch-password", "elasticsearch-api-key"}

// withoutPassword is a URL that may have one.
func withoutPassword(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		if _, rest, ok := strings.Cut(text, "@"); ok && strings.Contains(text, "://") { // a URL that cannot be read
			return mask + "@" + rest
		}
		return text
	}
	u.User = url.User(mask)
	return strings.Replace(u.String(), url.QueryEscape(mask), mask, 1)
}

func (a *app) configContexts() *cobra.Command {
	return &cobra.Command{
		Use: "contexts", Short: "List the servers that --context names", Args: none,
		Long: "List the servers that --context names. They are in $XDG_CONFIG_HOME/waybill/contexts.yaml, or ~/.config/waybill/contexts.yaml:\n\n" +
			"  current: local\n  contexts:\n    local: {server: \"http://127.0.0.1:7600\"}\n    prod: {server: \"https://waybill.example\", token-file: ~/.config/waybill/prod.token}\n\n" +
			"--context names one, else WAYBILL_CONTEXT, else current. Who gives --server or WAYBILL_SERVER asks that, and without the context's token.",
		RunE: func(*cobra.Command, []string) error {
			all, err := readContexts(a.environ)
			if err != nil {
				return usage(err)
			}
			current := all.Current
			if name := a.env(envName("context")); name != "" {
				current = name
			}
			table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			for _, name := range all.names() {
				mark := " "
				if name == current {
					mark = "*"
				}
				s := all.Contexts[name]
				fmt.Fprintf(table, "%s %s\t%s\t%s\n", mark, name, withoutPassword(s.Server), s.TokenFile)
			}
			return table.Flush()
		},
	}
}

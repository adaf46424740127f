package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/alerts/hook"

	"github.com/waybill-log/waybill/terminal"
)

// alert asks about alerts.
func (a *app) alert() *cobra.Command {
	cmd := &cobra.Command{
		Use: "alert", Short: "Check rules, see alerts, silence them, and test receivers",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("alert %s: want check, rules, list, history, silence, deliveries, redrive or test", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.alertCheck(), a.alertRules(), a.alertList(), a.alertHistory(), a.alertSilence(), a.alertDeliveries(), a.alertRedrive(), a.alertTest())
	return cmd
}

// one takes one argument.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage(fmt.Errorf("%s wants %s, not %d; see %s --help", cmd.Name(), what, len(args), cmd.CommandPath()))
		}
		return nil
	}
}

// readRules reads a file as the owners of alerts do, receivers too.
func readRules(path string) (*alerts.Rules, []hook.Receiver, error) {
	rules, err := alerts.ReadRules(path)
	if err != nil {
		return nil, nil, err
	}
	receivers, err := hook.ParseReceivers(&rules.Receivers)
	if err != nil {
		return nil, nil, fmt.Errorf("rules in %s: %w", path, err)
	}
	return rules, receivers, nil
}

func (a *app) alertCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "Say whether a file of rules is right", Args: one("a file"),
		Long: "Say whether a file of rules is right. What is wrong is named with its rule and line.",
		RunE: func(_ *cobra.Command, args []string) error {
			rules, receivers, err := readRules(args[0])
			if err != nil {
				return usage(errors.New(cleanLines(err.Error())))
			}
			_, err = fmt.Fprintf(a.stdout, "%s is right: %d rules, %d of them always there, and %d receivers\n", terminal.Clean(args[0]), len(rules.Rules), self(rules), len(receivers))
			return err
		},
	}
}

func self(rules *alerts.Rules) (n int) {
	for _, r := range rules.Rules {
		if r.Line == 0 {
			n++
		}
	}
	return n
}

// cleanLines is clean for text of several lines.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = terminal.Clean(line)
	}
	return strings.Join(lines, "\n")
}

// alertsAsked prints what the API says, as a table or as it is.
func (a *app) alertsAsked(use, short, path string, table func(w *tabwriter.Writer, body []byte) error) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return usage(fmt.Errorf("-o %s: want text or json", output))
			}
			c, err := a.client(cmd)
			if err != nil {
				return err
			}
			var body json.RawMessage
			if err := c.Call(cmd.Context(), http.MethodGet, path, nil, nil, &body); err != nil {
				return err
			}
			if output == "json" {
				_, err := a.stdout.Write(append(body, '\n'))
				return err
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			if err := table(w, body); err != nil {
				return fmt.Errorf("answer of %s: %w", c.Server(), err)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	addSettings(cmd, clientSettings...)
	return cmd
}

func (a *app) alertRules() *cobra.Command {
	return a.alertsAsked("rules", "List the rules that hold", "/alerts/rules", func(w *tabwriter.Writer, body []byte) error {
		var said struct {
			Rules []struct {
				Name, Kind, About, Severity string
				Pending, Firing             int
			}
			Wrong string
		}
		if err := json.Unmarshal(body, &said); err != nil {
			return err
		}
		if said.Wrong != "" {
			fmt.Fprintf(w, "The file is wrong, and these hold as they were: %s\n", terminal.Clean(said.Wrong))
		}
		fmt.Fprintln(w, "RULE\tKIND\tSEVERITY\tPENDING\tFIRING\tABOUT")
		for _, r := range said.Rules {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\n", terminal.Clean(r.Name), terminal.Clean(r.Kind), terminal.Clean(r.Severity), r.Pending, r.Firing, terminal.Clean(r.About))
		}
		return nil
	})
}

type alertSaid struct {
	Key, Status, Severity, Title, Rule string
	Silenced                           []string   `json:"silenced_by"`
	Starts                             time.Time  `json:"starts_at"`
	Ends                               *time.Time `json:"ends_at"`
	Quiet                              bool
}

func alertTable(w *tabwriter.Writer, body []byte) error {
	var said struct {
		Alerts []alertSaid
		More   int
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return err
	}
	fmt.Fprintln(w, "STATUS\tSEVERITY\tSINCE\tUNTIL\tALERT\tTITLE")
	for _, one := range said.Alerts {
		until := ""
		if one.Ends != nil {
			until = one.Ends.UTC().Format(time.DateTime)
		}
		status := one.Status
		switch {
		case len(one.Silenced) > 0:
			status += ", silenced"
		case one.Quiet:
			status += ", quiet"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", terminal.Clean(status), terminal.Clean(one.Severity), one.Starts.UTC().Format(time.DateTime), until, terminal.Clean(one.Key), terminal.Clean(one.Title))
	}
	if said.More > 0 {
		fmt.Fprintf(w, "and %d more\n", said.More)
	}
	return nil
}

func (a *app) alertList() *cobra.Command {
	return a.alertsAsked("list", "List alerts that fire or are pending", "/alerts", alertTable)
}

func (a *app) alertHistory() *cobra.Command {
	return a.alertsAsked("history", "List alerts that are over", "/alerts/history", alertTable)
}

func (a *app) alertDeliveries() *cobra.Command {
	return a.alertsAsked("deliveries", "List what receivers were told, and what came of it", "/alerts/deliveries", func(w *tabwriter.Writer, body []byte) error {
		var said struct {
			Deliveries []struct {
				ID, Receiver, Outcome, Reason, Title string
				Tracking                             string `json:"tracking_number"`
				Queued                               time.Time
				Tries                                int
			}
			More int
		}
		if err := json.Unmarshal(body, &said); err != nil {
			return err
		}
		fmt.Fprintln(w, "QUEUED\tRECEIVER\tOUTCOME\tTRIES\tID\tTITLE\tREASON")
		for _, d := range said.Deliveries {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", d.Queued.UTC().Format(time.DateTime), terminal.Clean(d.Receiver), terminal.Clean(d.Outcome), d.Tries, terminal.Clean(d.ID), terminal.Clean(d.Title), terminal.Clean(d.Reason))
		}
		if said.More > 0 {
			fmt.Fprintf(w, "and %d more\n", said.More)
		}
		return nil
	})
}

func (a *app) alertSilence() *cobra.Command {
	cmd := &cobra.Command{
		Use: "silence", Short: "Keep alerts quiet for a while",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("alert silence %s: want add, list or end", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.addSilence(), a.listSilences(), a.endSilence())
	return cmd
}

func (a *app) addSilence() *cobra.Command {
	var long time.Duration
	var comment string
	cmd := &cobra.Command{
		Use: "add MATCHER…", Short: "Keep the alerts quiet that all matchers match",
		Example: "  waybill alert silence add 'rule = bank-stalled' --for 2h --comment 'the bank is being moved'\n" +
			"  waybill alert silence add 'alert = bank-stalled/019a…' --for 30m",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(fmt.Errorf("add wants matchers, such as 'rule = bank-stalled'; see %s --help", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			now := time.Now()
			if _, err := alerts.NewSilence(args, now, now.Add(long), "me", comment); err != nil {
				return usage(err)
			}
			c, err := a.client(cmd)
			if err != nil {
				return err
			}
			var said struct {
				ID   string
				Ends time.Time
			}
			if err := c.Call(cmd.Context(), http.MethodPost, "/alerts/silences", nil, map[string]any{"match": args, "for": long.String(), "comment": comment}, &said); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "silence %s until %s\n", terminal.Clean(said.ID), said.Ends.UTC().Format("2006-01-02 15:04:05 UTC"))
			return err
		},
	}
	cmd.Flags().DurationVar(&long, "for", time.Hour, "how long")
	cmd.Flags().StringVar(&comment, "comment", "", "why")
	addSettings(cmd, clientSettings...)
	return cmd
}

func (a *app) listSilences() *cobra.Command {
	return a.alertsAsked("list", "List silences that are not over", "/alerts/silences", func(w *tabwriter.Writer, body []byte) error {
		var said struct {
			Silences []struct {
				ID, Author, Comment string
				Match               []string
				Ends                time.Time
			}
		}
		if err := json.Unmarshal(body, &said); err != nil {
			return err
		}
		fmt.Fprintln(w, "ID\tUNTIL\tBY\tMATCHES\tCOMMENT")
		for _, s := range said.Silences {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", terminal.Clean(s.ID), s.Ends.UTC().Format(time.DateTime), terminal.Clean(s.Author), terminal.Clean(strings.Join(s.Match, ", ")), terminal.Clean(s.Comment))
		}
		return nil
	})
}

func (a *app) endSilence() *cobra.Command {
	cmd := &cobra.Command{
		Use: "end ID", Short: "End a silence", Args: one("the ID of a silence"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client(cmd)
			if err != nil {
				return err
			}
			return c.Call(cmd.Context(), http.MethodDelete, "/alerts/silences/"+url.PathEscape(args[0]), nil, nil, nil)
		},
	}
	addSettings(cmd, clientSettings...)
	return cmd
}

func (a *app) alertRedrive() *cobra.Command {
	cmd := &cobra.Command{
		Use: "redrive RECEIVER ID", Short: "Send what was given up on its way again, under its ID",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage(fmt.Errorf("redrive wants a receiver and the ID of a delivery, as deliveries lists them; see %s --help", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client(cmd)
			if err != nil {
				return err
			}
			return a.commanded(c.Call(cmd.Context(), http.MethodPost, "/alerts/deliveries/redrive", nil, map[string]string{"receiver": args[0], "id": args[1]}, nil))
		},
	}
	addSettings(cmd, clientSettings...)
	return cmd
}

func (a *app) commanded(err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, "on its way; waybill alert deliveries shows what comes of it")
	return err
}

func (a *app) alertTest() *cobra.Command {
	var replay time.Duration
	cmd := &cobra.Command{
		Use: "test RECEIVER | --replay 24h", Short: "Try a receiver, or try rules on what is stored",
		Long: "Send a receiver something that says it is a test; or say which alerts a file's rules would have fired, by what the server has stored.\n" +
			"Rules on thresholds are asked of the store as they would have been; rules on loss, dead letters, lag and the store have no past to be tried on.",
		Example: "  waybill alert test ops\n  waybill alert test --replay 24h --alerts alerts.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (replay > 0) == (len(args) > 0) || len(args) > 1 {
				return usage(fmt.Errorf("test wants a receiver, or --replay with a duration; see %s --help", cmd.CommandPath()))
			}
			c, err := a.client(cmd)
			if err != nil {
				return err
			}
			if replay == 0 {
				return a.commanded(c.Call(cmd.Context(), http.MethodPost, "/alerts/receivers/"+url.PathEscape(args[0])+"/test", nil, nil, nil))
			}
			return a.replay(cmd, c, replay)
		},
	}
	cmd.Flags().DurationVar(&replay, "replay", 0, "try the rules on so much of the past")
	addSettings(cmd, slices.Concat(clientSettings, []string{"alerts", "routes"})...)
	return cmd
}

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/terminal"
)

// display is what the commands that ask a server have in common: how they show what they get.
type display struct {
	color, timezone, times, output string

	outputs []string
	quiet   bool
	unsafe  bool
	timeout time.Duration
}

// addDisplay gives a command its flags. The first of outputs is what it writes if nobody says.
func addDisplay(cmd *cobra.Command, outputs ...string) *display {
	d := &display{outputs: outputs}
	addSettings(cmd, clientSettings...)
	f := cmd.Flags()
	f.StringVarP(&d.output, "output", "o", outputs[0], either(outputs))
	f.StringVar(&d.color, "color", "auto", "auto (on a terminal, unless NO_COLOR is set), always or never")
	f.StringVar(&d.timezone, "timezone", "UTC", "zone in which times are shown: UTC, local or a name such as Europe/Berlin")
	f.StringVar(&d.times, "times", string(terminal.Clock), "how times are shown: clock, rfc3339 or relative")
	f.DurationVar(&d.timeout, "timeout", 0, "end after this long, with exit code 124 (default: never)")
	f.BoolVarP(&d.quiet, "quiet", "q", false, "say nothing on stderr but errors")
	f.BoolVar(&d.unsafe, "unsafe-raw", false, "show records as they are: what is in them may control the terminal")
	offer(cmd, "output", outputs...)
	offer(cmd, "color", "auto", "always", "never")
	offer(cmd, "times", string(terminal.Clock), string(terminal.RFC3339), string(terminal.Relative))
	offer(cmd, "timezone", "UTC", "local")
	return d
}

// either lists alternatives for people.
func either(of []string) string {
	last := len(of) - 1
	if last < 1 {
		return strings.Join(of, "")
	}
	return strings.Join(of[:last], ", ") + " or " + of[last]
}

// style reads the flags.
func (a *app) style(d *display) (s terminal.Style, err error) {
	if !slices.Contains(d.outputs, d.output) {
		return s, usage(fmt.Errorf("-o %s: want %s", d.output, either(d.outputs)))
	}
	s = terminal.Style{Unsafe: d.unsafe, Now: time.Now()}
	if s.Times, err = terminal.ParseTimes(d.times); err != nil {
		return s, usage(fmt.Errorf("--times: %w", err))
	}
	zone := d.timezone
	if zone == "local" {
		zone = "Local"
	}
	if s.Zone, err = time.LoadLocation(zone); err != nil {
		return s, usage(fmt.Errorf("--timezone %q: want UTC, local or a name such as Europe/Berlin", d.timezone))
	}
	width, isTerminal := a.columns()
	s.Width = width
	switch d.color {
	case "always":
		s.Colour = true
	case "auto":
		s.Colour = isTerminal && a.colours()
	case "never":
	default:
		return s, usage(fmt.Errorf("--color %q: want auto, always or never", d.color))
	}
	if d.timeout < 0 {
		return s, usage(fmt.Errorf("--timeout is %v, want a duration such as 30s", d.timeout))
	}
	return s, nil
}

// columns is how wide stdout is; 0: as wide as need be.
func (a *app) columns() (width int, isTerminal bool) {
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(f.Fd()) {
		if width, _, err := term.GetSize(f.Fd()); err == nil && width > 0 {
			return width, true
		}
		isTerminal = true
	}
	width, _ = strconv.Atoi(a.env("COLUMNS")) // as wide as need be, if it is no number
	return max(width, 0), isTerminal
}

// colours reports whether the environment has nothing against them (no-color.org).
func (a *app) colours() bool { return a.env("NO_COLOR") == "" && a.env("TERM") != "dumb" }

// env is a variable's value; empty: there is none.
func (a *app) env(name string) (value string) {
	for _, kv := range a.environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}

// limited ends with ctx, and by --timeout.
func (d *display) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d.timeout, fmt.Errorf("%w: %v", errTimeout, d.timeout))
}

// client reads whom to ask.
func (a *app) client(cmd *cobra.Command) (*client.Client, error) {
	cfg, err := loadConfig(cmd, a.environ, a.stderr)
	if err != nil {
		return nil, err
	}
	return clientOf(&cfg)
}

func clientOf(cfg *config) (*client.Client, error) {
	c, err := client.New(client.Config{Server: cfg.Server, Token: cfg.Token, CAFile: cfg.ServerCAFile})
	if err != nil {
		return nil, usage(err)
	}
	return c, nil
}

// offer completes a flag's value.
func offer(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}

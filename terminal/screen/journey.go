package screen

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/terminal"
)

// Journey draws a journey again and again as it goes on, until follow returns. What was drawn
// is gone then. Follow calls with each state, and with why there is none.
func Journey(ctx context.Context, t Terminal, style terminal.Style, follow func(ctx context.Context, news func(*query.Journey), wait func(error)) error) error {
	last, err := run(ctx, t, &drawing{style: style, width: 80, height: 24}, func(ctx context.Context, send func(tea.Msg)) error {
		return follow(ctx, func(j *query.Journey) { send(j) }, func(err error) { send(waiting{err}) })
	})
	if err != nil {
		return err
	}
	return last.err
}

// waiting is why there is nothing new.
type waiting struct{ err error }

// drawing is the model of one journey.
type drawing struct {
	style         terminal.Style
	journey       *query.Journey
	why           string
	width, height int
	over          bool
	err           error
}

func (d *drawing) Init() tea.Cmd { return nil }

func (d *drawing) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		d.width, d.height = max(msg.Width, 10), max(msg.Height, 4)
	case *query.Journey:
		d.journey, d.why = msg, ""
	case waiting:
		d.why = terminal.Clean(msg.err.Error())
	case ended:
		d.over = true
		if d.err == nil {
			d.err = msg.err
		}
		return d, tea.Quit
	case tea.KeyPressMsg:
		switch msg.String() {
		case "ctrl+c", "q", "esc":
			d.over, d.err = true, context.Canceled
			return d, tea.Quit
		}
	}
	return d, nil
}

// headed is how many lines of a long journey's beginning stay.
const headed = 2

func (d *drawing) View() tea.View {
	if d.over {
		return tea.NewView("")
	}
	var b strings.Builder
	if d.journey != nil {
		style := d.style
		style.Width = d.width
		_ = style.Journey(&b, &d.journey.Journey) // a builder takes all
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if room := d.height - 2; len(lines) > room {
		left := len(lines) - room + 1
		lines = append(append(lines[:headed:headed], fmt.Sprintf("… %d lines", left)), lines[min(headed+left, len(lines)):]...)
	}
	last := "following; q ends"
	if d.why != "" {
		last = d.why + "; waiting"
	}
	return tea.NewView(strings.Join(append(lines, terminal.Cut(last, d.width)), "\n"))
}

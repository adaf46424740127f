package screen

import (
	"context"
	"errors"
	"io"

	tea "charm.land/bubbletea/v2"
)

// Terminal is where things are shown.
type Terminal struct {
	In      io.Reader // nil: the process's own
	Out     io.Writer
	Environ []string
}

// ended ends a program, for whatever reason; nil is none.
type ended struct{ err error }

// run shows a model until it quits. Beside it runs work, whose end is the program's.
func run[M tea.Model](ctx context.Context, t Terminal, model M, work func(ctx context.Context, send func(tea.Msg)) error) (M, error) {
	options := []tea.ProgramOption{tea.WithOutput(t.Out), tea.WithEnvironment(t.Environ), tea.WithoutSignalHandler()}
	if t.In != nil {
		options = append(options, tea.WithInput(t.In))
	}
	p := tea.NewProgram(model, options...)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Send(ended{work(ctx, p.Send)})
	}()
	last, err := p.Run()
	cancel()
	<-done
	if err != nil {
		if errors.Is(err, tea.ErrInterrupted) {
			err = context.Canceled
		}
		return model, err
	}
	return last.(M), nil
}

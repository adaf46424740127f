package shop

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os/exec"
)

// Children are processes that services run in. Each ends when its stdin does.
type Children struct{ all []child }

type child struct {
	stdin io.Closer
	wait  func() error
}

// Add takes one over.
func (c *Children) Add(stdin io.Closer, wait func() error) {
	c.all = append(c.all, child{stdin, wait})
}

// Close ends them, the last one first. That one was killed before is what they are for.
func (c *Children) Close(context.Context) error {
	var errs []error
	for i := len(c.all) - 1; i >= 0; i-- {
		errs = append(errs, c.all[i].stdin.Close())
		var ended *exec.ExitError
		if err := c.all[i].wait(); err != nil && !errors.As(err, &ended) {
			errs = append(errs, err)
		}
	}
	c.all = nil
	return errors.Join(errs...)
}

// Attach is the shop whose services run in other processes, at these URLs.
func Attach(ctx context.Context, cfg Config, urls map[string]string, children Children) (_ *Shop, err error) {
	if cfg.Console == nil {
		cfg.Console = slog.DiscardHandler
	}
	s := &Shop{cfg: cfg, registry: urls["registry"], urls: maps.Clone(urls), log: slog.New(cfg.Console)}
	s.cfg.Services = Names()
	s.stops = append(s.stops, stop{"processes", children.Close})
	if err = s.open(ctx); err == nil {
		err = s.found(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// URLs are where the services are that run here.
func (s *Shop) URLs() map[string]string { return maps.Clone(s.urls) }

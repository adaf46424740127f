package registry

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"
)

// Config says what a registry knows from the start and how patient it is.
type Config struct {
	Static       []Service         // entries that need no heartbeat, see ReadStatic
	File         string            // keeps registrations and settings over a restart; "": nothing does
	TTL          time.Duration     // how long an instance may be silent; 0: 5 s
	CheckEvery   time.Duration     // from one round of the registrar to the next; 0: 1 s
	CheckTimeout time.Duration     // of one check; 0: 2 s
	Checks       int               // at once; 0: 64
	Own          string            // the registry's own URL, which nobody may register; "": not known
	Transport    http.RoundTripper // of checks; nil: one of the registry's own
	Logger       *slog.Logger      // nil discards
	Limits       Limits
}

// Limits bounds what others can make the registry hold.
type Limits struct {
	Instances  int // 0: 20,000
	PerService int // 0: 1,000
	Settings   int // bytes of all keys and values; 0: 64 KiB
	Waiting    int // callers held for settings; 0: 20,000
}

func (c Config) withDefaults() Config {
	c.TTL = positive(c.TTL, 5*time.Second)
	c.CheckEvery = positive(c.CheckEvery, time.Second)
	c.CheckTimeout = positive(c.CheckTimeout, 2*time.Second)
	c.Checks = positive(c.Checks, 64)
	c.Limits.Instances = positive(c.Limits.Instances, 20_000)
	c.Limits.PerService = positive(c.Limits.PerService, 1_000)
	c.Limits.Settings = positive(c.Limits.Settings, 64<<10)
	c.Limits.Waiting = positive(c.Limits.Waiting, 20_000)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func positive[T cmp.Ordered](v, usual T) T {
	var zero T
	if v <= zero {
		return usual
	}
	return v
}

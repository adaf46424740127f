package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-log/waybill/demo-services/discovery"
)

var (
	// ErrInvalid says that what was given cannot be taken.
	ErrInvalid = errors.New("invalid")
	// ErrFull says that a limit is reached.
	ErrFull = errors.New("the registry is full")
)

// Instance is one process of a service.
type Instance = discovery.Instance

// saveEvery is how long a registration may be in memory only. One that is lost is
// made again by the instance itself, with its next heartbeat.
const saveEvery = 500 * time.Millisecond

// Registry holds who is there. All methods may be called concurrently.
type Registry struct {
	cfg     Config
	log     *slog.Logger
	started time.Time // what the registry's clock counts from, on the monotonic clock
	client  *http.Client
	own     *http.Transport // nil where the transport is the caller's

	services sync.Map // name → *service; names are only added while there is room
	settings settings
	waiting  atomic.Int64
	closed   chan struct{}
	closing  sync.Once

	mu      sync.RWMutex // guards the members, and who is in them
	members map[string]*member
	names   int
	swept   time.Duration // when silence was last looked for

	saving sync.Mutex // one file at a time
	dirty  atomic.Bool
}

// Open reads the file, if there is one, and takes in the static entries. Every
// instance of the file has a full TTL to be heard of again.
func Open(cfg Config) (*Registry, error) {
	cfg = cfg.withDefaults()
	r := &Registry{cfg: cfg, log: cfg.Logger, started: time.Now(), members: map[string]*member{}, closed: make(chan struct{})}
	transport := cfg.Transport
	if transport == nil {
		r.own = &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 16 << 10}
		transport = r.own
	}
	r.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r.settings.set(discovery.Settings{Values: map[string]string{}})
	if err := r.load(); err != nil {
		return nil, err
	}
	if err := r.addStatic(); err != nil {
		return nil, err
	}
	return r, nil
}

// Run looks for silence, checks instances and keeps the file until ctx ends.
func (r *Registry) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return every(ctx, max(r.cfg.TTL/20, time.Millisecond), r.sweep) })
	g.Go(func() error { return every(ctx, saveEvery, r.keep) })
	g.Go(func() error { return r.check(ctx) })
	return g.Wait()
}

func every(ctx context.Context, d time.Duration, f func(context.Context)) error {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			f(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// Close lets go of those who wait for settings and writes the file. Call it when
// Run has returned.
func (r *Registry) Close() error {
	r.closing.Do(func() { close(r.closed) })
	if r.own != nil {
		r.own.CloseIdleConnections()
	}
	if err := r.save(); err != nil {
		return fmt.Errorf("close registry: %w", err)
	}
	return nil
}

// now is the registry's clock. Nobody sets it, unlike the time of day.
func (r *Registry) now() time.Duration { return time.Since(r.started) }

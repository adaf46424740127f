package discovery

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrUnknown says that nobody of that name ever registered.
	ErrUnknown = errors.New("unknown service")
	// ErrNobody says that all instances of a service are out of rotation.
	ErrNobody = errors.New("no instance in rotation")
	// ErrRefused says that the registry will not take what it was given.
	ErrRefused = errors.New("refused by the registry")
	// ErrClosed says that the client is closed.
	ErrClosed = errors.New("discovery is closed")
)

// Instance is one process of a service, as the registry knows it.
type Instance struct {
	ID      string `json:"id"` // the registry's to give
	Service string `json:"service"`
	URL     string `json:"url"` // http or https; paths are joined to its path
	Version string `json:"version"`
}

// Settings is the configuration that all services share.
type Settings struct {
	Version int64             `json:"version"` // 0: nobody has set anything yet
	Values  map[string]string `json:"values"`  // read only
}

// Config says where the registry is.
type Config struct {
	URL       string            // such as http://127.0.0.1:7701
	Transport http.RoundTripper // to the registry; nil: one of the client's own
	Logger    *slog.Logger      // nil discards
	CacheFor  time.Duration     // how long a look-up is good; 0: 1 s
	Timeout   time.Duration     // of one call to the registry; 0: 2 s
	Patience  time.Duration     // how long a look-up with an old answer waits for a new one; 0: 50 ms
}

// Client asks one registry. All methods may be called concurrently.
type Client struct {
	cfg     Config
	http    *http.Client
	own     *http.Transport // nil where the transport is the caller's
	log     *slog.Logger
	running context.Context // ends with Close
	stop    context.CancelFunc
	tasks   tasks
	away    atomic.Bool // the registry did not answer the last call

	mu       sync.Mutex
	services map[string]*lookup
	settings *Settings // the last known; nil: none yet
}

// New makes a client. It does not call the registry.
func New(cfg Config) *Client {
	cfg.URL = strings.TrimRight(cfg.URL, "/")
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		field *time.Duration
		usual time.Duration
	}{{&cfg.CacheFor, time.Second}, {&cfg.Timeout, 2 * time.Second}, {&cfg.Patience, 50 * time.Millisecond}} {
		if *d.field <= 0 {
			*d.field = d.usual
		}
	}
	c := &Client{cfg: cfg, log: cfg.Logger, services: map[string]*lookup{}}
	if cfg.Transport == nil {
		c.own = &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second} // no proxy stands between services
		c.cfg.Transport = c.own
	}
	c.http = &http.Client{Transport: c.cfg.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c.running, c.stop = context.WithCancel(context.Background())
	return c
}

// Close ends everything that runs in the background. Leases that are still open
// are not given back: they expire.
func (c *Client) Close() error {
	c.stop()
	c.tasks.wait()
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
	return nil
}

// tasks counts goroutines; after wait there are no new ones.
type tasks struct {
	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

func (t *tasks) start(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.all.Go(f)
	}
	return !t.closed
}

func (t *tasks) wait() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.all.Wait()
}

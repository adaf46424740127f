// Package shop runs the demo services on real sockets: all in one process, or some of them.
//
//	s, err := shop.Start(ctx, shop.Config{Brokers: brokers, Data: dir})
//	id, err := s.Buy(ctx, "USER1", 100)
//	defer s.Close(ctx)
//
//	              ┌─► identity
//	page ─► gateway ─► products reviews recommendations stock cart orders ◄─shop.events─┐
//	              └─► bank ─shop.game─► game ─shop.bank─► bank ─────────────────────────┘
//	each ─► registry: who is where, and what all share
//
// The types to know are [Shop] and [Config]. A service is made of its own package and of what
// its host gives it, see host.go; services know each other by name only.
package shop

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/waybill-log/waybill/demo-services/atomicfile"
	"github.com/waybill-log/waybill/demo-services/dials"
	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/messaging"
)

// Config says what runs, where it listens and where it keeps its data.
type Config struct {
	Brokers  []string
	Data     string            // folder of the services' SQLite files, of routes.yaml and dials.yaml
	Services []string          // which run here; none: all
	Registry string            // URL of the registry, where that is not one of them
	Addrs    map[string]string // service → host:port; none: a free port of this machine
	Protocol string            // of purchases: saga or two-phase; empty: saga
	Deadline time.Duration     // of purchases; 0: 30 s
	Track    string            // URL before a tracking number, which leads to its timeline; empty: nowhere
	Console  slog.Handler      // where services show their records; nil: nowhere
}

// Shop is the running services.
type Shop struct {
	cfg      Config
	dials    *dials.Dials
	router   *messaging.Router
	registry string            // URL
	urls     map[string]string // of the services that run here
	log      *slog.Logger
	running  context.Context
	stops    []stop
}

// stop ends one part; parts end in the opposite order of their start.
type stop struct {
	name string
	end  func(context.Context) error
}

// giveUp is how long what has begun may take to end where not all could begin.
const giveUp = 2 * time.Second

//go:embed routes.yaml
var routes []byte

//go:embed alerts.yaml
var alerts []byte

// Alerts is the file of rules on the shop in a data folder, in which it is left where there is none.
func Alerts(data string) (path string, err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fmt.Errorf("data folder %s cannot be created: %w; choose another with --data", data, err)
	}
	path = filepath.Join(data, "alerts.yaml")
	if err := writeOnce(path, alerts); err != nil {
		return "", fmt.Errorf("write rules of alerts: %w", err)
	}
	return path, nil
}

// Start binds every address, starts the services, and returns when they have found each other.
// An error says which address or folder is taken.
func Start(ctx context.Context, cfg Config) (_ *Shop, err error) {
	if len(cfg.Services) == 0 {
		cfg.Services = Names()
	}
	if cfg.Console == nil {
		cfg.Console = slog.DiscardHandler
	}
	s := &Shop{cfg: cfg, registry: cfg.Registry, urls: map[string]string{}, log: slog.New(cfg.Console)}
	defer func() {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUp)
			defer cancel()
			_ = s.Close(ctx) // what has begun may well not end in order, for the same reason
		}
	}()
	for _, name := range cfg.Services {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("no service %s: there are %s", name, strings.Join(Names(), ", "))
		}
	}
	if s.registry == "" && !slices.Contains(cfg.Services, "registry") {
		return nil, errors.New("services without a registry among them have to be told where it is")
	}
	listeners, err := s.listen()
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	for _, name := range Names() { // registry first, gateway last
		ln := listeners[name]
		switch {
		case ln == nil:
		case name == "registry":
			err = s.serveRegistry(ln)
		default:
			err = s.serve(ctx, name, ln)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, s.found(ctx)
}

// listen binds the addresses of what runs here.
func (s *Shop) listen() (map[string]net.Listener, error) {
	listeners := map[string]net.Listener{}
	for _, name := range s.cfg.Services {
		addr := s.cfg.Addrs[name]
		if addr == "" {
			addr = "127.0.0.1:0"
		}
		ln, err := net.Listen("tcp", addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%s: address %s is taken; stop what listens there or choose another with --%s-addr", name, addr, name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.stops = append(s.stops, stop{name + " listener", func(context.Context) error { return ignoreClosed(ln.Close()) }})
		listeners[name] = ln
		s.urls[name] = urlOf(ln)
	}
	if at := s.urls["registry"]; at != "" {
		s.registry = at
	}
	return listeners, nil
}

// urlOf is where others reach a listener: by this machine's name where it listens everywhere.
func urlOf(ln net.Listener) string {
	addr := ln.Addr().(*net.TCPAddr)
	if !addr.IP.IsUnspecified() {
		return "http://" + addr.String()
	}
	host, err := os.Hostname()
	if err != nil {
		host = "127.0.0.1"
	}
	return fmt.Sprintf("http://%s:%d", host, addr.Port)
}

// open reads what all services of the folder share.
func (s *Shop) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(s.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("data folder %s cannot be created: %w; choose another with --data", s.cfg.Data, err)
	}
	if s.dials, err = dials.Open(filepath.Join(s.cfg.Data, "dials.yaml")); err != nil {
		return err
	}
	path := filepath.Join(s.cfg.Data, "routes.yaml")
	if err := writeOnce(path, routes); err != nil {
		return fmt.Errorf("write message routes: %w", err)
	}
	if s.router, err = messaging.OpenRouter(path); err != nil {
		return err
	}
	running, enough := context.WithCancel(context.WithoutCancel(ctx))
	s.running = running
	s.stops = append(s.stops, stop{"files", func(context.Context) error { enough(); return nil }})
	go s.dials.Run(running, s.log)
	go s.router.Run(running, s.log)
	return nil
}

// writeOnce makes a file that is not there yet, whole at once: other processes may begin now too.
func writeOnce(path string, text []byte) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return atomicfile.Write(path, text)
}

// found waits until the gateway is there and finds whom it needs.
func (s *Shop) found(ctx context.Context) error {
	if s.urls["gateway"] == "" || len(s.cfg.Services) < len(Names()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client := s.Visitor()
	ask := func() error { // the gateway believes identity, services believe the gateway, and all are there
		if client.token == "" {
			if err := client.LogIn(ctx, "USER1"); err != nil {
				return err
			}
		}
		a, err := client.Home(ctx)
		if err == nil && strings.Contains(string(a.Body), `"partial":true`) {
			err = fmt.Errorf("the home page is not whole: %s", a.Body)
		}
		return err
	}
	for {
		err := s.allInRotation(ctx)
		if err == nil {
			err = ask()
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the demo services do not find each other: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// allInRotation reports who is not.
func (s *Shop) allInRotation(ctx context.Context) error {
	for _, name := range Names()[1:] {
		if serves, err := s.inRotation(ctx, name); err != nil || !serves {
			return errors.Join(fmt.Errorf("%s is not in rotation", name), err)
		}
	}
	return nil
}

// inRotation reports whether somebody serves under a name, as the registry says now: its client
// would say what it said a second ago.
func (s *Shop) inRotation(ctx context.Context, name string) (bool, error) {
	a, err := NewVisitor(s.registry).Do(ctx, http.MethodGet, "/services/"+name, nil)
	if err != nil || a.Status == http.StatusNotFound {
		return false, err
	}
	var found struct {
		Instances []discovery.Instance `json:"instances"`
	}
	if err := json.Unmarshal(a.Body, &found); err != nil {
		return false, fmt.Errorf("registry answers %d: %w", a.Status, err)
	}
	return len(found.Instances) > 0, nil
}

// URL is the gateway's address.
func (s *Shop) URL() string { return s.urls["gateway"] }

// Track is where a tracking number's timeline is.
func (s *Shop) Track(id string) string { return s.cfg.Track + url.QueryEscape(id) }

// RegistryURL is the registry's.
func (s *Shop) RegistryURL() string { return s.registry }

// Dials are those of the services in this folder.
func (s *Shop) Dials() *dials.Dials { return s.dials }

// Routes is where messages flow by the table in a data folder, or will once a shop has begun in it.
func Routes(data string) (*messaging.Table, error) {
	t, err := messaging.ReadTable(filepath.Join(data, "routes.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return messaging.ParseTable(routes)
	}
	return t, err
}

// Close ends the services, records last.
func (s *Shop) Close(ctx context.Context) error {
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		if err := s.stops[i].end(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.stops[i].name, err))
		}
	}
	s.stops = nil
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// listenAndStop serves h until the shop ends.
func (s *Shop) listenAndStop(name string, server *http.Server, ln net.Listener) {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	s.stops = append(s.stops, stop{name + " server", func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) { // somebody holds on to a connection
			err = server.Close()
		}
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}})
}

package shop

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/dials"
	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/gateway"
	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/instrument"
)

const (
	version = "1.0.0"   // of all demo services
	issuer  = "gateway" // of the credentials that services believe
)

// host is the process, or the part of one, that a service runs in.
type host struct {
	*Shop
	name  string
	in    *instrument.Instrument
	log   *slog.Logger
	found *discovery.Client
	db    *sql.DB
	bus   *messaging.Bus // nil: the service has nothing to do with messages
	web   *echo.Echo

	believed struct{ gateway, identity keys }

	life       context.Context // of what runs in the background
	background func(func(context.Context))
	end        func()
}

// keys are what the registry's settings say of whom to believe.
type keys struct {
	now atomic.Pointer[[]ed25519.PublicKey]
}

func (k *keys) all() []ed25519.PublicKey {
	if now := k.now.Load(); now != nil {
		return *now
	}
	return nil
}

// host starts what each service has: records, a way to find others, and an API.
func (s *Shop) host(ctx context.Context, name string) (*host, error) {
	in, err := instrument.Start(ctx, instrument.Config{
		Service: name, Version: version, Environment: "demo", Brokers: s.cfg.Brokers, Data: s.cfg.Data, Console: s.cfg.Console, Scoped: true,
		Skew: func() time.Duration { return s.dials.Of(name).Skew },
	})
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, stop{name + " records", in.Shutdown})
	h := &host{Shop: s, name: name, in: in, log: in.Logger(), web: echo.New()}
	h.found = discovery.New(discovery.Config{URL: s.registry, Logger: h.log})
	s.stops = append(s.stops, stop{name + " look-ups", func(context.Context) error { return h.found.Close() }})
	var running sync.WaitGroup
	life, enough := context.WithCancel(s.running)
	h.life, h.background = life, func(f func(context.Context)) { running.Go(func() { f(life) }) }
	h.end = func() { enough(); running.Wait() }
	h.background(h.follow)

	h.web.IPExtractor = echo.ExtractIPDirect()
	h.web.HTTPErrorHandler = h.problem
	h.web.Use(in.Echo(), middleware.Recover(), s.dials.Echo(name))
	return h, nil
}

// handler is the service's API, and beside it what is asked every second and is no journey.
func (h *host) handler(diagnose func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h.web)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /diagnostics", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		err := diagnose(ctx)
		if h.dial().Sick {
			err = dials.ErrDialled
		}
		if err != nil {
			h.log.ErrorContext(ctx, "not in order", "error", err)
			http.Error(w, "not in order", http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	return mux
}

// stopBackground has what runs beside the service end before what it uses.
func (h *host) stopBackground() {
	h.stops = append(h.stops, stop{h.name + " background", func(context.Context) error { h.end(); return nil }})
}

// dial is how the service's dials stand.
func (h *host) dial() dials.Dial { return h.dials.Of(h.name) }

// follow learns from the registry's settings whom to believe.
func (h *host) follow(ctx context.Context) {
	_ = h.found.Watch(ctx, func(s discovery.Settings) { // ends with ctx only
		for name, to := range map[string]*keys{"gateway.key": &h.believed.gateway, "identity.key": &h.believed.identity} {
			parsed, err := credential.ParseKeys(s.Values[name])
			if err != nil {
				h.log.ErrorContext(ctx, "a key in the settings is wrong", "name", name, "error", err)
				continue
			}
			to.now.Store(&parsed)
		}
	})
}

// publish puts a key into the settings that all share, as soon as the registry can be reached.
func (h *host) publish(name string, key ed25519.PublicKey) {
	text := credential.FormatKeys(key)
	h.background(func(ctx context.Context) {
		for ctx.Err() == nil {
			_, err := h.found.Change(ctx, map[string]*string{name: &text})
			if err == nil {
				return
			}
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
}

// problem answers with an error. What is not meant for the caller is logged.
func (h *host) problem(err error, c echo.Context) {
	said := new(echo.HTTPError)
	ctx := c.Request().Context()
	switch known := errors.As(err, &said); {
	case known && said.Internal != nil:
		h.log.WarnContext(ctx, "request refused", "status", said.Code, "error", said.Internal)
	case !known && ctx.Err() == nil:
		h.log.ErrorContext(ctx, "request failed", "error", err)
	}
	gateway.Problem(err, c)
}

// serve starts one service with its own store, messages and API, and registers it.
func (s *Shop) serve(ctx context.Context, name string, ln net.Listener) error {
	if name == "gateway" {
		return s.serveGateway(ctx, ln)
	}
	h, err := s.host(ctx, name)
	if err != nil {
		return err
	}
	var what service
	for _, what = range services() {
		if what.name == name {
			break
		}
	}
	if h.db, err = database.Open(filepath.Join(s.cfg.Data, name+".db"), what.schema, messaging.Schema); err != nil {
		return err
	}
	s.stops = append(s.stops, stop{name + " database", func(context.Context) error { return h.db.Close() }})
	if what.messages {
		instance, err := s.instance(name)
		if err != nil {
			return err
		}
		h.bus, err = messaging.Open(messaging.Config{Service: name, Instance: instance, DB: h.db, Instrument: h.in, Router: s.router, Paused: func() bool { return h.dial().Paused }, Fails: h.fails}, s.cfg.Brokers)
		if err != nil {
			return err
		}
		s.stops = append(s.stops, stop{name + " bus", func(context.Context) error { return h.bus.Close() }})
	}
	p, err := what.open(h)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	h.web.Use(middleware.BodyLimit("64K"))
	if name != "identity" { // who logs in has no credential yet, and asks through the gateway only
		h.web.Use(credential.NewVerifier(issuer, name, h.believed.gateway.all).Echo())
	}
	p.Routes(h.web)
	h.stopBackground()
	if h.bus != nil {
		s.receive(h)
	}
	s.listenAndStop(name, &http.Server{Handler: h.handler(h.diagnosis(what, p)), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}, ln)
	return s.register(ctx, h)
}

// fails is the error that a message is not handled for, where one is dialled.
func (h *host) fails() error {
	if h.dial().Fails() {
		return dials.ErrDialled
	}
	return nil
}

// receive runs a service's messages.
func (s *Shop) receive(h *host) {
	running, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.bus.Run(running) }()
	s.stops = append(s.stops, stop{h.name + " messages", func(context.Context) error { cancel(); return <-ended }})
}

func (s *Shop) register(ctx context.Context, h *host) error {
	lease, err := h.found.Register(ctx, discovery.Instance{Service: h.name, URL: s.urls[h.name], Version: version})
	if err != nil {
		return fmt.Errorf("%s: register: %w", h.name, err)
	}
	s.stops = append(s.stops, stop{h.name + " registration", lease.Close})
	return nil
}

// diagnosis is whether the store works, and a handler that uses it.
func (h *host) diagnosis(what service, p part) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := p.Diagnose(ctx); err != nil || what.sample == "" {
			return err
		}
		r := httptest.NewRequest(http.MethodGet, what.sample, nil).WithContext(credential.With(ctx, credential.Claims{Subject: "diagnostics"}))
		inside := h.web.NewContext(r, httptest.NewRecorder())
		h.web.Router().Find(http.MethodGet, what.sample, inside)
		if err := inside.Handler()(inside); err != nil {
			return fmt.Errorf("GET %s: %w", what.sample, err)
		}
		return nil
	}
}

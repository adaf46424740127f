// Package shop runs the demo services on real sockets in one process: gateway,
// registry, bank and game.
//
//	s, err := shop.Start(ctx, shop.Config{Brokers: brokers, Data: dir})
//	id, err := s.Buy(ctx, "USER1", 100)
//	defer s.Close(ctx)
package shop

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/waybill-log/waybill/demo-services/bank"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/game"
	"github.com/waybill-log/waybill/demo-services/gateway"
	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/demo-services/registry"
	"github.com/waybill-log/waybill/instrument"
)

// Config says where the services listen and keep their data.
type Config struct {
	Brokers      []string
	Data         string // folder of the services' SQLite files
	GatewayAddr  string // host:port; port 0 takes a free one
	RegistryAddr string
	BankAddr     string
	GameAddr     string
	Console      slog.Handler // where services show their records; nil: nowhere
}

// Shop is the running services.
type Shop struct {
	gateway string // URL
	console slog.Handler
	stops   []stop
}

// stop ends one part; parts end in the opposite order of their start.
type stop struct {
	name string
	end  func(context.Context) error
}

// Start binds every address, then starts the services. An error says which
// address or folder is taken.
//
//	registry ◄─ gateway ─HTTP─► bank ─shop.orders─► game ─shop.confirmations─► bank
func Start(ctx context.Context, cfg Config) (_ *Shop, err error) {
	s := &Shop{console: cfg.Console}
	if s.console == nil {
		s.console = slog.DiscardHandler
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(ctx))
		}
	}()
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder %s cannot be created: %w; choose another with --data", cfg.Data, err)
	}
	listen := map[string]net.Listener{}
	at := map[string]string{}
	for _, l := range []struct{ name, addr string }{
		{"gateway", cfg.GatewayAddr}, {"registry", cfg.RegistryAddr}, {"bank", cfg.BankAddr}, {"game", cfg.GameAddr},
	} {
		ln, err := net.Listen("tcp", l.addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%s: address %s is taken; stop what listens there or choose another with --%s-addr", l.name, l.addr, l.name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		s.stops = append(s.stops, stop{l.name + " listener", func(context.Context) error { return ignoreClosed(ln.Close()) }})
		listen[l.name], at[l.name] = ln, "http://"+ln.Addr().String()
	}
	s.gateway = at["gateway"]
	s.serve("registry", listen["registry"], registry.New(map[string]string{"bank": at["bank"], "game": at["game"]}))

	if err := s.service(ctx, cfg, "game", listen["game"], game.Schema, func(p parts) { game.New(p.db, p.bus, p.in.Logger()).Routes(p.web) }); err != nil {
		return nil, err
	}
	if err := s.service(ctx, cfg, "bank", listen["bank"], bank.Schema, func(p parts) { bank.New(p.db, p.bus, p.in.Logger()).Routes(p.web) }); err != nil {
		return nil, err
	}
	in, err := s.instrument(ctx, cfg, "gateway")
	if err != nil {
		return nil, err
	}
	e := web(in)
	gateway.New(registry.Client{URL: at["registry"]}, in.Transport(nil), in.Logger()).Routes(e)
	s.serve("gateway", listen["gateway"], e)
	return s, nil
}

// parts are what a service is made of.
type parts struct {
	db  *sql.DB
	bus *messaging.Bus
	in  *instrument.Instrument
	web *echo.Echo
}

// service starts one service with its own database, bus and API.
func (s *Shop) service(ctx context.Context, cfg Config, name string, ln net.Listener, schema string, add func(parts)) error {
	in, err := s.instrument(ctx, cfg, name)
	if err != nil {
		return err
	}
	db, err := database.Open(filepath.Join(cfg.Data, name+".db"), schema, messaging.Schema)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, stop{name + " database", func(context.Context) error { return db.Close() }})
	bus, err := messaging.Open(name, cfg.Brokers, db, in, bank.TopicOrders, bank.TopicConfirmations)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, stop{name + " bus", func(context.Context) error { return bus.Close() }})
	e := web(in)
	add(parts{db, bus, in, e})

	running, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- bus.Run(running) }()
	s.stops = append(s.stops, stop{name + " messages", func(context.Context) error { cancel(); return <-ended }})
	s.serve(name, ln, e)
	return nil
}

func (s *Shop) instrument(ctx context.Context, cfg Config, name string) (*instrument.Instrument, error) {
	in, err := instrument.Start(ctx, instrument.Config{
		Service: name, Environment: "demo", Brokers: cfg.Brokers, Data: cfg.Data, Console: s.console, Scoped: true,
	})
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, stop{name + " records", in.Shutdown})
	return in, nil
}

func web(in *instrument.Instrument) *echo.Echo {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(in.Echo(), middleware.Recover(), middleware.BodyLimit("64K"))
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	return e
}

func (s *Shop) serve(name string, ln net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	s.stops = append(s.stops, stop{name + " server", func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}})
}

// URL is the gateway's address.
func (s *Shop) URL() string { return s.gateway }

// Buy buys points for a user and returns the purchase's tracking number.
func (s *Shop) Buy(ctx context.Context, user string, points int64) (id string, err error) {
	body, err := json.Marshal(bank.Order{User: user, Points: points})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.gateway+"/purchases", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("buy: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return "", fmt.Errorf("buy: %w", err)
	}
	if res.StatusCode != http.StatusAccepted {
		return res.Header.Get(instrument.HeaderCorrelationID), fmt.Errorf("buy: the gateway answered %s: %s", res.Status, answer)
	}
	var p gateway.Purchase
	if err := json.Unmarshal(answer, &p); err != nil {
		return "", fmt.Errorf("buy: %w", err)
	}
	return p.CorrelationID, nil
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

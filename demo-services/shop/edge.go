package shop

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/miekg/dns"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/gateway"
	"github.com/waybill-log/waybill/demo-services/page"
	"github.com/waybill-log/waybill/demo-services/registry"
)

// serveRegistry starts what everybody asks for everybody, and the page of dials beside it. Who does
// not register is listed in services.yaml.
func (s *Shop) serveRegistry(ln net.Listener) error {
	static, err := registry.ReadStatic(filepath.Join(s.cfg.Data, "services.yaml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r, err := registry.Open(registry.Config{Static: static, File: filepath.Join(s.cfg.Data, "registry.json"), Own: s.urls["registry"], Logger: s.log})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, stop{"registry state", func(context.Context) error { return r.Close() }})
	running, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(running) }()
	s.stops = append(s.stops, stop{"registrar", func(context.Context) error { cancel(); return <-ended }})
	mux := http.NewServeMux()
	mux.Handle("/", r.Handler())
	mux.Handle("/admin/", http.StripPrefix("/admin", s.dials.Admin(Names()[1:])))
	mux.HandleFunc("GET /diagnostics", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	s.listenAndStop("registry", &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}, ln)
	return s.serveDNS(r, ln.Addr().String())
}

// domain is that of services over DNS: _bank._tcp.shop. and so on.
const domain = "shop."

// serveDNS answers on the UDP port of the registry's own number.
func (s *Shop) serveDNS(r *registry.Registry, addr string) error {
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return fmt.Errorf("registry: DNS: %w", err)
	}
	server := &dns.Server{PacketConn: conn, Handler: registry.DNS(r, domain)}
	ended := make(chan error, 1)
	go func() { ended <- server.ActivateAndServe() }()
	s.stops = append(s.stops, stop{"registry DNS", func(context.Context) error { return errors.Join(ignoreClosed(conn.Close()), ignoreClosed(<-ended)) }})
	return nil
}

// serveGateway starts the one service that strangers reach.
func (s *Shop) serveGateway(ctx context.Context, ln net.Listener) error {
	h, err := s.host(ctx, "gateway")
	if err != nil {
		return err
	}
	key, err := signingKey(filepath.Join(s.cfg.Data, "gateway.key"))
	if err != nil {
		return err
	}
	minter := credential.NewMinter(key, issuer)
	h.publish("gateway.key", minter.Key())
	var track func(string) string
	if s.cfg.Track != "" {
		track = s.Track
	}
	g, err := gateway.New(gateway.Config{
		Services: h.in.Transport(s.dials.Transport("gateway", h.found.Transport(connections()))), Minter: minter, IdentityKeys: h.believed.identity.all,
		Logger: h.log, Page: page.Handler(), TrackURL: track,
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, stop{"gateway state", func(context.Context) error { return g.Close() }})
	g.Routes(h.web)
	h.stopBackground()
	handler := h.handler(func(context.Context) error { return nil })
	s.listenAndStop("gateway", gateway.Server(handler), gateway.Listener(ln, handler))
	return s.register(ctx, h)
}

// connections are to many instances of few services: as many stay open as calls go on at a time.
func connections() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 512, 64
	return t
}

// signingKey is the key in a file, the same after a restart.
func signingKey(path string) (ed25519.PrivateKey, error) {
	seed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		seed = make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seed) // never fails
		err = os.WriteFile(path, seed, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("signing key: %s has %d bytes, want %d; remove it", path, len(seed), ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

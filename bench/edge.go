package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/gateway"
	"github.com/waybill-log/waybill/instrument"
)

// edge is a gateway in a process of its own, as it says where it is.
type edge struct {
	Addr    string
	Session string // a token of a user
	Key     string // whose credentials services take
}

// playEdge takes the registry's URL, a folder and, where records are shipped rather
// than forgotten, the address of a broker.
func playEdge(argument string) error {
	words := append(strings.Fields(argument), "")
	cfg := instrument.Config{Service: "gateway", Version: "1.0.0", Environment: "bench", Console: slog.DiscardHandler, Scoped: true}
	if words[2] != "" {
		cfg.Brokers, cfg.Data = []string{words[2]}, filepath.Join(words[1], "gateway")
	} else {
		cfg.Deliver = func(string, []byte, []byte) error { return nil }
	}
	in, err := instrument.Start(context.Background(), cfg)
	if err != nil {
		return err
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	_, of, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	identity := credential.NewMinter(of, "identity")
	minter := credential.NewMinter(key, "gateway")
	found := discovery.New(discovery.Config{URL: words[0], Logger: in.Logger()})
	g, err := gateway.New(gateway.Config{
		Services:     in.Transport(found.Transport(&http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 64, DisableCompression: true})),
		Minter:       minter,
		IdentityKeys: func() []ed25519.PublicKey { return []ed25519.PublicKey{identity.Key()} },
		Logger:       in.Logger(),
		Expose:       []string{"products", catalogue},
		Public:       []string{"products", catalogue},
		Limits:       gateway.Limits{Rate: 1e9, Burst: 1e9},
	})
	if err != nil {
		return err
	}
	session, _, err := identity.Issue("USER1", "gateway", time.Hour)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e := echo.New()
	e.Use(in.Echo(instrument.Untrusted()))
	g.Routes(e)
	server := gateway.Server(e)
	go server.Serve(gateway.Listener(ln, e))
	if err := json.NewEncoder(os.Stdout).Encode(edge{ln.Addr().String(), session, credential.FormatKeys(minter.Key())}); err != nil {
		return err
	}
	return errors.Join(untilStdinCloses(), server.Close(), g.Close(), found.Close(), in.Shutdown(context.Background()))
}

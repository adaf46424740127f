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

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/products"
	"github.com/waybill-log/waybill/instrument"
)

// catalogue is the name of a service that is a real one, with its store, its
// instrument and its check of the credential.
const catalogue = "catalogue"

// playCatalogue takes the registry's URL, a folder, the address of a broker and the
// gateway's public key.
func playCatalogue(argument string) error {
	words := strings.Fields(argument)
	keys, err := credential.ParseKeys(words[3])
	if err != nil {
		return err
	}
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: catalogue, Version: "1.0.0", Environment: "bench", Console: slog.DiscardHandler, Scoped: true,
		Brokers: []string{words[2]}, Data: filepath.Join(words[1], catalogue),
	})
	if err != nil {
		return err
	}
	db, err := database.Open(filepath.Join(words[1], catalogue+".db"), products.Schema)
	if err != nil {
		return err
	}
	e := echo.New()
	e.Use(in.Echo(), credential.NewVerifier("gateway", catalogue, func() []ed25519.PublicKey { return keys }).Echo())
	e.GET("/diagnostics", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	products.New(db, in.Logger()).Routes(e)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: e}
	go server.Serve(ln)
	client := discovery.New(discovery.Config{URL: words[0]})
	if _, err := client.Register(context.Background(), discovery.Instance{Service: catalogue, URL: "http://" + ln.Addr().String(), Version: "1.0.0"}); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(ln.Addr().String()); err != nil {
		return err
	}
	return errors.Join(untilStdinCloses(), server.Close(), client.Close(), db.Close(), in.Shutdown(context.Background()))
}

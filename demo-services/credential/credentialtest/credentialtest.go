// Package credentialtest asks one service as the gateway would: over a real
// socket, with a real credential.
//
//	api := credentialtest.Serve(t, cart.New(db, nil).Routes)
//	status, body := api.Ask(t, "USER1", http.MethodPut, "/cart/sword", `{"quantity": 2}`)
//
// The type to know is [API]. The package never opens a database, and never
// shows what an error says beyond status and text, as a host should not.
package credentialtest

import (
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// Staff asks with the role staff.
const Staff = "STAFF"

const issuer, audience = "gateway", "service"

// API is a service that is served.
type API struct {
	url    string
	minter *credential.Minter
}

// Serve serves routes until the test ends.
func Serve(t *testing.T, routes func(*echo.Echo)) *API {
	t.Helper()
	m := credential.NewMinter(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), issuer)
	v := credential.NewVerifier(issuer, audience, func() []ed25519.PublicKey { return []ed25519.PublicKey{m.Key()} })
	e := echo.New()
	e.HTTPErrorHandler = problem
	e.Use(v.Echo())
	routes(e)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return &API{url: server.URL, minter: m}
}

// problem answers as RFC 9457 says, and of an unknown error nothing.
func problem(err error, c echo.Context) {
	status, detail := http.StatusInternalServerError, "internal error"
	if known := (*echo.HTTPError)(nil); errors.As(err, &known) {
		status, detail = known.Code, known.Message.(string)
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	_ = c.JSON(status, map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail})
}

// Ask asks as user, "" for somebody who has not logged in. A refusal that is no
// problem+json fails the test.
func (a *API) Ask(t *testing.T, user, method, path, body string) (status int, answer string) {
	t.Helper()
	status, _, answer = a.AskWith(t, user, method, path, body, nil)
	return status, answer
}

// AskWith is Ask with headers both ways.
func (a *API) AskWith(t *testing.T, user, method, path, body string, headers http.Header) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if headers != nil {
		req.Header = headers.Clone()
	}
	req.Header.Set(credential.Header, a.mint(t, user))
	req.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if kind := res.Header.Get(echo.HeaderContentType); res.StatusCode >= 400 && kind != "application/problem+json" {
		t.Errorf("%s %s: %d as %s", method, path, res.StatusCode, kind)
	}
	return res.StatusCode, res.Header, strings.TrimSpace(string(answer))
}

func (a *API) mint(t *testing.T, user string) string {
	t.Helper()
	var roles []string
	if user == Staff {
		roles = []string{"staff"}
	}
	text, err := a.minter.Mint(user, audience, roles...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

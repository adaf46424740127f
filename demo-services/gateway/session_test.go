package gateway_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// asks answers with who asked, as the service's credential says.
func asks(f **fixture, service string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := (*f).verify(service).Verify(r.Header.Get(credential.Header))
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"user": who.Subject, "roles": who.Roles})
	}
}

func TestServicesLearnWhoAsksForThemOnly(t *testing.T) {
	var f *fixture
	f = open(t, map[string]http.HandlerFunc{"orders": asks(&f, "orders"), "products": asks(&f, "products"), "cart": asks(&f, "orders")})
	token := f.session("USER1", "staff")
	for _, header := range []string{"Authorization: Bearer " + token, "Cookie: shop_session=" + token} {
		if r := f.ask("GET", "/services/orders/orders", "", header); r.StatusCode != http.StatusOK || !strings.Contains(r.body, `{"roles":["staff"],"user":"USER1"}`) {
			t.Errorf("%.14s: answer %d %s", header, r.StatusCode, r.body)
		}
	}
	if r := f.ask("GET", "/services/products/products", ""); r.StatusCode != http.StatusOK || !strings.Contains(r.body, `"user":""`) {
		t.Errorf("public: answer %d %s", r.StatusCode, r.body)
	}
	f.status(f.ask("GET", "/services/cart/cart", "", "Authorization: Bearer "+token), http.StatusUnauthorized) // it asked for an audience that is not its own
	f.refused(f.ask("GET", "/services/orders/orders", ""), http.StatusUnauthorized, "login-needed")
	f.refused(f.ask("PUT", "/services/products/products/1", "{}"), http.StatusUnauthorized, "login-needed")
}

func TestSessionsThatAreNotGoodAreRefused(t *testing.T) {
	called := false
	f := open(t, map[string]http.HandlerFunc{"orders": func(http.ResponseWriter, *http.Request) { called = true }, "products": func(http.ResponseWriter, *http.Request) { called = true }})
	issue := func(m *credential.Minter, user, audience string, lasts time.Duration) string {
		token, _, err := m.Issue(user, audience, lasts)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := f.session("USER1")
	parts := strings.Split(good, ".")
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	public := f.identity.Key()
	confused, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "USER1", "aud": "gateway", "iss": "identity", "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"alg none":          part(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + ".",
		"no signature":      parts[0] + "." + parts[1] + ".",
		"HMAC of the key":   confused,
		"expired":           issue(f.identity, "USER1", "gateway", -time.Minute),
		"for a service":     issue(f.identity, "USER1", "orders", time.Hour),
		"of another issuer": issue(credential.NewMinter(key(t), "identity"), "USER1", "gateway", time.Hour),
		"of nobody":         issue(f.identity, "", "gateway", time.Hour),
		"changed":           parts[0] + "." + part(`{"iss":"identity","sub":"STAFF","aud":"gateway","exp":9999999999}`) + "." + parts[2],
		"not a token":       "hello",
	} {
		t.Run(name, func(t *testing.T) {
			r := f.ask("GET", "/services/orders/orders", "", "Authorization: Bearer "+token)
			id := f.refused(r, http.StatusUnauthorized, "session-refused").CorrelationID
			if r.Header.Get("Www-Authenticate") != "Bearer" || strings.Contains(r.body, "alg") {
				t.Errorf("answer %v %s", r.Header, r.body)
			}
			f.journeys.Journey(id).Logged("session refused").Logged("request")
			f.refused(f.ask("GET", "/services/products/products", "", "Cookie: shop_session="+token), http.StatusUnauthorized, "session-refused")
		})
	}
	f.refused(f.ask("GET", "/services/products/products", "", "Authorization: Basic abc"), http.StatusUnauthorized, "login-needed")
	if called {
		t.Error("a service was called")
	}
	if !strings.Contains(f.logged(), `"msg":"session refused","error":`) {
		t.Error("failures are not in the log")
	}
}

func TestLogInAndOut(t *testing.T) {
	var f *fixture
	f = open(t, map[string]http.HandlerFunc{
		"orders": asks(&f, "orders"),
		"identity": func(w http.ResponseWriter, r *http.Request) {
			if _, err := f.verify("identity").Verify(r.Header.Get(credential.Header)); err != nil {
				t.Error(err)
			}
			body, _ := io.ReadAll(r.Body)
			if r.URL.Path != "/sessions" || string(body) != `{"password":"demo1","user":"USER1"}` {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusUnauthorized)
				io.WriteString(w, `{"detail":"User or password is wrong."}`)
				return
			}
			json.NewEncoder(w).Encode(map[string]any{"token": f.session("USER1"), "expires_at": time.Now().Add(time.Hour), "user": "USER1"})
		},
	})
	const js = "Content-Type: application/json"
	p := f.refused(f.ask("POST", "/login", `{"user":"USER1","password":"x"}`, js), http.StatusUnauthorized, "refused-by-identity")
	if p.Detail != "User or password is wrong." {
		t.Errorf("detail %q", p.Detail)
	}
	f.refused(f.ask("POST", "/login", `{"user":"USER1"}`, js), http.StatusUnprocessableEntity, "invalid-login")
	f.refused(f.ask("POST", "/login", `{"user":"USER1","password":"demo1"}`, js, "Sec-Fetch-Site: cross-site"), http.StatusForbidden, "cross-origin")

	r := f.ask("POST", "/login", `{"user":"USER1","password":"demo1"}`, js)
	f.status(r, http.StatusOK)
	c := r.Cookies()[0]
	if c.Name != "shop_session" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge < 3000 || strings.Contains(r.body, c.Value) {
		t.Errorf("cookie %v, answer %s", c, r.body)
	}
	own := "Cookie: shop_session=" + c.Value
	f.status(f.ask("GET", "/services/orders/orders", "", own), http.StatusOK)
	f.refused(f.ask("POST", "/services/orders/orders", "", own, "Origin: http://evil"), http.StatusForbidden, "cross-origin")
	f.refused(f.ask("POST", "/services/orders/orders", "", own, "Origin: http://evil", "Authorization: Basic abc"), http.StatusForbidden, "cross-origin")
	f.status(f.ask("POST", "/services/orders/orders", "", own, "Sec-Fetch-Site: same-origin"), http.StatusOK)

	out := f.ask("POST", "/logout", "", own)
	f.status(out, http.StatusNoContent)
	if gone := out.Cookies()[0]; gone.MaxAge >= 0 {
		t.Errorf("cookie %v stays", gone)
	}
	f.refused(f.ask("GET", "/services/orders/orders", "", own), http.StatusUnauthorized, "session-refused")

	r = f.ask("POST", "/login", `{"user":"USER1","password":"demo1","bearer":true}`, js)
	if len(r.Cookies()) > 0 || !strings.Contains(r.body, `"token":"ey`) {
		t.Errorf("answer %v %s", r.Cookies(), r.body)
	}
	if strings.Contains(f.logged(), "demo1") {
		t.Error("the password is in the log")
	}
}

package credential_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// key is the private key number n.
func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func trusting(m ...*credential.Minter) *credential.Verifier {
	return credential.NewVerifier("gateway", "orders", func() (keys []ed25519.PublicKey) {
		for _, m := range m {
			keys = append(keys, m.Key())
		}
		return keys
	})
}

func Example() {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	minter := credential.NewMinter(key, "gateway")
	token, _ := minter.Mint("USER1", "orders", "staff")

	verifier := credential.NewVerifier("gateway", "orders", func() []ed25519.PublicKey { return []ed25519.PublicKey{minter.Key()} })
	who, err := verifier.Verify(token)
	fmt.Println(who.Subject, who.Has("staff"), err)
	// Output: USER1 true <nil>
}

func TestATokenIsGoodForAMinuteAndTheLeeway(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		good  bool
	}{{0, true}, {59 * time.Second, true}, {64 * time.Second, true}, {66 * time.Second, false}, {-4 * time.Second, true}, {-7 * time.Second, false}} {
		synctest.Test(t, func(t *testing.T) {
			m := credential.NewMinter(key(1), "gateway")
			v := trusting(m)
			time.Sleep(max(0, -tt.after))
			text, err := m.Mint("USER1", "orders")
			if err != nil {
				t.Fatal(err)
			}
			if tt.after < 0 { // minted by a clock that is ahead
				text = forge(t, key(1), jwt.SigningMethodEdDSA, func(h, c map[string]any) { c["iat"] = time.Now().Add(-tt.after).Unix() })
			}
			time.Sleep(max(0, tt.after))
			if _, err := v.Verify(text); (err == nil) != tt.good {
				t.Errorf("after %v: %v", tt.after, err)
			}
		})
	}
}

func TestALoginLastsAsLongAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := credential.NewMinter(key(1), "gateway")
		text, ends, err := m.Issue("USER1", "orders", time.Hour)
		if err != nil || time.Until(ends) != time.Hour {
			t.Fatal(ends, err)
		}
		time.Sleep(time.Hour - time.Second)
		if _, err := trusting(m).Verify(text); err != nil {
			t.Error(err)
		}
		time.Sleep(7 * time.Second)
		if _, err := trusting(m).Verify(text); err == nil {
			t.Error("still good")
		}
	})
}

// Else to log out would log out who logs in within the same second.
func TestNoTwoTokensAreTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := credential.NewMinter(key(1), "gateway")
		one, _ := m.Mint("USER1", "orders")
		if two, _ := m.Mint("USER1", "orders"); one == two {
			t.Error("the same")
		}
	})
}

// A token that is revoked by its text must have no other text.
func TestATokenHasOneSpelling(t *testing.T) {
	m := credential.NewMinter(key(1), "gateway")
	text, _ := m.Mint("USER1", "orders")
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	end := strings.IndexByte(digits, text[len(text)-1])
	for _, other := range []string{text[:len(text)-1] + digits[end+1:end+2], text + "=", text + "\n", " " + text} {
		if _, err := trusting(m).Verify(other); err == nil {
			t.Errorf("%q is taken, too", other[len(other)-4:])
		}
	}
}

// forge signs what mint would have signed, after change.
func forge(t *testing.T, signer any, method jwt.SigningMethod, change func(header, claims map[string]any)) string {
	t.Helper()
	text, err := credential.NewMinter(key(1), "gateway").Mint("USER1", "orders")
	if err != nil {
		t.Fatal(err)
	}
	parsed, _, err := jwt.NewParser().ParseUnverified(text, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	forged := jwt.NewWithClaims(method, parsed.Claims)
	forged.Header["kid"] = parsed.Header["kid"]
	change(forged.Header, parsed.Claims.(jwt.MapClaims))
	text, err = forged.SignedString(signer)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func same(_, _ map[string]any) {}

// attacks are tokens that nobody may take.
func attacks(t *testing.T) map[string]string {
	mine, eddsa := key(1), jwt.SigningMethodEdDSA
	public := credential.NewMinter(mine, "gateway").Key()
	claim := func(name string, value any) string {
		return forge(t, mine, eddsa, func(_, c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	header := func(name string, value any) string {
		return forge(t, mine, eddsa, func(h, _ map[string]any) {
			if h[name] = value; value == nil {
				delete(h, name)
			}
		})
	}
	otherKID, _ := credential.NewMinter(key(2), "gateway").Mint("USER1", "orders")
	good := forge(t, mine, eddsa, same)
	parts := strings.Split(good, ".")
	staff := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"gateway","sub":"STAFF","aud":["orders"],"exp":99999999999,"roles":["staff"]}`))
	return map[string]string{
		"empty":                          "",
		"garbage":                        "a.b.c",
		"two parts":                      parts[0] + "." + parts[1],
		"alg none":                       forge(t, jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodNone, same),
		"alg none in the header only":    header("alg", "none"),
		"HS256 with the public key":      forge(t, []byte(public), jwt.SigningMethodHS256, same),
		"HS256 with the text of the key": forge(t, []byte(credential.FormatKeys(public)), jwt.SigningMethodHS256, same),
		"no alg":                         header("alg", nil),
		"aud of another service":         claim("aud", "stock"),
		"no aud":                         claim("aud", nil),
		"empty aud":                      claim("aud", ""),
		"iss of another":                 claim("iss", "identity"),
		"no iss":                         claim("iss", nil),
		"expired":                        claim("exp", time.Now().Add(-time.Minute).Unix()),
		"without exp":                    claim("exp", nil),
		"exp as text":                    claim("exp", "never"),
		"from tomorrow":                  claim("iat", time.Now().Add(24*time.Hour).Unix()),
		"not yet":                        claim("nbf", time.Now().Add(time.Hour).Unix()),
		"wrong key":                      otherKID,
		"wrong key under our kid":        forge(t, key(2), eddsa, same),
		"kid of another":                 header("kid", strings.Split(otherKID, ".")[0]),
		"kid as a path":                  header("kid", "../../dev/null"),
		"kid as a number":                header("kid", 1),
		"no kid":                         header("kid", nil),
		"claims changed":                 parts[0] + "." + staff + "." + parts[2],
		"signature cut off":              parts[0] + "." + parts[1] + ".",
		"signature cut short":            good[:len(good)-4],
		"10 KB":                          claim("sub", strings.Repeat("x", 10<<10)),
		"10 KB of dots":                  strings.Repeat(".", 10<<10),
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	m := credential.NewMinter(key(1), "gateway")
	v := trusting(m)
	if _, err := v.Verify(forge(t, key(1), jwt.SigningMethodEdDSA, same)); err != nil {
		t.Fatal("forge makes no good token: ", err)
	}
	for name, text := range attacks(t) {
		if who, err := v.Verify(text); err == nil || who.Subject != "" {
			t.Errorf("%s: taken as %v", name, who)
		}
	}
}

// What would be signed well is refused for its size alone, before it is parsed.
func TestATokenTooLongIsRefusedUnread(t *testing.T) {
	asked := false
	v := credential.NewVerifier("gateway", "orders", func() []ed25519.PublicKey { asked = true; return nil })
	if _, err := v.Verify(attacks(t)["10 KB"]); err == nil || asked {
		t.Error(err, asked)
	}
}

func TestAVerifierWithoutNamesOrKeysTakesNothing(t *testing.T) {
	m := credential.NewMinter(key(1), "gateway")
	text, _ := m.Mint("USER1", "orders")
	for _, names := range [][2]string{{"", "orders"}, {"gateway", ""}, {"", ""}} {
		v := credential.NewVerifier(names[0], names[1], func() []ed25519.PublicKey { return []ed25519.PublicKey{m.Key()} })
		if _, err := v.Verify(text); err == nil {
			t.Error("taken by ", names)
		}
	}
	if _, err := trusting().Verify(text); err == nil {
		t.Error("taken without a key")
	}
}

func TestAKeyMayBeReplaced(t *testing.T) {
	before, after := credential.NewMinter(key(1), "gateway"), credential.NewMinter(key(2), "gateway")
	text, _ := before.Mint("USER1", "orders", "staff")
	if who, err := trusting(after, before).Verify(text); err != nil || !reflect.DeepEqual(who, credential.Claims{Subject: "USER1", Roles: []string{"staff"}}) {
		t.Error(who, err)
	}
	if _, err := trusting(after).Verify(text); err == nil {
		t.Error("taken with a key that is gone")
	}
}

func TestWhatIsNoKeySignsNothing(t *testing.T) {
	if _, err := credential.NewMinter(nil, "gateway").Mint("USER1", "orders"); err == nil {
		t.Error("signed")
	}
}

func TestKeysTravelAsText(t *testing.T) {
	one, two := credential.NewMinter(key(1), "").Key(), credential.NewMinter(key(2), "").Key()
	text := credential.FormatKeys(one, two)
	keys, err := credential.ParseKeys(text)
	if err != nil || len(keys) != 2 || !one.Equal(keys[0]) || !two.Equal(keys[1]) {
		t.Error(keys, err)
	}
	if keys, err := credential.ParseKeys(""); err != nil || keys != nil {
		t.Error(keys, err)
	}
	for _, bad := range []string{"x", "aGVsbG8=", text + ",", strings.Repeat(text+",", 4) + credential.FormatKeys(one)} {
		if keys, err := credential.ParseKeys(bad); err == nil {
			t.Errorf("%.20s…: %v", bad, keys)
		}
	}
}

// service is an echo that says who asks.
func service(v *credential.Verifier) *echo.Echo {
	e := echo.New()
	e.Use(v.Echo())
	who := func(c echo.Context) error {
		claims, ok := credential.From(c.Request().Context())
		return c.String(http.StatusOK, fmt.Sprint(claims.Subject, ok))
	}
	for _, path := range []string{"/orders", "/healthz", "/diagnostics", "/orders/:id", "/healthz/keys"} {
		e.GET(path, who)
	}
	return e
}

func TestAServiceLetsPassWhoHasACredential(t *testing.T) {
	m := credential.NewMinter(key(1), "gateway")
	e := service(trusting(m))
	good, _ := m.Mint("USER1", "orders")
	for _, tt := range []struct {
		path   string
		tokens []string
		status int
		body   string
	}{
		{"/orders", []string{good}, http.StatusOK, "USER1true"},
		{"/orders/1", []string{good}, http.StatusOK, "USER1true"},
		{"/orders", nil, http.StatusUnauthorized, ""},
		{"/orders", []string{""}, http.StatusUnauthorized, ""},
		{"/orders", []string{good, good}, http.StatusUnauthorized, ""},
		{"/orders", []string{"a.b.c"}, http.StatusUnauthorized, ""},
		{"/orders", []string{attacks(t)["alg none"]}, http.StatusUnauthorized, ""},
		{"/nowhere", nil, http.StatusUnauthorized, ""},
		{"/healthz", nil, http.StatusOK, "false"},
		{"/diagnostics", nil, http.StatusOK, "false"},
		{"/healthz/keys", nil, http.StatusUnauthorized, ""},
		{"/orders/%2e%2e%2fhealthz", nil, http.StatusUnauthorized, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, nil)
		r.Header[credential.Header] = tt.tokens
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != tt.status || w.Code == http.StatusOK && w.Body.String() != tt.body {
			t.Errorf("%s with %d tokens: %d %s", tt.path, len(tt.tokens), w.Code, w.Body)
		}
		if w.Code == http.StatusUnauthorized && (w.Header().Get("WWW-Authenticate") == "" || strings.Contains(w.Body.String(), "token")) {
			t.Errorf("%s: refused with %v %s", tt.path, w.Header(), w.Body)
		}
	}
}

func TestTheReasonOfARefusalIsKeptForTheLog(t *testing.T) {
	e, reason := service(trusting()), error(nil)
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		var said *echo.HTTPError
		if errors.As(err, &said) {
			reason = said.Internal
		}
		e.DefaultHTTPErrorHandler(err, c)
	}
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/orders", nil))
	if reason == nil || !strings.Contains(reason.Error(), "exactly one token, not 0") {
		t.Error(reason)
	}
}

func TestNobodyAsksInAnEmptyContext(t *testing.T) {
	if who, ok := credential.From(context.Background()); ok {
		t.Error(who)
	}
	ctx := credential.With(context.Background(), credential.Claims{Subject: "USER1", Roles: []string{"staff"}})
	if who, ok := credential.From(ctx); !ok || !who.Has("staff") || who.Has("admin") {
		t.Error(who, ok)
	}
}

func FuzzVerify(f *testing.F) {
	v := trusting(credential.NewMinter(key(1), "gateway"))
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.bnVsbA.")
	f.Fuzz(func(t *testing.T, text string) {
		if who, err := v.Verify(text); err == nil {
			t.Errorf("%q taken as %v", text, who)
		}
	})
}

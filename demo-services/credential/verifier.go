package credential

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v4"
)

const (
	maxToken = 4 << 10         // bytes; ours have about 300
	leeway   = 5 * time.Second // between two clocks
)

var (
	errSize  = fmt.Errorf("token is longer than %d bytes", maxToken)
	errLines = errors.New("token has line ends")
	errKey   = errors.New("signed with a key that is not known")
	errCount = errors.New("want exactly one token")
	errNames = errors.New("verifier has no issuer or no audience")
)

// Verifier reads tokens. Safe for concurrent use if its keys are.
type Verifier struct {
	issuer, audience string
	keys             func() []ed25519.PublicKey
	parser           *jwt.Parser
}

// NewVerifier takes tokens from issuer for audience; it asks for the keys each
// time, so that they may change. Without issuer or audience it takes none.
func NewVerifier(issuer, audience string, keys func() []ed25519.PublicKey) *Verifier {
	return &Verifier{issuer: issuer, audience: audience, keys: keys, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway),
	)}
}

// Verify returns what a token says. The error is for the log only.
func (v *Verifier) Verify(text string) (Claims, error) {
	if v.issuer == "" || v.audience == "" {
		return Claims{}, fmt.Errorf("verify token: %w", errNames)
	}
	if len(text) > maxToken {
		return Claims{}, fmt.Errorf("verify token: %w", errSize)
	}
	if strings.ContainsAny(text, "\r\n") { // base64 skips them: a token would have many spellings
		return Claims{}, fmt.Errorf("verify token: %w", errLines)
	}
	var t token
	if _, err := v.parser.ParseWithClaims(text, &t, v.key); err != nil {
		return Claims{}, fmt.Errorf("verify token: %w", err)
	}
	return Claims{Subject: t.Subject, Roles: t.Roles}, nil
}

// key finds the key that a token names among those we trust.
func (v *Verifier) key(t *jwt.Token) (any, error) {
	for _, k := range v.keys() {
		if t.Header["kid"] == keyID(k) {
			return k, nil
		}
	}
	return nil, errKey
}

// Echo lets pass who brings a valid token in [Header] and says in the request's
// context who that is; others get 401, whose Internal error is for the log. The
// host's own /healthz and /diagnostics are open. Use it with e.Use, after the
// instrument, so that a request refused has a journey.
func (v *Verifier) Echo() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if open(c.Path()) {
				return next(c)
			}
			r := c.Request()
			who, err := v.one(r.Header.Values(Header))
			if err != nil {
				c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Internal") // RFC 9110, 11.6.1
				return echo.NewHTTPError(http.StatusUnauthorized, "a valid internal credential is needed").SetInternal(err)
			}
			c.SetRequest(r.WithContext(With(r.Context(), who)))
			return next(c)
		}
	}
}

// one verifies the only token there is: of two, each reader might take another.
func (v *Verifier) one(tokens []string) (Claims, error) {
	if len(tokens) != 1 {
		return Claims{}, fmt.Errorf("%w, not %d", errCount, len(tokens))
	}
	return v.Verify(tokens[0])
}

// open reports whether a route, not the path that was asked for, needs no token.
func open(route string) bool { return route == "/healthz" || route == "/diagnostics" }

package gateway

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/maypok86/otter/v2"

	"github.com/waybill-log/waybill/demo-services/credential"
)

const (
	identity      = "identity" // issues sessions
	cookieSession = "shop_session"
	sessionLife   = time.Hour
	maxRevoked    = 100_000 // sessions logged out and not yet expired
)

var (
	errLoggedOut = errors.New("logged out")
	errNobody    = errors.New("session is nobody's")
)

// sessions verifies session tokens, and remembers those logged out.
type sessions struct {
	verifier *credential.Verifier
	revoked  *otter.Cache[[sha256.Size]byte, struct{}]
}

func newSessions(v *credential.Verifier) (*sessions, error) {
	revoked, err := otter.New(&otter.Options[[sha256.Size]byte, struct{}]{
		MaximumSize: maxRevoked, Logger: &otter.NoopLogger{},
		ExpiryCalculator: otter.ExpiryWriting[[sha256.Size]byte, struct{}](2 * sessionLife),
	})
	return &sessions{verifier: v, revoked: revoked}, err
}

func (s *sessions) verify(token string) (credential.Claims, error) {
	who, err := s.verifier.Verify(token)
	if err != nil {
		return who, err
	}
	if who.Subject == "" {
		return credential.Claims{}, errNobody
	}
	if _, ok := s.revoked.GetIfPresent(sha256.Sum256([]byte(token))); ok {
		return credential.Claims{}, errLoggedOut
	}
	return who, nil
}

func (s *sessions) revoke(token string) { s.revoked.Set(sha256.Sum256([]byte(token)), struct{}{}) }

// Close ends the expiry of those logged out.
func (s *sessions) Close() error { s.revoked.StopAllGoroutines(); return nil }

// sessionOf is the session token that a request brings; empty: none. One in
// Authorization goes before a cookie, which browsers add by themselves.
func sessionOf(r *http.Request) (token string) {
	if token := bearerOf(r); token != "" {
		return token
	}
	if c, err := r.Cookie(cookieSession); err == nil {
		return c.Value
	}
	return ""
}

func bearerOf(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// identified finds out who asks, the only time on the way. Who brings no session
// may read what is public; a session that is not good is always refused.
func (g *Gateway) identified(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		token := sessionOf(r)
		if token == "" && r.Header.Get(echo.HeaderAuthorization) == "" && g.public(c) {
			return next(c)
		}
		who, err := g.sessions.verify(token)
		if err != nil {
			return g.unidentified(c, token, err)
		}
		c.SetRequest(r.WithContext(credential.With(r.Context(), who)))
		return next(c)
	}
}

func (g *Gateway) unidentified(c echo.Context, token string, err error) error {
	c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	if token == "" {
		return refuse(http.StatusUnauthorized, "login-needed", "Log in first.")
	}
	g.log.WarnContext(c.Request().Context(), "session refused", "error", err)
	if _, err := c.Cookie(cookieSession); err == nil {
		c.SetCookie(cookie(c.Request(), "", -1))
	}
	return refuse(http.StatusUnauthorized, "session-refused", "The session is not good any more. Log in again.")
}

// public reports whether a request needs no session.
func (g *Gateway) public(c echo.Context) bool {
	method := c.Request().Method
	return (method == http.MethodGet || method == http.MethodHead) && slices.Contains(g.cfg.Public, c.Param("name"))
}

// sameOrigin refuses what another site's page makes a browser write: the cookie
// would come with it. A bearer token does not come by itself.
func (g *Gateway) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if bearerOf(r) == "" {
			if err := g.origin.Check(r); err != nil {
				return refuse(http.StatusForbidden, "cross-origin", "Another site may not do this.").because(fmt.Errorf("check origin: %w", err))
			}
		}
		return next(c)
	}
}

func cookie(r *http.Request, token string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: cookieSession, Value: token, Path: "/", MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	}
}

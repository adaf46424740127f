package gateway

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/instrument"
)

// login is the body of POST /login.
type login struct {
	XMLName  xml.Name `json:"-" xml:"login"`
	User     string   `json:"user" xml:"user"`
	Password string   `json:"password" xml:"password"`
	Bearer   bool     `json:"bearer" xml:"bearer"` // the token is wanted in the answer, not as a cookie
}

// session is the answer.
type session struct {
	XMLName       xml.Name  `json:"-" xml:"session"`
	User          string    `json:"user" xml:"user"`
	ExpiresAt     time.Time `json:"expires_at" xml:"expires_at"`
	Token         string    `json:"token,omitempty" xml:"token,omitempty"`
	CorrelationID string    `json:"correlation_id" xml:"correlation_id"`
}

// login answers POST /login. A browser gets the token as a cookie that no script reads.
func (g *Gateway) login(c echo.Context) error {
	want, err := accepted(c.Request())
	if err != nil {
		return err
	}
	var l login
	if err := decode(c.Request(), &l); err != nil {
		return err
	}
	if l.User == "" || l.Password == "" {
		return refuse(http.StatusUnprocessableEntity, "invalid-login", "A user and a password are needed.")
	}
	ctx := c.Request().Context()
	s, err := g.open(c, l)
	if err != nil {
		g.log.WarnContext(ctx, "log-in refused", "user", l.User, "error", err)
		return err
	}
	g.log.InfoContext(ctx, "logged in", "user", s.User)
	if !l.Bearer {
		c.SetCookie(cookie(c.Request(), s.Token, max(1, int(time.Until(s.ExpiresAt).Seconds()))))
		s.Token = ""
	}
	s.CorrelationID = instrument.CorrelationID(ctx)
	c.Response().Header().Set("Cache-Control", "no-store")
	return write(c, http.StatusOK, want, s)
}

// open asks the identity service for a session.
func (g *Gateway) open(c echo.Context, l login) (session, error) {
	body, err := json.Marshal(map[string]string{"user": l.User, "password": l.Password})
	if err != nil {
		return session{}, fmt.Errorf("write log-in: %w", err)
	}
	a, err := g.call(c.Request().Context(), http.MethodPost, identity, "/sessions", body)
	if err != nil {
		return session{}, err
	}
	var s session
	if a.status >= http.StatusBadRequest {
		return s, a.refused()
	}
	if err := json.Unmarshal(a.body, &s); err != nil || s.Token == "" {
		return s, &serviceError{service: identity, status: http.StatusBadGateway, cause: fmt.Errorf("no session in the answer: %w", err)}
	}
	return s, nil
}

// logout answers POST /logout: the session is good no more, wherever it is kept.
func (g *Gateway) logout(c echo.Context) error {
	if token := sessionOf(c.Request()); token != "" {
		if who, err := g.sessions.verify(token); err == nil {
			g.sessions.revoke(token)
			g.log.InfoContext(c.Request().Context(), "logged out", "user", who.Subject)
		}
	}
	c.SetCookie(cookie(c.Request(), "", -1))
	return c.NoContent(http.StatusNoContent)
}

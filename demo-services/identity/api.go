package identity

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// Session is the answer to a log-in.
type Session struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	User      string    `json:"user"`
}

// Routes adds the service's API.
func (i *Identity) Routes(e *echo.Echo) { e.POST("/sessions", i.post) }

// post answers POST /sessions {user, password}.
func (i *Identity) post(c echo.Context) error {
	ctx := c.Request().Context()
	var in struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	if err := c.Bind(&in); err != nil || in.User == "" || len(in.User) > maxName || in.Password == "" || len(in.Password) > maxPassword {
		return echo.NewHTTPError(http.StatusBadRequest, fmt.Sprintf("want JSON with a user of 1 to %d bytes and a password of 1 to %d", maxName, maxPassword))
	}
	roles, err := i.login(ctx, in.User, in.Password)
	if refused := refusal(c, err); refused != nil {
		i.log.WarnContext(ctx, "log-in refused", "user", in.User, "reason", err)
		return refused
	}
	if err != nil {
		return err
	}
	token, ends, err := i.minter.Issue(in.User, Audience, lasts, roles...)
	if err != nil {
		return err
	}
	i.log.InfoContext(ctx, "logged in", "user", in.User, "roles", roles)
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, Session{token, ends.UTC(), in.User})
}

// refusal is what a caller learns of err; nil: nothing.
func refusal(c echo.Context, err error) error {
	switch {
	case errors.Is(err, errWrong):
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Password") // RFC 9110, 11.6.1
		return echo.NewHTTPError(http.StatusUnauthorized, errWrong.Error())
	case errors.Is(err, errTries):
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(window.Seconds())))
		return echo.NewHTTPError(http.StatusTooManyRequests, errTries.Error())
	case errors.Is(err, errBusy):
		c.Response().Header().Set(echo.HeaderRetryAfter, "1")
		return echo.NewHTTPError(http.StatusServiceUnavailable, errBusy.Error())
	}
	return nil
}

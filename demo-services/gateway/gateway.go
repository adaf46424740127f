package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"

	"github.com/failsafe-go/failsafe-go"
	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// Gateway is the service.
type Gateway struct {
	cfg       Config
	log       *slog.Logger
	transport http.RoundTripper // to services, by name
	hedged    failsafe.Executor[[]byte]
	proxy     *httputil.ReverseProxy
	clients   *limiter
	sessions  *sessions
	cache     *outputCache
	origin    *http.CrossOriginProtection
}

var (
	errIncomplete = errors.New("services, minter and identity keys are needed")
	errPublic     = errors.New("public, but not exposed")
)

// New makes a gateway; Close ends it.
func New(cfg Config) (*Gateway, error) {
	cfg = cfg.withDefaults()
	if cfg.Services == nil || cfg.Minter == nil || cfg.IdentityKeys == nil {
		return nil, fmt.Errorf("make gateway: %w", errIncomplete)
	}
	for _, name := range cfg.Public {
		if !slices.Contains(cfg.Expose, name) {
			return nil, fmt.Errorf("make gateway: service %s: %w", name, errPublic)
		}
	}
	g := &Gateway{cfg: cfg, log: cfg.Logger, origin: http.NewCrossOriginProtection()}
	tokens, err := newTokens(cfg.Minter)
	if err != nil {
		return nil, fmt.Errorf("make gateway: %w", err)
	}
	g.transport = dressed{tokens, cfg.Name, newResilience(cfg.Services, cfg.Limits, g.log, g.names())}
	g.hedged = newHedge(cfg.Limits)
	g.proxy = g.newProxy()
	if g.clients, err = newLimiter(cfg.Limits); err != nil {
		return nil, fmt.Errorf("make gateway: %w", err)
	}
	if g.sessions, err = newSessions(credential.NewVerifier(identity, "gateway", cfg.IdentityKeys)); err != nil {
		return nil, fmt.Errorf("make gateway: %w", err)
	}
	if g.cache, err = newOutputCache(cfg.Limits); err != nil {
		return nil, fmt.Errorf("make gateway: %w", errors.Join(err, g.sessions.Close()))
	}
	return g, nil
}

// names are those of all services that are called.
func (g *Gateway) names() []string {
	names := slices.Concat(g.cfg.Expose, homeServices(), []string{"bank", identity})
	slices.Sort(names)
	return slices.Compact(names)
}

// Routes adds the gateway's API, and what every request has to pass first. The
// host's own middleware, the instrument before all, is to be in use already.
func (g *Gateway) Routes(e *echo.Echo) {
	e.HTTPErrorHandler = Problem
	e.Use(g.strip, g.record, g.limit, g.sound, g.sameOrigin)
	e.POST("/login", g.login)
	e.POST("/logout", g.logout)
	e.GET("/track/:id", g.track)
	for path, view := range map[string]view{"/home": viewV2, "/v2/home": viewV2, "/v1/home": viewV1} {
		e.GET(path, g.home(view), g.identified)
	}
	e.POST("/v1/purchases", g.purchaseV1, g.identified)
	e.POST("/v2/purchases", g.purchaseV2, g.identified)
	e.Any("/services/:name/*", g.pass, g.known, g.identified, g.cache.serve)
	if g.cfg.Page != nil {
		e.GET("/", echo.WrapHandler(g.cfg.Page))
		e.GET("/page/*", echo.WrapHandler(g.cfg.Page))
	}
}

// track answers GET /track/{id}: it leads to the timeline.
func (g *Gateway) track(c echo.Context) error {
	id := c.Param("id")
	if g.cfg.TrackURL == nil || !trackable(id) {
		return refuse(http.StatusNotFound, "no-timeline", "There is no timeline of that number.")
	}
	return c.Redirect(http.StatusFound, g.cfg.TrackURL(id))
}

// trackable reports whether id looks like a tracking number of ours.
func trackable(id string) bool {
	return id != "" && len(id) <= 128 && strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:") == ""
}

// Close ends what the gateway runs beside requests.
func (g *Gateway) Close() error { return errors.Join(g.sessions.Close(), g.cache.Close()) }

package gateway

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// limiter gives each client's address a rate of its own. When it knows too many,
// it forgets those that come least.
type limiter struct {
	rate    rate.Limit
	burst   int
	clients *otter.Cache[netip.Addr, *rate.Limiter]
}

func newLimiter(l Limits) (*limiter, error) {
	clients, err := otter.New(&otter.Options[netip.Addr, *rate.Limiter]{MaximumSize: l.Clients, Logger: &otter.NoopLogger{}})
	return &limiter{rate: rate.Limit(l.Rate), burst: l.Burst, clients: clients}, err
}

func (l *limiter) allow(client netip.Addr) bool {
	of, _ := l.clients.ComputeIfAbsent(client, func() (*rate.Limiter, bool) { return rate.NewLimiter(l.rate, l.burst), false })
	return of.Allow()
}

// wait is how long until the next request may be allowed, at least a second.
func (l *limiter) wait() time.Duration {
	return max(time.Second, time.Duration(float64(time.Second)/float64(l.rate)))
}

// limit refuses clients that ask too often. The host's own checks are not counted.
func (g *Gateway) limit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if path := c.Path(); path == "/healthz" || path == "/diagnostics" || g.clients.allow(client(c.Request())) {
			return next(c)
		}
		return refuse(http.StatusTooManyRequests, "too-many-requests", "Too many requests. Try again later.").after(g.clients.wait())
	}
}

// client is the address that a request came from: of IPv6 the network, since
// one client has all of it. Headers are never asked.
func client(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // those without an address share one rate
	}
	addr := at.Addr().Unmap().WithZone("")
	if network, err := addr.Prefix(64); addr.Is6() && err == nil {
		return network.Addr()
	}
	return addr
}

package access

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// Why nobody is let in: 401.
var (
	ErrNoToken  = errors.New("this server wants a token: send it as Authorization: Bearer …")
	ErrBadToken = errors.New("the token is not one of this server's: ask for a new one")
	ErrExpired  = errors.New("the token has expired: ask for a new one")
)

// Config says who is let in, and how often they may ask.
type Config struct {
	Tokens *Tokens          // nil: everybody on this machine is admin, and the listener must be on loopback
	Logger *slog.Logger     // of audit records; nil discards
	Now    func() time.Time // nil: time.Now

	Rate, Burst       int // requests of one holder each second, and at once; 0: 50 and 200
	Failures, Refused int // failed authentications of one address each minute, and at once; 0: 10 and 10
}

// Policy decides about requests. Safe for concurrent use.
type Policy struct {
	cfg      Config
	log      *slog.Logger
	cross    *http.CrossOriginProtection
	asking   *limits // by holder, and by address before that is known
	refusals *limits // by address
}

// New returns a policy.
func New(cfg Config) *Policy {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Policy{
		cfg: cfg, log: cfg.Logger, cross: http.NewCrossOriginProtection(),
		asking:   newLimits(float64(orElse(cfg.Rate, 50)), orElse(cfg.Burst, 200)),
		refusals: newLimits(float64(orElse(cfg.Failures, 10))/60, orElse(cfg.Refused, 10)),
	}
}

func orElse(n, other int) int {
	if n == 0 {
		return other
	}
	return n
}

// Who is the holder that makes a request. The error is ErrNoToken, ErrBadToken or ErrExpired.
func (p *Policy) Who(r *http.Request) (Holder, error) {
	if p.cfg.Tokens == nil {
		return Holder{Name: "local", Role: Admin}, nil
	}
	token, err := bearer(r.Header)
	if err != nil {
		return Holder{}, err
	}
	return p.cfg.Tokens.find(token, p.cfg.Now())
}

// maxToken is how long a token may be that is looked at.
const maxToken = 512

// bearer reads the Authorization header (RFC 6750).
func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", ErrNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	switch token = strings.Trim(token, " "); {
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return "", ErrNoToken
	case len(values) > 1 || len(token) > maxToken:
		return "", ErrBadToken
	}
	return token, nil
}

// local reports whether a Host header names this machine's loopback: another name that
// leads here may be one that a web site has bound anew.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.EqualFold(host, "localhost") || host == "127.0.0.1" || host == "::1"
}

// peer is the address that the connection came from, whatever headers say.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

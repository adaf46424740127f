package gateway

import (
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"time"
)

// Minter makes the internal credential of one call.
type Minter interface {
	Mint(subject, audience string, roles ...string) (string, error)
}

// Config says what a gateway works with.
type Config struct {
	Services     http.RoundTripper          // sends http://NAME/path to an instance of that service
	Minter       Minter                     // signs what services trust
	IdentityKeys func() []ed25519.PublicKey // whose sessions are taken; may change
	Logger       *slog.Logger               // nil discards
	Page         http.Handler               // serves / and /page/; nil: no page
	TrackURL     func(id string) string     // where a tracking number's timeline is; nil: nowhere
	Name         string                     // in Via, of this gateway only; empty: gateway
	Expose       []string                   // services under /services/; nil: the home page's six, bank and game
	Public       []string                   // of these, who may be read without a session; nil: products, reviews, stock
	Limits       Limits
}

// Limits bound what comes from outside. Zero fields are set to what is named there.
type Limits struct {
	Body    int64  // bytes of a request's body; 64 KiB
	Headers int    // bytes of a request's headers; 16 KiB
	Answer  int64  // bytes of one service's answer that is read whole; 1 MiB
	Cache   uint64 // bytes of all cached answers; 32 MiB
	Entry   int    // bytes of one cached answer; 256 KiB

	Rate    float64 // requests per second of one client's address; 200
	Burst   int     // at once; 400
	Clients int     // addresses remembered; 10,000

	Attempt time.Duration // of one call until its answer begins; 2 s
	Login   time.Duration // of a log-in's, which takes as long as comparing passwords does; 10 s
	Call    time.Duration // of a passed-on call in all, streams excepted; 15 s
	Branch  time.Duration // of one service of the home page; 800 ms
	Hedge   time.Duration // after which a read of the home page is asked a second time; 100 ms

	Retries      int           // of an idempotent call; 2, and negative none
	RetryRate    float64       // of calls under way, how many may be repeated ones; 0.2
	BreakerCalls uint          // half of at least so many calls have to fail within
	BreakerSpan  time.Duration // this time for a service's circuit to open; 10 calls, 10 s
	BreakerPause time.Duration // until it is tried again; 2 s
}

func (c Config) withDefaults() Config {
	c.Logger = or(c.Logger, slog.New(slog.DiscardHandler))
	c.Name = or(c.Name, "gateway")
	if c.Expose == nil {
		c.Expose = []string{"orders", "reviews", "products", "recommendations", "stock", "cart", "bank", "game"}
	}
	if c.Public == nil {
		c.Public = []string{"products", "reviews", "stock"}
	}
	c.Limits = c.Limits.withDefaults()
	return c
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Body: or(l.Body, 64<<10), Headers: or(l.Headers, 16<<10), Answer: or(l.Answer, 1<<20),
		Cache: or(l.Cache, 32<<20), Entry: or(l.Entry, 256<<10),
		Rate: or(l.Rate, 200), Burst: or(l.Burst, 400), Clients: or(l.Clients, 10_000),
		Attempt: or(l.Attempt, 2*time.Second), Login: or(l.Login, 10*time.Second), Call: or(l.Call, 15*time.Second),
		Branch: or(l.Branch, 800*time.Millisecond), Hedge: or(l.Hedge, 100*time.Millisecond),
		Retries: or(l.Retries, 2), RetryRate: or(l.RetryRate, 0.2),
		BreakerCalls: or(l.BreakerCalls, 10), BreakerSpan: or(l.BreakerSpan, 10*time.Second), BreakerPause: or(l.BreakerPause, 2*time.Second),
	}
}

func or[T comparable](given, otherwise T) T {
	var zero T
	if given == zero {
		return otherwise
	}
	return given
}

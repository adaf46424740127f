package access

import (
	"math"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxAskers is how many are remembered; who has not asked for longest is forgotten.
const maxAskers = 10_000

// limits bound how often each of many asks.
type limits struct {
	rate  rate.Limit
	burst int

	mu     sync.Mutex
	askers *lru.Cache[string, *rate.Limiter]
}

func newLimits(perSecond float64, burst int) *limits {
	askers, _ := lru.New[string, *rate.Limiter](maxAskers) // only a size below 1 is an error
	return &limits{rate: rate.Limit(perSecond), burst: burst, askers: askers}
}

func (l *limits) of(who string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, ok := l.askers.Get(who)
	if !ok {
		limiter = rate.NewLimiter(l.rate, l.burst)
		l.askers.Add(who, limiter)
	}
	return limiter
}

// take counts a request; wait is how long it came too early.
func (l *limits) take(who string, now time.Time) (wait time.Duration) {
	limiter := l.of(who)
	if limiter.AllowN(now, 1) {
		return 0
	}
	return l.until(limiter, now)
}

// wait is how long somebody has to wait, of whom nothing is counted.
func (l *limits) wait(who string, now time.Time) time.Duration {
	l.mu.Lock()
	limiter, ok := l.askers.Get(who)
	l.mu.Unlock()
	if !ok || limiter.TokensAt(now) >= 1 {
		return 0
	}
	return l.until(limiter, now)
}

func (l *limits) until(limiter *rate.Limiter, now time.Time) time.Duration {
	missing := max(0, 1-limiter.TokensAt(now))
	return time.Duration(math.Ceil(missing / float64(l.rate) * float64(time.Second)))
}

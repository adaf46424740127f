package hook

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Retry says how often and how long a notification is tried. Between attempts lies a random time
// up to First, then up to twice that, and so on up to Most (full jitter).
type Retry struct {
	Attempts int           `yaml:"attempts"` // 0: 10
	Age      time.Duration `yaml:"age"`      // from the first attempt on; 0: 15 min
	First    time.Duration `yaml:"first"`    // 0: 1 s
	Most     time.Duration `yaml:"most"`     // 0: 1 min
}

// Ceiling is how many deliveries, attempts included, a receiver gets from one process.
type Ceiling struct {
	PerMinute int `yaml:"per_minute"` // 0: as is usual for its kind
	Burst     int `yaml:"burst"`      // at once; 0: 10
}

const (
	maxTries      = 1000
	maxAge        = 7 * 24 * time.Hour
	maxRetryAfter = 10 * time.Minute
	maxPerMinute  = 600_000
)

func (r Retry) withDefaults() Retry {
	return Retry{
		Attempts: or(r.Attempts, 10), Age: or(r.Age, 15*time.Minute),
		First: or(r.First, time.Second), Most: or(r.Most, max(time.Minute, r.First)),
	}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func (r Retry) check() error {
	switch {
	case r.Attempts < 1 || r.Attempts > maxTries:
		return fmt.Errorf("retry.attempts is %d, want 1 to %d", r.Attempts, maxTries)
	case r.Age <= 0 || r.Age > maxAge:
		return fmt.Errorf("retry.age is %v, want up to %v", r.Age, maxAge)
	case r.First <= 0 || r.First > r.Most || r.Most > r.Age:
		return fmt.Errorf("retry has first %v, most %v and age %v: each must be at least the one before", r.First, r.Most, r.Age)
	}
	return nil
}

func (c Ceiling) check() error {
	if c.PerMinute < 1 || c.PerMinute > maxPerMinute || c.Burst < 1 || c.Burst > maxPerMinute {
		return fmt.Errorf("ceiling is %d a minute and %d at once, want 1 to %d", c.PerMinute, c.Burst, maxPerMinute)
	}
	return nil
}

// backOff is the time after the nth attempt.
func (r Retry) backOff(n int) time.Duration {
	most := r.First
	for i := 1; i < n && most < r.Most; i++ {
		most *= 2
	}
	return rand.N(min(most, r.Most)) + 1
}

// again is whether p is tried once more, and after which time. What a receiver is asked that was
// dead when it was tried last, and has somebody to stand in for it, is not.
func (r *receiver) again(p *parcel, a *answer, now time.Time) (time.Duration, bool) {
	n := p.Delivery.Tries + 1
	if a.taken() || a.final || n >= r.Retry.Attempts || r.Fallback != "" && r.dead.Load() {
		return 0, false
	}
	wait := max(r.Retry.backOff(n), min(a.after, maxRetryAfter))
	return wait, now.Add(wait).Sub(p.Since) <= r.Retry.Age
}

// answer is what has come of one attempt.
type answer struct {
	at      time.Time
	took    time.Duration
	request string // head
	status  int
	text    string        // head
	err     error         // nil: the receiver took it
	final   bool          // another attempt would end as this one did
	after   time.Duration // before the next one, as the receiver wishes; 0: it said nothing
	pause   bool          // and nothing else before that
}

func (a *answer) taken() bool { return a.err == nil }

func (a *answer) outcome() Outcome {
	if a.taken() {
		return Delivered
	}
	return Failed
}

// exhausting reports whether it was the receiver's fault, not that of what it was sent.
func (a *answer) exhausting() bool { return !a.taken() && !a.final }

func (a *answer) reason() string {
	if a.err == nil {
		return ""
	}
	return cut(escaped(a.err.Error()), maxReason)
}

const maxReason = 500

func (a *answer) attempt(outcome Outcome) Attempt {
	return Attempt{At: a.at, Took: a.took, Outcome: outcome, Request: a.request, Status: a.status, Answer: a.text, Error: a.reason()}
}

// judge says what a status of HTTP means.
func (a *answer) judge(status int, header http.Header, now time.Time) {
	a.status = status
	switch {
	case status >= 200 && status < 300:
		return
	case status >= 300 && status < 400:
		a.err, a.final = fmt.Errorf("it answered %d and sends elsewhere: set its url to where it is", status), true
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		a.err = fmt.Errorf("it answered %d %s", status, http.StatusText(status))
		a.after = retryAfter(header.Get("Retry-After"), now)
		a.pause = a.after > 0
	default:
		a.err, a.final = fmt.Errorf("it answered %d %s, so it is not tried again", status, http.StatusText(status)), true
	}
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3); 0: neither.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
)

// resilience is the transport of all calls: each has a time limit and its
// service's circuit, and those that are idempotent may be repeated.
type resilience struct{ services map[string]guarded }

// guarded are the ways to one service.
type guarded struct{ once, repeated http.RoundTripper }

var errName = errors.New("not the name of a service")

func newResilience(next http.RoundTripper, l Limits, log *slog.Logger, names []string) *resilience {
	r := &resilience{services: map[string]guarded{}}
	shared := budget.NewBuilder().WithMaxRate(l.RetryRate).WithMinConcurrency(3).Build()
	for _, name := range names {
		patience := l.Attempt
		if name == identity {
			patience = l.Login
		}
		limit, circuit := timeout.New[*http.Response](patience), newCircuit(name, l, log)
		r.services[name] = guarded{
			once:     failsafehttp.NewRoundTripper(bound{mute{next}}, circuit, limit),
			repeated: failsafehttp.NewRoundTripper(bound{mute{next}}, newRetry(l, shared), circuit, limit),
		}
	}
	return r
}

// RoundTrip implements http.RoundTripper.
func (t *resilience) RoundTrip(r *http.Request) (*http.Response, error) {
	s, ok := t.services[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("%w: %s", errName, r.URL.Host)
	}
	if idempotent(r.Method) {
		return s.repeated.RoundTrip(r)
	}
	return s.once.RoundTrip(r)
}

// idempotent follows RFC 9110, 9.2.2.
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}

func newCircuit(service string, l Limits, log *slog.Logger) circuitbreaker.CircuitBreaker[*http.Response] {
	return circuitbreaker.NewBuilder[*http.Response]().HandleIf(failed).
		WithFailureRateThreshold(0.5, l.BreakerCalls, l.BreakerSpan).WithSuccessThreshold(1).WithDelay(l.BreakerPause).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			log.WarnContext(e.Context(), "circuit changed", "service", service, "from", e.OldState.String(), "to", e.NewState.String())
		}).Build()
}

func newRetry(l Limits, shared budget.Budget) retrypolicy.RetryPolicy[*http.Response] {
	return retrypolicy.NewBuilder[*http.Response]().HandleIf(passing).AbortOnErrors(circuitbreaker.ErrOpen).
		WithMaxRetries(max(0, l.Retries)).WithBackoff(10*time.Millisecond, 200*time.Millisecond).WithJitterFactor(0.5).
		WithBudget(shared).ReturnLastFailure().Build()
}

// newHedge asks a second time where a read takes long, and takes what comes first.
func newHedge(l Limits) failsafe.Executor[[]byte] {
	some := budget.NewBuilder().WithMaxRate(0.5).WithMinConcurrency(6).Build()
	return failsafe.With(hedgepolicy.NewBuilderWithDelay[[]byte](l.Hedge).WithBudget(some).Build())
}

// failed reports whether a call speaks against its service. One whose caller has
// gone away does not.
func failed(res *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, context.Canceled)
	}
	return res.StatusCode >= http.StatusInternalServerError && res.StatusCode != http.StatusNotImplemented
}

// passing reports whether a failure may be gone the next time.
func passing(res *http.Response, err error) bool {
	return failed(res, err) && (res == nil || res.StatusCode != http.StatusLoopDetected)
}

// mute reads away what a service says with a 5xx: callers are not shown it, and
// a response that a retry forgets has nothing left to close.
type mute struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (m mute) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := m.next.RoundTrip(r)
	if err != nil || res.StatusCode < http.StatusInternalServerError {
		return res, err
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that its connection can be used again
	res.Body.Close()
	res.Body, res.ContentLength = http.NoBody, 0
	res.Header.Del("Content-Length")
	return res, nil
}

package gateway

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/maypok86/otter/v2"
)

const (
	headerCache = "X-Cache" // hit, miss or bypass
	ruleLife    = time.Hour
	passLife    = 10 * time.Second // until an answer that was not to be kept is looked at anew
	maxRules    = 10_000
)

// outputCache keeps answers that say they may be kept (RFC 9111). An address has
// a rule, learnt from its last answer, which says what else the key is made of;
// with it, an entry is found.
//
//	GET /services/products/products ─► rule: vary by Accept-Language, for all ─► entry
type outputCache struct {
	rules   *otter.Cache[string, rule]
	entries *otter.Cache[string, *entry]
	flights flights
	entry   int // bytes, at most
}

func newOutputCache(l Limits) (*outputCache, error) {
	rules, err := otter.New(&otter.Options[string, rule]{
		MaximumSize: maxRules, Logger: &otter.NoopLogger{},
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, rule]) time.Duration { return e.Value.life() }),
	})
	if err != nil {
		return nil, err
	}
	entries, err := otter.New(&otter.Options[string, *entry]{
		MaximumWeight: l.Cache, Logger: &otter.NoopLogger{},
		Weigher:          func(key string, e *entry) uint32 { return uint32(len(key) + e.size()) },
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, *entry]) time.Duration { return e.Value.fresh }),
	})
	if err != nil {
		rules.StopAllGoroutines()
		return nil, err
	}
	return &outputCache{rules: rules, entries: entries, entry: l.Entry}, nil
}

// Close ends the expiry of entries.
func (o *outputCache) Close() error {
	o.rules.StopAllGoroutines()
	o.entries.StopAllGoroutines()
	return nil
}

// serve is the middleware. Of those who ask for one key at once, one asks the
// service, and the others wait for its answer.
func (o *outputCache) serve(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		address := r.URL.RequestURI()
		if !cacheable(r) {
			return o.bypass(c, next, address)
		}
		for range 3 { // an answer may go as soon as it has come
			key, pass := address, false
			if known, ok := o.rules.GetIfPresent(address); ok {
				key, pass = known.key(r, address), known.pass
			}
			if pass {
				break
			}
			if e, ok := o.entries.GetIfPresent(key); ok {
				return e.reply(c, "hit")
			}
			f, first := o.flights.board(key)
			if first {
				return o.lead(c, next, address, key, f)
			}
			if kept, err := f.wait(r.Context()); err != nil {
				return err
			} else if !kept {
				break
			}
		}
		return o.bypass(c, next, address)
	}
}

// lead asks the service on behalf of all who wait for f.
func (o *outputCache) lead(c echo.Context, next echo.HandlerFunc, address, key string, f *flight) error {
	defer o.flights.land(key, f) // whatever happens, nobody waits for ever
	if e, ok := o.entries.GetIfPresent(key); ok {
		f.kept = true // another has landed just now
		return e.reply(c, "hit")
	}
	w := newCapture(c, o.entry)
	err := w.record(next)
	e := w.entry(c)
	switch {
	case err != nil:
	case e != nil:
		o.rules.Set(address, e.rule)
		o.entries.Set(e.rule.key(w.asked, address), e)
		f.kept = true
	case w.status == http.StatusOK:
		o.rules.Set(address, w.rule)
	}
	if e == nil || err != nil {
		return err
	}
	c.SetRequest(w.asked)
	return e.reply(c, "miss")
}

// bypass asks the service for one caller. What was written is forgotten.
func (o *outputCache) bypass(c echo.Context, next echo.HandlerFunc, address string) error {
	c.Response().Header().Set(headerCache, "bypass")
	err := next(c)
	if r := c.Request(); r.Method != http.MethodGet && r.Method != http.MethodHead && err == nil && c.Response().Status < http.StatusBadRequest {
		o.forget(r, address)
	}
	return err
}

// forget drops what a write has changed (RFC 9111, 4.4).
func (o *outputCache) forget(r *http.Request, address string) {
	if known, ok := o.rules.GetIfPresent(address); ok {
		o.entries.Invalidate(known.key(r, address))
	}
	o.rules.Invalidate(address)
}

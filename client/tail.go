package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/waybill-log/waybill/query/live"
)

// Watcher is told of a tail.
type Watcher struct {
	// Event is called with what comes. Its Record is valid until that returns, and its Receipt
	// counts since the tail began, whatever was cut meanwhile. An error ends the tail.
	Event func(*live.Event) error
	Pause func() error                        // nothing more has come yet; nil: not told
	Cut   func(err error, wait time.Duration) // the way to the server was cut, and is tried again after a while; nil: not told
}

// Bounds on how long a tail waits before it tries again.
const (
	soon = 250 * time.Millisecond
	late = 15 * time.Second
)

// Tail watches records as they come until ctx ends, and says what it has come to. After a cut it
// goes on where it was. Without an answer in the first place it fails.
func (c *Client) Tail(ctx context.Context, q string, w Watcher) (live.Receipt, error) {
	t := tail{Client: c, Watcher: w, query: q}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = soon, late
	for {
		err := t.watch(ctx, wait.Reset)
		t.settle()
		switch {
		case ctx.Err() != nil:
			return t.before, context.Cause(ctx)
		case errors.Is(err, errGiven), !passes(err), !t.begun && unreachable(err):
			return t.before, err
		}
		d := wait.NextBackOff()
		if w.Cut != nil {
			w.Cut(err, d)
		}
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return t.before, context.Cause(ctx)
		}
	}
}

func unreachable(err error) bool {
	var away *Unreachable
	return errors.As(err, &away)
}

// errGiven marks what the watcher said.
var errGiven = errors.New("watcher")

type given struct{ error }

func (g given) Unwrap() error        { return g.error }
func (g given) Is(target error) bool { return target == errGiven }

// tail is one that goes on over cuts.
type tail struct {
	*Client
	Watcher
	query string
	begun bool      // the server has answered once
	since time.Time // by its clock
	token string    // where to go on

	before live.Receipt // of connections that have ended
	here   live.Receipt // what this one's last receipt said
	came   uint64       // records on this one
}

// counts is what it has come to.
func (t *tail) counts() live.Receipt {
	r := t.before
	r.Shown += t.came
	r.Skipped += t.here.Skipped
	if t.here.Shown > t.came { // what was sent and has not come
		r.Skipped += t.here.Shown - t.came
	}
	r.Matched = r.Shown + r.Skipped
	r.AsOf = t.here.AsOf
	return r
}

// settle adds up when a connection has ended.
func (t *tail) settle() {
	t.before = t.counts()
	t.here, t.came = live.Receipt{}, 0
}

// silence is after how long without a word, not even a heartbeat, a server is taken to be gone.
const silence = 45 * time.Second

var errSilent = errors.New("nothing has come for " + silence.String() + ", not even a heartbeat")

// watch reads one connection to its end.
func (t *tail) watch(ctx context.Context, answered func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q, header := t.query, []string{"Accept", "text/event-stream"}
	switch {
	case t.token != "":
		header = append(header, "Last-Event-ID", t.token)
	case t.begun: // nothing has come: from when it was first listened
		q = Since(q, t.since)
	}
	dog := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer dog.Stop()
	res, err := t.get(ctx, "/tail", url.Values{"q": {q}}, header...)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if !t.begun {
		t.begun = true
		if t.since, err = http.ParseTime(res.Header.Get("Date")); err != nil {
			t.since = time.Now()
		}
	}
	answered()
	in := newStream(&watched{res.Body, dog})
	for {
		if t.Pause != nil && in.dry() {
			if err := t.Pause(); err != nil {
				return given{err}
			}
		}
		name, id, data, err := in.next()
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return &Unreachable{Server: t.server, Err: fmt.Errorf("the tail was cut: %w", err)}
		}
		if err := t.event(name, id, data); err != nil {
			return err
		}
	}
}

func (t *tail) event(name string, id, data []byte) error {
	if string(id) != t.token {
		t.token = string(id)
	}
	e := live.Event{Token: t.token}
	switch name {
	case "record":
		t.came++
		e.Record = data
	case "receipt":
		t.here = live.Receipt{}
		if err := json.Unmarshal(data, &t.here); err != nil {
			return fmt.Errorf("receipt of %s: %w", t.server, err)
		}
		counts := t.counts()
		e.Receipt = &counts
	case "gap":
		e.Gap = &live.Gap{}
		if err := json.Unmarshal(data, e.Gap); err != nil {
			return fmt.Errorf("gap of %s: %w", t.server, err)
		}
	default: // of a version to come
		return nil
	}
	if err := t.Event(&e); err != nil {
		return given{err}
	}
	return nil
}

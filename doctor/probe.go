package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Probe is a request of our own, which carries an ID that nobody else has.
type Probe struct {
	URL    string
	Method string // empty: GET
	Wait   time.Duration

	// HTTP asks. nil: a client that follows no redirects.
	HTTP *http.Client
}

// Probed is what came of a probe.
type Probed struct {
	URL    string `json:"url"`
	ID     string `json:"id"` // that was sent, as x-correlation-id, as traceparent and in the baggage
	Status int    `json:"status"`
	Echo   string `json:"echo"` // the ID in the answer's header; empty: none
	Report Report `json:"report"`
}

// Healthy reports whether nothing was found wrong.
func (p *Probed) Healthy() bool { return p.Report.Healthy() }

// headerID is the header that carries the correlation ID.
const headerID = "X-Correlation-Id"

// pause is how often what services wrote is looked at, and settled how long it has to stay as it is.
const (
	pause   = 250 * time.Millisecond
	settled = 1500 * time.Millisecond
)

// Do sends the probe and looks at what services write of it.
func (p Probe) Do(ctx context.Context, from Reader) (Probed, error) {
	out := Probed{URL: p.URL, ID: newID()}
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return out, fmt.Errorf("probe %q: want a URL such as http://gateway:7700/v2/home", p.URL)
	}
	began := time.Now().Add(-tolerance)
	if err := p.send(ctx, &out); err != nil {
		return out, err
	}
	spans, err := p.observe(ctx, from, out.ID, began)
	if err != nil {
		return out, err
	}
	sent := Span{
		Service: "this probe", Kind: "client", Name: p.method() + " " + u.Path, ID: out.ID, Trace: out.ID, Span: out.ID[:16],
		Method: p.method(), Path: cmp.Or(u.Path, "/"), Host: u.Hostname(), Start: began.Add(tolerance), End: time.Now(),
	}
	out.Report = propagation(append(spans, sent), func(s *Span) bool { return s.Trace == out.ID || plain(s.ID) == plain(out.ID) })
	if out.Report.Arrived == 0 && out.Report.Healthy() {
		out.Report.Doubts = append(out.Report.Doubts, Doubt{From: sent.Service, Over: "http", Name: sent.Name, Count: 1, Why: "no service has written a record of it"})
	}
	return out, nil
}

func (p Probe) method() string {
	if p.Method == "" {
		return http.MethodGet
	}
	return p.Method
}

func (p Probe) send(ctx context.Context, out *Probed) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, p.method(), p.URL, http.NoBody)
	if err != nil {
		return fmt.Errorf("probe %s: %w", p.URL, err)
	}
	req.Header.Set(headerID, out.ID)
	req.Header.Set("Traceparent", "00-"+out.ID+"-"+out.ID[:16]+"-01")
	req.Header.Set("Baggage", "correlation.id="+out.ID)
	req.Header.Set("User-Agent", "waybill-doctor")
	ask := p.HTTP
	if ask == nil {
		ask = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	res, err := ask.Do(req)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err
		}
		return fmt.Errorf("probe %s: %w", p.URL, err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // what it says is nothing to us
	out.Status, out.Echo = res.StatusCode, res.Header.Get(headerID)
	return nil
}

// observe reads until nothing new is written, or time is up.
func (p Probe) observe(ctx context.Context, from Reader, id string, began time.Time) ([]Span, error) {
	ctx, cancel := context.WithTimeout(ctx, max(p.Wait, settled))
	defer cancel()
	var spans []Span
	known, since := -1, time.Now()
	for {
		now, _, err := Gather(ctx, from, "", began)
		if err != nil && ctx.Err() == nil {
			return nil, err
		}
		if err == nil {
			spans = now
		}
		if n := countOf(spans, id); n != known {
			known, since = n, time.Now()
		}
		if known > 0 && time.Since(since) > settled {
			return spans, nil
		}
		select {
		case <-ctx.Done():
			return spans, nil
		case <-time.After(pause):
		}
	}
}

// countOf counts the spans of a journey.
func countOf(spans []Span, id string) (n int) {
	for i := range spans {
		if s := &spans[i]; s.Trace == id || plain(s.ID) == plain(id) {
			n++
		}
	}
	return n
}

// newID is a correlation ID that is a trace ID, too.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return record.Key(hex.EncodeToString(b[:]))
}

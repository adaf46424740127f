package hook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// HTTP is how a receiver is reached that takes requests.
type HTTP struct {
	URL       string            `yaml:"url"`        // or URLFile
	URLFile   string            `yaml:"url_file"`   // for a URL that is itself a secret
	CAFile    string            `yaml:"ca_file"`    // PEM of who signed its certificate; empty: the system's
	TokenFile string            `yaml:"token_file"` // sent as Authorization: Bearer; empty: nothing is
	Headers   map[string]string `yaml:"headers"`    // sent too; no secrets, since they are in a readable file
}

// Bounds of one exchange.
const (
	maxURL        = 2 << 10
	maxRedirects  = 3
	maxHeaders    = 20
	maxAnswer     = 64 << 10 // read of a body; the rest is not waited for
	maxAnswerHTTP = 64 << 10 // of headers
	bodyWithin    = 2 * time.Second
)

func (h *HTTP) check() error {
	switch {
	case (h.URL == "") == (h.URLFile == ""):
		return errors.New("set one of url and url_file")
	case len(h.Headers) > maxHeaders:
		return fmt.Errorf("it has %d headers, want at most %d", len(h.Headers), maxHeaders)
	}
	for name, value := range h.Headers {
		switch canonical := http.CanonicalHeaderKey(name); {
		case canonical == "Authorization" || canonical == "Cookie":
			return fmt.Errorf("header %s is a secret: use token_file", canonical)
		case canonical == "Host" || canonical == "Content-Length" || canonical == "Transfer-Encoding" || strings.HasPrefix(canonical, "Webhook-"):
			return fmt.Errorf("header %s is not for settings", canonical)
		case !plainHeader(name, value):
			return fmt.Errorf("header %.100q is not one that HTTP takes", name)
		}
	}
	if h.URL == "" {
		return nil
	}
	_, err := parseURL(h.URL)
	return err
}

func plainHeader(name, value string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return name != "" && len(name)+len(value) <= maxURL && !strings.ContainsAny(value, "\r\n\x00")
}

// parseURL has errors that do not show the URL, which may be a secret.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL:
		return nil, errors.New("its url is none")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Hostname() == "":
		return nil, errors.New("its url has to begin with https:// or http:// and a host")
	case u.User != nil:
		return nil, errors.New("its url has a user in it: use token_file, or url_file for the whole")
	case u.Fragment != "":
		return nil, errors.New("its url has a # in it")
	}
	return u, nil
}

// poster posts to one receiver.
type poster struct {
	m      *Manager
	http   HTTP
	secret bool // the path of its URL is one
	places places

	mu     sync.Mutex
	client *http.Client
	ca     []byte // that client trusts
}

func newPoster(m *Manager, r *Receiver, h HTTP, secret bool) *poster {
	p := m.places
	p.allowPrivate = r.AllowPrivate
	return &poster{m: m, http: h, secret: secret || h.URLFile != "", places: p}
}

// where shows of a URL what is no secret.
func (c *poster) where() string {
	if c.http.URL == "" {
		return "the url in " + c.http.URLFile
	}
	u, err := parseURL(c.http.URL)
	if err != nil {
		return ""
	}
	return c.shown(u)
}

func (c *poster) shown(u *url.URL) string {
	s := u.Scheme + "://" + u.Host
	switch {
	case c.secret:
		return s + "/" + masked
	case u.RawQuery != "":
		return s + u.EscapedPath() + "?" + masked
	}
	return s + u.EscapedPath()
}

func (c *poster) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
}

// current is the client, which trusts what is in CAFile now.
func (c *poster) current() (*http.Client, error) {
	var ca []byte
	if c.http.CAFile != "" {
		var err error
		if ca, err = os.ReadFile(c.http.CAFile); err != nil {
			return nil, fmt.Errorf("who signed its certificate: %w", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil && bytes.Equal(ca, c.ca) {
		return c.client, nil
	}
	trusted, err := trust(ca, c.http.CAFile)
	if err != nil {
		return nil, err
	}
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	c.ca, c.client = ca, &http.Client{CheckRedirect: redirected, Transport: &http.Transport{
		Proxy: nil, DialContext: c.places.dial, TLSClientConfig: trusted,
		TLSHandshakeTimeout: maxTimeout, MaxResponseHeaderBytes: maxAnswerHTTP,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
	}}
	return c.client, nil
}

// trust is how a receiver's certificate is checked: always.
func trust(ca []byte, file string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != nil {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("who signed its certificate: %s holds no certificate in PEM form", file)
		}
	}
	return cfg, nil
}

// redirected follows what keeps the request as it is: 307 and 308. Where it leads is judged when it is dialled.
func redirected(r *http.Request, via []*http.Request) error {
	switch {
	case r.Method != via[0].Method:
		return http.ErrUseLastResponse
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: it redirects more than %d times", errForbidden, maxRedirects)
	case r.URL.Scheme != "https" && (r.URL.Scheme != "http" || via[len(via)-1].URL.Scheme == "https"):
		return fmt.Errorf("%w: it redirects from %s to %.20s", errForbidden, via[len(via)-1].URL.Scheme, r.URL.Scheme)
	}
	return nil
}

// post sends a body and fills in what came of it. hidden are secrets that headers are made of.
func (c *poster) post(ctx context.Context, suffix string, header http.Header, body []byte, hidden mask, a *answer) {
	target, err := c.target(suffix, header, &hidden)
	if err != nil {
		a.err = hidden.hideIn(err)
		return
	}
	client, err := c.current()
	if err != nil {
		a.err = err
		return
	}
	for name, value := range c.http.Headers {
		header.Set(name, value)
	}
	header.Set("User-Agent", "waybill")
	ctx, called := c.m.call(ctx, http.MethodPost, target.Host, header)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		a.err = hidden.hideIn(err)
		return
	}
	r.Header = header
	a.request = head(requestHead(c.shown(target), header, body), maxRequestHead, hidden)
	res, err := client.Do(r)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) { // whose text has the URL
			err = at.Err
		}
		a.err, a.final = hidden.hideIn(err), errors.Is(err, errForbidden)
		called(0, a.err)
		return
	}
	defer res.Body.Close()
	defer time.AfterFunc(bodyWithin, cancel).Stop() // its status is what counts
	first := make([]byte, maxAnswerHead)
	n, err := io.ReadFull(res.Body, first)
	a.judge(res.StatusCode, res.Header, time.Now())
	a.text = head(answerHead(res, first[:n]), maxAnswerHead, hidden)
	if err == nil { // to the end, if that is near, so that the connection can be used again
		_, _ = io.CopyN(io.Discard, res.Body, maxAnswer)
	}
	called(res.StatusCode, a.err)
}

// target reads what is in files.
func (c *poster) target(suffix string, header http.Header, hidden *mask) (*url.URL, error) {
	text := c.http.URL
	if c.http.URLFile != "" {
		var err error
		if text, err = readSecret(c.http.URLFile); err != nil {
			return nil, fmt.Errorf("its url: %w", err)
		}
	}
	u, err := parseURL(text)
	if err != nil {
		return nil, err
	}
	if c.secret {
		hidden.add(text)
		hidden.add(u.RequestURI())
	}
	if u.RawQuery != "" {
		hidden.add(u.RawQuery)
	}
	if suffix != "" && !strings.HasSuffix(u.Path, suffix) {
		u = u.JoinPath(suffix)
	}
	if c.http.TokenFile != "" {
		token, err := readSecret(c.http.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("its token: %w", err)
		}
		hidden.add(token)
		header.Set("Authorization", "Bearer "+token)
	}
	return u, nil
}

func requestHead(where string, header http.Header, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s\n", where)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		value := strings.Join(header[name], ", ")
		switch name {
		case "Authorization", "Webhook-Signature":
			value, _, _ = strings.Cut(value, " ")
			value, _, _ = strings.Cut(value, ",")
			value += " " + masked
		}
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	fmt.Fprintf(&b, "\n%s", body[:min(len(body), maxRequestHead)])
	return b.String()
}

func answerHead(res *http.Response, first []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", res.Proto, res.Status)
	for _, name := range []string{"Content-Type", "Retry-After", "Location"} {
		if value := res.Header.Get(name); value != "" {
			fmt.Fprintf(&b, "%s: %.200s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "\n%s", first)
	return b.String()
}

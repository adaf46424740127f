package discovery

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Transport sends what is addressed to a service, http://SERVICE/path, to one of
// its instances. A call is under way until its body is closed or read to the end.
// 502, 503 and 504 count as failures of the instance; 500 does not, since one bad
// request is no reason to avoid it. A nil next is http.DefaultTransport.
func (c *Client) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &transport{c, next}
}

type transport struct {
	client *Client
	next   http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.send(req)
	if err != nil && req.Body != nil {
		req.Body.Close() // a RoundTripper must; twice is harmless
	}
	return res, err
}

func (t *transport) send(req *http.Request) (*http.Response, error) {
	service := req.URL.Host // with a port it is no name, and refused
	in, done, err := t.client.Pick(req.Context(), service)
	if err != nil {
		return nil, err
	}
	out, err := redirect(req, in)
	if err != nil {
		done(nil)
		return nil, err
	}
	res, err := t.next.RoundTrip(out)
	if err != nil {
		done(err)
		return nil, fmt.Errorf("call %s: %w", service, err)
	}
	res.Request = req
	res.Body = wrap(res, done)
	return res, nil
}

// redirect is req at an instance's address. The path keeps its spelling, so that
// an escaped slash stays one.
func redirect(req *http.Request, in Instance) (*http.Request, error) {
	base, err := url.Parse(in.URL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("call %s: its address is none", in.Service)
	}
	out := req.Clone(req.Context())
	if out.Host == req.URL.Host {
		out.Host = ""
	}
	out.URL.Scheme, out.URL.Host = base.Scheme, base.Host
	if base.Path != "" && base.Path != "/" {
		joined := base.JoinPath(req.URL.EscapedPath())
		out.URL.Path, out.URL.RawPath = joined.Path, joined.RawPath
	}
	return out, nil
}

// wrap makes the end of a body end the call. A connection that has changed its
// protocol stays writable.
func wrap(res *http.Response, done func(error)) io.ReadCloser {
	b := &body{ReadCloser: res.Body, done: done}
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		b.verdict = fmt.Errorf("the instance answered %d", res.StatusCode)
	case http.StatusSwitchingProtocols:
		if w, ok := res.Body.(io.Writer); ok {
			return &duplex{b, w}
		}
	}
	return b
}

type body struct {
	io.ReadCloser
	done    func(error)
	verdict error // what the status says of the instance
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.done(b.verdict)
	case err != nil:
		b.done(err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.done(b.verdict)
	return err
}

type duplex struct {
	*body
	io.Writer
}

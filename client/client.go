package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// DefaultServer is where a server on this machine answers.
const DefaultServer = "http://127.0.0.1:7600"

// Config says whom to ask.
type Config struct {
	Server string // URL; empty: DefaultServer
	Token  string // empty: none
	CAFile string // PEM file of who signed the server's certificate; empty: the system's
}

// Client asks one server. Safe for concurrent use.
type Client struct {
	server, token string
	http          http.Client
}

// New makes a client. It asks nothing yet.
func New(cfg Config) (*Client, error) {
	server := strings.TrimRight(cmp.Or(cfg.Server, DefaultServer), "/")
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("server %q: want http://host:port or https://host", cfg.Server)
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ForceAttemptHTTP2:     true,
		ReadBufferSize:        64 << 10,
	}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificates of who signed the server's: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", cfg.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &Client{server: server, token: cfg.Token, http: http.Client{Transport: transport}}, nil
}

// Server is the URL of who is asked.
func (c *Client) Server() string { return c.server }

const base = "/api/v1"

// get asks; who calls closes the body. An answer that is none is an error.
func (c *Client) get(ctx context.Context, path string, q url.Values, header ...string) (*http.Response, error) {
	return c.do(ctx, http.MethodGet, path, q, nil, header...)
}

func (c *Client) do(ctx context.Context, method, path string, q url.Values, body io.Reader, header ...string) (*http.Response, error) {
	where := c.server + base + path
	if len(q) > 0 {
		where += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, where, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, c.refusal(res)
	}
	return res, nil
}

// failed says of an answer that did not come, or not whole, whose doing that was.
func (c *Client) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return &Unreachable{Server: c.server, Err: err}
}

// maxAnswer bounds what is read of an answer that has to be in memory.
const maxAnswer = 256 << 20

func (c *Client) bytes(ctx context.Context, path string, q url.Values) ([]byte, error) {
	res, err := c.get(ctx, path, q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return c.whole(ctx, res)
}

func (c *Client) whole(ctx context.Context, res *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.failed(ctx, err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("answer of %s: larger than %d MiB; ask for less", c.server, maxAnswer>>20)
	}
	return body, nil
}

func (c *Client) read(ctx context.Context, res *http.Response, into any) error {
	body, err := c.whole(ctx, res)
	if err != nil {
		return err
	}
	return c.decode(body, into)
}

func (c *Client) decoded(ctx context.Context, path string, q url.Values, into any) error {
	body, err := c.bytes(ctx, path, q)
	if err != nil {
		return err
	}
	return c.decode(body, into)
}

func (c *Client) decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("answer of %s, which may not be a Waybill server: %w", c.server, err)
	}
	return nil
}

// copied writes an answer to w as it comes.
func (c *Client) copied(ctx context.Context, path string, q url.Values, w io.Writer) error {
	res, err := c.get(ctx, path, q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	read := source{res.Body, nil}
	if _, err := io.Copy(w, &read); err != nil {
		if read.err != nil {
			return c.failed(ctx, fmt.Errorf("it has not sent all: %w", read.err))
		}
		return err
	}
	return nil
}

// source remembers why reading failed, so that it is told from writing.
type source struct {
	from io.Reader
	err  error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.from.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

package gateway

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Server is an HTTP server with the gateway's limits. Its answers have no time
// limit, since some are streams.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
}

// Listener has h answer also those requests that net/http refuses before a
// handler sees them, so that they have a tracking number like all others.
func Listener(ln net.Listener, h http.Handler) net.Listener { return &listener{ln, h} }

type listener struct {
	net.Listener
	handler http.Handler
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{tcp, l.handler}, nil
	}
	return c, nil
}

type conn struct {
	*net.TCPConn
	handler http.Handler
}

// canned ends the headers of net/http's own refusals. They come in one Write,
// and unlike a handler's answer without a Date before.
const canned = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	status, ok := refusal(p)
	if !ok {
		return c.TCPConn.Write(p)
	}
	if err := c.refuse(status); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *conn) refuse(status int) error {
	ctx := context.WithValue(context.Background(), refusalKey{}, status)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
	if err != nil {
		return err
	}
	r.RemoteAddr, r.RequestURI = c.RemoteAddr().String(), "/"
	w := &written{status: http.StatusOK, header: http.Header{}}
	c.handler.ServeHTTP(w, r)
	res := http.Response{
		StatusCode: w.status, ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Request: r, Close: true,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}
	return res.Write(c.TCPConn)
}

// written is a small answer in memory.
type written struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (w *written) Header() http.Header         { return w.header }
func (w *written) WriteHeader(status int)      { w.status = status }
func (w *written) Write(p []byte) (int, error) { return w.body.Write(p) }

// refusal reads the status of a refusal of net/http's own.
func refusal(p []byte) (status int, ok bool) {
	if len(p) > 512 || !bytes.HasPrefix(p, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(p, []byte("HTTP/1.1 501")) {
		return 0, false
	}
	line, _, _ := bytes.Cut(p, []byte("\r\n"))
	if !bytes.HasPrefix(p[len(line):], []byte(canned)) || len(line) < len("HTTP/1.1 400") {
		return 0, false
	}
	status, err := strconv.Atoi(string(line[len("HTTP/1.1 "):len("HTTP/1.1 400")]))
	return status, err == nil
}

type refusalKey struct{}

// refusedBefore is the status with which net/http has refused a request.
func refusedBefore(ctx context.Context) (status int, ok bool) {
	status, ok = ctx.Value(refusalKey{}).(int)
	return status, ok
}

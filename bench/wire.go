package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// wire is one keep-alive connection of a client that does little itself, so that what
// is measured is the server.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	body bytes.Buffer // of the last answer
}

func dial(addr string) (*wire, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// ask sends a request and reads its answer.
func (w *wire) ask(request []byte, within time.Duration) (status int, err error) {
	if err := w.conn.SetDeadline(time.Now().Add(within)); err != nil {
		return 0, err
	}
	if _, err := w.conn.Write(request); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return 0, err
	}
	w.body.Reset()
	_, err = w.body.ReadFrom(res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

// request is one without a body; headers are "Name: value".
func request(method, path string, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path)
	for _, h := range headers {
		io.WriteString(&b, h+"\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// target is what a load is put on.
type target struct {
	addr    string
	request []byte
	says    string // in each answer
}

// load is what clients, each with a connection of its own and one request after the
// other, have got out of a target.
type load struct {
	rate float64         // requests a second
	took []time.Duration // sorted
}

func (t target) load(clients int, lasting time.Duration) (load, error) {
	var (
		all    sync.WaitGroup
		mu     sync.Mutex
		l      load
		failed error
	)
	began := time.Now()
	for range clients {
		all.Go(func() {
			took, err := t.client(began.Add(lasting))
			mu.Lock()
			defer mu.Unlock()
			l.took, failed = append(l.took, took...), errors.Join(failed, err)
		})
	}
	all.Wait()
	l.rate = float64(len(l.took)) / time.Since(began).Seconds()
	slices.Sort(l.took)
	if failed == nil && len(l.took) == 0 {
		failed = errors.New("no answer came")
	}
	return l, failed
}

func (t target) client(until time.Time) (took []time.Duration, err error) {
	w, err := dial(t.addr)
	if err != nil {
		return nil, err
	}
	defer w.conn.Close()
	for began := time.Now(); began.Before(until); {
		status, err := w.ask(t.request, 5*time.Second)
		if err == nil && (status != http.StatusOK || !bytes.Contains(w.body.Bytes(), []byte(t.says))) {
			err = fmt.Errorf("%s answers %d: %.200s", t.addr, status, w.body.Bytes())
		}
		if err != nil {
			return took, err
		}
		now := time.Now()
		took = append(took, now.Sub(began))
		began = now
	}
	return took, nil
}

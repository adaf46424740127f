package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/waybill-log/waybill/demo-services/discovery"
)

// socket is a real instance.
type socket struct {
	service string
	addr    string
	lease   *discovery.Lease
	sick    atomic.Bool
	checks  atomic.Int64 // answered with 500
}

// accept answers checks, its own and those of the simulated below its address.
func (s *socket) accept(ln net.Listener) {
	well := []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	sick := []byte("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno")
	bare := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", bareSize, bytes.Repeat([]byte("x"), bareSize))
	answerAll(ln, func(path []byte) []byte {
		switch {
		case string(path) == "/bare":
			return bare
		case string(path) == "/diagnostics" && s.sick.Load():
			s.checks.Add(1)
			return sick
		}
		return well
	})
}

// lossy loses heartbeats on their way.
type lossy struct {
	next http.RoundTripper
	on   *atomic.Bool
}

// RoundTrip implements http.RoundTripper.
func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.on.Load() && r.Method == http.MethodPut && rand.Float64() < crowdLoss {
		return nil, errors.New("lost")
	}
	return l.next.RoundTrip(r)
}

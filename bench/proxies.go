package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// proxy is a way to the backends.
type proxy struct {
	name string
	target
	pid int // zero: its CPU is not counted
	cpu time.Duration
	n   int // requests that it was spent on
}

// measured puts the load on it for one turn.
func (p *proxy) measured(lasting time.Duration) (rate float64, err error) {
	before, err1 := p.spent()
	l, err2 := p.load(loadClients, lasting)
	after, err3 := p.spent()
	p.cpu, p.n = p.cpu+after-before, p.n+len(l.took)
	return l.rate, errors.Join(err1, err2, err3)
}

func (p *proxy) spent() (time.Duration, error) {
	if p.pid == 0 {
		return 0, nil
	}
	return processCPU(p.pid)
}

// proxying compares requests that are only passed on. Caddy and nginx write no access
// log; the gateway logs each request, mints a credential for it and makes it a journey.
// How much of its price is that is seen beside: mute forgets its records, which spares
// it shipping, and the machine Kafka.
func proxying(b *board, dir, backend string, ours, mute *teller[edge]) error {
	through := request("GET", "/services/products/products")
	sides := []*proxy{
		{name: "gateway", target: target{ours.said.Addr, through, `"products"`}, pid: ours.cmd.Process.Pid},
		{name: "gateway that ships nothing", target: target{mute.said.Addr, through, `"products"`}, pid: mute.cmd.Process.Pid},
	}
	caddy, nginx := -1, -1
	b.say("building Caddy, which takes minutes the first time")
	for _, peer := range []struct {
		at    *int
		start func(dir, backend string) (*program, string, error)
		name  string
	}{{&caddy, startCaddy, "Caddy"}, {&nginx, startNginx, "nginx"}} {
		p, addr, err := peer.start(dir, backend)
		if err != nil {
			b.say("no peer: %v", err)
			continue
		}
		defer p.stop()
		*peer.at = len(sides)
		side := &proxy{name: peer.name, target: target{addr, request("GET", "/products"), `"products"`}}
		if peer.name == "Caddy" { // nginx has workers
			side.pid = p.cmd.Process.Pid
		}
		sides = append(sides, side)
	}
	var failed error
	var ways []func() float64
	for _, s := range sides {
		if _, err := s.measured(loadLasts / 2); err != nil { // warm
			return fmt.Errorf("%s: %w", s.name, err)
		}
		s.cpu, s.n = 0, 0
		ways = append(ways, func() float64 {
			rate, err := s.measured(loadLasts)
			failed = errors.Join(failed, err)
			return rate
		})
	}
	rates := medians(ways...)
	if failed != nil {
		return failed
	}
	for i, s := range sides {
		b.say("%s: %.0f requests/s, %.0f us of CPU each (0: not counted)", s.name, rates[i], s.cpu.Seconds()*1e6/float64(max(1, s.n)))
	}
	if nginx >= 0 {
		b.say("the gateway does %.2f of nginx's requests/s", rates[0]/rates[nginx])
	}
	if caddy < 0 {
		b.unmeasured("proxy-rate", "/s", rates[0], ">=0.90x")
		return nil
	}
	b.atLeast("proxy-rate", "/s", rates[0], rates[caddy], 0.9)
	return nil
}

func startCaddy(dir, backend string) (*program, string, error) {
	path := filepath.Join(dir, "caddy")
	if err := build(path, filepath.Join("bench", "caddy"), "."); err != nil {
		return nil, "", err
	}
	return startPeer(dir, path, "Caddyfile", `{
	admin off
	auto_https off
	persist_config off
}
http://%[1]s {
	reverse_proxy %[2]s
}
`, backend, func(config string) []string { return []string{"run", "--config", config, "--adapter", "caddyfile"} })
}

func startNginx(dir, backend string) (*program, string, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		return nil, "", fmt.Errorf("%w; apt-get install nginx-light", err)
	}
	return startPeer(dir, path, "nginx.conf", `daemon off;
worker_processes auto;
pid nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
	access_log off;
	keepalive_requests 1000000;
	upstream backend { server %[2]s; keepalive 64; keepalive_requests 1000000; }
	server {
		listen %[1]s;
		location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }
	}
}
`, backend, func(config string) []string { return []string{"-p", dir, "-c", config, "-e", "stderr"} })
}

// startPeer runs a program with a configuration, whose blanks are where to listen and
// where the backend is.
func startPeer(dir, path, name, config, backend string, arguments func(config string) []string) (*program, string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	addr := ln.Addr().String()
	file := filepath.Join(dir, name)
	if err := errors.Join(ln.Close(), os.WriteFile(file, fmt.Appendf(nil, config, addr, backend), 0o600)); err != nil {
		return nil, "", err
	}
	p, err := run(dir, path, arguments(file)...)
	if err != nil {
		return nil, "", err
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if w, err := dial(addr); err == nil {
			return p, addr, w.conn.Close()
		}
		if err := p.alive(); err != nil {
			return nil, "", err
		}
		if time.Now().After(deadline) {
			_, err := p.stop()
			return nil, "", errors.Join(fmt.Errorf("%s does not listen", path), err)
		}
	}
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
)

// slow is how long the slowest service of the home page takes; so does each answer
// under cold/.
const slow = 20 * time.Millisecond

// backends are the six services of the home page, with answers that cost next to
// nothing: what is measured is what stands before them.
type backends struct {
	cold atomic.Int64 // requests under cold/
}

// canned are their answers.
var canned = map[string]string{
	"orders":          `{"orders":[{"id":"A-1001","points":100,"dollars":100,"state":"OPEN","correlation_id":"01J8Z","at":"2026-11-23T10:00:00Z"}]}`,
	"reviews":         `{"reviews":[{"id":"1","product":"sword","user":"USER2","stars":5,"text":"It cuts."},{"id":"2","product":"shield","user":"USER1","stars":4,"text":"It holds."}]}`,
	"products":        `{"products":[` + strings.Repeat(`{"id":"sword","name":{"en":"Sword of the north","zh-TW":"北方之劍"},"price":30},`, 11) + `{"id":"shield","name":{"en":"Shield","zh-TW":"盾"},"price":12}]}`,
	"recommendations": `{"recommendations":[{"product":"shield","score":0.9},{"product":"sword","score":0.4}]}`,
	"stock":           `{"stock":[{"product":"sword","units":7},{"product":"shield","units":0}]}`,
	"cart":            `{"items":[{"product":"sword","quantity":2}]}`,
}

// backendsAt says where they are, by name.
type backendsAt map[string]string

// playBackends registers them at a registry, says where they are, and answers each
// line of stdin with how often cold/ was asked.
func playBackends(registry string) error {
	b, at := &backends{}, backendsAt{}
	client := discovery.New(discovery.Config{URL: registry})
	for name, body := range canned {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go b.accept(ln, name, body)
		at[name] = ln.Addr().String()
		if _, err := client.Register(context.Background(), discovery.Instance{Service: name, URL: "http://" + at[name], Version: "1.0.0"}); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(at); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if err := out.Encode(b.cold.Load()); err != nil {
			return err
		}
	}
	return client.Close()
}

func (b *backends) accept(ln net.Listener, name, body string) {
	answer := func(cache string) []byte {
		return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: %s\r\nContent-Length: %d\r\n\r\n%s", cache, len(body), body)
	}
	fresh, kept := answer("no-store"), answer("public, max-age=3600")
	answerAll(ln, func(path []byte) []byte {
		switch {
		case bytes.HasPrefix(path, []byte("/kept/")):
			return kept
		case bytes.HasPrefix(path, []byte("/cold/")):
			b.cold.Add(1)
			time.Sleep(slow)
			return kept
		case name == "recommendations":
			time.Sleep(slow)
		}
		return fresh
	})
}

// answerAll answers each request of every connection with what is written for its path.
func answerAll(ln net.Listener, reply func(path []byte) []byte) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			for in := bufio.NewReader(conn); ; {
				path, err := readHead(in)
				if err != nil {
					return
				}
				if _, err := conn.Write(reply(path)); err != nil {
					return
				}
			}
		}()
	}
}

// readHead reads a request without a body and returns its path.
func readHead(in *bufio.Reader) (path []byte, err error) {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			if path == nil {
				return nil, errors.New("no request line")
			}
			return path, nil
		}
		if path == nil {
			words := bytes.Fields(line)
			if len(words) < 2 {
				return nil, errors.New("no path")
			}
			path = bytes.Clone(words[1])
		}
	}
}

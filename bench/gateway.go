package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	loadLasts   = 2 * time.Second // of each turn
	loadClients = 32
	homeClients = 1 // what is measured is how long one answer takes, not a queue
	coldTries   = 25
	coldClients = 10
)

// gatewayArea measures the gateway beside other reverse proxies, and the registry.
//
//	clients ─► gateway, Caddy or nginx ─► backends
//	              └─► registry ◄─ heartbeats of 10,000
//
// Each of them is a process of its own; Kafka, to which the gateway ships its records,
// is another one.
func gatewayArea(b *board) error {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return errors.Join(edges(b, dir), tenThousand(b))
}

// edges measures what one gateway does.
func edges(b *board, dir string) (err error) {
	registry, err := tellOf[string]("registry", "quiet")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, registry.stop()) }()
	services, err := tellOf[backendsAt]("backends", "http://"+registry.said)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, services.stop()) }()
	kafka, err := start("broker", filepath.Join(dir, "broker")+" 127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.stop()) }()
	broker, err := kafka.line()
	if err != nil {
		return err
	}
	ours, err := tellOf[edge]("edge", "http://"+registry.said+" "+dir+" "+broker)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	shelf, err := tellOf[string]("catalogue", strings.Join([]string{"http://" + registry.said, dir, broker, ours.said.Key}, " "))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shelf.stop()) }()
	mute, err := tellOf[edge]("edge", "http://"+registry.said+" "+dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mute.stop()) }()
	if err := proxying(b, dir, services.said["products"], ours, mute); err != nil {
		return fmt.Errorf("proxying: %w", err)
	}
	if err := aggregation(b, services.said, ours); err != nil {
		return fmt.Errorf("home page: %w", err)
	}
	if err := caching(b, ours); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return stampede(b, services, ours)
}

// aggregation compares the home page with the slowest of its six services.
func aggregation(b *board, services backendsAt, ours *teller[edge]) error {
	var failed error
	way := func(t target) func() float64 {
		return func() float64 {
			l, err := t.load(homeClients, loadLasts)
			if err != nil {
				failed = errors.Join(failed, err)
				return 0
			}
			return ms(quantile(l.took, 0.5))
		}
	}
	home := target{ours.said.Addr, request("GET", "/home", "Authorization: Bearer "+ours.said.Session, "Accept: application/json"), `"partial":false`}
	branch := target{services["recommendations"], request("GET", "/recommendations"), `"recommendations"`}
	if _, err := home.load(homeClients, loadLasts); err != nil { // warm
		return err
	}
	m := medians(way(home), way(branch))
	if failed != nil {
		return failed
	}
	b.beside("home-p50", "ms", m[0], m[1], m[1]+1)
	return nil
}

// caching compares answers out of the cache with those of the service, on one address.
// The service is a real one; what is left where it costs nothing is said beside.
func caching(b *board, ours *teller[edge]) error {
	ways := func(path string) []target {
		return []target{
			{ours.said.Addr, request("GET", path), `"products"`},
			{ours.said.Addr, request("GET", path, "Cache-Control: no-cache"), `"products"`},
		}
	}
	served, canned := ways("/services/"+catalogue+"/products"), ways("/services/products/kept/1")
	all := slices.Concat(served, canned)
	for _, t := range all { // warm
		if _, err := t.load(1, loadLasts/4); err != nil {
			return err
		}
	}
	rates, err := rates(all...)
	if err != nil {
		return err
	}
	b.say("a service that costs nothing: %.0f requests/s out of the cache, %.0f without, %.2f times as many", rates[2], rates[3], rates[2]/rates[3])
	b.atLeast("cached-rate", "/s", rates[0], rates[1], 5)
	return nil
}

// rates are the medians of several targets' rates, measured in turns.
func rates(targets ...target) ([]float64, error) {
	var failed error
	var ways []func() float64
	for _, t := range targets {
		ways = append(ways, func() float64 {
			l, err := t.load(loadClients, loadLasts)
			failed = errors.Join(failed, err)
			return l.rate
		})
	}
	m := medians(ways...)
	return m, failed
}

// stampede counts how often a service is asked for what many want to have at once and
// nobody has.
func stampede(b *board, services *teller[backendsAt], ours *teller[edge]) error {
	var most, before int64
	if err := services.tell(&before, "count"); err != nil {
		return err
	}
	for n := range coldTries {
		if err := atOnce(ours.said.Addr, request("GET", fmt.Sprintf("/services/products/cold/%d", n))); err != nil {
			return err
		}
		var now int64
		if err := services.tell(&now, "count"); err != nil {
			return err
		}
		if now == before {
			return errors.New("what was cold did not reach its service")
		}
		most, before = max(most, now-before), now
	}
	b.say("%d times %d cold requests at once: at most %d reached the service", coldTries, coldClients, most)
	b.bounded("cold-requests", "", float64(most), 1)
	return nil
}

func atOnce(addr string, asked []byte) (failed error) {
	wires := make([]*wire, coldClients)
	for i := range wires {
		w, err := dial(addr)
		if err != nil {
			return err
		}
		defer w.conn.Close()
		wires[i] = w
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, w := range wires {
		all.Go(func() {
			status, err := w.ask(asked, 5*time.Second)
			if err == nil && (status != http.StatusOK || !json.Valid(w.body.Bytes())) {
				err = fmt.Errorf("the gateway answers %d", status)
			}
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	all.Wait()
	return failed
}

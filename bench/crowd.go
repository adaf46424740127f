package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
)

const (
	crowdServices = 20
	crowdReal     = 100 // with a socket and a lease each
	crowdSize     = 10_000
	crowdTTL      = 5 * time.Second // the registry's
	crowdWires    = 32              // that heartbeats go over
	crowdLoss     = 0.2             // of heartbeats, once some are lost
)

// throng is 10,000 instances in a process of its own. Those that are simulated have an
// address below a real one's, which answers their checks; their heartbeats come when
// those of a discovery.Lease would. It says where its real instances are, then answers
// each line of stdin:
//
//	lose          from now on heartbeats are lost on their way
//	silence N     N simulated ones send no more: their IDs
//	sicken        a real one answers its checks with 500 from now on: who
//	checks        how often it has
//	late          by how much heartbeats came late since last asked, at most
type throng struct {
	url       string // of the registry
	client    *discovery.Client
	real      []*socket
	simulated []*sender
	lossy     atomic.Bool
	late      atomic.Int64 // a time.Duration
}

func crowdService(i int) string { return fmt.Sprintf("service-%d", i%crowdServices) }

func playCrowd(url string) error {
	t := &throng{url: url}
	t.client = discovery.New(discovery.Config{URL: url, Transport: &lossy{&http.Transport{MaxIdleConnsPerHost: 16}, &t.lossy}})
	if err := t.appear(); err != nil {
		return err
	}
	var at []string
	for _, s := range t.real {
		at = append(at, s.addr)
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(at); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		answer, err := t.do(in.Text())
		if err = errors.Join(err, out.Encode(answer)); err != nil {
			return err
		}
	}
	return nil // the registry ends with us
}

// appear registers all, and begins their heartbeats.
func (t *throng) appear() error {
	for i := range crowdReal {
		s := &socket{service: crowdService(i)}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s.addr = ln.Addr().String()
		go s.accept(ln)
		if s.lease, err = t.client.Register(context.Background(), discovery.Instance{Service: s.service, URL: "http://" + s.addr, Version: "1.0.0"}); err != nil {
			return err
		}
		t.real = append(t.real, s)
	}
	for i := range crowdSize - crowdReal {
		t.simulated = append(t.simulated, &sender{service: crowdService(i), url: fmt.Sprintf("http://%s/%d", t.real[i%crowdReal].addr, i)})
	}
	var all sync.WaitGroup
	failed := make([]error, crowdWires)
	for n := range crowdWires {
		all.Go(func() {
			var own []*sender
			for i := n; i < len(t.simulated); i += crowdWires {
				own = append(own, t.simulated[i])
			}
			w, err := dial(strings.TrimPrefix(t.url, "http://"))
			for _, s := range own {
				if err == nil {
					err = s.register(w)
				}
			}
			if failed[n] = err; err == nil {
				go t.send(w, own)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

func (t *throng) do(line string) (any, error) {
	word, argument, _ := strings.Cut(line, " ")
	switch sick := t.real[0]; word {
	case "lose":
		t.lossy.Store(true)
		return true, nil
	case "silence":
		var n int
		if _, err := fmt.Sscan(argument, &n); err != nil {
			return nil, err
		}
		var ids []string
		for _, i := range rand.Perm(len(t.simulated))[:n] {
			t.simulated[i].silent.Store(true)
			ids = append(ids, t.simulated[i].id)
		}
		return ids, nil
	case "sicken":
		sick.sick.Store(true)
		return discovery.Instance{ID: sick.lease.ID(), Service: sick.service}, nil
	case "checks":
		return sick.checks.Load(), nil
	case "late":
		return t.late.Swap(0), nil
	}
	return nil, fmt.Errorf("unknown command %q", line)
}

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// sender is a simulated one.
type sender struct {
	service, id, url string
	beat             []byte // its heartbeat
	next             time.Time
	silent           atomic.Bool
}

func (s *sender) register(w *wire) error {
	body := fmt.Sprintf(`{"service":%q,"url":%q,"version":"1.0.0"}`, s.service, s.url)
	asked := append(request("POST", "/instances", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))), body...)
	status, err := w.ask(asked, 10*time.Second)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("register %s: %d %s", s.url, status, w.body.Bytes())
	}
	if err != nil {
		return err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(w.body.Bytes(), &made); err != nil {
		return err
	}
	s.id = made.ID
	s.beat = request("PUT", "/instances/"+s.id+"/heartbeat", "Content-Length: 0")
	s.next = time.Now().Add(rand.N(crowdTTL / 5))
	return nil
}

// send sends the heartbeats of some over one connection.
func (t *throng) send(w *wire, own []*sender) {
	for range time.Tick(5 * time.Millisecond) {
		for _, s := range own {
			late := time.Since(s.next)
			if late < 0 || s.silent.Load() {
				continue
			}
			for most := t.late.Load(); int64(late) > most && !t.late.CompareAndSwap(most, int64(late)); most = t.late.Load() {
			}
			w = t.beat(w, s)
		}
	}
}

// beat sends one, and says when the next is due, as discovery.Lease does. It returns
// the connection to go on with.
func (t *throng) beat(w *wire, s *sender) *wire {
	now := time.Now()
	if t.lossy.Load() && rand.Float64() < crowdLoss {
		s.next = now.Add(crowdTTL / 20)
		return w
	}
	status, err := w.ask(s.beat, crowdTTL/16)
	switch {
	case err != nil:
		s.next = now.Add(crowdTTL / 20)
		w.conn.Close()
		if again, err := dial(strings.TrimPrefix(t.url, "http://")); err == nil {
			return again
		}
	case status == http.StatusNotFound:
		s.silent.Store(true) // the registry has warned of it
	default:
		s.next = now.Add(crowdTTL/5 - rand.N(crowdTTL/50))
	}
	return w
}

package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	lookupClients = 4
	lookupEvery   = 5 * time.Millisecond // of each client
	lookupsLast   = 10 * time.Second
	bareSize      = 60_000 // bytes, about what an answer with 500 instances has
)

// lookups measures look-ups while all send heartbeats and are checked. Each is followed
// by a request for as many bytes to a bare socket, which says what the machine makes of it.
func lookups(b *board, r *teller[string], bare string) error {
	var (
		all           sync.WaitGroup
		mu            sync.Mutex
		ours, nothing []time.Duration
		failed        error
	)
	before, err := r.spent()
	if err != nil {
		return err
	}
	for n := range lookupClients {
		all.Go(func() {
			mine, theirs, err := alternate(n, r.said, bare)
			mu.Lock()
			defer mu.Unlock()
			ours, nothing, failed = append(ours, mine...), append(nothing, theirs...), errors.Join(failed, err)
		})
	}
	all.Wait()
	after, err := r.spent()
	if err = errors.Join(failed, err); err != nil {
		return err
	}
	slices.Sort(ours)
	slices.Sort(nothing)
	b.say("%d look-ups while %d heartbeats/s come: p50 %.2f ms, p99 %.2f ms, at most %.1f ms; of a bare socket p50 %.2f ms, p99 %.2f ms; the registry uses %.2f of a core",
		len(ours), crowdSize/int(crowdTTL/5/time.Second), ms(quantile(ours, 0.5)), ms(quantile(ours, 0.99)), ms(ours[len(ours)-1]),
		ms(quantile(nothing, 0.5)), ms(quantile(nothing, 0.99)), (after-before).Seconds()/lookupsLast.Seconds())
	b.beside("lookup-p99", "ms", ms(quantile(ours, 0.99)), ms(quantile(nothing, 0.99)), 1)
	return nil
}

// alternate asks the registry and a bare socket in turns, at an even pace.
func alternate(n int, registry, bare string) (ours, nothing []time.Duration, err error) {
	to, err1 := dial(registry)
	beside, err2 := dial(bare)
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	defer to.conn.Close()
	defer beside.conn.Close()
	next := time.Now()
	for i, end := n, next.Add(lookupsLast); next.Before(end); i++ {
		took, err := exchange(to, request("GET", "/services/"+crowdService(i)))
		if err != nil {
			return nil, nil, err
		}
		ours = append(ours, took)
		if took, err = exchange(beside, request("GET", "/bare")); err != nil {
			return nil, nil, err
		}
		nothing = append(nothing, took)
		next = next.Add(lookupEvery)
		time.Sleep(time.Until(next))
	}
	return ours, nothing, nil
}

func exchange(w *wire, asked []byte) (time.Duration, error) {
	began := time.Now()
	status, err := w.ask(asked, 5*time.Second)
	took := time.Since(began)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answer %d %.200s", status, w.body.Bytes())
	}
	return took, err
}

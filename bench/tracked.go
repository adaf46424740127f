package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waybill-log/waybill/instrument"
)

// soonTracked measures from the log call until the API answers with the journey, at 5,000
// records a second.
func soonTracked(b *board, dir string) (err error) {
	const seconds, perTick, every = 20, 50, 10 * time.Millisecond
	path := filepath.Join(dir, "waybill")
	if err := build(path, ".", "./cmd/waybill"); err != nil {
		return err
	}
	p, server, broker, err := runStack(dir, path)
	if err != nil {
		return err
	}
	defer func() { _, stopped := p.stop(); err = errors.Join(err, stopped) }()
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "seen", Brokers: []string{broker}, Console: slog.DiscardHandler, Scoped: true})
	if err != nil {
		return err
	}
	var took []time.Duration
	var failed error
	var mu sync.Mutex
	var waiting sync.WaitGroup
	next := time.Now()
	for tick := range int(seconds * time.Second / every) {
		id := fmt.Sprintf("tracked-%06d", tick)
		ctx, _ := instrument.WithCorrelationID(context.Background(), id)
		logged := time.Now()
		for range perTick {
			in.Logger().InfoContext(ctx, "debited the account", "amount", 42)
		}
		if tick%5 == 0 && tick > 200 { // the first two seconds are for getting under way
			waiting.Go(func() {
				err := untilTracked(server + "/api/v1/journeys/" + id)
				mu.Lock()
				defer mu.Unlock()
				took, failed = append(took, time.Since(logged)), errors.Join(failed, err)
			})
		}
		next = next.Add(every)
		time.Sleep(time.Until(next))
	}
	waiting.Wait()
	if err := errors.Join(failed, in.Shutdown(context.Background())); err != nil {
		return err
	}
	slices.Sort(took)
	b.say("log call to journey, %d journeys: p50 %.0f ms, at most %.0f ms", len(took), ms(quantile(took, 0.5)), ms(took[len(took)-1]))
	b.bounded("tracked-p99", "ms", ms(quantile(took, 0.99)), 300)
	return nil
}

// untilTracked asks for a journey until it is there.
func untilTracked(url string) error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(url)
		if err != nil {
			return err
		}
		if err := res.Body.Close(); err != nil || res.StatusCode == http.StatusOK {
			return err
		}
		if res.StatusCode != http.StatusNotFound || time.Now().After(deadline) {
			return fmt.Errorf("%s: %s", url, res.Status)
		}
	}
}

// says waits until a program has written what matches, and returns the first group.
func (p *program) says(pattern string) (string, error) {
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		log, err := os.ReadFile(p.log)
		if err != nil {
			return "", err
		}
		if m := re.FindStringSubmatch(string(log)); m != nil {
			return strings.TrimSpace(m[1]), nil
		}
		if err := p.alive(); err != nil {
			return "", err
		}
		if time.Now().After(deadline) {
			return "", p.failed(fmt.Errorf("does not say %s", pattern))
		}
	}
}

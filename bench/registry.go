package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/waybill-log/waybill/demo-services/discovery"
	"github.com/waybill-log/waybill/demo-services/registry"
)

// playRegistry takes the file that it keeps; it then also says its warnings, in JSON.
// quiet: neither.
func playRegistry(argument string) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	cfg := registry.Config{Own: "http://" + ln.Addr().String()}
	if argument != "quiet" {
		cfg.File, cfg.CheckEvery = argument, crowdTTL // 10,000 checks each second would be most of what two cores do
		cfg.Logger = slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	r, err := registry.Open(cfg)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(ln.Addr().String()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	server := &http.Server{Handler: r.Handler()}
	go server.Serve(ln)
	err = untilStdinCloses()
	cancel()
	return errors.Join(err, <-ended, server.Close(), r.Close())
}

const (
	lossLasts = 10 * time.Second // before some are silent
	silenced  = 3000
)

// tenThousand measures a registry that has 10,000 instances.
func tenThousand(b *board) (err error) {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := tellOf[string]("registry", filepath.Join(dir, "registry.json"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	w := &warnings{out: map[string]string{}}
	go w.read(r.keeper)
	began := time.Now()
	crowd, err := tellOf[[]string]("crowd", "http://"+r.said)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.stop()) }()
	b.say("%d instances of %d services registered within %.1f s", crowdSize, crowdServices, time.Since(began).Seconds())
	if err := lookups(b, r, crowd.said[0]); err != nil {
		return fmt.Errorf("look-ups: %w", err)
	}
	var late time.Duration
	if err := crowd.tell(&late, "late"); err != nil {
		return err
	}
	var losing bool
	if err := crowd.tell(&losing, "lose"); err != nil {
		return err
	}
	sick, err := sickness(b, r, crowd)
	if err != nil {
		return fmt.Errorf("a failing instance: %w", err)
	}
	time.Sleep(lossLasts)
	gone, err := silence(b, r, crowd)
	if err != nil {
		return fmt.Errorf("silence: %w", err)
	}
	if err := crowd.tell(&late, "late"); err != nil {
		return err
	}
	lost := w.but(append(gone, sick))
	b.say("heartbeats came up to %.0f ms late; lost beside those silent and failing: %d %v", ms(late), len(lost), lost[:min(3, len(lost))])
	b.bounded("registry-lost", "", float64(len(lost)), 0)
	return nil
}

// rotation is who is in rotation of a service.
func rotation(w *wire, service string) (map[string]bool, error) {
	if _, err := exchange(w, request("GET", "/services/"+service)); err != nil {
		return nil, err
	}
	var found struct{ Instances []discovery.Instance }
	if err := json.Unmarshal(w.body.Bytes(), &found); err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, in := range found.Instances {
		ids[in.ID] = true
	}
	return ids, nil
}

// sickness measures after how many checks an instance that answers them with 500 is out.
func sickness(b *board, r *teller[string], crowd *teller[[]string]) (id string, err error) {
	var sick discovery.Instance
	if err := crowd.tell(&sick, "sicken"); err != nil {
		return "", err
	}
	began := time.Now()
	w, err := dial(r.said)
	if err != nil {
		return "", err
	}
	defer w.conn.Close()
	for ; ; time.Sleep(20 * time.Millisecond) {
		in, err := rotation(w, sick.Service)
		if err != nil {
			return "", err
		}
		if !in[sick.ID] {
			break
		}
		if time.Since(began) > time.Minute {
			return "", errors.New("it is still in rotation")
		}
	}
	took := time.Since(began)
	var checks int
	if err := crowd.tell(&checks, "checks"); err != nil {
		return "", err
	}
	b.say("an instance that answers 500 is out after %d checks, %.1f s", checks, took.Seconds())
	b.bounded("registry-checks", "", float64(checks), 2)
	return sick.ID, nil
}

// silence measures how long those that are silent all at once are still found.
func silence(b *board, r *teller[string], crowd *teller[[]string]) (gone []string, err error) {
	if err := crowd.tell(&gone, "silence", silenced); err != nil {
		return nil, err
	}
	began := time.Now()
	w, err := dial(r.said)
	if err != nil {
		return nil, err
	}
	defer w.conn.Close()
	for left := len(gone); left > 0; {
		time.Sleep(100 * time.Millisecond)
		if left, err = found(w, gone); err != nil {
			return nil, err
		}
		if time.Since(began) > time.Minute {
			return nil, fmt.Errorf("%d of %d are still in rotation", left, len(gone))
		}
	}
	took := time.Since(began)
	b.bounded("registry-silent-gone", "s", took.Seconds(), (2 * crowdTTL).Seconds())
	time.Sleep(2*crowdTTL - min(took, 2*crowdTTL)) // until all that this does to others is seen
	return gone, nil
}

// found is how many of some are in rotation.
func found(w *wire, some []string) (n int, err error) {
	for i := range crowdServices {
		in, err := rotation(w, crowdService(i))
		if err != nil {
			return 0, err
		}
		for _, id := range some {
			if in[id] {
				n++
			}
		}
	}
	return n, nil
}

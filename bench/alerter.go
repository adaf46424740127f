package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/alerts/hook"
	"github.com/waybill-log/waybill/alerts/owner"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// alerter is what an owner of alerts says of itself.
type alerter struct {
	Owned    int // partitions
	Absences float64
}

// playAlerter evaluates rules and tells receivers, as waybill alerts does, but that it is asked
// of no store; it tells of itself ten times a second.
func playAlerter(argument string) (err error) {
	addr, file, _ := strings.Cut(argument, " ")
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	client, err := collector.Connect([]string{addr}, instrument.Security{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := owner.EnsureTopic(client, record.TopicAlerts, collector.DefaultPartitions); err != nil {
		return err
	}
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "waybill-hooks", Brokers: []string{addr}, Console: slog.DiscardHandler, Scoped: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Shutdown(context.Background())) }()
	metrics := prometheus.NewRegistry()
	hooks, err := hook.New(hook.Config{Place: alerts.Place, Instrument: in, Logger: log, Metrics: metrics})
	if err != nil {
		return err
	}
	rules, err := owner.NewWatch(file, hooks.Use, log)
	if err != nil {
		return err
	}
	view := owner.NewView(client, record.TopicAlerts, log)
	m, err := owner.New(owner.Config{Brokers: []string{addr}, Rules: rules, Store: nothingStored{}, Evidence: fresh{}, Hooks: hooks, View: view, Logger: log, Metrics: metrics})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { view.Follow(ctx) })
	running.Go(func() {
		for out := json.NewEncoder(os.Stdout); ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
			if families, err := metrics.Gather(); err == nil {
				a := alerter{Owned: m.Owned()}
				for _, f := range families {
					for _, of := range f.GetMetric() {
						if f.GetName() == "waybill_alerts_absences" {
							a.Absences += of.GetGauge().GetValue()
						}
					}
				}
				_ = out.Encode(a)
			}
		}
	})
	go func() {
		_ = untilStdinCloses()
		cancel()
	}()
	err = m.Run(ctx)
	running.Wait()
	hooks.Close(context.Background())
	return errors.Join(err, m.Close())
}

// nothingStored is a store that rules have nothing to ask.
type nothingStored struct{ store.Store }

func (nothingStored) Lag() time.Duration          { return 0 }
func (nothingStored) Ready(context.Context) error { return nil }

// fresh is evidence of now.
type fresh struct{}

func (fresh) AsOf() (time.Time, error)   { return time.Now().Add(-100 * time.Millisecond), nil }
func (fresh) Ledgers() []evidence.Ledger { return nil }

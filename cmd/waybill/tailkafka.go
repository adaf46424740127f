package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/query/live"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/filter"
)

// reached is how long Kafka may take to answer at first.
const reached = 15 * time.Second

// tailKafka watches records as they come to Kafka, without a server.
func tailKafka(ctx context.Context, cfg *config, q string, w client.Watcher) (counts live.Receipt, err error) {
	search, err := filter.Parse(q, time.Now())
	switch {
	case err != nil:
		return counts, usage(err)
	case !search.Journey.IsZero() || !search.Until.IsZero():
		return counts, usage(errors.New("the tail shows records as they come: of verdict, visited, kind, release, took and until it knows nothing"))
	}
	kafka, err := collector.KafkaConfig(cfg.kafkaSecurity())
	if err != nil {
		return counts, err
	}
	f, err := live.New(live.Config{Brokers: cfg.KafkaBrokers, Kafka: kafka, Topic: record.TopicRecords, Retention: cfg.retention})
	if err != nil {
		return counts, err
	}
	running := make(chan struct{})
	go func() { defer close(running); f.Run(ctx) }()
	defer func() { err = errors.Join(err, f.Close()); <-running }()
	sub, err := subscribed(ctx, f, live.Request{Filter: search.Records, Since: search.From})
	if err != nil {
		if errors.Is(err, live.ErrUnavailable) {
			err = coded{fmt.Errorf("Kafka at %s does not answer: %w; check --kafka-brokers", strings.Join(cfg.KafkaBrokers, ","), err), exitUnreachable}
		}
		return counts, err
	}
	defer sub.Close()
	for {
		if err := w.Pause(); err != nil {
			return counts, err
		}
		events, err := sub.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return counts, err
		}
		for i := range events {
			e := &events[i]
			switch {
			case e.Receipt != nil:
				counts = *e.Receipt
			case e.Record != nil:
				counts.Matched++
				counts.Shown++
			}
			if err := w.Event(e); err != nil {
				return counts, err
			}
		}
	}
}

// subscribed begins to watch as soon as Kafka is reached.
func subscribed(ctx context.Context, f *live.Follower, r live.Request) (*live.Subscription, error) {
	for deadline := time.Now().Add(reached); ; {
		sub, err := f.Subscribe(r)
		if err == nil || !errors.Is(err, live.ErrUnavailable) || time.Now().After(deadline) {
			return sub, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

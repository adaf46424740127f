package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

// openJourneys is how many journeys wait for something at a time.
const openJourneys = 500_000

// owned is what an owner of all partitions says of itself.
type owned struct {
	Open   float64 // journeys in memory or waiting in the store
	Folded float64 // records
}

// playOwner collects from a broker into a store that keeps summaries and no records, and
// tells of itself ten times a second.
func playOwner(argument string) (err error) {
	addr, dir, _ := strings.Cut(argument, " ")
	s, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	c, err := collector.New(collector.Config{Brokers: []string{addr}, Store: summariesOnly{s}, Evidence: standing(time.Now())})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		}
		cancel()
	}()
	go func() {
		for ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
			var o owned
			families, err := c.Gatherer().Gather()
			if err != nil {
				continue
			}
			for _, f := range families {
				for _, m := range f.GetMetric() {
					switch f.GetName() {
					case "waybill_journeys":
						o.Open += m.GetGauge().GetValue()
					case "waybill_records_indexed_total":
						o.Folded += m.GetCounter().GetValue()
					}
				}
			}
			_ = json.NewEncoder(os.Stdout).Encode(o)
		}
	}()
	return errors.Join(c.Run(ctx), c.Close())
}

// summariesOnly takes records and forgets them.
type summariesOnly struct{ *embedded.Store }

func (summariesOnly) Put(_ context.Context, entries []store.Entry) (store.Result, error) {
	return store.Result{Stored: len(entries)}, nil
}

// standing is evidence of one moment.
type standing time.Time

func (s standing) AsOf() (time.Time, error) { return time.Time(s), nil }
func (s standing) For(asOf time.Time, _ iter.Seq[*record.Record]) journey.Evidence {
	return journey.Evidence{AsOf: asOf}
}

// owners measures what it takes to own open journeys, and to take them over from an
// owner that was killed; then how soon a new verdict is known.
func owners(b *board, dir string) (err error) {
	br, err := broker.Open(broker.Config{Dir: filepath.Join(dir, "broker"), Addr: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, br.Close()) }()
	client, err := collector.Connect([]string{br.Addr()}, instrument.Security{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := collector.EnsureTopics(client, collector.DefaultPartitions); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return err
	}
	argument := br.Addr() + " " + filepath.Join(dir, "summaries")
	first, err := start("own", argument)
	if err != nil {
		return err
	}
	k := &keeper{child: first}
	at := time.Now().UTC()
	for from := 0; from < openJourneys; from += 1000 {
		var some []*sarama.ProducerMessage
		for n := from; n < from+1000; n++ {
			some = append(some, waits(n, at)...)
		}
		if err := producer.SendMessages(some); err != nil {
			return err
		}
	}
	if err := k.until(func(o owned) bool { return o.Folded >= 2*openJourneys && o.Open >= openJourneys }); err != nil {
		return err
	}
	time.Sleep(25 * time.Second) // until it has written all, and is at rest
	now, peak, err := k.memory()
	if err != nil {
		return err
	}
	b.say("%d open journeys: %.0f MB in RAM, %.0f MB at most", openJourneys, now, peak)
	b.bounded("fold-memory", "MB", now, 300)
	if err := k.kill(); err != nil {
		return err
	}
	began := time.Now()
	next, err := start("own", argument)
	if err != nil {
		return err
	}
	k = &keeper{child: next}
	if err := k.until(func(o owned) bool { return o.Open >= openJourneys }); err != nil {
		return err
	}
	b.bounded("owner-change", "s", time.Since(began).Seconds(), 10)
	return errors.Join(soon(b, client, producer), k.kill())
}

func (k *keeper) until(is func(owned) bool) error {
	for {
		var o owned
		if err := k.hear(&o); err != nil {
			return err
		}
		if is(o) {
			return nil
		}
	}
}

// waits are the records of a journey that waits for a station.
func waits(n int, at time.Time) []*sarama.ProducerMessage {
	id := fmt.Sprintf("open-%d", n)
	r := record.Record{
		Time: at, Level: "info", Message: "POST /purchases", Kind: record.KindHopStart, Service: "gateway", Node: "n1", Sequence: uint64(2*n + 1), CorrelationID: id,
		TraceID: fmt.Sprintf("%032x", n+1), SpanID: fmt.Sprintf("%016x", n+1), HopSequence: 1, SpanName: "POST /purchases", SpanKind: "server",
	}
	expects := r
	expects.Kind, expects.Sequence, expects.HopSequence, expects.SpanName, expects.SpanKind = record.KindExpect, r.Sequence+1, 2, "", ""
	expects.Expect = record.Expect{Station: "bank", Within: 24 * time.Hour}
	return []*sarama.ProducerMessage{message(id, &r), message(id, &expects)}
}

func message(id string, r *record.Record) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder(record.Key(id)), Value: sarama.ByteEncoder(record.Append(nil, r))}
}

// soon measures how long after the record that decides it a verdict is on its topic, at
// 5,000 records a second, ten a journey.
func soon(b *board, client sarama.Client, producer sarama.SyncProducer) error {
	const seconds, perTick, ofJourney = 20, 5, 10
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	partitions, err := client.Partitions(record.TopicJourneys)
	if err != nil {
		return err
	}
	type told struct {
		id string
		at time.Time
	}
	news := make(chan told, 1<<20)
	for _, p := range partitions {
		claim, err := consumer.ConsumePartition(record.TopicJourneys, p, sarama.OffsetNewest)
		if err != nil {
			return err
		}
		defer claim.AsyncClose()
		go func() {
			for m := range claim.Messages() {
				var n collector.News
				if json.Unmarshal(m.Value, &n) == nil && n.OpenHops == 0 {
					news <- told{n.CorrelationID, time.Now()}
				}
			}
		}()
	}
	sent := map[string]time.Time{}
	sequence := uint64(0)
	for tick := range seconds * 100 {
		next := time.Now().Add(10 * time.Millisecond)
		var some []*sarama.ProducerMessage
		for n := range perTick {
			id := fmt.Sprintf("soon-%d-%d", tick, n)
			for k := range ofJourney {
				sequence++
				r := record.Record{
					Time: time.Now().UTC(), Level: "info", Message: "step", Service: "bank", Node: "n2", Sequence: sequence, CorrelationID: id,
					TraceID: fmt.Sprintf("%032x", sequence+1<<40), SpanID: fmt.Sprintf("%016x", tick*perTick+n+1<<40), HopSequence: uint64(k + 1),
				}
				switch k {
				case 0:
					r.Kind, r.SpanName, r.SpanKind = record.KindHopStart, "GET /", "server"
				case ofJourney - 1:
					r.Kind, r.HopRecords, r.Outcome, r.Duration = record.KindHopEnd, ofJourney, record.Success, time.Millisecond
				}
				some = append(some, message(id, &r))
			}
			sent[id] = time.Now()
		}
		if err := producer.SendMessages(some); err != nil {
			return err
		}
		time.Sleep(time.Until(next))
	}
	var took []time.Duration
	for deadline := time.After(time.Minute); len(sent) > 0; {
		select {
		case n := <-news:
			if at, ok := sent[n.id]; ok {
				delete(sent, n.id)
				took = append(took, n.at.Sub(at))
			}
		case <-deadline:
			return fmt.Errorf("no verdict of %d journeys was announced", len(sent))
		}
	}
	slices.Sort(took)
	b.say("verdicts of %d journeys: p50 %.0f ms, at most %.0f ms", len(took), ms(quantile(took, 0.5)), ms(took[len(took)-1]))
	b.bounded("verdict-p99", "ms", ms(quantile(took, 0.99)), 200)
	return nil
}

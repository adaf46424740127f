package owner

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/alerts/hook"
)

// View is what the topic of alerts says, of all partitions: alerts, what is over, silences and
// rules. Whoever owns what, each process has the same view, a moment later. Safe for concurrent use.
type View struct {
	client sarama.Client
	topic  string
	log    *slog.Logger

	mu       sync.Mutex
	alerts   map[string]*alerts.State // by key; one of each partition where keys are the same
	past     map[place]alerts.State
	silences map[string]alerts.Silence
	sent     map[place][]byte // deliveries, read when they are asked for: there may be thousands a second
	about    About
	version  atomic.Int64
	behind   map[int32]int64 // offset that is to be read first, of partitions that have not been
	ready    chan struct{}   // closed: everything has been read once
}

type place struct {
	partition int32
	key       string
}

// About is what the owners say of the rules they go by.
type About struct {
	Rules       []*alerts.Rule       `json:"rules"`
	Route       *alerts.Route        `json:"route"`
	Inhibitions []*alerts.Inhibition `json:"inhibitions"`
	Receivers   []string             `json:"receivers"`
	Wrong       string               `json:"wrong,omitempty"` // why the file's latest version is not taken; empty: it is
	At          time.Time            `json:"at"`              // when they were taken
}

// rulesKey is where About is kept.
const rulesKey = "rules"

// NewView reads over client, which stays the caller's. It reads while Follow runs.
func NewView(client sarama.Client, topic string, log *slog.Logger) *View {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &View{
		client: client, topic: topic, log: log, alerts: map[string]*alerts.State{}, past: map[place]alerts.State{}, silences: map[string]alerts.Silence{}, sent: map[place][]byte{},
		behind: map[int32]int64{}, ready: make(chan struct{}),
	}
}

// Follow reads until ctx ends, and tries again where Kafka is away.
func (v *View) Follow(ctx context.Context) {
	for ctx.Err() == nil {
		if err := v.follow(ctx); err != nil && ctx.Err() == nil {
			v.log.Warn("alerts of other processes are not followed", "error", err)
			pause(ctx, time.Second)
		}
	}
}

func (v *View) follow(ctx context.Context) (err error) {
	consumer, err := sarama.NewConsumerFromClient(v.client)
	if err != nil {
		return err
	}
	partitions, err := v.client.Partitions(v.topic)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	defer all.Wait() // after the others have been told
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, len(partitions))
	for _, p := range partitions {
		end, err := v.client.GetOffset(v.topic, p, sarama.OffsetNewest)
		if err != nil {
			return err
		}
		oldest, err := v.client.GetOffset(v.topic, p, sarama.OffsetOldest)
		if err != nil {
			return err
		}
		claim, err := consumer.ConsumePartition(v.topic, p, oldest)
		if err != nil {
			return err
		}
		v.begin(p, end-oldest, end)
		all.Go(func() {
			failed <- errors.Join(v.read(ctx, claim), claim.Close())
			cancel()
		})
	}
	v.isReady(len(partitions))
	for range partitions {
		err = errors.Join(err, <-failed)
	}
	return err
}

// begin notes through where a partition has to be read until the view is whole.
func (v *View) begin(p int32, messages, end int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.behind[p] = end
	if messages <= 0 {
		v.behind[p] = 0
	}
}

// isReady tells whoever waits, once the partitions have been read.
func (v *View) isReady(partitions int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.behind) < partitions {
		return
	}
	for _, end := range v.behind {
		if end > 0 {
			return
		}
	}
	select {
	case <-v.ready:
	default:
		close(v.ready)
	}
}

// Ready is closed once everything there was has been read.
func (v *View) Ready() <-chan struct{} { return v.ready }

func (v *View) read(ctx context.Context, claim sarama.PartitionConsumer) error {
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return errors.New("the partition is closed")
			}
			v.take(m)
		case err := <-claim.Errors():
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

func (v *View) take(m *sarama.ConsumerMessage) {
	v.mu.Lock()
	key := string(m.Key)
	switch kind, _, _ := strings.Cut(key, "/"); kind {
	case "a":
		v.takeAlert(m.Partition, key, m.Value)
	case "h":
		if s, _, ok := alerts.ParseState(key, m.Value); ok {
			v.past[place{m.Partition, key}] = s
		}
	case "silence":
		if s, ok := alerts.ParseSilence(key, m.Value); ok {
			v.silences[s.ID] = s
		} else {
			delete(v.silences, strings.TrimPrefix(key, "silence/"))
		}
		v.version.Add(1)
	case rulesKey:
		var about About
		if json.Unmarshal(m.Value, &about) == nil {
			v.about = about
		}
	case "hook":
		if at := (place{m.Partition, key}); len(m.Value) > 0 && hook.IsDelivery(key) {
			v.sent[at] = bytes.Clone(m.Value)
		} else {
			delete(v.sent, at)
		}
	}
	end, waits := v.behind[m.Partition]
	if waits = waits && end > 0 && m.Offset+1 >= end; waits {
		v.behind[m.Partition] = 0
	}
	partitions := len(v.behind)
	v.mu.Unlock()
	if waits {
		v.isReady(partitions)
	}
}

func (v *View) takeAlert(partition int32, key string, value []byte) {
	at := fmt.Sprintf("%d/%s", partition, key)
	was := v.alerts[at]
	s, _, ok := alerts.ParseState(key, value)
	if !ok {
		delete(v.alerts, at)
	} else {
		v.alerts[at] = &s
	}
	if (was != nil && was.Status == alerts.Firing) != (ok && s.Status == alerts.Firing) {
		v.version.Add(1)
	}
}

// Version changes when silences do, or when an alert begins or ceases to fire.
func (v *View) Version() int64 { return v.version.Load() }

// Alerts are those that are pending or fire, the latest first.
func (v *View) Alerts() []alerts.State {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make([]alerts.State, 0, len(v.alerts))
	for _, s := range v.alerts {
		if s.Status != alerts.Resolved {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, latest)
	return out
}

// Past are the alerts that are over, the latest first.
func (v *View) Past() []alerts.State {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := slices.SortedFunc(maps.Values(v.past), latest)
	return out
}

func latest(a, b alerts.State) int {
	return cmp.Or(b.StartsAt.Compare(a.StartsAt), cmp.Compare(a.Key(), b.Key()))
}

// Sent is a delivery, and whose owner has it.
type Sent struct {
	hook.Delivery
	Partition int32 `json:"partition"`
}

// Deliveries are those to a receiver, the latest first; no name: to all.
func (v *View) Deliveries(receiver string) []Sent {
	v.mu.Lock()
	sent := maps.Clone(v.sent)
	v.mu.Unlock()
	out := []Sent{}
	for at, value := range sent {
		if d, ok := hook.ParseDelivery(at.key, value); ok && (receiver == "" || d.Receiver == receiver) {
			out = append(out, Sent{d, at.partition})
		}
	}
	slices.SortFunc(out, func(a, b Sent) int { return cmp.Or(b.Queued.Compare(a.Queued), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Silences are those that are not over at a time, the first to end first.
func (v *View) Silences(now time.Time) []alerts.Silence {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []alerts.Silence
	for _, s := range v.silences {
		if s.Ends.After(now) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b alerts.Silence) int { return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.ID, b.ID)) })
	return out
}

// stale are the keys of silences that were over at a time.
func (v *View) stale(by time.Time) (keys []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.silences {
		if s.Ends.Before(by) {
			keys = append(keys, s.Key())
		}
	}
	return keys
}

// About is what the owners say of their rules.
func (v *View) About() About {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.about
}

// outside are the alerts that fire in other partitions and may keep some of one quiet.
func (v *View) outside(rules *alerts.Rules, partition int32) []*alerts.State {
	if len(rules.Inhibitions) == 0 {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []*alerts.State
	own := fmt.Sprintf("%d/", partition)
	for at, s := range v.alerts {
		if !strings.HasPrefix(at, own) && rules.Inhibits(s) {
			out = append(out, s)
		}
	}
	return out
}

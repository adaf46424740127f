package evidence

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// Gatherer has all that verdicts may rest on. Safe for concurrent use.
type Gatherer struct {
	horizon *Horizon
	ledgers *Ledgers
	groups  *Groups
	routes  []journey.Route
	log     *slog.Logger
}

// Config says what to gather.
type Config struct {
	Group  string // of the collectors
	Topic  string // of the records
	Routes []journey.Route
	Logger *slog.Logger
}

// NewGatherer reads over client, which stays the caller's. It gathers while Follow runs.
func NewGatherer(client sarama.Client, cfg Config) (*Gatherer, error) {
	horizon, err := NewHorizon(client, cfg.Group, cfg.Topic)
	if err != nil {
		return nil, err
	}
	groups, err := NewGroups(client, cfg.Group)
	if err != nil {
		return nil, err
	}
	return &Gatherer{horizon: horizon, ledgers: NewLedgers(client), groups: groups, routes: cfg.Routes, log: cfg.Logger}, nil
}

// Follow gathers until ctx ends, and tries again where Kafka is away.
func (g *Gatherer) Follow(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { g.keep(ctx, "loss ledgers", g.ledgers.Follow) })
	all.Go(func() { g.keep(ctx, "consumer groups", g.groups.Follow) })
	all.Wait()
}

func (g *Gatherer) keep(ctx context.Context, what string, follow func(context.Context) error) {
	for ctx.Err() == nil {
		err := follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, sarama.ErrUnknownTopicOrPartition) { // which the collectors have yet to create
			g.log.WarnContext(ctx, "what Kafka knows cannot be followed", "what", what, "error", err)
		}
		select {
		case <-time.After(time.Second + rand.N(time.Second)):
		case <-ctx.Done():
		}
	}
}

// AsOf is the horizon: what was shipped before is stored. It is asked for before
// the store is read; what is shipped meanwhile may be missing.
func (g *Gatherer) AsOf() (time.Time, error) { return g.horizon.AsOf() }

// Visible is through which offset a store that shows records with that lag shows each partition.
func (g *Gatherer) Visible(lag time.Duration) (map[int32]int64, error) { return g.horizon.Visible(lag) }

// For is what the verdict on a journey may rest on that has these records, or all of
// them but the log's. AsOf is the horizon, less the store's lag.
func (g *Gatherer) For(asOf time.Time, moments iter.Seq[*record.Record]) journey.Evidence {
	ev := journey.Evidence{AsOf: asOf, Routes: g.routes}
	topics, services, nodes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for r := range moments {
		nodes[r.Node] = true
		if r.Messaging.Topic != "" {
			topics[r.Messaging.Topic] = true
		}
		if r.Expect.Station != "" {
			services[r.Expect.Station] = true
		}
	}
	for _, route := range g.routes {
		if topics[route.Topic] {
			for _, service := range route.Stations {
				services[service] = true
			}
		}
	}
	ev.Groups = g.groups.Of(topics)
	for _, group := range ev.Groups {
		services[group.Name] = true // a service may read under its own name
	}
	if !asOf.IsZero() {
		ev.Ledgers, ev.Clocks = g.ledgers.Passed(asOf, func(service, node string) bool { return services[service] || nodes[node] })
	}
	return ev
}

// Ledgers are the latest words of all instances, in order of their names.
func (g *Gatherer) Ledgers() []Ledger { return g.ledgers.All() }

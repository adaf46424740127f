package collector

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/store"
)

// maxLossy bounds the instances that the metric names.
const maxLossy = 100

// watchLoss holds what instances say they shipped against what the store holds. Of
// several collectors the one that owns the first partition does.
func (c *Collector) watchLoss(ctx context.Context) {
	reader, ok := c.cfg.Store.(store.Reader)
	if !ok {
		return
	}
	horizon, err := evidence.NewHorizon(c.client, c.cfg.Group, c.cfg.Topic)
	if err != nil {
		c.log.Error("losses are not watched", "error", err)
		return
	}
	// On a connection of its own: behind a fetch that waits for ledgers, one of records would wait too.
	client, err := Connect(c.cfg.Brokers, c.cfg.Security)
	if err != nil {
		c.log.Error("losses are not watched", "error", err)
		return
	}
	defer func() {
		if err := client.Close(); err != nil {
			c.log.Warn("a connection was not closed in order", "error", err)
		}
	}()
	ledgers := evidence.NewLedgers(client)
	var following sync.WaitGroup
	defer following.Wait()
	following.Go(func() {
		for ctx.Err() == nil {
			if err := ledgers.Follow(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("ledgers are not followed", "error", err)
				pause(ctx, 5*time.Second)
			}
		}
	})
	lost, checked := map[string]int64{}, map[string]uint64{} // by instance; checked: up to which number
	for {
		if pause(ctx, c.cfg.LossEvery); ctx.Err() != nil {
			return
		}
		if !slices.ContainsFunc(c.owned.list(), func(p *partition) bool { return p.claim.Partition() == 0 }) {
			c.meters.lost.Reset()
			clear(checked)
			continue
		}
		asOf, err := horizon.AsOf()
		if err != nil || asOf.IsZero() {
			continue
		}
		c.meters.lost.Reset()
		named := 0
		for _, l := range ledgers.All() {
			if checked[l.Node] != l.Unsettled || lost[l.Node] > 0 { // a loss can heal: a dead letter is replayed
				n, known, err := evidence.Lost(ctx, reader, l, asOf)
				if err != nil {
					c.log.Warn("losses of an instance are not known", "instance", l.Node, "error", err)
				}
				if known && err == nil {
					if n > lost[l.Node] {
						c.log.Error("records are lost: Kafka had them, the store has not", "service", l.Service, "instance", l.Node, "records", n)
					}
					lost[l.Node], checked[l.Node] = n, l.Unsettled
				}
			}
			if n := lost[l.Node]; n > 0 && named < maxLossy {
				named++
				c.meters.lost.With(prometheus.Labels{"service": l.Service, "instance": l.Node}).Set(float64(n))
			}
		}
	}
}

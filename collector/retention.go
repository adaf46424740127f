package collector

import (
	"context"
	"time"

	"github.com/waybill-log/waybill/store"
)

// floor is the start of the first day whose records are kept; zero where all are.
func (c *Collector) floor() time.Time { return Floor(time.Now(), c.cfg.Retention) }

// Floor is the start of the UTC day that lies retention before now, the first
// whose records are kept; zero for a retention of zero.
func Floor(now time.Time, retention time.Duration) time.Time {
	if retention == 0 {
		return time.Time{}
	}
	return now.Add(-retention).UTC().Truncate(24 * time.Hour)
}

// retain drops the days that are no longer kept, now and each hour. That several
// collectors do so does no harm.
func (c *Collector) retain(ctx context.Context) {
	retainer, ok := c.cfg.Store.(store.Retainer)
	if !ok || c.cfg.Retention == 0 {
		return
	}
	for ctx.Err() == nil {
		days, err := retainer.Retain(ctx, c.floor(), false)
		for _, d := range days {
			c.log.Info("day dropped", "name", d.Name, "records", d.Records, "bytes", d.Bytes)
		}
		if err != nil && ctx.Err() == nil {
			c.log.Error("old days could not be dropped", "error", err)
		}
		if err := c.restore(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("erasures of what is gone could not be dropped", "error", err)
		}
		pause(ctx, time.Hour)
	}
}

// restore drops erasures of which no record can be left: none may be dated more than
// maxAhead after it was taken.
func (c *Collector) restore(ctx context.Context) error {
	eraser, ok := c.cfg.Store.(store.Eraser)
	if !ok {
		return nil
	}
	all, err := eraser.Erasures(ctx)
	if err != nil {
		return err
	}
	var gone []string
	for _, e := range all {
		if e.At.Add(maxAhead + aDay).Before(c.floor()) {
			gone = append(gone, e.Key)
		}
	}
	return eraser.Restore(ctx, gone)
}

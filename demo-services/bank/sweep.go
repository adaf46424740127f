package bank

import (
	"context"
	"database/sql"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/instrument"
)

const sweepEvery = 200 * time.Millisecond

// Run keeps deadlines until ctx ends.
func (b *Bank) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := b.Sweep(ctx); err != nil && ctx.Err() == nil {
			b.log.ErrorContext(ctx, "deadlines are not kept now", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Sweep cancels what was not confirmed by its deadline, and tells the game again of what it has
// not heard. Deadlines are rows: they outlive the process.
func (b *Bank) Sweep(ctx context.Context) error {
	now := b.cfg.Now().UnixMilli()
	late, err := b.ids(ctx, "SELECT id, correlation_id FROM orders WHERE state = 'NEW' AND deadline <= ? LIMIT 100", now)
	if err != nil {
		return err
	}
	for _, o := range late {
		err := b.inJourney(ctx, o, "deadline", func(ctx context.Context, tx *sql.Tx) error {
			return b.cancel(ctx, tx, o.id, "the game did not confirm in time")
		})
		if err != nil {
			return err
		}
	}
	unheard, err := b.ids(ctx, "SELECT id, correlation_id FROM orders WHERE state = 'CANCEL' AND acknowledged = 0 AND again <= ? LIMIT 100", now)
	if err != nil {
		return err
	}
	for _, o := range unheard {
		if err := b.inJourney(ctx, o, "cancel again", func(ctx context.Context, tx *sql.Tx) error { return b.tellAgain(ctx, tx, o.id) }); err != nil {
			return err
		}
	}
	return nil
}

// longestAgain bounds the time between two cancels of one order.
const longestAgain = 30 * time.Second

func (b *Bank) tellAgain(ctx context.Context, tx *sql.Tx, id string) error {
	o, err := readIn(ctx, tx, id)
	if err != nil {
		return err
	}
	next := b.cfg.Now().Add(min(b.cfg.Again<<min(o.told, 10), longestAgain)).UnixMilli()
	done, err := tx.ExecContext(ctx, "UPDATE orders SET again = ?, told = told + 1 WHERE id = ? AND acknowledged = 0", next, id)
	if changed, err := hasChanged(done, err); err != nil || !changed {
		return err
	}
	b.log.WarnContext(ctx, "the game has not heard, telling it again", "order_id", id, "told", o.told+1)
	return b.bus.Send(ctx, tx, purchase.Drop, id, o.Order)
}

type due struct{ id, correlationID string }

func (b *Bank) ids(ctx context.Context, query string, args ...any) (out []due, err error) {
	rows, err := b.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d due
		if err := rows.Scan(&d.id, &d.correlationID); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// inJourney does work as a hop of an order's journey, in one transaction.
func (b *Bank) inJourney(ctx context.Context, o due, name string, work func(context.Context, *sql.Tx) error) error {
	ctx, _ = instrument.WithCorrelationID(ctx, o.correlationID)
	ctx, span := b.cfg.Instrument.TracerProvider().Tracer("bank").Start(ctx, name, trace.WithSpanKind(trace.SpanKindInternal))
	defer span.End()
	ctx = instrument.Saga(ctx, o.id, "order", instrument.Compensate)
	return b.bus.Within(ctx, work)
}

package bank

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/instrument"
)

// open decides that an order which is NEW stands. It reports whether it was.
func (b *Bank) open(ctx context.Context, tx *sql.Tx, id string) (bool, error) {
	done, err := tx.ExecContext(ctx, "UPDATE orders SET state = ? WHERE id = ? AND state = ?", purchase.BankOpen, id, purchase.BankNew)
	if changed, err := hasChanged(done, err); err != nil || !changed {
		return false, err
	}
	o, err := readIn(ctx, tx, id)
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE accounts SET held = held - ? WHERE user = ? AND ?", o.Dollars, o.User, o.held); err != nil {
		return false, err
	}
	if err := b.bus.Send(ctx, tx, purchase.Open, id, o.Order); err != nil {
		return false, err
	}
	if err := b.bus.Publish(ctx, tx, purchase.Opened, id, b.outcome(o)); err != nil {
		return false, err
	}
	b.log.InfoContext(ctx, "order is OPEN", "order_id", id, "dollars", o.Dollars)
	declare(ctx, o.State, o.Reason)
	return true, nil
}

// cancel decides that an order which is NEW does not stand: dollars go back, and the game is
// told until it has heard.
func (b *Bank) cancel(ctx context.Context, tx *sql.Tx, id, reason string) error {
	done, err := tx.ExecContext(ctx, "UPDATE orders SET state = ?, reason = ?, again = ?, told = 1 WHERE id = ? AND state = ?",
		purchase.BankCancel, reason, b.cfg.Now().Add(b.cfg.Again).UnixMilli(), id, purchase.BankNew)
	if changed, err := hasChanged(done, err); err != nil || !changed {
		return err
	}
	o, err := readIn(ctx, tx, id)
	if err != nil {
		return err
	}
	ctx = instrument.Saga(ctx, id, "dollars", instrument.Compensate)
	if _, err := tx.ExecContext(ctx, "UPDATE accounts SET dollars = dollars + ?1, held = held - CASE WHEN ?3 THEN ?1 ELSE 0 END WHERE user = ?2", o.Dollars, o.User, o.held); err != nil {
		return err
	}
	if err := b.bus.Send(ctx, tx, purchase.Drop, id, o.Order); err != nil {
		return err
	}
	b.log.WarnContext(ctx, "order is CANCEL, dollars are back", "order_id", id, "dollars", o.Dollars, "reason", reason)
	return nil
}

// credited is the game's yes.
func (b *Bank) credited(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	var o purchase.Order
	if err := json.Unmarshal(m.Payload, &o); err != nil {
		return messaging.Permanent(fmt.Errorf("read confirmation: %w", err))
	}
	ctx = instrument.Saga(ctx, o.ID, "order", instrument.Forward)
	opened, err := b.open(ctx, tx, o.ID)
	if err == nil && !opened {
		b.log.WarnContext(ctx, "confirmation of an order that is not NEW", "order_id", o.ID)
	}
	return err
}

// refused is the game's no.
func (b *Bank) refused(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	var r purchase.Refusal
	if err := json.Unmarshal(m.Payload, &r); err != nil {
		return messaging.Permanent(fmt.Errorf("read refusal: %w", err))
	}
	return b.cancel(instrument.Saga(ctx, r.ID, "order", instrument.Forward), tx, r.ID, r.Reason)
}

// cancelled is the game's word that it has heard.
func (b *Bank) cancelled(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	var o purchase.Order
	if err := json.Unmarshal(m.Payload, &o); err != nil {
		return messaging.Permanent(fmt.Errorf("read acknowledgement: %w", err))
	}
	done, err := tx.ExecContext(ctx, "UPDATE orders SET acknowledged = 1 WHERE id = ? AND state = ? AND acknowledged = 0", o.ID, purchase.BankCancel)
	if changed, err := hasChanged(done, err); err != nil || !changed {
		return err
	}
	found, err := readIn(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	ctx = instrument.Saga(ctx, o.ID, "order", instrument.Compensate)
	if err := b.bus.Publish(ctx, tx, purchase.Returned, o.ID, b.outcome(found)); err != nil {
		return err
	}
	b.log.InfoContext(ctx, "the game has heard, the order is closed", "order_id", o.ID)
	declare(ctx, found.State, found.Reason)
	return nil
}

// declare says what has become of the journey, once that is on disk.
func declare(ctx context.Context, state, reason string) {
	messaging.AfterCommit(ctx, func() {
		if state == purchase.BankOpen {
			instrument.Delivered(ctx)
		} else {
			instrument.Returned(ctx, reason)
		}
	})
}

// declare says it again of an order whose message comes again: the bank may have died before it
// had said so.
func (b *Bank) declare(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	o, err := readIn(ctx, tx, m.Key)
	if errors.Is(err, errNoOrder) {
		return nil
	}
	if err == nil && (o.State == purchase.BankOpen || o.acknowledged) {
		declare(instrument.Saga(ctx, o.ID, "order", instrument.Forward), o.State, o.Reason)
	}
	return err
}

func (b *Bank) outcome(o order) purchase.Outcome {
	return purchase.Outcome{Order: o.Order, State: o.State, CorrelationID: o.CorrelationID, At: b.cfg.Now().UTC()}
}

func hasChanged(done sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// order is an order as the bank has it.
type order struct {
	purchase.Order
	State         string `json:"state"`
	Reason        string `json:"reason,omitempty"`
	CorrelationID string `json:"correlation_id"`

	held         bool
	acknowledged bool
	told         int
}

var errNoOrder = errors.New("no order of that number")

type row interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readIn(ctx context.Context, from row, id string) (o order, err error) {
	err = from.QueryRowContext(ctx, "SELECT id, user, points, dollars, held, state, reason, correlation_id, acknowledged, told FROM orders WHERE id = ?", id).
		Scan(&o.ID, &o.User, &o.Points, &o.Dollars, &o.held, &o.State, &o.Reason, &o.CorrelationID, &o.acknowledged, &o.told)
	if errors.Is(err, sql.ErrNoRows) {
		return o, errNoOrder
	}
	return o, err
}

func (b *Bank) read(ctx context.Context, id string) (order, error) { return readIn(ctx, b.db, id) }

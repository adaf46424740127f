package game

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

func read(m messaging.Message) (o purchase.Order, err error) {
	if err := json.Unmarshal(m.Payload, &o); err != nil {
		return o, messaging.Permanent(fmt.Errorf("read order: %w", err))
	}
	return o, nil
}

// state is what the game knows of an order; empty: nothing.
func state(ctx context.Context, tx *sql.Tx, id string) (state string, err error) {
	err = tx.QueryRowContext(ctx, "SELECT state FROM credits WHERE order_id = ?", id).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return state, err
}

// place reserves an order's points, or says why not.
func (g *Game) place(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	return g.answer(ctx, tx, m, func(ctx context.Context, o purchase.Order, refusal string) error {
		if refusal != "" {
			return g.bus.Send(ctx, tx, purchase.Refused, o.ID, purchase.Refusal{ID: o.ID, Reason: refusal})
		}
		return g.bus.Send(ctx, tx, purchase.Credited, o.ID, o)
	})
}

// prepare is place for a bank that waits.
func (g *Game) prepare(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	return g.answer(ctx, tx, m, func(ctx context.Context, o purchase.Order, refusal string) error {
		if refusal != "" {
			return g.bus.Refuse(ctx, tx, refusal)
		}
		return g.bus.Reply(ctx, tx, o)
	})
}

// answer reserves an order's points, and has say tell what came of it; refusal is empty where they are reserved.
func (g *Game) answer(ctx context.Context, tx *sql.Tx, m messaging.Message, say func(ctx context.Context, o purchase.Order, refusal string) error) error {
	o, err := read(m)
	if err != nil {
		return err
	}
	ctx = instrument.Saga(ctx, o.ID, "points", instrument.Forward)
	refusal, err := g.reserve(ctx, tx, o)
	if err != nil {
		return err
	}
	return say(ctx, o, refusal)
}

// reserve returns why it did not; empty: the points are reserved, or were before.
func (g *Game) reserve(ctx context.Context, tx *sql.Tx, o purchase.Order) (refusal string, err error) {
	known, err := state(ctx, tx, o.ID)
	if err != nil {
		return "", err
	}
	switch {
	case known == purchase.GameCancelled:
		g.log.WarnContext(ctx, "a late order is refused: it was cancelled before it came", "order_id", o.ID)
		return "it was cancelled before it came", nil
	case known == purchase.GameRefused:
		return "the game is withdrawn", nil
	case known != "":
		return "", nil
	case g.cfg.Withdrawn():
		g.log.WarnContext(ctx, "order refused, the game is withdrawn", "order_id", o.ID)
		_, err := tx.ExecContext(ctx, "INSERT INTO credits VALUES (?, ?, ?, ?)", o.ID, o.User, o.Points, purchase.GameRefused)
		return "the game is withdrawn", err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO credits VALUES (?, ?, ?, ?)", o.ID, o.User, o.Points, purchase.GameReserved); err != nil {
		return "", err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO players VALUES (?1, 0, ?2) ON CONFLICT (user) DO UPDATE SET reserved = reserved + ?2", o.User, o.Points); err != nil {
		return "", err
	}
	g.log.InfoContext(ctx, "points reserved", "order_id", o.ID, "user", o.User, "points", o.Points)
	return "", nil
}

// open makes reserved points spendable.
func (g *Game) open(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	o, err := read(m)
	if err != nil {
		return err
	}
	ctx = instrument.Saga(ctx, o.ID, "points", instrument.Forward)
	done, err := tx.ExecContext(ctx, "UPDATE credits SET state = ? WHERE order_id = ? AND state = ?", purchase.GameOpen, o.ID, purchase.GameReserved)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		g.log.WarnContext(ctx, "an order that is not reserved cannot be opened", "order_id", o.ID)
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE players SET points = points + ?1, reserved = reserved - ?1 WHERE user = ?2", o.Points, o.User); err != nil {
		return err
	}
	g.log.InfoContext(ctx, "points credited", "order_id", o.ID, "user", o.User, "points", o.Points)
	return nil
}

// cancel takes reserved points back, or remembers that they must not be given; and says so each
// time it is asked.
func (g *Game) cancel(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	o, err := read(m)
	if err != nil {
		return err
	}
	ctx = instrument.Saga(ctx, o.ID, "points", instrument.Compensate)
	known, err := state(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	switch known {
	case "":
		_, err = tx.ExecContext(ctx, "INSERT INTO credits VALUES (?, ?, ?, ?)", o.ID, o.User, o.Points, purchase.GameCancelled)
		g.log.InfoContext(ctx, "an order is cancelled before it came", "order_id", o.ID)
	case purchase.GameReserved:
		err = g.takeBack(ctx, tx, o)
	case purchase.GameRefused:
		_, err = tx.ExecContext(ctx, "UPDATE credits SET state = ? WHERE order_id = ?", purchase.GameCancelled, o.ID)
		g.log.InfoContext(ctx, "no points to take back, the order was refused", "order_id", o.ID)
	case purchase.GameOpen:
		return messaging.Permanent(fmt.Errorf("order %s is open and cannot be cancelled", o.ID))
	}
	if err != nil {
		return err
	}
	return g.bus.Send(ctx, tx, purchase.Cancelled, o.ID, o)
}

func (g *Game) takeBack(ctx context.Context, tx *sql.Tx, o purchase.Order) error {
	if _, err := tx.ExecContext(ctx, "UPDATE credits SET state = ? WHERE order_id = ?", purchase.GameCancelled, o.ID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE players SET reserved = reserved - ? WHERE user = ?", o.Points, o.User); err != nil {
		return err
	}
	g.log.InfoContext(ctx, "points taken back", "order_id", o.ID, "user", o.User, "points", o.Points)
	return nil
}

// Package bank holds accounts in dollars. An order debits an account and is NEW;
// once the game has credited the points, it is OPEN.
package bank

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/instrument"
)

// Topics between bank and game.
const (
	TopicOrders        = "shop.orders"
	TopicConfirmations = "shop.confirmations"
)

// Schema creates the bank's tables and USER1's account.
const Schema = `
CREATE TABLE IF NOT EXISTS accounts (user TEXT PRIMARY KEY, dollars INTEGER NOT NULL CHECK (dollars >= 0)) STRICT;
CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, user TEXT NOT NULL, points INTEGER NOT NULL, dollars INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
INSERT INTO accounts VALUES ('USER1', 1000000) ON CONFLICT DO NOTHING;`

// States of an order.
const (
	StateNew  = "NEW"  // debited; the game does not know yet
	StateOpen = "OPEN" // the game has credited the points
)

// maxPoints bounds one order.
const maxPoints = 100_000

// Order is a purchase of points, one dollar each.
type Order struct {
	ID     string `json:"id"`
	User   string `json:"user"`
	Points int64  `json:"points"`
	State  string `json:"state,omitempty"`
}

// Confirmation is the game's answer.
type Confirmation struct {
	OrderID string `json:"order_id"`
}

// Bank is the service.
type Bank struct {
	db  *sql.DB
	bus *messaging.Bus
	log *slog.Logger
}

// New subscribes the bank to confirmations.
func New(db *sql.DB, bus *messaging.Bus, log *slog.Logger) *Bank {
	b := &Bank{db: db, bus: bus, log: log}
	bus.Subscribe(TopicConfirmations, b.confirmed)
	return b
}

// Routes adds the bank's API.
func (b *Bank) Routes(e *echo.Echo) {
	e.POST("/orders", b.order)
	e.GET("/orders/:id", b.get)
}

var errNoMoney = errors.New("the account has not enough dollars")

// order answers POST /orders {user, points}.
func (b *Bank) order(c echo.Context) error {
	var o Order
	if err := c.Bind(&o); err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, "want JSON with user and points")
	}
	if o.User == "" || o.Points < 1 || o.Points > maxPoints {
		return echo.NewHTTPError(http.StatusBadRequest, fmt.Sprintf("want a user and 1 to %d points", maxPoints))
	}
	o.ID, o.State = rand.Text(), StateNew
	ctx := c.Request().Context()
	err := b.debit(ctx, o)
	if errors.Is(err, errNoMoney) {
		b.log.WarnContext(ctx, "order refused", "user", o.User, "dollars", o.Points)
		return echo.NewHTTPError(http.StatusPaymentRequired, err.Error())
	}
	if err != nil {
		return fmt.Errorf("debit: %w", err)
	}
	b.bus.Flush()
	b.log.InfoContext(ctx, "debited, order is NEW", "order_id", o.ID, "user", o.User, "dollars", o.Points)
	return c.JSON(http.StatusAccepted, o)
}

// debit takes the dollars, writes the order and asks the game, in one transaction.
func (b *Bank) debit(ctx context.Context, o Order) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	done, err := tx.ExecContext(ctx, "UPDATE accounts SET dollars = dollars - ?1 WHERE user = ?2 AND dollars >= ?1", o.Points, o.User)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errNoMoney, err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES (?, ?, ?, ?, ?)", o.ID, o.User, o.Points, o.Points, o.State); err != nil {
		return err
	}
	if err := b.bus.Publish(ctx, tx, TopicOrders, o.ID, Order{ID: o.ID, User: o.User, Points: o.Points}); err != nil {
		return err
	}
	return tx.Commit()
}

// confirmed opens an order that the game has credited.
func (b *Bank) confirmed(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	var c Confirmation
	if err := json.Unmarshal(m.Payload, &c); err != nil {
		return fmt.Errorf("read confirmation: %w", err)
	}
	done, err := tx.ExecContext(ctx, "UPDATE orders SET state = ? WHERE id = ? AND state = ?", StateOpen, c.OrderID, StateNew)
	if err != nil {
		return fmt.Errorf("open order %s: %w", c.OrderID, err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return fmt.Errorf("open order %s: %w", c.OrderID, err)
	}
	if n == 0 { // retrying would not help, and hold up those behind it
		b.log.WarnContext(ctx, "confirmation of an order that is not NEW", "order_id", c.OrderID)
		return nil
	}
	b.log.InfoContext(ctx, "game confirmed, order is OPEN", "order_id", c.OrderID)
	instrument.Delivered(ctx)
	return nil
}

// get answers GET /orders/:id.
func (b *Bank) get(c echo.Context) error {
	var o Order
	err := b.db.QueryRowContext(c.Request().Context(), "SELECT id, user, points, state FROM orders WHERE id = ?", c.Param("id")).Scan(&o.ID, &o.User, &o.Points, &o.State)
	if errors.Is(err, sql.ErrNoRows) {
		return echo.NewHTTPError(http.StatusNotFound, "no order of that ID")
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, o)
}

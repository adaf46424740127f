package bank

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/instrument"
)

const (
	maxPoints     = 100_000 // of one order; a point is a dollar
	latestAfter   = 24 * time.Hour
	orderNumbered = 12 // letters of a number that the bank gives
)

var orderNumber = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

var (
	errNoMoney = errors.New("the account has not enough dollars")
	errTwice   = errors.New("there is an order of that number already")
)

// wanted is what one asks for.
type wanted struct {
	ID     string `json:"id"`     // empty: the bank gives one
	Points int64  `json:"points"` // each a dollar
	After  string `json:"after"`  // a duration: the purchase is made then; empty: now
}

// order answers POST /orders.
func (b *Bank) order(c echo.Context) error {
	ctx := c.Request().Context()
	who, ok := credential.From(ctx)
	if !ok {
		return echo.NewHTTPError(http.StatusUnauthorized, "who buys?")
	}
	var w wanted
	if err := json.NewDecoder(c.Request().Body).Decode(&w); err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, "want JSON with a whole number of points")
	}
	if w.Points < 1 || w.Points > maxPoints {
		return echo.NewHTTPError(http.StatusBadRequest, fmt.Sprintf("want 1 to %d points", maxPoints))
	}
	if w.ID == "" {
		w.ID = rand.Text()[:orderNumbered]
	}
	if !orderNumber.MatchString(w.ID) {
		return echo.NewHTTPError(http.StatusBadRequest, "an order number is 1 to 40 letters, digits and dashes")
	}
	o := purchase.Order{ID: w.ID, User: who.Subject, Points: w.Points, Dollars: w.Points}
	if w.After != "" {
		return b.later(c, o, w.After)
	}
	if err := b.take(ctx, o); err != nil {
		return b.refusal(ctx, o, err)
	}
	state, err := b.protocol.decide(ctx, o)
	if err != nil {
		return err
	}
	found, err := b.read(ctx, o.ID)
	if err != nil {
		return err
	}
	found.State = state
	status := map[string]int{purchase.BankOpen: http.StatusCreated, purchase.BankCancel: http.StatusConflict}[state]
	if status == 0 {
		status = http.StatusAccepted
	}
	return c.JSON(status, found)
}

// refusal is what a buyer is told.
func (b *Bank) refusal(ctx context.Context, o purchase.Order, err error) error {
	switch {
	case errors.Is(err, errNoMoney):
		b.log.WarnContext(ctx, "order refused", "user", o.User, "dollars", o.Dollars)
		return echo.NewHTTPError(http.StatusPaymentRequired, err.Error())
	case errors.Is(err, errTwice):
		b.log.WarnContext(ctx, "order refused", "order_id", o.ID, "reason", "twice")
		return echo.NewHTTPError(http.StatusConflict, err.Error())
	}
	return fmt.Errorf("take order: %w", err)
}

// later schedules a purchase.
func (b *Bank) later(c echo.Context, o purchase.Order, after string) error {
	d, err := time.ParseDuration(after)
	if err != nil || d < 0 || d > latestAfter {
		return echo.NewHTTPError(http.StatusBadRequest, "after is a duration of at most 24h, such as 10s")
	}
	ctx := c.Request().Context()
	at := b.cfg.Now().Add(d)
	err = b.bus.Within(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return b.bus.Schedule(ctx, tx, at, purchase.Begin, o.ID, o)
	})
	if err != nil {
		return fmt.Errorf("schedule order: %w", err)
	}
	b.log.InfoContext(ctx, "order is scheduled", "order_id", o.ID, "at", at.UTC())
	return c.JSON(http.StatusAccepted, map[string]any{"id": o.ID, "state": "SCHEDULED", "at": at.UTC()})
}

// begin carries a scheduled purchase out. Nobody waits for its answer, so a refusal ends the journey.
func (b *Bank) begin(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	var o purchase.Order
	if err := json.Unmarshal(m.Payload, &o); err != nil {
		return messaging.Permanent(fmt.Errorf("read order: %w", err))
	}
	err := b.takeIn(ctx, tx, o)
	if errors.Is(err, errNoMoney) || errors.Is(err, errTwice) {
		messaging.AfterCommit(ctx, func() { instrument.Failed(ctx, err) })
		return nil
	}
	return err
}

// take writes an order and its dollars, and asks the game, in one transaction.
func (b *Bank) take(ctx context.Context, o purchase.Order) error {
	return b.bus.Within(ctx, func(ctx context.Context, tx *sql.Tx) error { return b.takeIn(ctx, tx, o) })
}

func (b *Bank) takeIn(ctx context.Context, tx *sql.Tx, o purchase.Order) error {
	ctx = instrument.Saga(ctx, o.ID, "dollars", instrument.Forward)
	held := 0
	if b.protocol.holds() {
		held = 1
	}
	done, err := tx.ExecContext(ctx, `INSERT INTO orders (id, user, points, dollars, held, state, reason, acknowledged, correlation_id, deadline, again, told)
		VALUES (?, ?, ?, ?, ?, ?, '', 0, ?, ?, 0, 0) ON CONFLICT DO NOTHING`,
		o.ID, o.User, o.Points, o.Dollars, held, purchase.BankNew, instrument.CorrelationID(ctx), b.cfg.Now().Add(b.cfg.Deadline).UnixMilli())
	if changed, err := hasChanged(done, err); err != nil || !changed {
		return errors.Join(errTwice, err)
	}
	done, err = tx.ExecContext(ctx, "UPDATE accounts SET dollars = dollars - ?1, held = held + ?1 * ?3 WHERE user = ?2 AND dollars >= ?1", o.Dollars, o.User, held)
	if changed, err := hasChanged(done, err); err != nil || !changed {
		return errors.Join(errNoMoney, err)
	}
	instrument.Alias(ctx, "order", o.ID)
	b.log.InfoContext(ctx, "dollars taken, order is NEW", "order_id", o.ID, "user", o.User, "dollars", o.Dollars)
	return b.protocol.begin(ctx, tx, o)
}

// get answers GET /orders/:id to who has ordered.
func (b *Bank) get(c echo.Context) error {
	who, _ := credential.From(c.Request().Context())
	o, err := b.read(c.Request().Context(), c.Param("id"))
	if errors.Is(err, errNoOrder) || err == nil && o.User != who.Subject {
		return echo.NewHTTPError(http.StatusNotFound, errNoOrder.Error())
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, o)
}

// account answers GET /account.
func (b *Bank) account(c echo.Context) error {
	who, _ := credential.From(c.Request().Context())
	var dollars, held int64
	err := b.db.QueryRowContext(c.Request().Context(), "SELECT dollars, held FROM accounts WHERE user = ?", who.Subject).Scan(&dollars, &held)
	if errors.Is(err, sql.ErrNoRows) {
		return echo.NewHTTPError(http.StatusNotFound, "no account of that name")
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"user": who.Subject, "dollars": dollars, "held": held})
}

// Package orders is the history of what users have bought. It takes no orders:
// the bank does, and this service hears of them by events.
//
//	s := orders.New(db, log)        // db has [Schema]
//	s.Routes(e)                     // GET /orders, of who asks
//	err := s.Record(ctx, tx, order) // for each event, in the receiver's transaction
//
// The types to know are [Orders] and [Order]. Events may come twice and in any
// order. The package never lets an order that has ended change its state.
package orders

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/instrument"
)

// Schema creates the history; USER1 and USER2 have bought before.
const Schema = `
CREATE TABLE IF NOT EXISTS history (id TEXT PRIMARY KEY, user TEXT NOT NULL, points INTEGER NOT NULL CHECK (points > 0), dollars INTEGER NOT NULL CHECK (dollars > 0),
	state TEXT NOT NULL CHECK (state IN ('NEW', 'OPEN', 'CANCEL')), correlation_id TEXT NOT NULL, at INTEGER NOT NULL) STRICT; -- at: Unix milliseconds
CREATE INDEX IF NOT EXISTS history_by_user ON history (user, at);
INSERT INTO history VALUES
	('SEED-1', 'USER1', 100, 100, 'OPEN', '', 1767225600000),
	('SEED-2', 'USER1', 500, 500, 'CANCEL', '', 1767312000000),
	('SEED-3', 'USER2', 1000, 1000, 'OPEN', '', 1767398400000)
ON CONFLICT DO NOTHING;`

// States of an order.
const (
	StateNew    = "NEW"    // debited; it may yet end either way
	StateOpen   = "OPEN"   // points credited
	StateCancel = "CANCEL" // dollars refunded
)

const (
	maxText  = 128 // bytes of an ID or a user
	maxFound = 50  // orders in one answer
)

// Order is what is known of an order.
type Order struct {
	ID            string    `json:"id"`
	User          string    `json:"user"`
	Points        int64     `json:"points"`
	Dollars       int64     `json:"dollars"`
	State         string    `json:"state"`
	CorrelationID string    `json:"correlation_id"` // "": that of the context in which it is recorded
	At            time.Time `json:"at"`             // zero: now
}

// ErrOrder is what Record returns for what is no order: trying again does not help.
var ErrOrder = errors.New("not an order")

func (o Order) valid() bool {
	texts := o.ID != "" && o.User != "" && len(o.ID) <= maxText && len(o.User) <= maxText && len(o.CorrelationID) <= maxText
	return texts && o.Points > 0 && o.Dollars > 0 && (o.State == StateNew || o.State == StateOpen || o.State == StateCancel)
}

// Orders is the service.
type Orders struct {
	db  *sql.DB
	log *slog.Logger
}

// New keeps the history in db; log may be nil.
func New(db *sql.DB, log *slog.Logger) *Orders {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Orders{db: db, log: log}
}

// Routes adds the API of the history.
func (s *Orders) Routes(e *echo.Echo) { e.GET("/orders", s.list) }

// list answers GET /orders of who asks, newest first.
func (s *Orders) list(c echo.Context) error {
	ctx := c.Request().Context()
	who, _ := credential.From(ctx)
	if who.Subject == "" {
		return echo.NewHTTPError(http.StatusForbidden, "only who has logged in has orders")
	}
	found, err := find(ctx, s.db, who.Subject)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, map[string]any{"orders": found})
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func find(ctx context.Context, from querier, user string) ([]Order, error) {
	rows, err := from.QueryContext(ctx, `SELECT id, user, points, dollars, state, correlation_id, at FROM history
		WHERE user = ? ORDER BY at DESC, id LIMIT ?`, user, maxFound)
	if err != nil {
		return nil, fmt.Errorf("find orders: %w", err)
	}
	defer rows.Close()
	found := []Order{}
	for rows.Next() {
		var o Order
		var at int64
		if err := rows.Scan(&o.ID, &o.User, &o.Points, &o.Dollars, &o.State, &o.CorrelationID, &at); err != nil {
			return nil, fmt.Errorf("find orders: %w", err)
		}
		o.At = time.UnixMilli(at).UTC()
		found = append(found, o)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find orders: %w", err)
	}
	return found, nil
}

// Record writes what an event says of an order, in the transaction of who
// received it.
func (s *Orders) Record(ctx context.Context, tx *sql.Tx, o Order) error {
	if !o.valid() {
		return fmt.Errorf("record order %.40q: %w", o.ID, ErrOrder)
	}
	if o.CorrelationID == "" {
		o.CorrelationID = instrument.CorrelationID(ctx)
	}
	if o.At.IsZero() {
		o.At = time.Now()
	}
	state, err := record(ctx, tx, o)
	if err != nil {
		return fmt.Errorf("record order %s: %w", o.ID, err)
	}
	if o.State != StateNew && o.State != state { // the bank says that this cannot be
		s.log.ErrorContext(ctx, "order has ended otherwise", "order_id", o.ID, "state", state, "event", o.State)
		return nil
	}
	s.log.InfoContext(ctx, "order recorded", "order_id", o.ID, "user", o.User, "state", state)
	return nil
}

// record returns the order's state as it then is: an end stays, whatever comes.
func record(ctx context.Context, tx *sql.Tx, o Order) (state string, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET state = iif(state = 'NEW', excluded.state, state) RETURNING state`,
		o.ID, o.User, o.Points, o.Dollars, o.State, o.CorrelationID, o.At.UnixMilli()).Scan(&state)
	return state, err
}

// Diagnose records an order that is nobody's, finds it and takes it back.
func (s *Orders) Diagnose(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("diagnose orders: %w", err)
	}
	defer tx.Rollback()
	want := Order{"diagnosis", "", 1, 1, StateNew, "", time.UnixMilli(0).UTC()}
	if _, err := record(ctx, tx, want); err != nil {
		return fmt.Errorf("diagnose orders: %w", err)
	}
	if found, err := find(ctx, tx, want.User); err != nil || len(found) != 1 || found[0] != want {
		return fmt.Errorf("diagnose orders: recorded %v, found %v: %w", want, found, err)
	}
	return nil
}

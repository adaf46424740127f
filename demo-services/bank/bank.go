// Package bank holds accounts in dollars, and decides what becomes of an order of points.
//
//	b, err := bank.New(bank.Config{DB: db, Bus: bus, Instrument: in, Protocol: bank.Saga})
//	b.Routes(e)          // POST /orders, GET /orders/:id, GET /account
//	b.Run(ctx)           // deadlines, and what must be said again
//
// Package purchase has the states; [Protocol] has two ways to get through them. The bank never
// takes dollars without an order, and never leaves an order undecided past its deadline.
package bank

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/instrument"
)

// Schema creates the bank's tables and the accounts of the demo's users.
const Schema = `
CREATE TABLE IF NOT EXISTS accounts (
	user    TEXT PRIMARY KEY,
	dollars INTEGER NOT NULL CHECK (dollars >= 0),
	held    INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0) -- until two-phase orders are decided
) STRICT;
CREATE TABLE IF NOT EXISTS orders (
	id             TEXT PRIMARY KEY,
	user           TEXT NOT NULL,
	points         INTEGER NOT NULL,
	dollars        INTEGER NOT NULL,
	held           INTEGER NOT NULL, -- 1: the dollars are held, not taken
	state          TEXT NOT NULL,
	reason         TEXT NOT NULL,
	acknowledged   INTEGER NOT NULL, -- 1: the game knows that it is cancelled
	correlation_id TEXT NOT NULL,
	deadline       INTEGER NOT NULL, -- Unix time in ms
	again          INTEGER NOT NULL, -- when the game is told again
	told           INTEGER NOT NULL  -- how often it was told
) STRICT;
CREATE INDEX IF NOT EXISTS orders_undecided ON orders (deadline) WHERE state = 'NEW';
CREATE INDEX IF NOT EXISTS orders_unheard ON orders (again) WHERE state = 'CANCEL' AND acknowledged = 0;
CREATE TABLE IF NOT EXISTS diagnostics (n INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
INSERT INTO accounts (user, dollars) VALUES ('USER1', 1000000), ('USER2', 1000000) ON CONFLICT DO NOTHING;`

// Config is what the bank is made of.
type Config struct {
	DB         *sql.DB
	Bus        *messaging.Bus
	Instrument *instrument.Instrument
	Protocol   string           // Saga or TwoPhase; empty: Saga
	Deadline   time.Duration    // until an order that is not confirmed is cancelled; 0: 30 s
	Again      time.Duration    // until the game is told again of a cancelled order, doubling each time; 0: 1 s
	Now        func() time.Time // nil: time.Now
}

// Bank is the service.
type Bank struct {
	cfg      Config
	db       *sql.DB
	bus      *messaging.Bus
	log      *slog.Logger
	protocol Protocol
}

// New subscribes the bank to what the game says.
func New(cfg Config) (*Bank, error) {
	if cfg.Deadline == 0 {
		cfg.Deadline = 30 * time.Second
	}
	if cfg.Again == 0 {
		cfg.Again = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Bank{cfg: cfg, db: cfg.DB, bus: cfg.Bus, log: cfg.Instrument.Logger()}
	switch cfg.Protocol {
	case "", Saga:
		b.protocol = saga{b}
	case TwoPhase:
		b.protocol = twoPhase{b}
	default:
		return nil, fmt.Errorf("protocol %q: want %s or %s", cfg.Protocol, Saga, TwoPhase)
	}
	b.bus.Handle(purchase.Begin, b.begin)
	b.bus.Handle(purchase.Credited, b.credited)
	b.bus.Handle(purchase.Refused, b.refused)
	b.bus.Handle(purchase.Cancelled, b.cancelled)
	for _, typ := range []string{purchase.Credited, purchase.Cancelled} {
		b.bus.HandleAgain(typ, b.declare)
	}
	return b, nil
}

// Routes adds the bank's API.
func (b *Bank) Routes(e *echo.Echo) {
	e.POST("/orders", b.order)
	e.GET("/orders/:id", b.get)
	e.GET("/account", b.account)
}

// Diagnose writes to the bank's store and reads from it.
func (b *Bank) Diagnose(ctx context.Context) error {
	if _, err := b.db.ExecContext(ctx, "INSERT INTO diagnostics VALUES (1, ?1) ON CONFLICT (n) DO UPDATE SET at = ?1", b.cfg.Now().UnixMilli()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var accounts int
	if err := b.db.QueryRowContext(ctx, "SELECT count(*) FROM accounts").Scan(&accounts); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

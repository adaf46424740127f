// Package game holds players' points. Those of an order are reserved until the bank has
// decided; only then can they be spent, or are gone.
//
//	g := game.New(game.Config{DB: db, Bus: bus, Logger: log})
//	g.Routes(e) // GET /player
//
// The game never decides: it answers, and does what the bank says.
package game

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
	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/demo-services/purchase"
)

// Schema creates the game's tables.
const Schema = `
CREATE TABLE IF NOT EXISTS players (
	user     TEXT PRIMARY KEY,
	points   INTEGER NOT NULL CHECK (points >= 0),
	reserved INTEGER NOT NULL CHECK (reserved >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS credits (
	order_id TEXT PRIMARY KEY,
	user     TEXT NOT NULL,
	points   INTEGER NOT NULL,
	state    TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS diagnostics (n INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;`

// Config is what the game is made of.
type Config struct {
	DB        *sql.DB
	Bus       *messaging.Bus
	Withdrawn func() bool // whether new orders are refused now; nil: never
	Logger    *slog.Logger
}

// Game is the service.
type Game struct {
	cfg Config
	db  *sql.DB
	bus *messaging.Bus
	log *slog.Logger
}

// New subscribes the game to what the bank says.
func New(cfg Config) *Game {
	if cfg.Withdrawn == nil {
		cfg.Withdrawn = func() bool { return false }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Game{cfg: cfg, db: cfg.DB, bus: cfg.Bus, log: cfg.Logger}
	g.bus.Handle(purchase.Place, g.place)
	g.bus.Handle(purchase.Open, g.open)
	g.bus.Handle(purchase.Drop, g.cancel)
	g.bus.Handle(purchase.Prepare, g.prepare)
	return g
}

// Routes adds the game's API.
func (g *Game) Routes(e *echo.Echo) { e.GET("/player", g.player) }

// Diagnose writes to the game's store and reads from it.
func (g *Game) Diagnose(ctx context.Context) error {
	if _, err := g.db.ExecContext(ctx, "INSERT INTO diagnostics VALUES (1, ?1) ON CONFLICT (n) DO UPDATE SET at = ?1", time.Now().UnixMilli()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var players int
	if err := g.db.QueryRowContext(ctx, "SELECT count(*) FROM players").Scan(&players); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

// player answers GET /player.
func (g *Game) player(c echo.Context) error {
	who, _ := credential.From(c.Request().Context())
	var points, reserved int64
	err := g.db.QueryRowContext(c.Request().Context(), "SELECT points, reserved FROM players WHERE user = ?", who.Subject).Scan(&points, &reserved)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"user": who.Subject, "points": points, "reserved": reserved})
}

// Package game holds players' points. It credits what the bank has debited, and
// says so.
package game

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/bank"
	"github.com/waybill-log/waybill/demo-services/messaging"
)

// Schema creates the game's tables.
const Schema = `
CREATE TABLE IF NOT EXISTS players (user TEXT PRIMARY KEY, points INTEGER NOT NULL CHECK (points >= 0)) STRICT;
CREATE TABLE IF NOT EXISTS credits (order_id TEXT PRIMARY KEY, user TEXT NOT NULL, points INTEGER NOT NULL) STRICT;`

// Game is the service.
type Game struct {
	db  *sql.DB
	bus *messaging.Bus
	log *slog.Logger
}

// New subscribes the game to orders.
func New(db *sql.DB, bus *messaging.Bus, log *slog.Logger) *Game {
	g := &Game{db: db, bus: bus, log: log}
	bus.Subscribe(bank.TopicOrders, g.ordered)
	return g
}

// Routes adds the game's API.
func (g *Game) Routes(e *echo.Echo) { e.GET("/players/:user", g.player) }

// ordered credits an order's points once and confirms.
func (g *Game) ordered(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
	var o bank.Order
	if err := json.Unmarshal(m.Payload, &o); err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO credits VALUES (?, ?, ?)", o.ID, o.User, o.Points); err != nil {
		return fmt.Errorf("credit order %s: %w", o.ID, err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO players VALUES (?1, ?2) ON CONFLICT (user) DO UPDATE SET points = points + ?2", o.User, o.Points); err != nil {
		return fmt.Errorf("credit order %s: %w", o.ID, err)
	}
	if err := g.bus.Publish(ctx, tx, bank.TopicConfirmations, o.ID, bank.Confirmation{OrderID: o.ID}); err != nil {
		return err
	}
	g.log.InfoContext(ctx, "points credited", "order_id", o.ID, "user", o.User, "points", o.Points)
	return nil
}

// player answers GET /players/:user.
func (g *Game) player(c echo.Context) error {
	var points int64
	err := g.db.QueryRowContext(c.Request().Context(), "SELECT points FROM players WHERE user = ?", c.Param("user")).Scan(&points)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"user": c.Param("user"), "points": points})
}

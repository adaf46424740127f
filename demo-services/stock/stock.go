// Package stock counts what the shop has of each product.
//
//	s := stock.New(db, log)         // db has [Schema]
//	s.Routes(e)                     // GET /stock, PUT /stock/:product
//
// The types to know are [Stock] and [Count]. The package never knows what a
// product is called, and never counts below zero: the database refuses.
package stock

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// Schema creates the counts.
const Schema = `
CREATE TABLE IF NOT EXISTS stock (product TEXT PRIMARY KEY, units INTEGER NOT NULL CHECK (units >= 0)) STRICT;
INSERT INTO stock VALUES
	('points-100', 100000), ('points-500', 100000), ('points-1000', 100000),
	('sword', 12), ('shield', 9), ('potion', 240), ('cape', 3), ('horse', 0)
ON CONFLICT DO NOTHING;`

const (
	maxProducts = 1000
	maxID       = 40 // bytes
	maxUnits    = 1_000_000
	few         = 3 // units of which somebody should know
)

// Count is how many units there are of a product.
type Count struct {
	Product string `json:"product"`
	Units   int64  `json:"units"`
}

func (n Count) valid() bool {
	isID := n.Product != "" && len(n.Product) <= maxID && strings.Trim(n.Product, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
	return isID && n.Units >= 0 && n.Units <= maxUnits
}

// Stock is the service.
type Stock struct {
	db  *sql.DB
	log *slog.Logger
}

// New counts in db; log may be nil.
func New(db *sql.DB, log *slog.Logger) *Stock {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Stock{db: db, log: log}
}

// Routes adds the API of the counts.
func (s *Stock) Routes(e *echo.Echo) {
	e.GET("/stock", s.list)
	e.PUT("/stock/:product", s.put)
}

// list answers GET /stock.
func (s *Stock) list(c echo.Context) error {
	rows, err := s.db.QueryContext(c.Request().Context(), "SELECT product, units FROM stock ORDER BY product LIMIT ?", maxProducts)
	if err != nil {
		return fmt.Errorf("list stock: %w", err)
	}
	defer rows.Close()
	counts := []Count{}
	for rows.Next() {
		var n Count
		if err := rows.Scan(&n.Product, &n.Units); err != nil {
			return fmt.Errorf("list stock: %w", err)
		}
		counts = append(counts, n)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list stock: %w", err)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=1")
	return c.JSON(http.StatusOK, map[string]any{"stock": counts})
}

// put answers PUT /stock/:product {units}, of staff only: what has been counted.
func (s *Stock) put(c echo.Context) error {
	ctx := c.Request().Context()
	who, _ := credential.From(ctx)
	if !who.Has("staff") {
		s.log.WarnContext(ctx, "count refused", "user", who.Subject, "reason", "not staff")
		return echo.NewHTTPError(http.StatusForbidden, "only staff may count")
	}
	n := Count{Units: -1} // so that no units are not zero units
	err := c.Bind(&n)
	n.Product = c.Param("product")
	if err != nil || !n.valid() {
		return echo.NewHTTPError(http.StatusBadRequest, fmt.Sprintf("want a product's ID and JSON with units of 0 to %d", maxUnits)).SetInternal(err)
	}
	written, err := count(ctx, s.db, n)
	if err != nil {
		return err
	}
	if !written {
		return echo.NewHTTPError(http.StatusConflict, "too many products")
	}
	level := slog.LevelInfo
	if n.Units <= few {
		level = slog.LevelWarn
	}
	s.log.Log(ctx, level, "counted", "product", n.Product, "units", n.Units, "user", who.Subject)
	return c.JSON(http.StatusOK, n)
}

// execer is a database or a transaction.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// count writes a count, unless there are too many products.
func count(ctx context.Context, to execer, n Count) (written bool, err error) {
	done, err := to.ExecContext(ctx, `INSERT INTO stock
		SELECT ?1, ?2 WHERE (SELECT count(*) FROM stock WHERE product != ?1) < ?3
		ON CONFLICT (product) DO UPDATE SET units = excluded.units`, n.Product, n.Units, maxProducts)
	if err != nil {
		return false, fmt.Errorf("count %s: %w", n.Product, err)
	}
	rows, err := done.RowsAffected()
	return rows > 0, err
}

// Diagnose counts one unit more of everything, reads that and takes it back.
func (s *Stock) Diagnose(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("diagnose stock: %w", err)
	}
	defer tx.Rollback()
	var before, products, after int64
	const sum = "SELECT coalesce(sum(units), 0), count(*) FROM stock"
	if err := tx.QueryRowContext(ctx, sum).Scan(&before, &products); err != nil {
		return fmt.Errorf("diagnose stock: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE stock SET units = units + 1"); err != nil {
		return fmt.Errorf("diagnose stock: %w", err)
	}
	if err := tx.QueryRowContext(ctx, sum).Scan(&after, &products); err != nil || after != before+products {
		return fmt.Errorf("diagnose stock: %d units and %d are %d: %w", before, products, after, err)
	}
	return nil
}

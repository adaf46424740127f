// Package cart remembers what a user is about to buy.
//
//	s := cart.New(db, log)          // db has [Schema]
//	s.Routes(e)                     // GET /cart, PUT and DELETE /cart/:product, each of who asks
//
// The types to know are [Cart] and [Item]. The package never shows one user's
// cart to another: there is no way to name whose cart is meant.
package cart

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

// Schema creates the carts; USER1 and USER2 have begun to fill theirs.
const Schema = `
CREATE TABLE IF NOT EXISTS items (user TEXT, product TEXT, quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 99), PRIMARY KEY (user, product)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seeded (once INTEGER PRIMARY KEY) STRICT;
INSERT INTO items SELECT * FROM (VALUES ('USER1', 'potion', 3), ('USER1', 'shield', 1), ('USER2', 'cape', 1)) WHERE NOT EXISTS (SELECT * FROM seeded);
INSERT INTO seeded VALUES (1) ON CONFLICT DO NOTHING;`

const (
	maxItems    = 20 // of one cart
	maxQuantity = 99 // of one item
	maxID       = 40 // bytes
)

// Item is a product in a cart.
type Item struct {
	Product  string `json:"product"`
	Quantity int64  `json:"quantity"`
}

func (i Item) valid() bool { return isID(i.Product) && i.Quantity > 0 && i.Quantity <= maxQuantity }

func isID(s string) bool {
	return s != "" && len(s) <= maxID && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Cart is the service.
type Cart struct {
	db  *sql.DB
	log *slog.Logger
}

// New keeps carts in db; log may be nil.
func New(db *sql.DB, log *slog.Logger) *Cart {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Cart{db: db, log: log}
}

// Routes adds the API of the carts.
func (s *Cart) Routes(e *echo.Echo) {
	mine := e.Group("/cart", owned)
	mine.GET("", s.list)
	mine.PUT("/:product", s.put)
	mine.DELETE("/:product", s.remove)
}

// owned refuses who has not logged in.
func owned(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if owner(c) == "" {
			return echo.NewHTTPError(http.StatusForbidden, "only who has logged in has a cart")
		}
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return next(c)
	}
}

func owner(c echo.Context) string {
	who, _ := credential.From(c.Request().Context())
	return who.Subject
}

// list answers GET /cart.
func (s *Cart) list(c echo.Context) error {
	items, err := find(c.Request().Context(), s.db, owner(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"items": items})
}

// put answers PUT /cart/:product {quantity}.
func (s *Cart) put(c echo.Context) error {
	ctx, user := c.Request().Context(), owner(c)
	var i Item
	err := c.Bind(&i)
	i.Product = c.Param("product")
	if err != nil || !i.valid() {
		return echo.NewHTTPError(http.StatusBadRequest, fmt.Sprintf("want a product's ID and JSON with a quantity of 1 to %d", maxQuantity)).SetInternal(err)
	}
	fits, err := put(ctx, s.db, user, i)
	if err != nil {
		return err
	}
	if !fits {
		s.log.WarnContext(ctx, "cart is full", "user", user, "product", i.Product)
		return echo.NewHTTPError(http.StatusConflict, fmt.Sprintf("a cart holds %d products", maxItems))
	}
	s.log.InfoContext(ctx, "put into cart", "user", user, "product", i.Product, "quantity", i.Quantity)
	return c.JSON(http.StatusOK, i)
}

// remove answers DELETE /cart/:product; what is not there is removed, too.
func (s *Cart) remove(c echo.Context) error {
	ctx, user, product := c.Request().Context(), owner(c), c.Param("product")
	if !isID(product) {
		return echo.NewHTTPError(http.StatusBadRequest, "want a product's ID")
	}
	if _, err := s.db.ExecContext(ctx, "DELETE FROM items WHERE user = ? AND product = ?", user, product); err != nil {
		return fmt.Errorf("remove %s: %w", product, err)
	}
	s.log.InfoContext(ctx, "removed from cart", "user", user, "product", product)
	return c.NoContent(http.StatusNoContent)
}

// store is a database or a transaction.
type store interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func find(ctx context.Context, from store, user string) ([]Item, error) {
	rows, err := from.QueryContext(ctx, "SELECT product, quantity FROM items WHERE user = ? ORDER BY product", user)
	if err != nil {
		return nil, fmt.Errorf("find items: %w", err)
	}
	defer rows.Close()
	items := []Item{}
	for rows.Next() {
		var i Item
		if err := rows.Scan(&i.Product, &i.Quantity); err != nil {
			return nil, fmt.Errorf("find items: %w", err)
		}
		items = append(items, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find items: %w", err)
	}
	return items, nil
}

// put changes or adds an item, if the cart has room.
func put(ctx context.Context, to store, user string, i Item) (fits bool, err error) {
	done, err := to.ExecContext(ctx, `INSERT INTO items
		SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM items WHERE user = ?1 AND product != ?2) < ?4
		ON CONFLICT (user, product) DO UPDATE SET quantity = excluded.quantity`, user, i.Product, i.Quantity, maxItems)
	if err != nil {
		return false, fmt.Errorf("put item: %w", err)
	}
	rows, err := done.RowsAffected()
	return rows > 0, err
}

// Diagnose fills a cart that is nobody's, reads it and takes it back.
func (s *Cart) Diagnose(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("diagnose cart: %w", err)
	}
	defer tx.Rollback()
	want := Item{"diagnosis", 1}
	if _, err := put(ctx, tx, "", want); err != nil {
		return fmt.Errorf("diagnose cart: %w", err)
	}
	if items, err := find(ctx, tx, ""); err != nil || len(items) != 1 || items[0] != want {
		return fmt.Errorf("diagnose cart: put %v, found %v: %w", want, items, err)
	}
	return nil
}

// Package products is the catalogue: what the shop sells, in two languages.
//
//	p := products.New(db, log)      // db has [Schema]
//	p.Routes(e)                     // GET /products, GET /products/:id, PUT /products/:id
//
// The types to know are [Products] and [Product]. The package never knows how
// many are in stock.
package products

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Schema creates the catalogue.
const Schema = `
CREATE TABLE IF NOT EXISTS products (id TEXT PRIMARY KEY, en TEXT NOT NULL, zh_tw TEXT NOT NULL, price INTEGER NOT NULL CHECK (price > 0)) STRICT;
INSERT INTO products VALUES
	('points-100', '100 points', '100 點', 100),
	('points-500', '500 points', '500 點', 500),
	('points-1000', '1,000 points', '1,000 點', 1000),
	('sword', 'Iron sword', '鐵劍', 30),
	('shield', 'Oak shield', '橡木盾', 25),
	('potion', 'Healing potion', '治療藥水', 5),
	('cape', 'Traveller''s cape', '旅人斗篷', 40),
	('horse', 'White horse', '白馬', 250)
ON CONFLICT DO NOTHING;`

const (
	maxProducts = 1000
	maxID       = 40     // bytes
	maxName     = 80     // characters
	maxPrice    = 100000 // dollars
)

// Product is what can be bought.
type Product struct {
	ID    string `json:"id"`
	Name  Name   `json:"name"`
	Price int64  `json:"price"` // dollars
}

// Name is a product's name as people read it.
type Name struct {
	English string `json:"en"`
	Chinese string `json:"zh-TW"` // Traditional
}

// valid reports whether a product may be in the catalogue.
func (p Product) valid() bool {
	return isID(p.ID) && isName(p.Name.English) && isName(p.Name.Chinese) && p.Price > 0 && p.Price <= maxPrice
}

func isID(s string) bool {
	return s != "" && len(s) <= maxID && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func isName(s string) bool {
	return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxName
}

// Products is the service.
type Products struct {
	db  *sql.DB
	log *slog.Logger
}

// New serves the catalogue in db; log may be nil.
func New(db *sql.DB, log *slog.Logger) *Products {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Products{db: db, log: log}
}

// store is a database or a transaction.
type store interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// find returns the product of an ID, or for "" all.
func find(ctx context.Context, s store, id string) ([]Product, error) {
	rows, err := s.QueryContext(ctx, "SELECT id, en, zh_tw, price FROM products WHERE ?1 IN ('', id) ORDER BY price, id LIMIT ?2", id, maxProducts)
	if err != nil {
		return nil, fmt.Errorf("find products: %w", err)
	}
	defer rows.Close()
	found := []Product{}
	for rows.Next() {
		var p Product
		if err := rows.Scan(&p.ID, &p.Name.English, &p.Name.Chinese, &p.Price); err != nil {
			return nil, fmt.Errorf("find products: %w", err)
		}
		found = append(found, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find products: %w", err)
	}
	return found, nil
}

var errFull = errors.New("the catalogue is full")

// put changes a product, or adds it.
func put(ctx context.Context, s store, p Product) error {
	done, err := s.ExecContext(ctx, `INSERT INTO products
		SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM products WHERE id != ?1) < ?5
		ON CONFLICT (id) DO UPDATE SET en = excluded.en, zh_tw = excluded.zh_tw, price = excluded.price`,
		p.ID, p.Name.English, p.Name.Chinese, p.Price, maxProducts)
	if err != nil {
		return fmt.Errorf("put product %s: %w", p.ID, err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("put product %s: %w", p.ID, errors.Join(errFull, err))
	}
	return nil
}

// Diagnose puts a product into the catalogue, finds it and takes all back.
func (p *Products) Diagnose(ctx context.Context) error {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("diagnose products: %w", err)
	}
	defer tx.Rollback()
	want := Product{"diagnosis", Name{"Diagnosis", "診斷"}, 1}
	err = put(ctx, tx, want)
	if errors.Is(err, errFull) {
		return nil // which it can only know by reading and writing
	}
	if err != nil {
		return fmt.Errorf("diagnose products: %w", err)
	}
	if found, err := find(ctx, tx, want.ID); err != nil || len(found) != 1 || found[0] != want {
		return fmt.Errorf("diagnose products: put %v, found %v: %w", want, found, err)
	}
	return nil
}

// Package reviews holds what users say of products: one review each.
//
//	s := reviews.New(db, log)       // db has [Schema]
//	s.Routes(e)                     // GET /reviews?product=ID, POST /reviews
//
// The types to know are [Reviews] and [Review]. The package never changes a
// review, and never takes its author from what is sent.
package reviews

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Schema creates the reviews and some to begin with.
const Schema = `
CREATE TABLE IF NOT EXISTS reviews (id INTEGER PRIMARY KEY, product TEXT NOT NULL, user TEXT NOT NULL,
	stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5), text TEXT NOT NULL, UNIQUE (user, product)) STRICT;
CREATE INDEX IF NOT EXISTS reviews_by_product ON reviews (product, id);
INSERT INTO reviews (product, user, stars, text) VALUES
	('points-100', 'USER2', 5, 'There before I had closed the page.'),
	('points-1000', 'STAFF', 4, '點數入帳很快。'),
	('sword', 'USER2', 4, 'Sharp. Rusts in the rain.'),
	('shield', 'USER2', 3, '好用，但是有點重。'),
	('potion', 'USER2', 5, 'Tastes of elderberry; works.'),
	('cape', 'STAFF', 5, '下雨天也不怕。'),
	('horse', 'USER2', 2, 'Fast, but it eats the shield''s straps.')
ON CONFLICT DO NOTHING;`

const (
	maxID    = 40   // bytes of a product's ID
	maxText  = 1000 // characters
	maxMine  = 100  // reviews of one user
	maxFound = 50   // reviews in one answer
)

// Review is what a user says of a product.
type Review struct {
	ID      int64  `json:"id"`
	Product string `json:"product"`
	User    string `json:"user"`
	Stars   int64  `json:"stars"` // 1 to 5
	Text    string `json:"text"`
}

func (r Review) valid() bool {
	return isID(r.Product) && r.Stars >= 1 && r.Stars <= 5 && strings.TrimSpace(r.Text) != "" && utf8.RuneCountInString(r.Text) <= maxText
}

func isID(s string) bool {
	return s != "" && len(s) <= maxID && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Reviews is the service.
type Reviews struct {
	db  *sql.DB
	log *slog.Logger
}

// New keeps reviews in db; log may be nil.
func New(db *sql.DB, log *slog.Logger) *Reviews {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Reviews{db: db, log: log}
}

// store is a database or a transaction.
type store interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// find returns the newest reviews of a product, or for "" of all.
func find(ctx context.Context, from store, product string) ([]Review, error) {
	where := "WHERE product = ?1 "
	if product == "" {
		where = "WHERE ?1 = '' "
	}
	rows, err := from.QueryContext(ctx, "SELECT id, product, user, stars, text FROM reviews "+where+"ORDER BY id DESC LIMIT ?2", product, maxFound)
	if err != nil {
		return nil, fmt.Errorf("find reviews: %w", err)
	}
	defer rows.Close()
	found := []Review{}
	for rows.Next() {
		var r Review
		if err := rows.Scan(&r.ID, &r.Product, &r.User, &r.Stars, &r.Text); err != nil {
			return nil, fmt.Errorf("find reviews: %w", err)
		}
		found = append(found, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find reviews: %w", err)
	}
	return found, nil
}

// errOnce is the one way in which a good review is refused.
var errOnce = fmt.Errorf("a user reviews a product once, and %d products", maxMine)

// add stores a review, numbered.
func add(ctx context.Context, to store, r Review) (Review, error) {
	err := to.QueryRowContext(ctx, `INSERT INTO reviews (product, user, stars, text)
		SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM reviews WHERE user = ?2) < ?5
		ON CONFLICT DO NOTHING RETURNING id`, r.Product, r.User, r.Stars, r.Text, maxMine).Scan(&r.ID)
	if errors.Is(err, sql.ErrNoRows) {
		err = errOnce
	}
	if err != nil {
		return Review{}, fmt.Errorf("add review: %w", err)
	}
	return r, nil
}

// Diagnose adds a review that is nobody's, finds it and takes it back.
func (s *Reviews) Diagnose(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("diagnose reviews: %w", err)
	}
	defer tx.Rollback()
	added, err := add(ctx, tx, Review{Product: "diagnosis", Stars: 5, Text: "diagnosis"})
	if err != nil {
		return fmt.Errorf("diagnose reviews: %w", err)
	}
	found, err := find(ctx, tx, added.Product)
	if err != nil || len(found) == 0 || found[0] != added {
		return fmt.Errorf("diagnose reviews: added %v, found %v: %w", added, found, err)
	}
	return nil
}

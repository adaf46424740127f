// Package recommendations guesses what a user would like, from what users have
// looked at.
//
//	s := recommendations.New(db, log) // db has [Schema]
//	s.Routes(e)                       // GET /recommendations, POST /recommendations/views
//
// The types to know are [Recommendations] and [Recommendation]. Who has looked
// at nothing gets what most have looked at. The package never tells who the
// others were.
package recommendations

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

// Schema creates the views, and some to begin with.
const Schema = `
CREATE TABLE IF NOT EXISTS views (user TEXT, product TEXT, times INTEGER NOT NULL, PRIMARY KEY (user, product)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS views_by_product ON views (product, user);
INSERT INTO views VALUES
	('USER1', 'points-100', 9), ('USER1', 'sword', 4), ('USER1', 'shield', 2),
	('USER2', 'points-100', 3), ('USER2', 'sword', 5), ('USER2', 'horse', 7), ('USER2', 'cape', 2),
	('STAFF', 'points-1000', 6), ('STAFF', 'shield', 1), ('STAFF', 'potion', 8), ('STAFF', 'points-500', 4)
ON CONFLICT DO NOTHING;`

const (
	maxID    = 40  // bytes of a product's ID
	maxMine  = 100 // products that one user is known to have looked at
	maxTimes = 100 // views that count, of one product by one user
	maxFound = 5   // recommendations in one answer
)

const (
	// alike counts the views of those who looked at what the user looked at, once
	// for each product that they share.
	alike = `SELECT other.product, sum(other.times) FROM views AS mine
		JOIN views AS shared ON shared.product = mine.product
		JOIN views AS other ON other.user = shared.user
		WHERE mine.user = ?1 AND other.product NOT IN (SELECT product FROM views WHERE user = ?1)
		GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?2`
	popular = `SELECT product, sum(times) FROM views WHERE user != ?1 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?2`
)

// Recommendation is a product that a user may like. Scores compare within one answer.
type Recommendation struct {
	Product string `json:"product"`
	Score   int64  `json:"score"`
}

// Recommendations is the service.
type Recommendations struct {
	db  *sql.DB
	log *slog.Logger
}

// New keeps views in db; log may be nil.
func New(db *sql.DB, log *slog.Logger) *Recommendations {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Recommendations{db: db, log: log}
}

// Routes adds the API of the recommendations.
func (s *Recommendations) Routes(e *echo.Echo) {
	e.GET("/recommendations", s.list)
	e.POST("/recommendations/views", s.viewed)
}

// list answers GET /recommendations for who asks.
func (s *Recommendations) list(c echo.Context) error {
	ctx := c.Request().Context()
	who, _ := credential.From(ctx)
	found, err := find(ctx, s.db, alike, who.Subject)
	if err == nil && len(found) == 0 {
		s.log.DebugContext(ctx, "nobody is like the user", "user", who.Subject)
		found, err = find(ctx, s.db, popular, who.Subject)
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, map[string]any{"recommendations": found})
}

// viewed answers POST /recommendations/views {product}.
func (s *Recommendations) viewed(c echo.Context) error {
	ctx := c.Request().Context()
	who, _ := credential.From(ctx)
	if who.Subject == "" {
		return echo.NewHTTPError(http.StatusForbidden, "only views of who has logged in count")
	}
	var in struct {
		Product string `json:"product"`
	}
	if err := c.Bind(&in); err != nil || !isID(in.Product) {
		return echo.NewHTTPError(http.StatusBadRequest, "want JSON with a product's ID").SetInternal(err)
	}
	if err := view(ctx, s.db, who.Subject, in.Product); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "product viewed", "user", who.Subject, "product", in.Product)
	return c.NoContent(http.StatusNoContent)
}

func isID(s string) bool {
	return s != "" && len(s) <= maxID && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// store is a database or a transaction.
type store interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// find ranks products for a user.
func find(ctx context.Context, from store, ranking, user string) ([]Recommendation, error) {
	rows, err := from.QueryContext(ctx, ranking, user, maxFound)
	if err != nil {
		return nil, fmt.Errorf("find recommendations: %w", err)
	}
	defer rows.Close()
	found := []Recommendation{}
	for rows.Next() {
		var r Recommendation
		if err := rows.Scan(&r.Product, &r.Score); err != nil {
			return nil, fmt.Errorf("find recommendations: %w", err)
		}
		found = append(found, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find recommendations: %w", err)
	}
	return found, nil
}

// view counts a view, as far as views count.
func view(ctx context.Context, to store, user, product string) error {
	_, err := to.ExecContext(ctx, `INSERT INTO views
		SELECT ?1, ?2, 1 WHERE (SELECT count(*) FROM views WHERE user = ?1 AND product != ?2) < ?3
		ON CONFLICT (user, product) DO UPDATE SET times = min(times + 1, ?4)`, user, product, maxMine, maxTimes)
	if err != nil {
		return fmt.Errorf("count view: %w", err)
	}
	return nil
}

// Diagnose lets two who are nobody look at things, sees what is recommended to
// one of them, and takes all back.
func (s *Recommendations) Diagnose(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("diagnose recommendations: %w", err)
	}
	defer tx.Rollback()
	for _, v := range [][2]string{{"", "diagnosis-1"}, {" ", "diagnosis-1"}, {" ", "diagnosis-2"}} {
		if err := view(ctx, tx, v[0], v[1]); err != nil {
			return fmt.Errorf("diagnose recommendations: %w", err)
		}
	}
	want := Recommendation{"diagnosis-2", 1}
	if found, err := find(ctx, tx, alike, ""); err != nil || len(found) != 1 || found[0] != want {
		return fmt.Errorf("diagnose recommendations: want %v, found %v: %w", want, found, err)
	}
	return nil
}

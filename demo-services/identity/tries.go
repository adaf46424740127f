package identity

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Each name may try maxTries times in a window, until one try succeeds.
const (
	maxTries = 5
	window   = time.Minute
)

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// try counts the tries of a name in its window. Names without a user count too:
// else it would show who is one. Windows that are over are forgotten.
func try(ctx context.Context, in querier, name string, now time.Time) (count int, err error) {
	if _, err := in.ExecContext(ctx, "DELETE FROM tries WHERE since <= ?", now.Add(-window).Unix()); err != nil {
		return 0, fmt.Errorf("forget tries: %w", err)
	}
	err = in.QueryRowContext(ctx, "INSERT INTO tries VALUES (?, 1, ?) ON CONFLICT (name) DO UPDATE SET count = count + 1 RETURNING count", name, now.Unix()).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count tries: %w", err)
	}
	return count, nil
}

package messaging

import (
	"context"
	"database/sql"
)

// Within runs work in one transaction of the service's database, and has what that wants sent go
// out once it has committed. An error of work undoes all of it.
func (b *Bus) Within(ctx context.Context, work func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := b.cfg.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var after []func()
	if err := work(context.WithValue(ctx, afterKey{}, &after), tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, f := range after {
		f()
	}
	b.Flush()
	return nil
}

type afterKey struct{}

// AfterCommit has f called when the transaction that ctx is of has committed, and not if it does
// not: for what must not be said of what may still be undone.
func AfterCommit(ctx context.Context, f func()) {
	if after, ok := ctx.Value(afterKey{}).(*[]func()); ok {
		*after = append(*after, f)
	}
}

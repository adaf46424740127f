package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/waybill-log/waybill/store"
)

// oldFile is the one file that versions 1 and 2 of the store were.
const oldFile = "records.db"

// migrate brings the records of an older store over. It can be cut off anywhere: what
// has been brought over is found there the next time.
func (s *Store) migrate(ctx context.Context) error {
	path := filepath.Join(s.cfg.Dir, oldFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("%s: %w", oldFile, err)
	}
	if version < 1 || version > 2 {
		return fmt.Errorf("%s is of version %d, this binary knows versions 1 and 2; use the one that wrote it", oldFile, version)
	}
	s.log.Info("an older store is brought up to date", "file", oldFile, "version", version)
	rows, err := db.QueryContext(ctx, "SELECT raw FROM records ORDER BY rowid")
	if err != nil {
		return fmt.Errorf("%s: %w", oldFile, err)
	}
	defer rows.Close()
	const some = 5000
	var entries []store.Entry
	flush := func() error {
		res, err := s.Put(ctx, entries)
		if err == nil && len(res.Rejected) > 0 {
			err = fmt.Errorf("%s: %d records are refused: %s", oldFile, len(res.Rejected), res.Rejected[0].Reason)
		}
		entries = entries[:0]
		return err
	}
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return fmt.Errorf("%s: %w", oldFile, err)
		}
		e, err := store.NewEntry(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", oldFile, err)
		}
		if entries = append(entries, e); len(entries) == some {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(rows.Err(), flush(), rows.Close(), db.Close()); err != nil {
		return err
	}
	return errors.Join(remove(path), remove(path+"-wal"), remove(path+"-shm"))
}

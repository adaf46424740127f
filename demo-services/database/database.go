// Package database opens a service's own SQLite file.
package database

import (
	"database/sql"
	"errors"
	"fmt"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Open opens file, creating it where needed, and applies the schemas, which
// must bear being applied again. What is committed is on disk.
func Open(file string, schemas ...string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	for _, schema := range schemas {
		if _, err := db.Exec(schema); err != nil {
			return nil, fmt.Errorf("open %s: %w", file, errors.Join(err, db.Close()))
		}
	}
	return db, nil
}

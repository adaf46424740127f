package embedded

import (
	"database/sql"
	"fmt"

	"github.com/waybill-log/waybill/store"
)

// migrate brings a file of version 1 up to date, all of it or nothing: what is new is in each
// summary already.
func (f *summaryFile) migrate() error {
	tx, err := f.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Exec(`
		ALTER TABLE summaries ADD COLUMN took INTEGER NOT NULL DEFAULT 0;
		ALTER TABLE summaries ADD COLUMN completeness TEXT NOT NULL DEFAULT '';
		ALTER TABLE summaries ADD COLUMN aliases TEXT NOT NULL DEFAULT '';
		ALTER TABLE summaries ADD COLUMN reversed TEXT NOT NULL DEFAULT '';
		DROP INDEX keys;` + namesSchema)
	if err != nil {
		return err
	}
	if err := fillIn(tx); err != nil {
		return err
	}
	if _, err := tx.Exec(markVersion(summariesVersion)); err != nil {
		return err
	}
	return tx.Commit()
}

// fillIn fills the columns that version 1 did not have.
func fillIn(tx *sql.Tx) error {
	write, err := tx.Prepare("UPDATE summaries SET took = ?, completeness = ?, aliases = ?, reversed = ? WHERE number = ?")
	if err != nil {
		return err
	}
	defer func() { _ = write.Close() }()
	alias, err := tx.Prepare(insertAliases)
	if err != nil {
		return err
	}
	defer func() { _ = alias.Close() }()
	rows, err := tx.Query("SELECT number, revision, about FROM summaries ORDER BY number")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var number, revision int64
		var about []byte
		if err := rows.Scan(&number, &revision, &about); err != nil {
			return err
		}
		sum, err := unsealAbout(about, revision)
		if err != nil {
			return fmt.Errorf("%w: %w", errCorrupt, err)
		}
		if _, err := write.Exec(int64(sum.Took()), sum.Completeness, list(sum.Aliases), store.Reversed(sum.Key), number); err != nil {
			return err
		}
		if _, err := alias.Exec(number, list(sum.Aliases)); err != nil {
			return err
		}
	}
	return rows.Err()
}

package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/waybill-log/waybill/record"
)

// naiveSchema is a table as one would first write it: a peer of the embedded store.
const naiveSchema = `
CREATE TABLE records (
	n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, ts INTEGER NOT NULL, corr TEXT, trace TEXT, span TEXT,
	service TEXT, node TEXT, seq INTEGER, level TEXT, message TEXT, attrs TEXT);
CREATE INDEX records_corr ON records (corr, ts);
CREATE INDEX records_ts ON records (ts);
CREATE INDEX records_level ON records (service, level, ts);
CREATE VIRTUAL TABLE words USING fts5 (message, content = 'records', content_rowid = 'n', tokenize = 'unicode61');
CREATE TRIGGER records_words AFTER INSERT ON records BEGIN INSERT INTO words (rowid, message) VALUES (new.n, new.message); END;`

// pourSQLite brings its stdin into one SQLite file, each batch synced.
func pourSQLite(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "records.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(naiveSchema); err != nil {
		return errors.Join(err, db.Close())
	}
	err = newBatches(os.Stdin).each(func(raws [][]byte) error { return insertNaive(db, raws) })
	return errors.Join(err, db.Close())
}

func insertNaive(db *sql.DB, raws [][]byte) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.Prepare(`INSERT INTO records (id, ts, corr, trace, span, service, node, seq, level, message, attrs)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, raw := range raws {
		r, err := record.Decode(raw)
		if err != nil {
			return err
		}
		labels := map[string]string{}
		for _, l := range r.Labels {
			labels[l.Key] = l.Value
		}
		attrs, err := json.Marshal(labels)
		if err != nil {
			return err
		}
		_, err = insert.Exec(r.Identity(), r.Time.UnixNano(), r.CorrelationKey, r.TraceID, r.SpanID, r.Service, r.Node, r.Sequence, r.Level, r.Message, string(attrs))
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

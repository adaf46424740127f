// Package embedded is the store inside the waybill binary: one SQLite file in a
// folder that belongs to one process.
//
//	st, err := embedded.Open("waybill-data/store")
//	res, err := st.Put(ctx, entries) // on disk, synced, when it returns
//
// It needs no server and never talks to one.
package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/waybill-log/waybill/infra/lockfile"
	"github.com/waybill-log/waybill/store"
)

// schemaVersion is kept in SQLite's user_version.
const schemaVersion = 2

const schema = `
CREATE TABLE records (
	id  TEXT NOT NULL UNIQUE, -- event.id
	key TEXT NOT NULL,        -- correlation.key
	ts  INTEGER NOT NULL,     -- @timestamp, ns since 1970
	raw BLOB NOT NULL
) STRICT;
CREATE INDEX records_key ON records (key, ts, id);` + traces

// traces is what version 2 has beside version 1.
const traces = `
ALTER TABLE records ADD COLUMN trace TEXT NOT NULL DEFAULT ''; -- trace.id
CREATE INDEX records_trace ON records (trace, ts, id) WHERE trace <> '';
PRAGMA user_version = 2;`

// learnTraces reads the traces of records that version 1 stored.
const learnTraces = `UPDATE records SET trace = CAST(raw AS TEXT) ->> '$."trace.id"' WHERE CAST(raw AS TEXT) ->> '$."trace.id"' IS NOT NULL;`

// Store is an open store.
type Store struct {
	db     *sql.DB
	unlock func() error
}

// Open locks dir, creating it where needed, and opens the store in it.
func Open(dir string) (*Store, error) {
	unlock, err := lockfile.Acquire(dir)
	if err != nil {
		return nil, fmt.Errorf("open embedded store: %w", err)
	}
	s := &Store{unlock: unlock}
	if err := s.open(filepath.Join(dir, "records.db")); err != nil {
		return nil, fmt.Errorf("open embedded store in %s: %w", dir, errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Store) open(file string) error {
	// WAL with synchronous=FULL: a commit is on disk when it returns.
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	s.db = db
	var version int
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
		_, err := db.Exec("BEGIN; " + schema + "COMMIT;")
		return err
	case 1:
		_, err := db.Exec("BEGIN IMMEDIATE; " + traces + learnTraces + "COMMIT;")
		return err
	default:
		return fmt.Errorf("its schema is version %d, this binary knows version %d", version, schemaVersion)
	}
}

// Put implements store.Writer. One call is one transaction.
func (s *Store) Put(ctx context.Context, entries []store.Entry) (store.Result, error) {
	res, err := s.put(ctx, entries)
	if err == nil {
		return res, nil
	}
	res = store.Result{Unsettled: make([]int, len(entries))} // nothing of it is there
	for i := range entries {
		res.Unsettled[i] = i
	}
	if ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return res, err
}

func (s *Store) put(ctx context.Context, entries []store.Entry) (store.Result, error) {
	var res store.Result
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return res, err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, "INSERT INTO records (id, key, ts, raw, trace) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING")
	if err != nil {
		return res, err
	}
	defer insert.Close()
	for i, e := range entries {
		done, err := insert.ExecContext(ctx, e.ID, e.Key, e.Time.UnixNano(), e.Raw, e.Trace)
		if err != nil {
			return store.Result{}, err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return store.Result{}, err
		}
		if n == 1 {
			res.Stored++
			continue
		}
		var same bool
		if err := tx.QueryRowContext(ctx, "SELECT raw = ? FROM records WHERE id = ?", e.Raw, e.ID).Scan(&same); err != nil {
			return store.Result{}, err
		}
		if same {
			res.Present++
		} else {
			res.Rejected = append(res.Rejected, store.Rejection{Index: i, Reason: store.Conflict})
		}
	}
	return res, tx.Commit()
}

// ByKey implements store.Reader.
func (s *Store) ByKey(ctx context.Context, key string, limit int) (entries []store.Entry, more bool, err error) {
	return s.earliest(ctx, "key = ?", key, limit)
}

// ByTrace implements store.Reader.
func (s *Store) ByTrace(ctx context.Context, traces []string, limit int) (entries []store.Entry, more bool, err error) {
	list, err := json.Marshal(traces)
	if err != nil {
		return nil, false, fmt.Errorf("read records of traces: %w", err)
	}
	return s.earliest(ctx, "trace <> '' AND trace IN (SELECT value FROM json_each(?))", string(list), limit)
}

// earliest returns the first records that match, ordered by time, then ID.
func (s *Store) earliest(ctx context.Context, where, value string, limit int) (entries []store.Entry, more bool, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, key, ts, raw, trace FROM records WHERE "+where+" ORDER BY ts, id LIMIT ?", value, limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	for rows.Next() {
		var e store.Entry
		var ns int64
		if err := rows.Scan(&e.ID, &e.Key, &ns, &e.Raw, &e.Trace); err != nil {
			return nil, false, fmt.Errorf("read record: %w", err)
		}
		e.Time = time.Unix(0, ns).UTC()
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if len(entries) > limit {
		return entries[:limit], true, nil
	}
	return entries, false, nil
}

// Held implements store.Reader. A record's ID is its instance's name, a dash and
// its number; '.' is the character after the dash.
func (s *Store) Held(ctx context.Context, node string, last uint64) (n int64, lowest uint64, err error) {
	const held = `SELECT count(*), coalesce(min(number), 0) FROM (
		SELECT CAST(substr(id, length(?1) + 2) AS INTEGER) AS number FROM records WHERE id > ?1 || '-' AND id < ?1 || '.'
	) WHERE number BETWEEN 1 AND ?2`
	if err := s.db.QueryRowContext(ctx, held, node, int64(min(last, math.MaxInt64))).Scan(&n, &lowest); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return n, lowest, nil
}

// Count implements store.Reader.
func (s *Store) Count(ctx context.Context) (n int64, err error) {
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM records").Scan(&n); err != nil {
		return 0, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return n, nil
}

// Lag implements store.Reader: what is committed is read.
func (s *Store) Lag() time.Duration { return 0 }

// Ready implements store.Store.
func (s *Store) Ready(ctx context.Context) error { return s.db.PingContext(ctx) }

// Close closes the file and unlocks the folder.
func (s *Store) Close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	return errors.Join(err, s.unlock())
}

var _ store.Store = (*Store)(nil)

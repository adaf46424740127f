package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/waybill-log/waybill/store"
)

// summariesVersion is a file of summaries' user_version.
const summariesVersion = 2

// summaryFile holds the summaries of one day.
type summaryFile struct {
	of    day
	path  string
	db    *sql.DB
	write sync.Mutex // held by the one writer
}

// A summary is in about, without its State. The other columns are what it is found by.
// Numbers grow with time, so that journeys of one time lie on the same pages.
const summariesSchema = `
CREATE TABLE summaries (
	number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, revision INTEGER NOT NULL,
	partition INTEGER NOT NULL, due INTEGER NOT NULL, key TEXT NOT NULL, start INTEGER NOT NULL,
	verdict TEXT NOT NULL, kind TEXT NOT NULL, release TEXT NOT NULL, services TEXT NOT NULL,
	failed INTEGER NOT NULL, part INTEGER NOT NULL, about BLOB NOT NULL, state BLOB NOT NULL,
	took INTEGER NOT NULL, completeness TEXT NOT NULL, aliases TEXT NOT NULL, reversed TEXT NOT NULL
) STRICT;
CREATE TABLE traces (trace TEXT NOT NULL, summary INTEGER NOT NULL, PRIMARY KEY (trace, summary)) STRICT, WITHOUT ROWID;
CREATE INDEX starts ON summaries (start DESC, id, verdict, failed) WHERE part = 0;
CREATE INDEX dues ON summaries (partition, id, due) WHERE due > -9223372036854775808;` + namesSchema

// What IDs are looked up in. Keys lie with what orders those that begin alike.
const namesSchema = `
CREATE TABLE aliases (alias TEXT NOT NULL, summary INTEGER NOT NULL, PRIMARY KEY (alias, summary)) STRICT, WITHOUT ROWID;
CREATE INDEX keys ON summaries (key, start, id);
CREATE INDEX ends ON summaries (reversed, start, id);`

// unset stands for the time that is zero.
const unset = math.MinInt64

// nanos counts from 1970. What is too far from it for that is as far as can be.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return unset
	case t.Before(time.Unix(0, unset+1)):
		return unset + 1
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// openSummaryFile opens a file, or creates it. It can be removed after an error.
func openSummaryFile(dir string, d day, number uint64) (*summaryFile, error) {
	f := &summaryFile{of: d, path: filepath.Join(dir, fileName(d, number, summariesSuffix))}
	// A WAL that is synced now and then: a killed process loses nothing, and what a power
	// cut takes is folded again from records, which are synced.
	db, err := sql.Open("sqlite", "file:"+f.path+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=cache_size(-4096)&_pragma=wal_autocheckpoint(2048)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetConnMaxIdleTime(time.Minute) // most days are hardly asked for
	f.db = db
	version, err := readVersion(db, summariesVersion)
	if err == nil && version == 0 {
		_, err = db.Exec("BEGIN IMMEDIATE;" + summariesSchema + markVersion(summariesVersion) + "COMMIT;")
	}
	if err == nil && version == 1 {
		err = f.migrate()
	}
	if err != nil {
		return f, fmt.Errorf("%s: %w", filepath.Base(f.path), damage(err))
	}
	return f, nil
}

// put writes some of a batch, all or none, and fills in their revisions.
func (f *summaryFile) put(ctx context.Context, batch []store.Summary, some []int, revisions []store.Revision) error {
	f.write.Lock()
	defer f.write.Unlock()
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return damage(err)
	}
	defer func() { _ = tx.Rollback() }()
	w, err := newSummaryWriter(ctx, tx)
	if err != nil {
		return damage(err)
	}
	written := make([]store.Revision, len(some))
	for n, i := range some {
		if written[n], err = w.put(ctx, &batch[i]); err != nil {
			return damage(err)
		}
	}
	if err := tx.Commit(); err != nil {
		return damage(err)
	}
	for n, i := range some {
		revisions[i] = written[n]
	}
	return nil
}

// summaryWriter is the statements of one transaction, which closes them.
type summaryWriter struct {
	held, write, trace, alias *sql.Stmt
}

func newSummaryWriter(ctx context.Context, tx *sql.Tx) (w summaryWriter, err error) {
	var errs [4]error
	w.held, errs[0] = tx.PrepareContext(ctx, "SELECT revision FROM summaries WHERE id = ?")
	w.write, errs[1] = tx.PrepareContext(ctx, `
		INSERT INTO summaries (id, revision, partition, due, key, start, verdict, kind, release, services, failed, part, about, state, took, completeness, aliases, reversed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET
			revision = excluded.revision, partition = excluded.partition, due = excluded.due, start = excluded.start,
			verdict = excluded.verdict, kind = excluded.kind, release = excluded.release, services = excluded.services,
			failed = excluded.failed, part = excluded.part, about = excluded.about, state = excluded.state,
			took = excluded.took, completeness = excluded.completeness, aliases = excluded.aliases
		RETURNING number`)
	w.trace, errs[2] = tx.PrepareContext(ctx, "INSERT OR IGNORE INTO traces SELECT value, ? FROM json_each(?)")
	w.alias, errs[3] = tx.PrepareContext(ctx, insertAliases)
	return w, errors.Join(errs[:]...)
}

const insertAliases = "INSERT OR IGNORE INTO aliases SELECT value, ? FROM json_each(?)"

// put returns a summary's new revision, or the zero one where it is stale.
func (w *summaryWriter) put(ctx context.Context, sum *store.Summary) (store.Revision, error) {
	var held store.Revision
	err := w.held.QueryRowContext(ctx, sum.ID[:]).Scan(&held.Number)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return store.Revision{}, err
	}
	if held != sum.Revision {
		return store.Revision{}, nil
	}
	// No revision is ever given again, though the file is dropped and made anew.
	now := store.Revision{Number: max(held.Number+1, time.Now().UnixNano())}
	about := *sum
	about.State = nil
	text, err := json.Marshal(about)
	if err != nil {
		return store.Revision{}, err
	}
	salt, number := uint64(now.Number), int64(0)
	err = w.write.QueryRowContext(ctx,
		sum.ID[:], now.Number, sum.Partition, nanos(sum.Check), sum.Key, nanos(sum.Start), sum.Verdict, sum.Kind, sum.Release, list(sum.Services),
		sum.Failed, sum.PartOf != "", seal(text, salt), seal(sum.State, salt),
		int64(sum.Took()), sum.Completeness, list(sum.Aliases), store.Reversed(sum.Key),
	).Scan(&number)
	if err == nil && len(sum.Traces) > 0 {
		_, err = w.trace.ExecContext(ctx, number, list(sum.Traces))
	}
	if err == nil && len(sum.Aliases) > 0 {
		_, err = w.alias.ExecContext(ctx, number, list(sum.Aliases))
	}
	return now, err
}

// list is what json_each reads.
func list(values []string) string {
	text, _ := json.Marshal(values) // texts always can be
	return string(text)
}

// collect appends the summaries that a condition finds.
func (f *summaryFile) collect(ctx context.Context, found *[]store.Summary, where string, args ...any) error {
	var all []store.Summary
	if err := f.each(ctx, func(sum store.Summary) { all = append(all, sum) }, where, args...); err != nil {
		return err
	}
	*found = append(*found, all...)
	return nil
}

// each visits the summaries that a condition finds.
func (f *summaryFile) each(ctx context.Context, visit func(store.Summary), where string, args ...any) error {
	return f.eachOf(ctx, scanSummary, visit, "SELECT revision, about, state FROM summaries WHERE "+where, args...)
}

func (f *summaryFile) eachOf(ctx context.Context, scan func(*sql.Rows) (store.Summary, error), visit func(store.Summary), query string, args ...any) error {
	rows, err := f.db.QueryContext(ctx, query, args...)
	if err != nil {
		return damage(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		sum, err := scan(rows)
		if err != nil {
			return fmt.Errorf("%s: %w: %w", filepath.Base(f.path), errCorrupt, err)
		}
		visit(sum)
	}
	return damage(rows.Err())
}

func scanSummary(rows *sql.Rows) (sum store.Summary, err error) {
	var revision int64
	var about, state []byte
	if err := rows.Scan(&revision, &about, &state); err != nil {
		return store.Summary{}, err
	}
	if sum, err = unsealAbout(about, revision); err == nil {
		sum.State, err = unseal(state, uint64(revision))
	}
	return sum, err
}

// scanAbout reads a summary without its State.
func scanAbout(rows *sql.Rows) (store.Summary, error) {
	var revision int64
	var about []byte
	if err := rows.Scan(&revision, &about); err != nil {
		return store.Summary{}, err
	}
	return unsealAbout(about, revision)
}

func unsealAbout(about []byte, revision int64) (sum store.Summary, err error) {
	text, err := unseal(about, uint64(revision))
	if err == nil {
		err = json.Unmarshal(text, &sum)
	}
	sum.Revision = store.Revision{Number: revision}
	return sum, err
}

// pendingPage is how many summaries to be checked are read at a time.
const pendingPage = 10_000

// pending is a summary to be checked.
type pending struct {
	ref store.SummaryRef
	due time.Time
}

// pending returns a page of a partition's, by ID.
func (f *summaryFile) pending(ctx context.Context, partition int32, after store.SummaryID) ([]pending, error) {
	rows, err := f.db.QueryContext(ctx, `SELECT id, due FROM summaries INDEXED BY dues
		WHERE partition = ? AND id > ? AND due > -9223372036854775808 ORDER BY id LIMIT ?`, partition, after[:], pendingPage)
	if err != nil {
		return nil, damage(err)
	}
	defer func() { _ = rows.Close() }()
	page, id := make([]pending, 0, pendingPage), sql.RawBytes{}
	for rows.Next() {
		p, due := pending{ref: store.SummaryRef{Day: f.start()}}, int64(0)
		if err := rows.Scan(&id, &due); err != nil || copy(p.ref.ID[:], id) < len(p.ref.ID) {
			return nil, fmt.Errorf("%s: %w: %w", filepath.Base(f.path), errCorrupt, err)
		}
		p.due = time.Unix(0, due).UTC()
		page = append(page, p)
	}
	return page, damage(rows.Err())
}

// find appends what a query asks for, at most one more than its limit.
func (f *summaryFile) find(ctx context.Context, found *[]store.Summary, q *store.SummaryQuery) error {
	var args []any
	where := []string{"part = 0"}
	when := func(asked bool, condition string, values ...any) {
		if asked {
			where, args = append(where, condition), append(args, values...)
		}
	}
	when(len(q.Keys) > 0, "number IN (SELECT number FROM summaries INDEXED BY keys WHERE key IN (SELECT value FROM json_each(?)))", list(q.Keys))
	when(len(q.Verdicts) > 0, "verdict IN (SELECT value FROM json_each(?))", list(q.Verdicts))
	when(len(q.Completeness) > 0, "completeness IN (SELECT value FROM json_each(?))", list(q.Completeness))
	when(q.Kind != "", "kind = ?", q.Kind)
	when(q.Release != "", "release = ?", q.Release)
	for _, service := range q.Visited {
		when(true, "EXISTS (SELECT 1 FROM json_each(services) WHERE value = ?)", service)
	}
	when(q.Failed, "failed = 1")
	when(q.Longer > 0, "took >= ?", int64(q.Longer))
	when(q.Shorter > 0, "took <= ?", int64(q.Shorter))
	when(!q.From.IsZero(), "start >= ?", nanos(q.From))
	when(!q.Until.IsZero(), "start < ?", nanos(q.Until))
	if after := nanos(q.After.Start); !q.After.IsZero() {
		when(true, "start <= ? AND (start < ? OR id > ? OR id = ? AND ?)", after, after, q.After.ID[:], q.After.ID[:], f.start().Before(q.After.Day))
	}
	return f.collect(ctx, found, strings.Join(where, " AND ")+" ORDER BY start DESC, id LIMIT ?", append(args, q.Limit+1)...)
}

func (f *summaryFile) start() time.Time { return time.Unix(0, f.of.start()).UTC() }

// size is how many bytes the file takes on disk.
func (f *summaryFile) size() (sum int64) {
	for _, path := range []string{f.path, f.path + "-wal"} {
		if info, err := os.Stat(path); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// remove deletes the file. Nobody uses it.
func (f *summaryFile) remove() error {
	_ = f.db.Close() // whatever it says, nobody misses it
	return errors.Join(f.removeLog(), remove(f.path))
}

func (f *summaryFile) removeLog() error {
	return errors.Join(remove(f.path+"-wal"), remove(f.path+"-shm"))
}

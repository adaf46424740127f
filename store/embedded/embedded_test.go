package embedded_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
	"github.com/waybill-log/waybill/store/storetest"
)

func open(t *testing.T, dir string) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	for name, records := range map[string]int{"hot": 0, "mostly sealed": 8} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store {
				s, err := embedded.Open(embedded.Config{Dir: t.TempDir(), SegmentRecords: records})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				return s
			})
		})
	}
}

func TestRecordsSurviveClosing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Put(t.Context(), []store.Entry{storetest.Entry(t, "a", "n", 1)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	if n, err := s.Count(t.Context()); n != 1 || err != nil {
		t.Errorf("count %d, %v", n, err)
	}
}

func TestAClosedStoreSaysSo(t *testing.T) {
	s := open(t, t.TempDir())
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, put := s.Put(t.Context(), []store.Entry{storetest.Entry(t, "a", "n", 1)})
	_, _, byKey := s.ByKey(t.Context(), "a", 1)
	_, _, held := s.Held(t.Context(), "n", 1)
	_, count := s.Count(t.Context())
	_, search := s.Search(t.Context(), store.Query{Limit: 1})
	_, fold := s.PutSummaries(t.Context(), summariesFrom(0, 1, 0))
	_, load := s.LoadSummaries(t.Context(), refsOf(summariesFrom(0, 1, 0)))
	_, of := s.SummariesOf(t.Context(), "a", nil)
	_, _, find := s.FindSummaries(t.Context(), store.SummaryQuery{Limit: 1})
	_, _, lookup := s.Lookup(t.Context(), store.Lookup{Alias: "A", Limit: 1})
	pending := s.PendingSummaries(t.Context(), 0, nil)
	for _, err := range []error{put, byKey, held, count, search, fold, load, of, find, lookup, pending} {
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "closed") {
			t.Errorf("got %v", err)
		}
	}
}

func TestOneProcessOneFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := embedded.Open(embedded.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("got %v", err)
	}
}

func TestAnotherVersionIsRefused(t *testing.T) {
	for name, kind := range map[string]string{"hot": ".hot", "sealed": ".sealed", "summaries": ".summaries", "old": "records.db"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			if _, err := s.Put(t.Context(), []store.Entry{storetest.Entry(t, "a", "n", 1)}); err != nil {
				t.Fatal(err)
			}
			putSummaries(t, s, summariesFrom(0, 1, 0))
			if name == "sealed" {
				if err := s.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			s.Close()
			path := filepath.Join(dir, "records.db")
			if name != "old" {
				path = files(t, dir, kind)[0]
			}
			set := func(version int) (before int) {
				db, err := sql.Open("sqlite", path)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if err := db.QueryRow("PRAGMA user_version").Scan(&before); err != nil {
					t.Fatal(err)
				}
				if _, err := db.Exec(fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", version, 0x5762_0000+version)); err != nil {
					t.Fatal(err)
				}
				return before
			}
			was := set(99)
			if _, err := embedded.Open(embedded.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "version 99") {
				t.Errorf("got %v", err)
			}
			if name == "old" {
				os.Remove(path)
			} else {
				set(was)
			}
			s = open(t, dir) // the refusal left the folder unlocked, and all as it was
			defer s.Close()
			if n, err := s.Count(t.Context()); n != 1 || err != nil {
				t.Errorf("count %d, %v", n, err)
			}
		})
	}
}

// files lists those of a folder that end so.
func files(t *testing.T, dir, suffix string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Version 1 had no column for traces.
func TestAStoreOfVersion1IsBroughtUpToDate(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE records (id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, ts INTEGER NOT NULL, raw BLOB NOT NULL) STRICT;
		CREATE INDEX records_key ON records (key, ts, id);
		PRAGMA user_version = 1;`); err != nil {
		t.Fatal(err)
	}
	trace := strings.Repeat("ab", 16)
	for n, r := range []record.Record{{TraceID: trace, CorrelationID: "a"}, {CorrelationID: "a"}} {
		r.Time, r.Node, r.Sequence, r.Message = time.Unix(1e9, 0).UTC(), "n", uint64(n+1), "\x00 \"trace.id\":"
		if _, err := db.Exec("INSERT INTO records VALUES (?, ?, ?, ?)", r.Identity(), "a", r.Time.UnixNano(), record.Append(nil, &r)); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	for range 2 { // the second time it is up to date
		s := open(t, dir)
		got, _, err := s.ByTrace(t.Context(), []string{trace}, 10)
		if err != nil || len(got) != 1 || got[0].ID != "n-1" || got[0].Trace != trace {
			t.Errorf("%+v, %v", got, err)
		}
		if got, _, err := s.ByKey(t.Context(), "a", 10); err != nil || len(got) != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		s.Close()
	}
}

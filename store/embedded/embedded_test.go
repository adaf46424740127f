package embedded_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
	"github.com/waybill-log/waybill/store/storetest"
)

func open(t *testing.T, dir string) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s := open(t, t.TempDir())
		t.Cleanup(func() { s.Close() })
		return s
	})
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

func TestOneProcessOneFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := embedded.Open(dir); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("got %v", err)
	}
}

func TestAnotherSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	db, err := sql.Open("sqlite", filepath.Join(dir, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := embedded.Open(dir); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("got %v", err)
	}
	db, _ = sql.Open("sqlite", filepath.Join(dir, "records.db"))
	db.Exec("PRAGMA user_version = 1")
	db.Close()
	open(t, dir).Close() // the refusal left the folder unlocked
}

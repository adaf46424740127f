package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
	"github.com/waybill-log/waybill/store/storetest"
)

// All that can be done with a store's folder, while this process has it open and after.
func TestTheEmbeddedStoreIsLookedAfter(t *testing.T) {
	data := t.TempDir()
	st, err := embedded.Open(embedded.Config{Dir: filepath.Join(data, "store")})
	if err != nil {
		t.Fatal(err)
	}
	var entries []store.Entry
	for n := range uint64(1000) {
		entries = append(entries, storetest.Entry(t, "a", "n", n+1))
	}
	put := func(some []store.Entry) {
		t.Helper()
		if _, err := st.Put(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	run := func(code int, says string, args ...string) {
		t.Helper()
		r := once(t, nil, append(args, "--data", data)...)
		if r.code != code || !strings.Contains(r.stdout+r.stderr, says) {
			t.Errorf("waybill %s: code %d, want %d and %q:\n%s%s", strings.Join(args, " "), r.code, code, says, r.stdout, r.stderr)
		}
	}
	put(entries[:600])
	if err := st.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(entries[600:])
	backup := filepath.Join(t.TempDir(), "backup")
	run(exitOK, "1000", "store", "stats")
	run(exitOK, "2 files are whole, with 1000 records", "store", "check")
	run(exitOK, "2 files are in "+backup, "store", "backup", backup)
	run(exitFailed, "is not empty", "store", "backup", backup)
	run(exitFailed, "in use by process", "store", "compact")
	st.Close()

	run(exitOK, "sealed  1000", "store", "compact")
	run(exitOK, "1 files are whole, with 1000 records", "store", "check")
	sealed, _ := filepath.Glob(filepath.Join(data, "store", "*.sealed"))
	whole, err := os.ReadFile(sealed[0])
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	os.WriteFile(sealed[0], damaged, 0o600)
	run(exitFailed, "is damaged", "store", "check")
	os.WriteFile(sealed[0], whole, 0o600)
	run(exitOK, "WOULD BE DROPPED", "store", "prune", "--retention", "30d", "--dry-run")

	if st, err = embedded.Open(embedded.Config{Dir: backup}); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if got, _, err := st.ByKey(t.Context(), "a", 2000); err != nil || len(got) != 1000 {
		t.Errorf("the backup has %d records, %v", len(got), err)
	}
}

package embedded_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

// summaryOf makes the n-th of many, of a day after midnight's.
func summaryOf(n, day int) store.Summary {
	at := midnight.AddDate(0, 0, day)
	sum := store.Summary{
		SummaryRef: store.SummaryRef{Day: at}, Key: fmt.Sprint("journey-", n), CorrelationID: fmt.Sprint("Journey-", n),
		Verdict: "running", Kind: "GET /", Release: "v1", Start: at.Add(time.Duration(n) * time.Second), End: at.Add(time.Hour), Check: at.Add(2 * time.Hour),
		Services: []string{"bank"}, Traces: []string{fmt.Sprintf("%032x", n)}, Aliases: []string{"A"}, State: slices.Repeat([]byte{byte(n)}, 500),
	}
	binary.BigEndian.PutUint64(sum.ID[:], uint64(n)*0x9E37_79B9_7F4A_7C15)
	return sum
}

func summariesFrom(from, to, day int) (batch []store.Summary) {
	for n := from; n < to; n++ {
		batch = append(batch, summaryOf(n, day))
	}
	return batch
}

func refsOf(batch []store.Summary) (refs []store.SummaryRef) {
	for _, sum := range batch {
		refs = append(refs, sum.SummaryRef)
	}
	return refs
}

func putSummaries(t *testing.T, s *embedded.Store, batch []store.Summary) {
	t.Helper()
	revisions, err := s.PutSummaries(t.Context(), batch)
	if err != nil || slices.Contains(revisions, store.Revision{}) {
		t.Fatalf("%v, %v", revisions, err)
	}
	for i, r := range revisions {
		batch[i].Revision = r
	}
}

func loadSummaries(t *testing.T, s *embedded.Store, refs []store.SummaryRef) []store.Summary {
	t.Helper()
	found, err := s.LoadSummaries(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestARevisionIsNotGivenAgainAfterItsDayWasDropped(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	batch := summariesFrom(0, 3, 0)
	putSummaries(t, s, batch)
	if days, err := s.Retain(t.Context(), midnight.AddDate(0, 0, 1), false); err != nil || len(days) != 1 || days[0].Name != "2026-11-01" || days[0].Bytes == 0 {
		t.Fatalf("%+v, %v", days, err)
	}
	putSummaries(t, s, summariesFrom(0, 3, 0))
	if revisions, err := s.PutSummaries(t.Context(), batch); err != nil || !reflect.DeepEqual(revisions, make([]store.Revision, 3)) {
		t.Errorf("over revisions of a file that was dropped: %v, %v", revisions, err)
	}
}

// A bit is changed anywhere in a file. What comes back is what was put, or nothing;
// and whatever is missing can be put again.
func TestDamagedSummariesAreSetAside(t *testing.T) {
	asides := 0
	flips := size(20, 1000)
	for range flips {
		dir := t.TempDir()
		s := open(t, dir)
		batch := append(summariesFrom(0, 60, 0), summariesFrom(0, 5, 1)...)
		putSummaries(t, s, batch)
		s.Close()
		path := files(t, dir, ".summaries")[0]
		at := flip(t, path)
		s = open(t, dir)
		check := func(found []store.Summary, err error) (there map[store.SummaryRef]bool) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			there = map[store.SummaryRef]bool{}
			for _, sum := range found {
				there[sum.SummaryRef] = true
				if !slices.ContainsFunc(batch, func(put store.Summary) bool { return reflect.DeepEqual(put, sum) }) {
					t.Fatalf("%s: came back as %+v", at, sum)
				}
			}
			return there
		}
		page, _, err := s.FindSummaries(t.Context(), store.SummaryQuery{Limit: 100})
		check(page, err)
		check(s.SummariesOf(t.Context(), "journey-1", []string{fmt.Sprintf("%032x", 7)}))
		if err := s.PendingSummaries(t.Context(), 0, func(store.SummaryRef, time.Time) bool { return true }); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		there := check(s.LoadSummaries(t.Context(), refsOf(batch)))
		var missing []store.Summary
		for _, sum := range batch {
			if !there[sum.SummaryRef] {
				sum.Revision = store.Revision{}
				missing = append(missing, sum)
			}
		}
		if _, err := s.PutSummaries(t.Context(), missing); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if aside := files(t, dir, ".corrupt"); len(aside) > 0 {
			asides++
			if aside[0] != path+".corrupt" {
				t.Errorf("%v was set aside, not %s", aside, path)
			}
		} else if len(page) < len(batch)-1 {
			t.Logf("%s: %d of %d are found, and nothing is set aside", at, len(page), len(batch))
		}
		s.Close()
	}
	if asides == 0 {
		t.Error("no change was ever noticed")
	}
	t.Logf("%d bits changed, %d files set aside", flips, asides)
}

const foldDir = "WAYBILL_TEST_SUMMARIES"

// fold writes ten summaries again and again, and tells how often.
func fold(dir string) error {
	s, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	batch, err := s.LoadSummaries(context.Background(), refsOf(summariesFrom(0, 10, 0)))
	if err != nil {
		return err
	}
	if len(batch) == 0 {
		batch = summariesFrom(0, 10, 0)
	}
	for {
		for i := range batch {
			batch[i].OpenHops++
		}
		revisions, err := s.PutSummaries(context.Background(), batch)
		if err != nil {
			return err
		}
		for i, r := range revisions {
			if r.IsZero() {
				return fmt.Errorf("%+v is stale", batch[i])
			}
			batch[i].Revision = r
		}
		fmt.Println("acknowledged", batch[0].OpenHops)
	}
}

func TestKilledAtAnyMomentSummariesAreAsTheyWereAcknowledged(t *testing.T) {
	dir := t.TempDir()
	acknowledged := 0
	for range size(5, 100) {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), foldDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		left := 1 + rand.N(100)
		for lines := bufio.NewScanner(out); lines.Scan(); left-- {
			if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d", &acknowledged); err != nil {
				t.Fatal(lines.Text())
			}
			if left == 0 {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		s := open(t, dir)
		found := loadSummaries(t, s, refsOf(summariesFrom(0, 10, 0)))
		if len(found) != 10 {
			t.Fatalf("%d summaries, want 10", len(found))
		}
		for _, sum := range found {
			if sum.OpenHops != found[0].OpenHops || sum.OpenHops < acknowledged {
				t.Fatalf("written %d times, and another one %d times; %d were acknowledged", sum.OpenHops, found[0].OpenHops, acknowledged)
			}
		}
		s.Close()
	}
	clean(t, dir)
}

func TestACopyHasTheSummaries(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	s := open(t, dir)
	defer s.Close()
	batch := append(summariesFrom(0, 100, 0), summariesFrom(0, 10, 1)...)
	putSummaries(t, s, batch)
	found, err := embedded.Inspect(t.Context(), dir)
	if err != nil || len(found) != 2 || found[0].State != embedded.Summaries || found[0].Bytes == 0 || !strings.HasPrefix(found[0].Name, "2026-11-01.") {
		t.Errorf("%+v, %v", found, err)
	}
	clean(t, dir)
	if copied, err := embedded.Backup(t.Context(), dir, to); err != nil || len(copied) != 2 {
		t.Fatal(copied, err)
	}
	clean(t, to)
	restored := open(t, to)
	defer restored.Close()
	if found := loadSummaries(t, restored, refsOf(batch)); len(found) != len(batch) {
		t.Errorf("%d summaries in the copy, want %d", len(found), len(batch))
	}
	putSummaries(t, restored, batch) // over the same revisions
}

func TestCheckNoticesADamagedSummary(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	putSummaries(t, s, summariesFrom(0, 100, 0))
	s.Close()
	path := files(t, dir, ".summaries")[0]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(string(b), "\x2a\x2a\x2a\x2a") // inside a State
	b[at]++
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	noticed := 0
	err = embedded.Check(t.Context(), dir, func(f embedded.File, damage error) error {
		if damage != nil && strings.Contains(damage.Error(), f.Name) {
			noticed++
		}
		return nil
	})
	if err != nil || noticed != 1 {
		t.Errorf("%d noticed, %v", noticed, err)
	}
}

// Summaries count as records do when the store is larger than it may be, and go after those of their day.
func TestSummariesGoWithTheirRecords(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 500, MaxBytes: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []store.SummaryRef
	for day := range 5 {
		batch := summariesFrom(0, 1000, day) // 1.3 MB
		putSummaries(t, s, batch)
		all = append(all, batch[0].SummaryRef)
		if _, err := s.Put(t.Context(), scans(3000*day, 3000*(day+1))); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		found := loadSummaries(t, s, all)
		if len(found) == 1 && found[0].SummaryRef == all[4] {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("summaries of %d days are left, want the last one's", len(found))
		}
	}
}

// A file of version 1 had less to be found by.
func TestOlderSummariesAreBroughtUpToDate(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	batch := append(summariesFrom(0, 50, 0), summariesFrom(0, 50, 1)...)
	for i := range batch {
		batch[i].Completeness = []string{"proved", "lossy"}[i%2]
	}
	putSummaries(t, s, batch)
	s.Close()
	for _, path := range files(t, dir, ".summaries") {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Exec(`DROP INDEX keys; DROP INDEX ends; DROP TABLE aliases; CREATE INDEX keys ON summaries (key);
			ALTER TABLE summaries DROP COLUMN took; ALTER TABLE summaries DROP COLUMN completeness;
			ALTER TABLE summaries DROP COLUMN aliases; ALTER TABLE summaries DROP COLUMN reversed;
			PRAGMA user_version = 1; PRAGMA application_id = 0x57620001;`)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	clean(t, dir)
	for range 2 {
		s = open(t, dir)
		if found := loadSummaries(t, s, refsOf(batch)); len(found) != len(batch) {
			t.Errorf("%d are there, want %d", len(found), len(batch))
		}
		for _, l := range []store.Lookup{{Prefix: "journey-49"}, {Suffix: "ney-49"}} {
			l.Limit = 10
			if found, _, err := s.Lookup(t.Context(), l); err != nil || len(found) != 2 {
				t.Errorf("%+v finds %d, %v", l, len(found), err)
			}
		}
		if found, more, err := s.Lookup(t.Context(), store.Lookup{Alias: "A", Limit: 99}); err != nil || len(found) != 99 || !more {
			t.Errorf("the alias finds %d, %v, %v", len(found), more, err)
		}
		if page, _, err := s.FindSummaries(t.Context(), store.SummaryQuery{Completeness: []string{"lossy"}, Longer: time.Hour - 9*time.Second, Limit: 100}); err != nil || len(page) != 10 {
			t.Errorf("%d took so long, %v", len(page), err)
		}
		s.Close()
	}
	clean(t, dir)
}

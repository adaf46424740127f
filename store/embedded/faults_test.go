package embedded_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
	"github.com/waybill-log/waybill/store/filter"
)

// size is n, and much more under torture.
func size(n, torture int) int {
	if os.Getenv("TORTURE") != "" {
		return torture
	}
	return n
}

var midnight = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// The n-th record: 400 journeys side by side, 3000 records a day, one in ten
// without a number, one in seven outside any journey.
func scanOf(n int) store.Entry {
	return scanAt(n, midnight.AddDate(0, 0, n/3000).Add(time.Duration(n%3000)*time.Second))
}

func scanAt(n int, at time.Time) store.Entry {
	r := record.Record{
		Time: at, Message: fmt.Sprintf("record %d of order %d 支付", n, n%400),
		Service: "bank", Level: []string{"info", "error"}[n%2], Node: fmt.Sprint("node", n%3), Sequence: uint64(n/3 + 1),
	}
	if n%10 == 0 {
		r.Node, r.Sequence, r.ID = "", 0, fmt.Sprint("foreign-", n)
	}
	if n%7 != 0 {
		r.CorrelationID = fmt.Sprint("journey-", n%400)
	}
	e, err := store.NewEntry(record.Append(nil, &r))
	if err != nil {
		panic(err)
	}
	return e
}

func scans(from, to int) (out []store.Entry) {
	for n := from; n < to; n++ {
		out = append(out, scanOf(n))
	}
	return out
}

func dayOfScan(n int) time.Time { return midnight.AddDate(0, 0, n/3000) }

// whole fails unless the store holds the records from..to, each once, and answers with them.
func whole(t *testing.T, s *embedded.Store, from, to int) {
	t.Helper()
	if n, err := s.Count(t.Context()); err != nil || n != int64(to-from) {
		t.Errorf("%d records, %v; want %d", n, err, to-from)
	}
	got := everything(t, s)
	for _, e := range scans(from, to) {
		if !bytes.Equal(got[e.ID], e.Raw) {
			t.Fatalf("%s came back as %q, want %q", e.ID, got[e.ID], e.Raw)
		}
	}
	if len(got) != to-from {
		t.Errorf("found %d, want %d", len(got), to-from)
	}
}

// everything is what a store finds, by event.id.
func everything(t *testing.T, s *embedded.Store) map[string][]byte {
	t.Helper()
	got := map[string][]byte{}
	for q := (store.Query{Limit: store.MaxLimit}); ; {
		page, err := s.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if got[e.ID] != nil {
				t.Errorf("%s is there twice", e.ID)
			}
			got[e.ID] = e.Raw
		}
		if q.After = page.Next; q.After.IsZero() {
			return got
		}
	}
}

// clean fails unless nothing in the folder is damaged.
func clean(t *testing.T, dir string) (files int) {
	t.Helper()
	err := embedded.Check(t.Context(), dir, func(f embedded.File, damage error) error {
		if damage != nil || f.State == embedded.SetAside {
			t.Errorf("%s (%s): %v", f.Name, f.State, damage)
		}
		files++
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return files
}

const childDir = "WAYBILL_TEST_STORE"

// TestMain plays the process that is killed.
func TestMain(m *testing.M) {
	for name, play := range map[string]func(dir string) error{childDir: ingest, foldDir: fold} {
		if dir := os.Getenv(name); dir != "" {
			if err := play(dir); err != nil {
				fmt.Println("failed", err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

// ingest stores records from the number on stdin on, tells of each batch when it is
// acknowledged, and drops days as it goes.
func ingest(dir string) error {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	next, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 1000})
	if err != nil {
		return err
	}
	for batch := 0; ; batch++ {
		n := 1 + rand.N(200)
		if _, err := s.Put(context.Background(), scans(next, next+n)); err != nil {
			return err
		}
		next += n
		fmt.Println("acknowledged", next)
		switch {
		case batch%50 == 49:
			if _, err := s.Retain(context.Background(), dayOfScan(next).AddDate(0, 0, -keptDays), false); err != nil {
				return err
			}
		case batch%80 == 79:
			if err := s.Compact(context.Background()); err != nil {
				return err
			}
		}
	}
}

const keptDays = 3

// ingestKilled runs ingest in a process that is killed in the batch that follows so
// many, when wait returns.
func ingestKilled(t *testing.T, dir string, from, batches int, wait func()) (acknowledged int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stdin = strings.NewReader(fmt.Sprintln(from))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		text, n, _ := strings.Cut(lines.Text(), " ")
		if text != "acknowledged" {
			t.Fatal(lines.Text())
		}
		acknowledged, _ = strconv.Atoi(n)
		if batches--; batches == 0 {
			wait()
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	return acknowledged
}

// A process is killed in the middle of writing, sealing, joining and dropping, again
// and again. Nothing that was acknowledged is lost, and what is sent again after
// that is there once.
func TestKilledAtAnyMomentNothingIsLostOrDoubled(t *testing.T) {
	dir := t.TempDir()
	acknowledged, kills := 0, size(6, 100)
	for range kills {
		acknowledged = ingestKilled(t, dir, acknowledged, 1+rand.N(size(60, 150)), func() { time.Sleep(rand.N(3 * time.Millisecond)) })
	}
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	floor := dayOfScan(acknowledged).AddDate(0, 0, -keptDays)
	if _, err := s.Retain(t.Context(), floor, false); err != nil {
		t.Fatal(err)
	}
	first := max(0, 3000*int(floor.Sub(midnight)/(24*time.Hour)))
	before, _ := s.Count(t.Context())
	if before < int64(acknowledged-first) {
		t.Errorf("%d records of %d that were acknowledged", before, acknowledged-first)
	}
	// Batches that were not acknowledged may be there; all of them are sent again.
	last := max(acknowledged, first+int(before)) + 200
	for n := first; n < last; n += 500 {
		res, err := s.Put(t.Context(), scans(n, min(n+500, last)))
		if err != nil || len(res.Rejected) > 0 {
			t.Fatal(res, err)
		}
	}
	whole(t, s, first, last)
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole(t, s, first, last)
	s.Close()
	t.Logf("%d kills, %d acknowledged, %d of them held after retention, 0 lost, 0 doubled, %d files", kills, acknowledged, last-first, clean(t, dir))
}

// A byte is changed anywhere in a file. What comes back is what was written or
// nothing; the file is set aside with its name, and sending again heals.
func TestADamagedFileIsSetAsideAndTheRestServed(t *testing.T) {
	for _, kind := range []string{".hot", ".sealed"} {
		t.Run(kind, func(t *testing.T) {
			asides := 0
			flips := size(12, 400)
			for range flips {
				asides += damage(t, kind, flip)
			}
			if asides == 0 {
				t.Error("no flip was ever noticed")
			}
			t.Logf("%d bytes changed, %d files set aside", flips, asides)
		})
	}
}

// A byte is changed in one part of each kind: numbers, terms, keys and all others.
func TestADamagedPartOfAnyKindIsNoticed(t *testing.T) {
	for kind := range 10 {
		damage(t, ".sealed", func(t *testing.T, path string) string {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var place int64
			var data []byte
			if err := db.QueryRow("SELECT place, data FROM parts WHERE place >> 32 = ? ORDER BY place LIMIT 1", kind+1).Scan(&place, &data); err != nil {
				t.Fatalf("parts of kind %d: %v", kind+1, err)
			}
			data[rand.N(len(data))]++
			if _, err := db.Exec("UPDATE parts SET data = ? WHERE place = ?", data, place); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint("part ", kind+1)
		})
	}
}

func TestCompactSetsADamagedFileAside(t *testing.T) {
	dir := t.TempDir()
	for _, from := range []int{0, 400, 800} { // no two fit into a segment
		s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 500})
		if err != nil {
			t.Fatal(err)
		}
		if res, err := s.Put(t.Context(), scans(from, from+400)); err != nil || res.Stored != 400 {
			t.Fatal(res, err)
		}
		if err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	small := files(t, dir, ".sealed")
	if len(small) != 3 {
		t.Fatalf("%d small files, want 3", len(small))
	}
	db, err := sql.Open("sqlite", small[1])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE parts SET data = zeroblob(length(data)) WHERE place >> 32 = 1"); err != nil {
		t.Fatal(err)
	}
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 2000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Compact(t.Context()); err != nil {
		t.Error(err)
	}
	if aside := files(t, dir, ".corrupt"); len(aside) != 1 || !strings.HasPrefix(aside[0], small[1]) {
		t.Errorf("%v was set aside, want %s", aside, small[1])
	}
	if left := files(t, dir, ".sealed"); len(left) != 1 {
		t.Errorf("%d files after joining, want 1", len(left))
	}
	if found := everything(t, s); len(found) != 800 {
		t.Errorf("%d records left, want 800", len(found))
	}
}

// flip changes a bit anywhere, and says where.
func flip(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := rand.N(len(b))
	b[at] ^= 1 << rand.N(8)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("byte %d of %d", at, len(b))
}

func damage(t *testing.T, kind string, change func(t *testing.T, path string) string) (asides int) {
	dir := t.TempDir()
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 500})
	if err != nil {
		t.Fatal(err)
	}
	put := func(from, to int, into *embedded.Store) (stored int) {
		t.Helper()
		res, err := into.Put(t.Context(), scans(from, to))
		if err != nil || len(res.Rejected) > 0 {
			t.Fatal(res, err)
		}
		return res.Stored
	}
	put(0, 400, s)
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(3000, 3300, s) // the day after
	put(3300, 3400, s)
	s.Close()
	path := files(t, dir, kind)[0]
	at := change(t, path)
	s, err = embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 500})
	if err != nil {
		t.Fatalf("%s of %s: %v", at, kind, err)
	}
	defer s.Close()
	right := map[string][]byte{}
	for _, e := range append(scans(0, 400), scans(3000, 3400)...) {
		right[e.ID] = e.Raw
	}
	found := map[string]bool{}
	ask := func(entries []store.Entry, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s of %s: %v", at, kind, err)
		}
		for _, e := range entries {
			if !bytes.Equal(right[e.ID], e.Raw) {
				t.Fatalf("%s of %s: %s came back as %q", at, kind, e.ID, e.Raw)
			}
			found[e.ID] = true
		}
	}
	for n := range 400 {
		entries, _, err := s.ByKey(t.Context(), fmt.Sprint("journey-", n), 1000)
		ask(entries, err)
	}
	page, err := s.Search(t.Context(), store.Query{Limit: 1000})
	ask(page.Entries, err)
	page, err = s.Search(t.Context(), store.Query{Limit: 1000, Filter: filter.Phrase{Field: "message", Text: "支付"}})
	ask(page.Entries, err)
	aside := files(t, dir, ".corrupt")
	other := 400 // the file that is whole
	if len(page.Entries) < other || len(aside) == 0 && len(found) != 800 {
		t.Errorf("%s of %s: %d records found, %d by a word; set aside: %v", at, kind, len(found), len(page.Entries), aside)
	}
	if len(aside) > 0 && !strings.HasPrefix(aside[0], path) {
		t.Errorf("%v was set aside, not %s", aside, path)
	}
	again := put(0, 400, s) + put(3000, 3400, s)
	if n, err := s.Count(t.Context()); n != 800 || err != nil {
		t.Errorf("%s of %s: sent again, %d records (%d new), %v", at, kind, n, again, err)
	}
	return len(aside)
}

// A process is killed in the middle of a transaction, and a byte of what would take
// that back is changed. What was acknowledged is there, or the file that held it is
// set aside.
func TestADamagedJournalLosesNothingInSilence(t *testing.T) {
	asides := 0
	flips := size(4, 100)
	for range flips {
		asides += flipJournal(t)
	}
	t.Logf("%d bytes changed, %d files set aside", flips, asides)
}

func flipJournal(t *testing.T) (asides int) {
	dir := t.TempDir()
	journal := func() string { // of a transaction that has a page at least
		for _, path := range files(t, dir, "-journal") {
			if info, err := os.Stat(path); err == nil && info.Size() > 4096 {
				return path
			}
		}
		return ""
	}
	acknowledged, path := 0, ""
	for path == "" {
		acknowledged = ingestKilled(t, dir, acknowledged, 1+rand.N(20), func() {
			for soon := time.Now().Add(time.Second); journal() == "" && time.Now().Before(soon); {
			}
		})
		path = journal()
	}
	at := flip(t, path)
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 1000})
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	defer s.Close()
	found := everything(t, s)
	aside := files(t, dir, ".corrupt")
	for _, e := range scans(0, acknowledged) {
		if found[e.ID] == nil && len(aside) == 0 {
			t.Fatalf("%s: %s is lost, and nothing is set aside", at, e.ID)
		}
	}
	last := max(acknowledged, len(found)) + 200
	if res, err := s.Put(t.Context(), scans(0, last)); err != nil || len(res.Rejected) > 0 {
		t.Fatal(res, err)
	}
	whole(t, s, 0, last)
	return len(aside)
}

// The clock of a service jumps back a day in the middle, and forward again.
func TestAClockThatJumpsBackADay(t *testing.T) {
	var stream []store.Entry
	for n := range 6000 {
		e := scanOf(n)
		if 3500 <= n && n < 4500 {
			e = scanAt(n, e.Time.AddDate(0, 0, -1))
		}
		stream = append(stream, e)
	}
	want := slices.SortedFunc(slices.Values(stream), store.Compare)
	same := func(a, b store.Entry) bool { return bytes.Equal(a.Raw, b.Raw) }
	check := func(s *embedded.Store) {
		t.Helper()
		if n, err := s.Count(t.Context()); err != nil || n != int64(len(stream)) {
			t.Errorf("%d records, %v; want %d", n, err, len(stream))
		}
		var got []store.Entry
		for q := (store.Query{Limit: 999, OldestFirst: true}); ; {
			page, err := s.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page.Entries...)
			if q.After = page.Next; q.After.IsZero() {
				break
			}
		}
		if !slices.EqualFunc(got, want, same) {
			t.Errorf("%d records by time, not the %d that were stored", len(got), len(want))
		}
		for n := range 40 {
			key := fmt.Sprint("journey-", n)
			journey, _, err := s.ByKey(t.Context(), key, 1000)
			all := slices.DeleteFunc(slices.Clone(want), func(e store.Entry) bool { return e.Key != key })
			if err != nil || !slices.EqualFunc(journey, all, same) {
				t.Errorf("%s has %d records, %v; want %d", key, len(journey), err, len(all))
			}
		}
		again := slices.Clone(stream)
		rand.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if res, err := s.Put(t.Context(), again); err != nil || res.Present != len(again) {
			t.Errorf("sent again: %+v, %v", res, err)
		}
	}
	dir := t.TempDir()
	for _, step := range []func(*embedded.Store) error{
		func(s *embedded.Store) error {
			for batch := range slices.Chunk(stream, 130) {
				if _, err := s.Put(t.Context(), batch); err != nil {
					return err
				}
			}
			return nil
		},
		func(*embedded.Store) error { return nil },
		func(s *embedded.Store) error { return s.Compact(t.Context()) },
		func(*embedded.Store) error { return nil },
	} {
		s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 700})
		if err != nil {
			t.Fatal(err)
		}
		if err := step(s); err != nil {
			t.Fatal(err)
		}
		check(s)
		s.Close()
	}
	clean(t, dir)
}

// Readers never miss a record that was acknowledged, while segments are sealed,
// joined and dropped beside them.
func TestReadersSeeEverythingWhileSegmentsAreReplaced(t *testing.T) {
	s, err := embedded.Open(embedded.Config{Dir: t.TempDir(), SegmentRecords: 300})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var next atomic.Int64
	stop := make(chan struct{})
	var readers sync.WaitGroup
	reads := atomic.Int64{}
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				upTo := int(next.Load())
				if upTo == 0 {
					continue
				}
				n := rand.N(upTo)
				want := scanOf(n)
				page, err := s.Search(t.Context(), store.Query{From: want.Time, Until: want.Time.Add(1), Limit: 10, Filter: filter.Phrase{Field: "message", Text: fmt.Sprintf("record %d", n)}})
				if err != nil || len(page.Entries) != 1 || page.Entries[0].ID != want.ID {
					t.Errorf("record %d: %v, %v", n, page.Entries, err)
					return
				}
				if want.Key != "" {
					if journey, _, err := s.ByKey(t.Context(), want.Key, 10_000); err != nil || len(journey) < (upTo-n%400)/400*6/7-1 {
						t.Errorf("%s has %d records of %d in all, %v", want.Key, len(journey), upTo, err)
						return
					}
				}
				reads.Add(1)
			}
		})
	}
	for n := 0; n < size(9000, 100_000); n += 100 {
		if _, err := s.Put(t.Context(), scans(n, n+100)); err != nil {
			t.Fatal(err)
		}
		next.Store(int64(n + 100))
		if n%3000 == 1500 {
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	readers.Wait()
	t.Logf("%d reads beside %d records", reads.Load(), next.Load())
}

// What is sent again finds its twin in a sealed segment: the same is there already,
// another content is a conflict, and a number is taken whatever else the record says.
func TestATwinIsFoundInASealedSegment(t *testing.T) {
	s, err := embedded.Open(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all := scans(0, 500)
	if _, err := s.Put(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	change := func(n int, change func(*record.Record)) store.Entry {
		r, err := record.Decode(all[n].Raw)
		if err != nil {
			t.Fatal(err)
		}
		change(&r)
		e, err := store.NewEntry(record.Append(nil, &r))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	others := []store.Entry{
		change(1, func(r *record.Record) { r.Message = "another" }),
		change(2, func(r *record.Record) { r.CorrelationID, r.CorrelationKey = "elsewhere", "" }),
		change(3, func(r *record.Record) { r.Time = r.Time.AddDate(0, 0, 1) }),
		change(7, func(r *record.Record) { r.Time = r.Time.Add(time.Hour) }), // outside any journey
		change(10, func(r *record.Record) { r.Message = "another, and it has no number" }),
	}
	res, err := s.Put(t.Context(), append(all, others...))
	if err != nil || res.Present != len(all) || len(res.Rejected) != len(others) || res.Stored != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	for i, r := range res.Rejected {
		if r.Index != len(all)+i || r.Reason != store.Conflict {
			t.Errorf("%+v", r)
		}
	}
	whole(t, s, 0, 500)
}

// Days are dropped whole, hot and sealed ones, and no other; their numbers are free again.
func TestRetentionDropsWholeDays(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Put(t.Context(), scans(0, 9000)); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), scans(9000, 9500)); err != nil {
		t.Fatal(err)
	}
	floor := dayOfScan(6000).Add(5 * time.Hour)
	for _, dry := range []bool{true, false} {
		days, err := s.Retain(t.Context(), floor, dry)
		if err != nil || len(days) != 2 || days[0].Name != "2026-11-01" || days[0].Records != 3000 || days[1].Records != 3000 || days[0].Bytes == 0 {
			t.Errorf("dry %v: %+v, %v", dry, days, err)
		}
	}
	whole(t, s, 6000, 9500)
	if n, lowest, _ := s.Held(t.Context(), "node1", 1<<40); lowest < 2000 || n > 1200 {
		t.Errorf("%d numbers of node1 are held, from %d on", n, lowest)
	}
	if days, err := s.Retain(t.Context(), dayOfScan(9500).AddDate(0, 0, 1), false); err != nil || len(days) != 2 {
		t.Errorf("%+v, %v", days, err)
	}
	if found := append(files(t, dir, ".hot"), files(t, dir, ".sealed")...); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
	if _, err := s.Put(t.Context(), scans(9000, 9100)); err != nil { // a day that was dropped can be written to
		t.Fatal(err)
	}
	whole(t, s, 9000, 9100)
}

// The oldest segments go when the store is larger than it may be.
func TestTheStoreKeepsToItsSize(t *testing.T) {
	dir := t.TempDir()
	const most = 600 << 10
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 500, MaxBytes: most})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := 0; n < 15_000; n += 500 {
		if _, err := s.Put(t.Context(), scans(n, n+500)); err != nil {
			t.Fatal(err)
		}
	}
	onDisk := func() (sum int64) {
		found, err := embedded.Inspect(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			sum += f.Bytes
		}
		return sum
	}
	for deadline := time.Now().Add(time.Minute); onDisk() > most+200<<10; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes on disk, want at most %d and what is written to", onDisk(), most)
		}
	}
	page, err := s.Search(t.Context(), store.Query{Limit: 1})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].ID != scanOf(14_999).ID {
		t.Errorf("the newest is %v, %v", page.Entries, err)
	}
	if page, _ = s.Search(t.Context(), store.Query{Limit: 1, OldestFirst: true}); page.Entries[0].ID == scanOf(0).ID {
		t.Error("the oldest is still there")
	}
}

// A copy that is made while records arrive holds all that was acknowledged before.
func TestABackupWhileRecordsArrive(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentRecords: 400})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var next atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var copying sync.RWMutex // held to read a copy: meanwhile no more is written, or the store would outgrow the test
	go func() {
		for n := 0; ctx.Err() == nil; n += 50 {
			copying.RLock()
			_, err := s.Put(ctx, scans(n, n+50))
			copying.RUnlock()
			if err != nil {
				if ctx.Err() == nil {
					done <- err
					return
				}
				break
			}
			next.Store(int64(n + 50))
		}
		done <- nil
	}()
	for range size(5, 50) {
		for from := next.Load(); next.Load() < from+300; time.Sleep(time.Millisecond) {
			select {
			case err := <-done:
				t.Fatal(err)
			default:
			}
		}
		before := int(next.Load())
		to := filepath.Join(t.TempDir(), "copy")
		if _, err := embedded.Backup(t.Context(), dir, to); err != nil {
			t.Fatal(err)
		}
		copying.Lock()
		clean(t, to)
		copied, err := embedded.Open(embedded.Config{Dir: to, SegmentRecords: 400})
		if err != nil {
			t.Fatal(err)
		}
		n, err := copied.Count(t.Context())
		if err != nil || int(n) < before {
			t.Errorf("%d records in the copy, %d were acknowledged before; %v", n, before, err)
		}
		found := everything(t, copied) // of what came meanwhile it may be any part
		for _, e := range scans(0, before) {
			if !bytes.Equal(found[e.ID], e.Raw) {
				t.Fatalf("%s is %q in the copy, want %q", e.ID, found[e.ID], e.Raw)
			}
		}
		if len(found) != int(n) {
			t.Errorf("%d records in the copy, found %d", n, len(found))
		}
		copied.Close()
		copying.Unlock()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

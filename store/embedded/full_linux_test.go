package embedded_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

// On a full disk nothing is acknowledged that is not there, all of it is readable,
// and writing goes on by itself when there is room.
func TestAFullDisk(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("NOT TESTED: a file system of its own wants root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(mount, 0) })
	ballast := filepath.Join(mount, "ballast")
	if err := os.WriteFile(ballast, make([]byte, size(56, 30)<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(mount, "store")
	cfg := embedded.Config{Dir: dir, SegmentRecords: 3000}
	s, err := embedded.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	entries := func(n int) (out []store.Entry) {
		for i := range 100 {
			noise := make([]byte, 0, 600) // does not compress
			for len(noise) < cap(noise) {
				noise = binary.BigEndian.AppendUint64(noise, rand.Uint64())
			}
			r := record.Record{Time: midnight.Add(time.Duration(n+i) * time.Second / 10), Message: base64.StdEncoding.EncodeToString(noise), Node: "n", Sequence: uint64(n + i + 1), CorrelationID: fmt.Sprint("j", (n+i)%50)}
			e, err := store.NewEntry(record.Append(nil, &r))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
		return out
	}
	readable := func(n int) {
		t.Helper()
		if got, err := s.Count(t.Context()); err != nil || got < int64(n) {
			t.Fatalf("%d records, %d were acknowledged; %v", got, n, err)
		}
		if got, _, err := s.ByKey(t.Context(), "j7", 100_000); err != nil || len(got) < n/50 {
			t.Fatalf("a journey has %d records, want %d; %v", len(got), n/50, err)
		}
	}
	stored, refusals := 0, 0
	var refused []store.Entry
	for refused == nil {
		batch := entries(stored)
		res, err := s.Put(t.Context(), batch)
		switch {
		case err == nil && res.Stored == len(batch):
			stored += len(batch)
		case errors.Is(err, store.ErrUnavailable) && len(res.Unsettled) == len(batch):
			refused = batch
		default:
			t.Fatalf("%+v, %v", res, err)
		}
	}
	for range 5 {
		readable(stored)
		if _, err := s.Put(t.Context(), refused); err == nil {
			break // sealing has made room meanwhile
		}
		refusals++
	}
	s.Close() // a restart in between
	if s, err = embedded.Open(cfg); err == nil {
		readable(stored)
	} else if s, err = nil, nil; err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	if s == nil {
		if s, err = embedded.Open(cfg); err != nil {
			t.Fatal(err)
		}
	}
	for {
		res, err := s.Put(t.Context(), refused)
		if err == nil {
			if res.Stored+res.Present != len(refused) {
				t.Fatalf("%+v", res)
			}
			break
		}
		if time.Since(freed) > time.Minute {
			t.Fatalf("still refused a minute after there was room: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Since(freed)
	readable(stored + len(refused))
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Count(t.Context()); err != nil || n != int64(stored+len(refused)) {
		t.Errorf("%d records, want %d; %v", n, stored+len(refused), err)
	}
	t.Logf("%d records fit, %d puts refused, written again %v after there was room (goal: 10 s)", stored, refusals+1, took.Round(time.Millisecond))
}
